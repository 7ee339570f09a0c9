#!/usr/bin/env bash
# Miri over the kernels of x86-64 with AVX2, on good and on damaged payloads: wrong pointers, alignments and uninitialised memory show at the step that has them. Needs a nightly toolchain with miri.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! cargo +nightly miri --version >/dev/null 2>&1; then
    printf 'skipped: rustup +nightly component add miri rust-src\n'
    exit 0
fi
export MIRIFLAGS=-Zmiri-disable-isolation RUSTFLAGS='-C target-feature=+avx2,+bmi2,+popcnt' RANS_EXPECT_KERNELS=avx2
cargo +nightly miri test --quiet -p ranstream --no-default-features --lib --target-dir target/miri -- a_few_lengths
