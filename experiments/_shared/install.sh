# Installs what the build and the model download need. Sourced by quickstart.sh and Tests/run.sh.
#
#   ensure_system_packages [python]   Debian packages and the Swift toolchain; python3 with pip for downloads
#   ensure_cross_aarch64              what compiles C for AArch64 and runs it on another processor
#
# Installs only what is missing; not root, it prints the one line to run and stops.

say() { printf '\n==> %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

install_debian_packages() {
    command -v apt-get >/dev/null || fail "missing: $* (Debian's names); this system has no apt-get"
    if [ "$(id -u)" -ne 0 ]; then
        fail "missing system packages; run this line, then start again:
  sudo apt-get update && sudo apt-get install -y $*"
    fi
    say "Installing $*"
    apt-get update -qq || fail "apt-get update failed: is there a network?"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        fail "apt-get could not install $*"
}

ensure_system_packages() {
    local missing=()
    command -v git >/dev/null || missing+=(git) # SwiftPM fetches packages with it
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    if command -v pkg-config >/dev/null; then
        pkg-config --exists hdf5 || missing+=(libhdf5-dev)
        pkg-config --exists openblas || missing+=(libopenblas-dev)
        pkg-config --exists libcrypto || missing+=(libssl-dev)
        pkg-config --exists zlib || missing+=(zlib1g-dev)
    else
        missing+=(libhdf5-dev libopenblas-dev libssl-dev zlib1g-dev)
    fi
    if [ "${1:-}" != python ]; then
        : # nothing is to be downloaded
    elif ! command -v python3 >/dev/null; then
        missing+=(python3 python3-pip)
    elif ! python3 -m pip --version >/dev/null 2>&1; then
        missing+=(python3-pip)
    fi
    if [ ${#missing[@]} -gt 0 ]; then
        install_debian_packages "${missing[@]}"
    else
        say "System packages: all there"
    fi
    command -v swift >/dev/null || fail "there is no 'swift'; install the toolchain, 6.2 or later, from swift.org/install"
}

ensure_cross_aarch64() {
    local missing=()
    command -v aarch64-linux-gnu-gcc >/dev/null || missing+=(gcc-aarch64-linux-gnu)
    [ -e /usr/aarch64-linux-gnu/include/stdio.h ] || missing+=(libc6-dev-arm64-cross)
    command -v qemu-aarch64 >/dev/null || missing+=(qemu-user)
    [ ${#missing[@]} -eq 0 ] || install_debian_packages "${missing[@]}"
}
