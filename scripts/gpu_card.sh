#!/usr/bin/env bash
# What is asked of a GPU when one can be had for some minutes.
#
#   scripts/gpu_card.sh prepare    where there is a compiler: the programs, slices of files and the
#                                  Vulkan loader go to target/card, under 60 MiB in all
#   scripts/gpu_card.sh all        where the GPU is: takes target/card, no compiler, no network;
#                                  under 9 minutes; answers go to the folder $OUT, or card-out
#
# Both machines have the same kind of processor, and the second one no older C library. Every step
# has its own limit in seconds, keeps what it printed, and the next one starts whatever became of
# it. To see it whole on a software device:
#   CARD_ADAPTER=llvmpipe CARD_MIB=1 CARD_MORE_MIB=2 CARD_ROUNDS=1 CARD_STREAM_MIB=16 \
#       scripts/gpu_card.sh all
#
#   CARD_CORPUS      prepare: a folder of files of which slices are taken
#   CARD_ADAPTER     all: a part of the adapter's name (nvidia)
#   CARD_MIB         all: the most MiB in flight (256), and CARD_MORE_MIB in the second table (1024)
#   CARD_ROUNDS      all: how often each figure is taken (9, 5 and 3 in the three pages)
#   CARD_STREAM_MIB  all: length of the file that the command decodes (1024)
set -uo pipefail
cd "$(dirname "$0")/.."
card=target/card

prepare() {
    set -e
    rm -rf "$card" && mkdir -p "$card/corpus"
    # Together, so that what they have in common is compiled once.
    cargo build --release --locked -p ranstream-benches -p ranstream-cli --features ranstream-benches/gpu,ranstream-cli/gpu --bin gpu --bin rans
    local tests built=${CARGO_TARGET_DIR:-target}/release
    tests=$(cargo test --release --locked -p ranstream --all-features --test gpu --no-run --message-format=json |
        sed -n 's/.*"executable":"\([^"]*\/gpu-[^"]*\)".*/\1/p' | tail -1)
    objcopy --strip-debug "$built/gpu" "$card/bench"
    objcopy --strip-debug "$built/rans" "$card/rans"
    objcopy --strip-debug "$tests" "$card/tests"
    slices
    loader
    du -ah "$card"
    [ "$(du -sm "$card" | cut -f1)" -le 60 ] || { printf 'more than 60 MiB: take fewer files\n' >&2; exit 1; }
}

