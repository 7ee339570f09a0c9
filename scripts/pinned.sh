#!/usr/bin/env bash
# Runs a program on the last core, so that what it measures does not depend on where the system puts
# it. Without taskset it runs anywhere.
set -euo pipefail
if command -v taskset >/dev/null; then
    exec taskset -c "$(($(nproc) - 1))" "$@"
fi
exec "$@"
