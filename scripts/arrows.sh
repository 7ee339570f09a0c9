#!/usr/bin/env bash
# Which room of src/ may use which: the table below, and nothing else. A room is a folder or a file
# of src/. Comments and unit tests do not count. Reads every path that starts with crate::, and says
# which file draws an arrow that the table lacks.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

# room: the rooms that it may use. Lower rooms come first, so no arrow leads down the page.
rooms='
error:
limits: error
kept:
sync:
progress: sync
format: error limits model
base: sync format
device: format
model: error
rans: error limits format model
options: error limits base progress device
pivot: error limits format model rans
planes: error format
sequences: error
simd: error options format model rans pivot planes sequences
section: error kept limits options format model rans simd pivot
lz: error kept limits options format model rans sequences simd section
block: error kept limits base options format model rans planes simd section lz
message: error limits options format model rans simd section block
parallel: sync options device
stream: error limits base progress sync options format simd block device parallel
io: error limits base progress sync options format simd block parallel stream
poll: error progress sync options stream
tokio: options progress stream poll
futures: options progress stream poll
framed: error limits progress options format message stream
jobs: format model rans simd section block
gpu: error limits options format model rans simd section block device jobs
'

# What the crate publishes at its root, with the room that it comes from.
roots=$(tr -d '\n' <src/lib.rs | grep -oE 'pub use [a-z_]+::[^;]+;' | awk '{
    room = $3; sub(/::.*/, "", room)
    gsub(/pub use [a-z_]+::|[{};,]/, " ")
    n = split($0, words, /[ :]+/)
    for (i = 1; i <= n; i++) if (words[i] ~ /^[A-Za-z]/) print words[i], room
}')

# "from to file" for every arrow.
arrows() {
    local file
    find src -name '*.rs' | sort | while IFS= read -r file; do
        # Files that are tests as a whole are named by a `mod` line under cfg(test).
        case "$file" in src/lib.rs | */tests.rs | */tests/* | src/simd/differential.rs | src/simd/differential/* | src/parallel/models.rs) continue ;; esac
        local room=${file#src/}
        room=${room%%/*}
        room=${room%.rs}
        # Unit tests come last in a file.
        awk '/^#\[cfg\(.*test/ { getline next_line; if (next_line ~ /^(#|mod )/) exit; print; print next_line; next } { print }' "$file" |
            grep -vE '^ *//' | tr '\n' ' ' | awk -v room="$room" -v file="$file" '{
                text = $0
                while ((at = index(text, "crate::")) > 0) {
                    text = substr(text, at + 7)
                    if (substr(text, 1, 1) != "{") {
                        if (match(text, /^[A-Za-z_]+/)) print room, substr(text, 1, RLENGTH), file
                        continue
                    }
                    depth = 0; word = ""; first = 1
                    for (i = 1; i <= length(text); i++) {
                        c = substr(text, i, 1)
                        if (depth == 1 && first && c ~ /[A-Za-z_]/) { word = word c; continue }
                        if (word != "") { print room, word, file; word = ""; first = 0 }
                        if (c == "{") depth++
                        if (c == "}" && --depth == 0) break
                        if (depth == 1 && c == ",") first = 1
                    }
                }
            }'
    done | sort -u
}

bad=0
known=$(sed -n 's/^\([a-z]*\):.*/\1/p' <<<"$rooms")
while IFS= read -r path; do
    room=$(basename "$path" .rs)
    grep -qx "$room" <<<"$known" || { printf 'a room that the table lacks: %s\n' "$path"; bad=1; }
    grep -qE "(^|[^a-z])$room([^a-z]|\$)" CONTRIBUTING.md || { printf 'a room that CONTRIBUTING.md lacks: %s\n' "$path"; bad=1; }
done < <(find src -mindepth 1 -maxdepth 1 -not -name lib.rs)

count=0
while read -r from to file; do
    room=$(awk -v name="$to" '$1 == name { print $2; exit }' <<<"$roots")
    grep -qx "$to" <<<"$known" || to=${room:-$to}
    [ "$from" = "$to" ] && continue
    count=$((count + 1))
    if ! grep -E "^$from:" <<<"$rooms" | grep -qE "[: ]$to( |\$)"; then
        printf 'forbidden arrow: %s -> %s, in %s\n' "$from" "$to" "$file"
        bad=1
    fi
done < <(arrows)
printf 'rooms: %s, files with arrows between them: %s\n' "$(wc -w <<<"$known")" "$count"
exit "$bad"
