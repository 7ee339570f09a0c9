#!/usr/bin/env bash
# Measures pivot beside Huff0, lanes and OpenZL's PivCo-Huffman on one core, and writes the page of
# this processor, docs/benchmarks/pivot-*.md: sizes, short sections, speeds. Arguments: a folder of
# files to measure, rounds (default 5).
set -euo pipefail
if [ $# -lt 1 ]; then
    printf 'usage: %s FOLDER [ROUNDS]\n' "$0" >&2
    exit 2
fi
folder=$(realpath "$1")
cd "$(dirname "$0")/.."
programs=$(scripts/bench_programs.sh pivot)
# The page says that its kernels are the default ones.
page=$(env -u RANS_KERNEL scripts/pinned.sh "$programs/pivot" "$folder" "${2:-5}" docs/benchmarks)
printf 'written: %s\n' "$page"
