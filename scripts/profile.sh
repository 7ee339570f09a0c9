#!/usr/bin/env bash
# Profiles one stage: scripts/profile.sh --stage rans --size N --iterations N [--decompress]. With
# perf where it is, else with valgrind's callgrind.
set -euo pipefail
cd "$(dirname "$0")/.."
stage=rans size=262144 iterations=2000 direction=()
while [ $# -gt 0 ]; do
    case $1 in
    --stage) stage=$2 && shift 2 ;;
    --size) size=$2 && shift 2 ;;
    --iterations) iterations=$2 && shift 2 ;;
    --decompress) direction=(--decompress) && shift ;;
    *)
        sed -n '2s/^# //p' "$0" >&2
        exit 2
        ;;
    esac
done
cargo build --release -p ranstream-benches --bin profile
program=(target/release/profile "$stage" "$size" "$iterations" "${direction[@]}")
out=target/profile
mkdir -p "$out"
if command -v perf >/dev/null && perf stat -e instructions true 2>/dev/null; then
    perf record -o "$out/perf.data" --call-graph dwarf "${program[@]}"
    perf report -i "$out/perf.data" --stdio --no-children | head -60
elif command -v valgrind >/dev/null; then
    valgrind --tool=callgrind --callgrind-out-file="$out/callgrind.out" "${program[@]}"
    callgrind_annotate "$out/callgrind.out" | head -60
else
    printf 'neither perf nor valgrind is there; the plain run took:\n'
    time "${program[@]}"
fi
