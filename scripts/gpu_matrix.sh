#!/usr/bin/env bash
# The GPU tests on software devices: on Mesa's llvmpipe with subgroups of 4, 8 and 16 invocations,
# and on SwiftShader, whose shader compiler is another one. Every form of the kernel runs in each.
# `RANS_GPU_BATCHES` is how many random batches each form decodes, `RANS_GPU_ENCODE_BATCHES` how
# many it encodes. Needs the packages mesa-vulkan-drivers and libvulkan1, or what your system calls
# them. SwiftShader comes with the package chromium-common: from where it is installed, or from the
# package alone, which is fetched once and kept below target/.
set -euo pipefail
cd "$(dirname "$0")/.."
export RANS_REQUIRE_GPU=1
# The drivers complain when this is not set, and do not use it.
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}

# Of the same packages as `cargo test --all-features`: all of it is built then.
run() { cargo test --all-features --test gpu; }

# Says where SwiftShader's driver is.
swiftshader() {
    local installed=/usr/lib/chromium kept=${CARGO_TARGET_DIR:-target}/swiftshader
    for folder in "$installed" "$kept"; do
        [ -e "$folder/libvk_swiftshader.so" ] && [ -e "$folder/vk_swiftshader_icd.json" ] && { realpath "$folder/vk_swiftshader_icd.json"; return; }
    done
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    local fetched
    fetched=$(mktemp -d)
    # The driver needs nothing of the browser around it.
    (cd "$fetched" && timeout 120 apt-get download -q chromium-common && dpkg-deb --fsys-tarfile chromium-common_*.deb |
        tar -x --wildcards '*/libvk_swiftshader.so' '*/vk_swiftshader_icd.json') >/dev/null 2>&1 || { rm -rf "$fetched"; return 1; }
    mkdir -p "$kept"
    find "$fetched" -name '*swiftshader*' -type f -exec mv {} "$kept" \;
    rm -rf "$fetched"
    [ -e "$kept/vk_swiftshader_icd.json" ] && realpath "$kept/vk_swiftshader_icd.json"
}

for width in 128 256 512; do
    printf '\n== llvmpipe, vectors of %s bits\n' "$width"
    RANS_GPU_ADAPTER=${RANS_GPU_ADAPTER:-llvmpipe} LP_NATIVE_VECTOR_WIDTH=$width run
done

if icd=$(swiftshader); then
    printf '\n== SwiftShader\n'
    # It is slower by far.
    RANS_GPU_BATCHES=${RANS_GPU_BATCHES:-50} RANS_GPU_ENCODE_BATCHES=${RANS_GPU_ENCODE_BATCHES:-15} RANS_GPU_ADAPTER=swiftshader VK_DRIVER_FILES=$icd run
else
    printf '\nSwiftShader: skipped, the package chromium-common is neither installed nor to be had\n'
fi