# 4 MiB from the middle of each file, 24 MiB in all.
slices() {
    local file size
    if [ -z "${CARD_CORPUS:-}" ]; then
        printf 'files: skipped, CARD_CORPUS names no folder; the tables have the data that the benchmark makes\n'
        return
    fi
    for file in "$CARD_CORPUS"/*; do
        [ -f "$file" ] || continue
        [ "$(du -sm "$card/corpus" | cut -f1)" -lt 24 ] || break
        size=$(stat -c %s "$file")
        dd if="$file" of="$card/corpus/$(basename "$file")" bs=64K skip=$((size > 8388608 ? size / 131072 : 0)) count=64 status=none
    done
}

# For a machine that lacks it. The driver comes with the card.
loader() {
    if command -v apt-get >/dev/null && (cd "$card" && apt-get download -q libvulkan1 >/dev/null 2>&1); then return; fi
    printf 'loader: skipped, the package libvulkan1 is not to be had here\n'
}

find_driver() {
    if ! ldconfig -p | grep -q libvulkan.so.1; then
        for deb in "$card"/*.deb; do dpkg -x "$deb" / && ldconfig; done
    fi
    # Where some machines keep the driver's description.
    local elsewhere=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
    if [ ! -e /usr/share/vulkan/icd.d/nvidia_icd.json ] && [ ! -e /etc/vulkan/icd.d/nvidia_icd.json ] && [ -e $elsewhere ]; then
        export VK_DRIVER_FILES=$elsewhere
    fi
    export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp} RANS_GPU_ADAPTER=${CARD_ADAPTER:-nvidia}
}

# Limit in seconds, name of what it leaves behind, command.
step() {
    local limit=$1 name=$2 begun rc
    shift 2
    begun=$(date +%s)
    timeout "$limit" "$@" >"$OUT/$name" 2>&1
    rc=$?
    printf '%-16s rc %s, %s of %s s%s\n' "$name" $rc $(($(date +%s) - begun)) "$limit" \
        "$([ $rc = 124 ] && printf ': ended at its limit, what it printed is whole up to there')" | tee -a "$OUT/steps.log"
}

machine() {
    uname -r
    ldd --version | head -1
    lscpu | grep -E 'Model name|^CPU\(s\)'
    if command -v nvidia-smi >/dev/null; then
        nvidia-smi
        nvidia-smi -q -d CLOCK,POWER,PCI,MEMORY
    else
        printf 'no nvidia-smi here\n'
    fi
}

# The command with each backend, compared byte for byte, and timed with nowhere to write to.
streams() {
    local raw=$big.raw segment backend begun took told same
    if [ -n "$(ls "$card/corpus")" ]; then cat "$card"/corpus/* >"$big.part"; else head -c 4194304 "$card/bench" >"$big.part"; fi
    while [ "$(stat -c %s "$raw" 2>/dev/null || printf 0)" -lt $((${CARD_STREAM_MIB:-1024} << 20)) ]; do cat "$big.part" >>"$raw"; done
    truncate -s $((${CARD_STREAM_MIB:-1024} << 20)) "$raw"
    for segment in 16K 64K; do
        if ! timeout 30 "$card/rans" -0 -f -k -o "$big.rans" --segment-size $segment "$raw"; then
            printf 'segments of %s: encoding FAILED\n' $segment
            continue
        fi
        for backend in cpu gpu auto; do
            if timeout 20 "$card/rans" -d -c --backend $backend "$big.rans" | cmp -s - "$raw"; then same=same; else same=DIFFERENT; fi
            begun=$(date +%s%N)
            timeout 20 "$card/rans" -d -c -v --backend $backend "$big.rans" >/dev/null 2>"$big.log" || same="$same, FAILED"
            took=$((($(date +%s%N) - begun) / 1000000))
            told=$(grep -o 'decoded by.*' "$big.log")
            if [ $backend = gpu ] && ! grep -q '[1-9][0-9]* blocks decoded' <<<"$told"; then same="$same, NOT BY THE DEVICE"; fi
            printf 'segments of %s, %-4s: %s, %s ms for %s MiB, with opening the device%s\n' $segment $backend "$same" $took \
                "${CARD_STREAM_MIB:-1024}" "${told:+; $told}"
        done
    done
}

all() {
    OUT=${OUT:-card-out}
    mkdir -p "$OUT"
    [ -x "$card/tests" ] || { printf '%s lacks the programs: run %s prepare where there is a compiler\n' "$card" "$0" >&2; exit 1; }
    find_driver
    local begun files watch=""
    begun=$(date +%s)
    machine >"$OUT/machine.log" 2>&1
    files=$(ls "$card/corpus")
    # Right before fast. Files and the random batches are few, for the time's sake.
    [ -z "$files" ] || export RANS_TEST_CORPUS=$card/corpus
    RANS_REQUIRE_GPU=1 RANS_GPU_BATCHES=${RANS_GPU_BATCHES:-100} RANS_GPU_ENCODE_BATCHES=40 step 130 tests.log "$card/tests" --test-threads 4
    if command -v nvidia-smi >/dev/null; then
        # A card that is slowed down shows beside the tables.
        nvidia-smi --query-gpu=timestamp,clocks.sm,clocks.mem,power.draw,temperature.gpu,pcie.link.gen.current --format=csv,noheader -lms 500 >"$OUT/clocks.csv" 2>&1 &
        watch=$!
    fi
    step 110 page.md "$card/bench" "${CARD_MIB:-256}" "${CARD_ROUNDS:-9}"
    if [ -n "$files" ]; then
        RANS_BENCH_CORPUS=$card/corpus step 70 page-files.md "$card/bench" "$((${CARD_MIB:-256} < 64 ? ${CARD_MIB:-256} : 64))" "${CARD_ROUNDS:-5}"
    else
        printf 'page-files.md    skipped: no files were prepared\n' | tee -a "$OUT/steps.log"
    fi
    step 110 page-more.md "$card/bench" "${CARD_MORE_MIB:-1024}" "${CARD_ROUNDS:-3}"
    big=$(mktemp -u -p "$([ -d /dev/shm ] && printf /dev/shm || printf /tmp)" card.XXXX)
    export -f streams && export card big
    step 110 streams.log bash -c streams
    rm -f "$big".*
    [ -z "$watch" ] || kill "$watch" 2>/dev/null
    printf '%s s in all\n' $(($(date +%s) - begun)) | tee -a "$OUT/steps.log"
    grep -E '^test result|panicked|FAILED' "$OUT/tests.log"
    cat "$OUT/streams.log"
    sed -n '1,60p' "$OUT/page.md"
}

case ${1:-} in
prepare) prepare ;;
all) all ;;
*) sed -n '2,19p' "$0" && exit 2 ;;
esac
