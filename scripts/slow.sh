#!/usr/bin/env bash
# What is too slow for .ci/run: the tests that it leaves out, with each kernel; the models; the
# matrix of builds; memcheck and Miri; and each fuzz target for so many seconds (default 15). An
# hour or two.
set -euo pipefail
cd "$(dirname "$0")/.."
for kernel in portable avx2; do
    RANS_KERNEL=$kernel cargo test -p ranstream --all-features --test it -- --ignored
done
cargo test -p ranstream --lib -- --ignored
scripts/models.sh
scripts/matrix.sh
scripts/memcheck.sh
scripts/miri.sh
scripts/fuzz.sh "${1:-15}"
