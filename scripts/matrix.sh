#!/usr/bin/env bash
# What the crate must build with: every pair of features, the oldest compiler that Cargo.toml names, and the oldest versions of its direct dependencies. The last two are skipped, aloud, where rustup has no such toolchain.
set -euo pipefail
cd "$(dirname "$0")/.."
features=(rayon futures-io tokio codec cli gpu)

step() { printf '\n== %s\n' "$*"; }

step "every pair of features"
check() { cargo check --quiet --no-default-features --features "$1" && printf 'builds: %s\n' "${1:-none}"; }
check ""
for i in "${!features[@]}"; do
    check "${features[i]}"
    for ((j = i + 1; j < ${#features[@]}; j++)); do
        check "${features[i]},${features[j]}"
    done
done

oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
step "Rust $oldest"
if toolchain=$(rustup toolchain list 2>/dev/null | grep -m 1 -o "^$oldest[^ ]*"); then
    cargo "+$toolchain" check --quiet --all-features --target-dir "target/$oldest"
    printf 'builds with %s\n' "$toolchain"
else
    printf 'skipped: rustup toolchain install %s\n' "$oldest"
fi

step "oldest direct dependencies"
if rustup toolchain list 2>/dev/null | grep -q '^nightly'; then
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
    git ls-files -z | xargs -0 cp --parents -t "$copy"
    (cd "$copy" && rm Cargo.lock && cargo +nightly generate-lockfile --quiet -Z direct-minimal-versions)
    cargo check --quiet --all-features --all-targets --manifest-path "$copy/Cargo.toml" --target-dir target/oldest
    printf 'builds with them\n'
else
    printf 'skipped: rustup toolchain install nightly\n'
fi
