#!/usr/bin/env bash
# A bounded set of tests under valgrind's memcheck: the coders, both kernels against each other, the
# wire, and every golden file. Another list of test filters may be given.
set -euo pipefail
cd "$(dirname "$0")/.."
# Valgrind knows no AVX-512 and shows the program a processor without: the loop of CRC-32C is not
# run here.
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="valgrind --quiet --error-exitcode=9 --leak-check=no"
export PROPTEST_CASES=${PROPTEST_CASES:-4}
for kernel in portable avx2; do
    printf '\n== %s\n' "$kernel"
    RANS_KERNEL=$kernel cargo test -p ranstream --all-features --lib -- "${@:-format::}" rans:: simd:: --skip garbage_words --test-threads 1
    RANS_KERNEL=$kernel cargo test -p ranstream --all-features --test it -- golden:: crafted::scale crafted::states misuse:: reuse:: round_trip::a_vector --test-threads 1
done
