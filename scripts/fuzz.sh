#!/usr/bin/env bash
# Runs every fuzz target for so many seconds (default 15), whatever `cargo fuzz list` prints. Needs cargo-fuzz and a nightly toolchain.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-15}
cargo +nightly fuzz build
for target in $(cargo +nightly fuzz list); do
    printf '\n== %s\n' "$target"
    cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -timeout=5 -rss_limit_mb=512 -max_len=4096 -print_final_stats=1 2>&1 |
        grep -E 'SUMMARY|ERROR|panicked|stat::number_of_executed_units|Done' || true
    if [ -n "$(ls -A "fuzz/artifacts/$target" 2>/dev/null)" ]; then
        printf '%s found something: fuzz/artifacts/%s\n' "$target" "$target"
        exit 1
    fi
done
