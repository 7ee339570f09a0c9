#!/usr/bin/env bash
# What the crate must build with: every pair of features, the oldest compiler that Cargo.toml names,
# the oldest versions of its direct dependencies, and other systems; and a processor of 32 bits,
# where the tests run. What rustup has no toolchain or target for is skipped, aloud.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "every pair of features"
scripts/features.sh pairs

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

step "other systems"
installed=$(rustup target list --installed 2>/dev/null || true)
for target in x86_64-pc-windows-gnu aarch64-apple-darwin i686-unknown-linux-gnu wasm32-unknown-unknown; do
    what=(--all-features)
    # No threads and no files there: the coder alone.
    [ "$target" = wasm32-unknown-unknown ] && what=(-p ranstream --lib --no-default-features)
    if grep -qx "$target" <<<"$installed"; then
        RUSTFLAGS="-D warnings" cargo check --quiet "${what[@]}" --target "$target" --target-dir target/systems
        printf 'builds: %s\n' "$target"
    else
        printf 'skipped: rustup target add %s\n' "$target"
    fi
done

step "tests with 32 bits"
if grep -qx i686-unknown-linux-gnu <<<"$installed" && echo 'int main(void) { return 0; }' | cc -m32 -x c -o /dev/null - 2>/dev/null; then
    cargo test --quiet -p ranstream --all-features --lib --test it --target i686-unknown-linux-gnu --target-dir target/systems
else
    printf 'skipped: rustup target add i686-unknown-linux-gnu, and a C compiler with -m32\n'
fi
