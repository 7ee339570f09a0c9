#!/usr/bin/env bash
# The kernels on processors that this machine is not, by qemu's user mode: the dispatcher on x86-64
# without AVX2 and with it, NEON on aarch64, and s390x, whose bytes go the other way. What is not
# installed is skipped, and said. A foreign architecture takes a C compiler for linking
# (aarch64-linux-gnu-gcc, s390x-linux-gnu-gcc) and a Rust compiler with that target's standard
# library; AARCH64_RUSTC and S390X_RUSTC name one other than `rustc`.
set -euo pipefail
cd "$(dirname "$0")/.."

skipped() { printf '%s: skipped\n' "$*"; }

# The unit tests of the library: what cargo built last.
tests() { cargo test -p ranstream --lib --no-default-features --no-run --message-format json "$@" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -1; }

if command -v qemu-x86_64-static >/dev/null && [ "$(uname -m)" = x86_64 ]; then
    program=$(tests)
    # Processor, and the kernels that its tests insist on. avx2-gather is left out: qemu 7.2 takes a
    # gather whose indices are in ymm4 for one without indices.
    while read -r processor kernels; do
        printf '\n== %s\n' "$processor"
        RANS_EXPECT_KERNELS=$kernels RANS_SKIP_KERNELS=avx2-gather qemu-x86_64-static -cpu "$processor" "$program" simd:: 2> >(grep -v 'TCG doesn' >&2)
    done <<<'qemu64 portable
Nehalem portable
Haswell portable,avx2'
else
    skipped 'x86-64: qemu-x86_64-static is not here'
fi

# Architecture, Rust compiler, and the kernels that its tests insist on. Linked statically: qemu
# then needs no system of that architecture around it.
foreign() {
    local target=$1-unknown-linux-gnu linker=$1-linux-gnu-gcc program
    export RUSTC=$2
    if command -v "qemu-$1-static" >/dev/null && command -v "$linker" >/dev/null && [ -d "$("$RUSTC" --print target-libdir --target "$target")" ]; then
        export CARGO_ENCODED_RUSTFLAGS="-Clinker=$linker"$'\x1f'"-Ctarget-feature=+crt-static"$'\x1f'"--cfg=ranstream_unit_tests" CARGO_TARGET_DIR=target/$1
        program=$(tests --target "$target")
        printf '\n== %s\n' "$1"
        RANS_EXPECT_KERNELS=$3 "qemu-$1-static" "$program"
    else
        skipped "$1: qemu-$1-static, $linker or the standard library of $target is not here"
    fi
}

foreign aarch64 "${AARCH64_RUSTC:-rustc}" portable,neon
foreign s390x "${S390X_RUSTC:-rustc}" portable
