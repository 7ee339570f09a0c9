#!/usr/bin/env bash
# How rans, zstd, pigz, xz, lz4 and bgzip behave where files are not as they should be: the rows of
# docs/comparison.md. Prints exit statuses and what lies in the folder afterwards. Tools that are
# not installed are left out, aloud. Needs strace for the last row.
set -uo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --release -p ranstream-cli
text=$PWD/FORMAT.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp target/release/rans "$work"
PATH=$work:$PATH
cd "$work" || exit 1
ulimit -c 0

declare -A compress=([rans]="rans -q" [zstd]="zstd -q" [pigz]="pigz -k" [xz]="xz -k" [lz4]="lz4 -q -m" [bgzip]="bgzip")
declare -A decompress=([rans]="rans -qd" [zstd]="zstd -qd" [pigz]="pigz -dk" [xz]="xz -dk" [lz4]="lz4 -qd -m" [bgzip]="bgzip -d")
declare -A remove=([rans]="rans -q --rm" [zstd]="zstd -q --rm" [pigz]="pigz" [xz]="xz" [lz4]="lz4 -q --rm -m" [bgzip]="bgzip")
declare -A slow=([rans]="rans -q -T1" [zstd]="zstd -q -19 -T1" [pigz]="pigz -k -p1" [xz]="xz -k -T1" [lz4]="lz4 -q -m -9" [bgzip]="bgzip")
declare -A ending=([rans]=rans [zstd]=zst [pigz]=gz [xz]=xz [lz4]=lz4 [bgzip]=gz)
tools=()
for tool in rans zstd pigz xz lz4 bgzip; do
    command -v "$tool" >/dev/null && tools+=("$tool") || printf '%s: not installed, left out\n' "$tool"
done

# A row: its name, and a function that is called for each tool in a folder with the files a and b.
row() {
    printf '\n%s\n' "$1"
    for tool in "${tools[@]}"; do
        (
            rm -rf files && mkdir files && cd files || exit 1
            cp "$text" a && cp a b
            do=${compress[$tool]} undo=${decompress[$tool]} out=a.${ending[$tool]}
            printf '  %-6s %s\n' "$tool" "$("$2" 2>/dev/null </dev/null)"
        )
    done
}
names() { printf '[%s]' "$(ls -A | tr '\n' ' ')"; }
quietly() { "$@" >/dev/null 2>&1; }

several() { quietly $do a b; printf 'exit %s %s' $? "$(names)"; }
existing() { echo old >"$out"; quietly $do a; printf 'exit %s, first bytes: %s' $? "$(head -c 3 "$out" | tr -cd 'a-z')"; }
folders() { mkdir d && mv a d; quietly $do -r d; printf 'exit %s [%s]' $? "$(ls d | tr '\n' ' ')"; }
repeated() { quietly $do -c -c a; local twice=$?; tar -I "$tool" -cf t.tar.x a; quietly tar -I "$tool -d" -tf t.tar.x; printf 'twice %s, tar %s' $twice $?; }
levels() { if [ "$tool" = bgzip ]; then bgzip -l 1 -c a | wc -c; bgzip -l 9 -c a | wc -c; else $do -1 -c a | wc -c; $do -9 -c a | wc -c; fi | tr '\n' ' '; }
plain() { "$tool" -dcf a | cmp -s - a && printf 'passes through' || printf 'does not'; }
attributes() { chmod 640 a; touch -d 2020-01-01 a; quietly $do a; stat -c '%a %.10y' "$out"; }
behind() { quietly $do a; rm -f a; cat >>"$out"; quietly $undo "$out"; printf 'exit %s %s, %s bytes' $? "$(names)" "$(stat -c %s a || echo no)"; }
zeros() { head -c 1024 /dev/zero | behind; }
garbage() { echo 'some garbage behind it' | behind; }
halved() { quietly $do a; rm -f a; truncate -s $(($(stat -c %s "$out") / 2)) "$out"; quietly $undo "$out"; printf 'exit %s %s' $? "$(names)"; }
flipped() { quietly $do a; printf '\377\376' | dd of="$out" bs=1 seek=$(($(stat -c %s "$out") / 2)) conv=notrunc; quietly "$tool" -t "$out"; printf 'exit %s' $?; }
holes() { : >a; truncate -s 32M a; printf x >>a; truncate -s 64M a; quietly $do a; rm -f a; quietly $undo "$out"; printf '%s KiB' "$(du -k a | cut -f1)"; }
fifo() { mkfifo f; quietly timeout 2 $do f; printf 'exit %s (124: waits)' $?; }
closed() { $do -c a >&-; printf 'exit %s' $?; }
full() { $do -c a >/dev/full; printf 'exit %s' $?; }
claimed() { local file=/sys/kernel/mm/transparent_hugepage/enabled; $do -c $file >o; local code=$?; "$tool" -dc <o | cmp -s - $file && printf 'right' || printf 'exit %s' $code; }
control() { $do $'no\033[31mne' 2>&1 | cat -v | head -c 70; }
signals() { head -c 200M /dev/urandom >big; for signal in HUP TERM XCPU KILL; do ${slow[$tool]} big >/dev/null 2>&1 & sleep 0.25; kill -$signal $!; wait $!; printf '%s %s ' $signal "$(names)"; rm -f big.* .rans*; done; }
growing() { head -c 60M /dev/urandom >log; (for _ in $(seq 100); do echo line >>log; sleep 0.01; done) & sleep 0.1; $do -c log >o; local code=$?; wait; "$tool" -dc <o >back; cmp -s -n 62914560 back log && printf 'whole, exit %s' $code || printf 'broken, exit %s' $code; }
synced() { strace -f -qq -e trace=fsync,fdatasync,syncfs -o calls ${remove[$tool]} a; printf '%s syncs' "$(wc -l <calls)"; }

row 'several files in one run' several
row 'an existing output without -f' existing
row 'files in folders, -r' folders
row 'an option twice; tar -I' repeated
row 'bytes at levels 1 and 9' levels
row '-dcf of plain bytes' plain
row 'permissions and time' attributes
row '1024 zeros behind the data' zeros
row 'garbage behind the data' garbage
row 'cut in the middle' halved
row 'two bytes changed, -t' flipped
row '64 MiB with one byte in it, decompressed' holes
row 'a FIFO among the files' fifo
row 'standard output closed' closed
row 'standard output full' full
row 'a file of sysfs' claimed
row 'control characters of a name' control
row 'left behind by signals' signals
row 'a log that grows' growing
command -v strace >/dev/null && row 'syncs before the source is removed' synced || printf '\nno strace: syncs are not counted\n'
