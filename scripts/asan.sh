#!/usr/bin/env bash
# AddressSanitizer over the coders: the unit tests, in which every kernel meets garbage. Other words
# are filters for the tests to run. The sanitizer is not stable yet; RUSTC_BOOTSTRAP lets a stable
# compiler use it too.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address --cfg ranstream_unit_tests" CARGO_TARGET_DIR=target/asan
cargo test -p ranstream --lib --no-default-features --target "$(rustc -vV | sed -n 's/host: //p')" -- "$@"
