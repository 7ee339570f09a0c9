#!/usr/bin/env bash
# The GPU tests on Mesa's software device, llvmpipe, with subgroups of 4, 8 and 16 invocations; every form of the kernel runs in each.
# `RANS_GPU_BATCHES` is how many random batches each form decodes. Needs the packages mesa-vulkan-drivers and libvulkan1, or what your system calls them.
set -euo pipefail
cd "$(dirname "$0")/.."
export RANS_REQUIRE_GPU=1 RANS_GPU_ADAPTER=${RANS_GPU_ADAPTER:-llvmpipe}
# The driver complains when this is not set, and does not use it.
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}

for width in 128 256 512; do
    printf '\n== vectors of %s bits\n' "$width"
    LP_NATIVE_VECTOR_WIDTH=$width cargo test -p ranstream --all-features --profile checked --test gpu
done
