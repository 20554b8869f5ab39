# Sourced by the comparisons with llama.cpp: its Python package, built from source for this processor.

llama_cpp_packages="$root/.build-python/llama-cpp"

# Installs llama.cpp unless it is there, and the packages that are named besides.
install_llama_cpp() {
    if [ ! -d "$llama_cpp_packages/llama_cpp" ]; then
        say "llama.cpp from source"
        CMAKE_BUILD_PARALLEL_LEVEL="$(nproc)" CMAKE_ARGS="-DGGML_NATIVE=ON -DLLAMA_BUILD_EXAMPLES=OFF" \
            python3 -m pip install --quiet --no-warn-conflicts --root-user-action ignore --no-binary llama-cpp-python \
            --target "$llama_cpp_packages" llama-cpp-python==0.3.36
    fi
    for package in "$@"; do
        [ -d "$llama_cpp_packages/$package" ] || python3 -m pip install --quiet --no-warn-conflicts \
            --root-user-action ignore --target "$llama_cpp_packages" "$package"
    done
}
