#!/usr/bin/env bash
# Measures ours beside its peers on one core, writes the page of this processor in docs/benchmarks,
# and brings the README's figures up to date. Arguments: a folder of files to measure (default: data
# made by the program), rounds (default 5).
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] && [ -n "$1" ] && RANS_BENCH_CORPUS=$(realpath "$1") && export RANS_BENCH_CORPUS
programs=$(scripts/bench_programs.sh report threads)
page=$(scripts/pinned.sh "$programs/report" docs/benchmarks "${2:-5}")
"$programs/threads" 256 "${2:-5}" >>"$page"
RANS_BLESS=1 cargo test --quiet --test it benchmarks
printf 'written: %s\n' "$page"
