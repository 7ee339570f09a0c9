#!/usr/bin/env bash
# The kernels on processors that this machine is not, by qemu's user mode: the dispatcher on x86-64 without AVX2 and with it, and NEON on aarch64. What is not installed is skipped, and said.
# aarch64 takes a C compiler for linking (aarch64-linux-gnu-gcc) and a Rust compiler with that target's standard library; AARCH64_RUSTC names one other than `rustc`.
set -euo pipefail
cd "$(dirname "$0")/.."

skipped() { printf '%s: skipped\n' "$*"; }

# The unit tests of the library: what cargo built last.
tests() { cargo test --lib --profile checked --no-default-features --no-run --message-format json "$@" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -1; }

if command -v qemu-x86_64-static >/dev/null && [ "$(uname -m)" = x86_64 ]; then
    program=$(tests)
    # Processor, and the kernels that its tests insist on.
    while read -r processor kernels; do
        printf '\n== %s\n' "$processor"
        RANS_EXPECT_KERNELS=$kernels qemu-x86_64-static -cpu "$processor" "$program" simd:: 2> >(grep -v 'TCG doesn' >&2)
    done <<<'qemu64 portable
Nehalem portable
Haswell portable,avx2'
else
    skipped 'x86-64: qemu-x86_64-static is not here'
fi

export RUSTC=${AARCH64_RUSTC:-rustc}
target=aarch64-unknown-linux-gnu
if command -v qemu-aarch64-static aarch64-linux-gnu-gcc >/dev/null && [ -d "$("$RUSTC" --print target-libdir --target $target)" ]; then
    # Linked statically: qemu then needs no system of that architecture around it.
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS='-C target-feature=+crt-static' CARGO_TARGET_DIR=target/aarch64
    program=$(tests --target $target)
    printf '\n== aarch64\n'
    RANS_EXPECT_KERNELS=portable,neon qemu-aarch64-static "$program"
else
    skipped "aarch64: qemu-aarch64-static, aarch64-linux-gnu-gcc or the standard library of $target is not here"
fi
