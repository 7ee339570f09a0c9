#!/usr/bin/env bash
# Measures ours beside its peers on one core and writes docs/benchmarks. Arguments: a folder of files to measure (default: data made by the program), rounds (default 5).
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] && [ -n "$1" ] && RANS_BENCH_CORPUS=$(realpath "$1") && export RANS_BENCH_CORPUS
cargo build --release -p ranstream-benches --bin report --bin threads
pin=()
command -v taskset >/dev/null && pin=(taskset -c "$(($(nproc) - 1))")
"${pin[@]}" target/release/report docs/benchmarks "${2:-5}"
target/release/threads 256 "${2:-5}" >>docs/benchmarks/README.md
printf 'written: docs/benchmarks/README.md\n'
