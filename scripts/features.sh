#!/usr/bin/env bash
# What must build without a warning, its tests and examples too: the crate with no feature and with
# each one alone, and with `pairs` with every two; the members that have features of their own, or
# take some of the crate's.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t features < <(sed -n '/^\[features\]/,/^\[lints/s/^\([a-z-]*\) = .*/\1/p' Cargo.toml | grep -vx default)
[ "${#features[@]}" -gt 1 ]

check() {
    local said
    if ! said=$(cargo check --quiet --all-targets "$@" 2>&1) || [ -n "$said" ]; then
        printf '%s\nnot without an error or a warning: cargo check --all-targets %s\n' "$said" "$*"
        exit 1
    fi
    printf 'builds: %s\n' "$*"
}

with() { check -p ranstream --no-default-features --features "$1"; }

check -p ranstream --no-default-features
for i in "${!features[@]}"; do
    with "${features[i]}"
    [ "${1:-}" = pairs ] || continue
    for ((j = i + 1; j < ${#features[@]}; j++)); do
        with "${features[i]},${features[j]}"
    done
done
check -p ranstream-tensors --no-default-features
check -p ranstream-cli
check -p ranstream-object-store
