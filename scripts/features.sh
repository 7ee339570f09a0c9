#!/usr/bin/env bash
# What must build without a warning, alone and with its tests and examples: the crate with no
# feature and with each one alone, and with `pairs` with every two; tensors without threads, the
# command and object-store.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t features < <(sed -n '/^\[features\]/,/^\[lints/s/^\([a-z0-9_-]*\) = .*/\1/p' Cargo.toml | grep -vx default)
if [ "${#features[@]}" -lt 2 ]; then
    printf 'Cargo.toml: no features found\n' >&2
    exit 1
fi
# What cargo says while it loads is no warning.
cargo fetch --quiet

check() {
    local said targets
    # Tests have features of dependencies that the library alone may lack.
    for targets in "" --all-targets; do
        if ! said=$(cargo check --quiet $targets "$@" 2>&1) || [ -n "$said" ]; then
            printf '%s\nnot without an error or a warning: cargo check %s\n' "$said" "$targets $*"
            exit 1
        fi
    done
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
