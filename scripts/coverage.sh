#!/usr/bin/env bash
# Line coverage of the library by its unit tests, `it` and `seeds`, file by file, and of the side
# that takes hostile bytes as a whole. The components llvm-tools of the toolchain are needed:
# `rustup component add llvm-tools`.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin
out=target/coverage
mkdir -p "$out"
rm -f "$out"/*.profraw
export RUSTFLAGS="-C instrument-coverage" LLVM_PROFILE_FILE="$PWD/$out/%p-%m.profraw"
tests=(test -p ranstream --features tokio,futures-io,codec --target-dir "$out" --lib --test it --test seeds)
cargo "${tests[@]}"
mapfile -t programs < <(cargo "${tests[@]}" --no-run --message-format=json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
"$tools/llvm-profdata" merge --sparse -o "$out/all.profdata" "$out"/*.profraw
objects=()
for program in "${programs[@]}"; do objects+=(--object "$program"); done
# Of each file the lines of code and those that ran, without its unit tests.
"$tools/llvm-cov" export --format=lcov --instr-profile "$out/all.profdata" "${objects[@]}" --sources src |
    awk -F'[:,]' '
        /^SF:/ { file = $2; sub(/.*\/src\//, "src/", file); tests = 1e9
            while ((getline line < file) > 0) { n++; if (line ~ /^#\[cfg\(.*test/ && tests == 1e9) tests = n }
            close(file); n = 0 }
        /^DA:/ && $2 < tests { lines[file]++; if ($3 > 0) ran[file]++ ; else missed[file] = missed[file] " " $2 }
        END { for (file in lines) printf "%6.2f %% %5d of %5d  %s%s\n", 100 * ran[file] / lines[file], ran[file], lines[file], file, missed[file] ? "  not:" missed[file] : "" }' |
    sort -k5 >"$out/lines.txt"
cut -c1-200 "$out/lines.txt"
awk '$6 ~ /src\/(format|limits|rans|simd|model|block|block_map|oneshot|read|recover|seek|stream\/(decoder|deframer|event|skipped|totals)|message)/ { ran += $3; all += $5 }
    END { printf "decode side: %.2f %% (%d of %d lines)\n", 100 * ran / all, ran, all }' "$out/lines.txt"
