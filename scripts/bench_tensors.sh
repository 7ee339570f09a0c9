#!/usr/bin/env bash
# Measures model files: our profiles beside zstd, and beside the packages zipnn and lmzip from PyPI,
# on one core, and prints the tables of docs/tensors.md. Arguments: a folder that
# scripts/fetch_test_models.sh filled, rounds (default 3). PYTHON is an interpreter that has zipnn,
# lmzip and numpy; without it those columns stay empty, and it says so.
set -euo pipefail
if [ $# -lt 1 ]; then
    printf 'usage: %s FOLDER [ROUNDS]\n' "$0" >&2
    exit 2
fi
folder=$(realpath "$1")
cd "$(dirname "$0")/.."
cargo build --release -p ranstream-benches --bin tensors
bench=target/release/tensors
[ -s "$folder/minilm-bf16.safetensors" ] || "$bench" bf16 "$folder/minilm-f32.safetensors" "$folder/minilm-bf16.safetensors"
[ -s "$folder/minilm-pruned.safetensors" ] || "$bench" pruned "$folder/minilm-bf16.safetensors" "$folder/minilm-pruned.safetensors"
[ -s "$folder/minilm-magnitude.safetensors" ] || "$bench" magnitude "$folder/minilm-bf16.safetensors" "$folder/minilm-magnitude.safetensors"
# Over a base: a model that was moved at random, and one that was trained, if somebody put it there.
[ -s "$folder/over/minilm-moved.safetensors" ] || { mkdir -p "$folder/over" && "$bench" tuned "$folder/minilm-bf16.safetensors" "$folder/over/minilm-moved.safetensors"; }
files=("$folder"/*.safetensors "$folder"/*.gguf)
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
scripts/pinned.sh "$bench" measure "${2:-3}" "${files[@]}" >"$lines"
for file in "$folder"/over/*.safetensors; do
    scripts/pinned.sh "$bench" over "${2:-3}" "$folder/minilm-bf16.safetensors" "$file" >>"$lines"
done
scripts/pinned.sh "${PYTHON:-python3}" scripts/bench_tensors.py "$lines" "${files[@]}"
