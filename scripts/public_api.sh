#!/usr/bin/env bash
# Every public item of the library, as users see it, against docs/public_api.txt: a change to the
# interface changes that file too, so that nobody makes one unseen. `scripts/public_api.sh renew`
# writes the file. Without python3, or with a rustdoc whose JSON is of a version that public_api.py
# does not know, it skips aloud.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v python3 >/dev/null; then
    printf 'public interface: skipped, there is no python3\n'
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# JSON is unstable in rustdoc. This lets the stable one write it, and the compiler know nothing of
# that: else it would build all dependencies anew.
printf '#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc "$@"\n' >"$work/rustdoc"
chmod +x "$work/rustdoc"
# Of the same packages as the gate's documentation: what that built is not built anew.
RUSTDOC="$work/rustdoc" RUSTDOCFLAGS="-Z unstable-options --output-format json" cargo doc -q --no-deps --all-features

status=0
python3 scripts/public_api.py "${CARGO_TARGET_DIR:-target}/doc/ranstream.json" >"$work/list" || status=$?
if [ "$status" = 3 ]; then
    printf 'public interface: skipped. %s\n' "$(cat "$work/list")"
    exit 0
elif [ "$status" != 0 ]; then
    exit "$status"
fi

if [ "${1:-}" = renew ]; then
    cp "$work/list" docs/public_api.txt
elif ! diff -u docs/public_api.txt "$work/list"; then
    printf 'The public interface is not the one of docs/public_api.txt. If it is meant to change, run: scripts/public_api.sh renew\n'
    exit 1
fi
printf 'public items: %s\n' "$(wc -l <docs/public_api.txt)"
