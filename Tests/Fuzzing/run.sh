#!/usr/bin/env bash
# Feeds a parser of ours with input that libFuzzer makes, under the address sanitizer.
#
#   bash Tests/Fuzzing/run.sh PARSER SECONDS      e.g. gguf 600
#   bash Tests/Fuzzing/run.sh --list              names the parsers
#   bash Tests/Fuzzing/run.sh PARSER FILE…        runs the files again, each once
#
# An input that crashes, takes a second, or takes more memory than Harness.swift allows ends the run with a status other
# than 0 and is left in .build-fuzz/found/; once mended, put it into Tests/Fuzzing/Corpus/PARSER, whose files the tests
# read too. The second is of the thread's own time, so that the machine may be busy with other work. What the run
# learns stays in .build-fuzz/learned/ and is where the next one begins.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
# shellcheck source=../../experiments/_shared/install.sh
. "$root/experiments/_shared/install.sh"
cd "$root"

# Inputs are at most 64 KB, and Harness.swift counts what a parser takes for one. This is for the process: the
# sanitizer, the runtime and what libFuzzer remembers.
LIMIT_MB=256
LARGEST_INPUT=65536

parsers() { for file in Tests/Fuzzing/Targets/*.swift; do basename "$file" .swift; done; }

case "${1:-}" in
    --list) parsers; exit 0 ;;
    "" | -h | --help) sed -n '2,11p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; exit 0 ;;
esac
parser="$1"
shift
target="Tests/Fuzzing/Targets/$parser.swift"
[ -e "$target" ] || fail "there is no parser '$parser'; one of: $(parsers | paste -sd ' ')"
[ $# -gt 0 ] || fail "say for how many seconds, or which files"

out=.build-fuzz
mkdir -p "$out/found" "$out/learned/$parser" "Tests/Fuzzing/Corpus/$parser"
flags=(-O -swift-version 6 -package-name KVAtlas -parse-as-library -sanitize=fuzzer,address -enable-testing "-I$out")

# module NAME: an object file and an interface of the target, unless it is newer than its sources.
module() {
    if [ -e "$out/$1.o" ] && [ -z "$(find "Sources/$1" -newer "$out/$1.o" -name '*.swift' | head -1)" ]; then return; fi
    say "Compiling $1"
    mapfile -t sources < <(find "Sources/$1" -name '*.swift' | sort)
    swiftc -c -wmo "${flags[@]}" -module-name "$1" -emit-module -emit-module-path "$out/$1.swiftmodule" \
        -o "$out/$1.o" "${sources[@]}"
}

# The modules that a target needs are those that it imports, and these import none but TensorCore.
objects=()
for name in TensorCore $(sed -n 's/^\(@testable \)\{0,1\}import \(ModelFormats\|Tokenizers\)$/\2/p' "$target"); do
    module "$name"
    objects+=("$out/$name.o")
done
# What Linux' gold makes of the sanitizers' own symbols is a page of warnings.
linker=()
! command -v ld.lld >/dev/null || linker=(-use-ld=lld)
say "Compiling $parser"
swiftc "${flags[@]}" "${linker[@]}" -module-name Fuzzing "$target" Tests/Fuzzing/Harness.swift "${objects[@]}" -o "$out/fuzz-$parser"

# Leaks are not looked for: the runtime keeps what it made once. Freed memory is held back for later accesses to be
# found, but not so much of it that it hides what a parser takes.
export ASAN_OPTIONS="detect_leaks=0:quarantine_size_mb=16:${ASAN_OPTIONS:-}"
# Swift's own report of a crash waits for a debugger's answers here; libFuzzer's says which input it was.
export SWIFT_BACKTRACE=enable=no
# The harness times inputs; this is for one that never ends.
options=(-timeout=60 "-rss_limit_mb=$LIMIT_MB" "-max_len=$LARGEST_INPUT" "-artifact_prefix=$out/found/$parser-")
if [[ $# -eq 1 && "$1" =~ ^[1-9][0-9]*$ ]]; then
    say "Fuzzing $parser for $1 seconds"
    dictionary="Tests/Fuzzing/Dictionaries/$parser.txt"
    [ ! -e "$dictionary" ] || options+=("-dict=$dictionary")
    "$out/fuzz-$parser" "${options[@]}" "-max_total_time=$1" -print_final_stats=1 \
        "$out/learned/$parser" "Tests/Fuzzing/Corpus/$parser"
else
    "$out/fuzz-$parser" "${options[@]}" "$@"
fi
