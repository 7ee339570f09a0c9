#!/usr/bin/env bash
# Builds benchmark programs with OpenZL among the peers, and prints the folder that they are in.
# Arguments: the programs' names. OpenZL compiles for a minute, in a folder of its own; where it
# does not compile, the programs are built without it, aloud. Its crate leaves assertions on, which
# its own build does not.
set -euo pipefail
cd "$(dirname "$0")/.."
bins=()
for program; do bins+=(--bin "$program"); done
if CFLAGS="${CFLAGS:-} -DNDEBUG" RUSTFLAGS="--cfg ranstream_openzl" cargo build --release -p ranstream-benches --target-dir target/openzl "${bins[@]}" >&2; then
    printf 'target/openzl/release\n'
else
    printf 'OpenZL was not built; it is left out\n' >&2
    cargo build --release -p ranstream-benches "${bins[@]}" >&2
    printf 'target/release\n'
fi
