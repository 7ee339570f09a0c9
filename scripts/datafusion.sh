#!/usr/bin/env bash
# DataFusion reads a compressed CSV file and compressed lines of JSON through the member
# object-store, over several threads, and gives the answers of the plain files. It builds
# DataFusion, which takes minutes, so .ci/run leaves it out.
set -euo pipefail
cd "$(dirname "$0")/.."
CARGO_TARGET_DIR=target/datafusion cargo run -q --manifest-path object-store/datafusion/Cargo.toml
