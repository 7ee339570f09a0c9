#!/usr/bin/env bash
# Processor time of the command on a file of 3 bytes beside that of zstd, which has to be installed:
# the sum of so many runs (default 300), in turn, five times. To a new file; over a file that is
# there, which rans syncs before it replaces it; to standard output.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-300}
cargo build --quiet --release -p ranstream-cli
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# A copy, as an installed program is: the linker's own file lies in smaller pieces in memory, which
# costs a tenth.
cp target/release/rans "$folder"
cd "$folder"
rans=$PWD/rans
printf abc >a

# Milliseconds of user and system that the children of a shell took. Behind a pipe `times` would be
# a child itself, and tell of its own.
cost() {
    (
        for ((i = 0; i < runs; i++)); do "$@"; done
        times >times
        rm -f new.*
        awk -F'[ms ]' 'NR == 2 { print int(60000 * ($1 + $4) + 1000 * ($2 + $5)) }' times
    )
}
rans_file() { "$rans" -q a -o "new.$i"; }
zstd_file() { zstd -q a -o "new.$i"; }
rans_replaced() { "$rans" -qf a; }
zstd_replaced() { zstd -qf a; }
rans_stdout() { "$rans" -c a >/dev/null; }
zstd_stdout() { zstd -q -c a >/dev/null; }

for what in file replaced stdout; do
    for round in 1 2 3 4 5; do
        ours=$(cost "rans_$what") theirs=$(cost "zstd_$what")
        printf '%s, round %s: rans %s ms, zstd %s ms, %s %%\n' "$what" "$round" "$ours" "$theirs" $((100 * ours / theirs))
    done
done
