#!/usr/bin/env bash
# The package @ranstream/web: builds it, and runs its tests in Node and in headless Chromium. It
# installs what it needs where it can, and says what it could not. web.sh build: only builds, into
# web/dist. CHROMIUM=0 leaves the browser out.
set -euo pipefail
cd "$(dirname "$0")/.."
target=wasm32-unknown-unknown
dist=$PWD/web/dist

skipped() { printf 'web: skipped: %s\n' "$*"; exit 0; }
missing() { printf 'web: %s\n' "$*"; }

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    wanted=binaryen
    [ "${CHROMIUM:-1}" = 0 ] || [ "${1:-test}" = build ] || wanted="$wanted chromium"
    for package in $wanted; do
        dpkg -s "$package" >/dev/null 2>&1 || timeout 150 apt-get install -y -q --no-install-recommends "$package" >/dev/null 2>&1 || missing "$package cannot be installed"
    done
fi
command -v node >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || skipped 'Node 20 or newer is not here'
command -v npm >/dev/null || skipped 'npm is not here'
if command -v rustup >/dev/null; then
    timeout 120 rustup target add $target >/dev/null 2>&1 || true
    timeout 120 rustup component add rust-src >/dev/null 2>&1 || true
fi
# The standard library's source makes a .wasm that is a fifth smaller: built for size, and without
# the text of panics and their places, which would also make it longer where the checkout's path is.
source_of_std="$(rustc --print sysroot)/lib/rustlib/src/rust/library/std"
[ -d "$source_of_std" ] || [ -d "$(rustc --print target-libdir --target $target 2>/dev/null)" ] || skipped "the standard library of $target is not here, nor is its source"
(cd web && timeout 120 npm ci --no-fund --no-audit --silent) || skipped 'npm cannot install esbuild and typescript'

# Part of the package, file, optimisation: for size where it would be too large else, and where a
# device does the work.
build() {
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=$3
    local features=(--release --target $target --no-default-features --features "$1") simd=-Ctarget-feature=+simd128
    local small=(-Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size)
    if [ -d "$source_of_std" ] && RUSTC_BOOTSTRAP=1 RUSTFLAGS="$simd -Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none" cargo build -q "${features[@]}" "${small[@]}" --target-dir "target/small-$3"; then
        cp "target/small-$3/$target/release/ranstream_web.wasm" "$2"
        is_small=1
    else
        missing 'the standard library is taken as it comes: the .wasm is larger'
        RUSTFLAGS=$simd cargo build -q "${features[@]}"
        cp target/$target/release/ranstream_web.wasm "$2"
    fi
    if command -v wasm-opt >/dev/null; then
        # The first KiB of memory is the far end of the stack: nothing stands there, so that offsets
        # can be part of loads and stores.
        wasm-opt -Os --converge --low-memory-unused --enable-bulk-memory --enable-simd --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals "$2" -o "$2"
    else
        missing 'wasm-opt is not here: the .wasm is larger'
        is_small=0
    fi
}

mkdir -p "$dist"
is_small=0
(
    cd web/wasm
    build decode "$dist/ranstream.wasm" 2
    build encode "$dist/ranstream-encoder.wasm" s
    build file "$dist/ranstream-file.wasm" s
    build gpu "$dist/ranstream-gpu.wasm" s
    for file in ranstream ranstream-encoder ranstream-file ranstream-gpu; do
        size=$(stat -c %s "$dist/$file.wasm")
        printf '%s.wasm: %s bytes, %s packed\n' "$file" "$size" "$(gzip -9 -c "$dist/$file.wasm" | wc -c)"
        if [ "$size" -gt 200000 ] && [ $is_small = 1 ]; then
            printf 'web: %s.wasm has more than 200000 bytes\n' "$file"
            exit 1
        fi
    done
)
(cd web && npx --no-install tsc -p . && node build.mjs)
[ "${1:-test}" != build ] || exit 0

cargo clippy -q --manifest-path web/wasm/Cargo.toml --all-targets -- -D warnings
(cd web/wasm && cargo fmt --check && cargo run -q --example answers -- ../../tests/golden "$dist/answers")

# The kernels of WebAssembly against the scalar code: the library's own tests, in Node.
wasi=wasm32-wasip1
command -v rustup >/dev/null && timeout 120 rustup target add $wasi >/dev/null 2>&1 || true
if [ -d "$(rustc --print target-libdir --target $wasi 2>/dev/null)" ]; then
    CARGO_TARGET_WASM32_WASIP1_RUNNER="node --no-warnings $PWD/web/test/wasi.mjs" RUSTFLAGS=-Ctarget-feature=+simd128 RANS_EXPECT_KERNELS=portable,simd128 \
        cargo test -q -p ranstream --lib --no-default-features --target $wasi --target-dir web/wasm/target/wasi -- simd:: pivot::
else
    missing "the kernels' tests: skipped, the standard library of $wasi is not here"
fi

# Side by side: each is busy on one core.
browser=0
if [ "${CHROMIUM:-1}" != 0 ] && command -v chromium >/dev/null; then
    node web/test/browser.mjs >"$dist/browser.log" 2>&1 &
    browser=$!
fi
printf '\n== Node %s\n' "$(node -p process.version)"
failed=0
node web/test/node.mjs || failed=1
if [ $browser != 0 ]; then
    wait $browser || failed=1
    printf '\n== %s\n' "$(chromium --version 2>/dev/null)"
    cat "$dist/browser.log"
else
    missing 'tests in a browser: skipped, Chromium is not here'
fi
exit $failed
