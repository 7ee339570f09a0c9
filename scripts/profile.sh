#!/usr/bin/env bash
# Usage: scripts/profile.sh --stage STAGE --size N --iterations N [--decompress]
# Profiles a block of level 0 (rans), 3 (lz) or 1 to 7 (lz1 to lz7): how its time is shared by
# steps, then by functions. With perf where it is, by the clock where a virtual machine has no
# counters; else with valgrind's callgrind. RANS_BENCH_CORPUS is a folder of files.
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

# A part of a function's name, and the step that it belongs to; the first that fits counts.
names() {
    cat <<'LIST'
crc32c                   checksum
lz::matcher              search for matches
lz::execute              matches: offsets and lengths
lz::copy                 matches: copies
lz::|sequences::         sequences and literals
histogram                histograms
pivot                    entropy coding: pivot
simd::|lanes|rans::      entropy coding: lanes and scalar forms
section::|model::|format:: entropy coding: sections and models
ranstream_benches|round  making the sample
mem(cpy|move|set|cmp)    copies and fills of memory
\[k\]                    system
.                        other
LIST
}

# The sum of each step, the largest first, of lines with a percentage and a function.
steps() {
    awk '
        NR == FNR { pattern[NR] = $1; sub(/^[^ ]+ +/, ""); step[NR] = $0; next }
        $1 ~ /%$/ {
            for (i = 1; $0 !~ pattern[i]; i++) {}
            sum[step[i]] += $1
        }
        END { for (name in sum) printf "%6.1f %%  %s\n", sum[name], name }
    ' <(names) - | sort -rn
}

cargo build --release -p ranstream-benches --bin profile
program=(target/release/profile "$stage" "$size" "$iterations" "${direction[@]}")
out=target/profile
mkdir -p "$out"
event=
if command -v perf >/dev/null; then
    if perf stat -e instructions true 2>&1 | grep -q '[0-9] *instructions'; then
        event=cycles
    elif perf stat -e cpu-clock true 2>/dev/null; then
        event=cpu-clock
    fi
fi
if [ -n "$event" ]; then
    perf record -e "$event" -F 2000 -o "$out/perf.data" "${program[@]}"
    perf report -i "$out/perf.data" --stdio --no-children --sort symbol >"$out/functions.txt"
    printf '\nSteps, %s:\n' "$event"
    steps <"$out/functions.txt"
    printf '\nFunctions:\n'
    grep '%' "$out/functions.txt" | head -30
elif command -v valgrind >/dev/null; then
    valgrind --tool=callgrind --callgrind-out-file="$out/callgrind.out" "${program[@]}"
    callgrind_annotate "$out/callgrind.out" | head -60
else
    printf 'neither perf nor valgrind is there; the plain run took:\n'
    time "${program[@]}"
fi
