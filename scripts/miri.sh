#!/usr/bin/env bash
# Miri: wrong pointers, alignments, races and uninitialised memory show at the step that has them.
# The kernels of x86-64 with AVX2 on good and on damaged payloads, sections of every form, room that
# was not zeroed, and the hand-off between threads. Needs a nightly toolchain with miri. It takes a
# quarter of an hour.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! cargo +nightly miri --version >/dev/null 2>&1; then
    printf 'skipped: rustup +nightly component add miri rust-src\n'
    exit 0
fi
export RUSTFLAGS='-C target-feature=+avx2,+bmi2,+popcnt' RANS_EXPECT_KERNELS=avx2
test=(cargo +nightly miri test --quiet -p ranstream --lib --target-dir target/miri)

MIRIFLAGS=-Zmiri-disable-isolation "${test[@]}" --no-default-features -- a_few_lengths every_section_decodes simd::spare
# The queue under rayon's threads is right by the rules of tree borrows only, and its threads
# never end.
MIRIFLAGS='-Zmiri-disable-isolation -Zmiri-tree-borrows -Zmiri-ignore-leaks -Zmiri-permissive-provenance' \
    "${test[@]}" -- parallel::ordered parallel::slices
