#!/usr/bin/env bash
# The hand-off of blocks to threads under two model checkers: loom tries every order in which the
# threads can run, shuttle so many random ones (default 100000) of the whole writer and reader.
set -euo pipefail
cd "$(dirname "$0")/.."
models() {
    RUSTFLAGS="--cfg ranstream_$1" cargo test -p ranstream --release --no-default-features --lib --target-dir "target/$1" parallel::executor -- --show-output
}
export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-3} RANSTREAM_SHUTTLE=${1:-100000}
models loom
models shuttle
