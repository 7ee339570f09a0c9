#!/usr/bin/env bash
# Measures our levels beside zstd, lz4, snappy, deflate and OpenZL's LZ, on one core and then on
# all, writes the page of this processor, docs/benchmarks/lz-*.md, with its plots, and brings the
# README's table of levels up to date. Arguments: a folder of files to measure, rounds (default 3).
# 50 MB in 17 files take three and a half minutes with three rounds on two idle cores; the programs
# take three minutes to compile the first time.
set -euo pipefail
if [ $# -lt 1 ]; then
    printf 'usage: %s FOLDER [ROUNDS]\n' "$0" >&2
    exit 2
fi
folder=$(realpath "$1")
cd "$(dirname "$0")/.."
programs=$(scripts/bench_programs.sh throughput_lzr)
# The page says that its kernels are the default ones.
page=$(env -u RANS_KERNEL scripts/pinned.sh "$programs/throughput_lzr" "$folder" "${2:-3}" docs/benchmarks)
env -u RANS_KERNEL "$programs/throughput_lzr" --all-cores "$folder" "${2:-3}" docs/benchmarks >>"$page"
RANS_BLESS=1 cargo test --quiet --test it benchmarks
printf 'written: %s\n' "$page"
