#!/usr/bin/env bash
# What CONTRIBUTING.md asks and a machine can see: where unsafe may stand, that each block says why
# it is safe, how long a file may be, how wide a comment, how wakers are called.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0

long=$(find src cli object-store python tensors tests examples benches scripts fuzz web/wasm -name '*.rs' -not -path '*/target/*' -exec wc -l {} + 2>/dev/null | awk '$2 != "total" && $1 > 600')
if [ -n "$long" ]; then
    printf 'longer than 600 lines:\n%s\n' "$long"
    bad=1
fi

stray=$(grep -rnE '\bunsafe\b *(\{|fn|impl)' src cli object-store python tensors web/wasm/src web/wasm/examples --include='*.rs' | grep -vE '^src/(simd|gpu)/|^python/src/buffer\.rs' || true)
if [ -n "$stray" ]; then
    printf 'unsafe outside src/simd, src/gpu and python/src/buffer.rs:\n%s\n' "$stray"
    bad=1
fi

# grep ends with 1 where it finds nothing, which is no fault here.
blocks=$(grep -rhE '\bunsafe *\{' src python/src web/wasm/src --include='*.rs' | wc -l || true)
reasons=$(grep -rhE '// SAFETY:' src python/src web/wasm/src --include='*.rs' | wc -l || true)
if [ "$blocks" -gt "$reasons" ]; then
    printf '%s unsafe blocks, %s SAFETY lines\n' "$blocks" "$reasons"
    bad=1
fi

# In characters, not bytes.
wide=$(git ls-files '*.rs' '*.wgsl' '*.ts' '*.js' '*.mjs' '*.css' '*.py' '*.pyi' '*.sh' '*.toml' .ci/run | xargs grep -HnE '^ *(//|# |/?\*\*? )' | LC_ALL=C.UTF-8 grep -E '^[^:]*:[0-9]+:.{101,}' || true)
if [ -n "$wide" ]; then
    printf 'comments wider than 100 columns:\n%s\n' "$wide"
    bad=1
fi

# A waker is the user's: it is called through `call_out`, which asserts that no lock is held. Locks
# beside src/sync.rs are what clippy.toml forbids.
wakes=$(grep -rnE '\.wake(_by_ref)?\(\)|waker\(\)\.clone\(\)' src --include='*.rs' | grep -v 'call_out(' || true)
if [ -n "$wakes" ]; then
    printf 'a waker beside call_out:\n%s\n' "$wakes"
    bad=1
fi

printf 'unsafe blocks: %s, SAFETY lines: %s\n' "$blocks" "$reasons"
exit "$bad"
