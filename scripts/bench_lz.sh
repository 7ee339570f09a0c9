#!/usr/bin/env bash
# Measures our levels beside zstd, lz4 and deflate on one core, and writes the page of this
# processor, docs/benchmarks/lz-*.md. Arguments: a folder of files to measure, rounds (default 3).
set -euo pipefail
if [ $# -lt 1 ]; then
    printf 'usage: %s FOLDER [ROUNDS]\n' "$0" >&2
    exit 2
fi
folder=$(realpath "$1")
cd "$(dirname "$0")/.."
cargo build --release -p ranstream-benches --bin throughput_lzr
# The page says that its kernels are the default ones.
page=$(env -u RANS_KERNEL scripts/pinned.sh target/release/throughput_lzr "$folder" "${2:-3}" docs/benchmarks)
printf 'written: %s\n' "$page"
