#!/usr/bin/env bash
# Runs every fuzz target for so many seconds (default 15), whatever `cargo fuzz list` prints, from
# the seeds that the program `seeds` writes and what earlier runs found. More words are targets to
# run instead of all. `RUNS` ends a target after so many executions. Needs cargo-fuzz and a nightly
# toolchain.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-15}
shift || true
cargo run --quiet --manifest-path fuzz/Cargo.toml --example seeds
cargo +nightly fuzz build
# What was freed is kept for a while, to catch who still uses it. The default of 256 MB would be
# half of what a target may take.
export ASAN_OPTIONS=quarantine_size_mb=32
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
for target in "${targets[@]}"; do
    printf '\n== %s\n' "$target"
    mkdir -p "fuzz/artifacts/$target"
    log="fuzz/artifacts/$target.log"
    cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -runs="${RUNS:--1}" -timeout=5 -rss_limit_mb=512 -malloc_limit_mb=64 -max_len=4096 -print_final_stats=1 >"$log" 2>&1 || true
    grep -E 'SUMMARY|ERROR|panicked|cov: |stat::number_of_executed_units|stat::average_exec|stat::peak_rss|^Done' "$log" | grep -vE '(REDUCE|NEW|RELOAD|pulse)' || true
    if [ -n "$(ls -A "fuzz/artifacts/$target")" ]; then
        printf '%s found something: fuzz/artifacts/%s\n' "$target" "$target"
        exit 1
    fi
done
