#!/usr/bin/env bash
# Processor time of the command on a file of 3 bytes beside that of zstd, which has to be installed: the sum of so many runs (default 300), in turn, five times.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-300}
cargo build --quiet --release -p ranstream-cli
rans=$PWD/target/release/rans
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf abc >a

# Milliseconds of user and system that the children of a shell took.
cost() {
    (
        for ((i = 0; i < runs; i++)); do "$@"; done
        times | awk -F'[ms ]' 'NR == 2 { print int(60000 * ($1 + $4) + 1000 * ($2 + $5)) }'
    )
}
rans_file() { rm -f a.rans && "$rans" -q a; }
zstd_file() { rm -f a.zst && zstd -q a; }
rans_stdout() { "$rans" -c a >/dev/null; }
zstd_stdout() { zstd -q -c a >/dev/null; }

for what in file stdout; do
    for round in 1 2 3 4 5; do
        ours=$(cost "rans_$what") theirs=$(cost "zstd_$what")
        printf '%s, round %s: rans %s ms, zstd %s ms, %s %%\n' "$what" "$round" "$ours" "$theirs" $((100 * ours / theirs))
    done
done
