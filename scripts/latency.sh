#!/usr/bin/env bash
# What a pair of proxies adds to a request of 100 bytes over loopback: directly, through a pair that
# only copies, and through a pair with a compressed hop. Medians in microseconds, three runs each,
# first with every program where the system puts it, then all on one core. Arguments: requests per
# run (default 5000), first port (default 7100). All sockets have TCP_NODELAY. The last row shows
# why: a client without it writes each request in two pieces, and the second waits until the first
# is acknowledged, which its receiver delays (40 ms on Linux). That is the client's own hop, so a
# pair of proxies neither causes nor cures it; between the proxies it would hit every short segment
# behind another.
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-5000} port=${2:-7100}
cargo build --quiet --release --features tokio --example loopback --example tcp_proxy
loopback=target/release/examples/loopback proxy=target/release/examples/tcp_proxy
programs=()
stop() {
    [ ${#programs[@]} -eq 0 ] || kill "${programs[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    programs=()
}
trap stop EXIT

# the server and both pairs; the arguments stand before each program
start() {
    "$@" "$loopback" echo 127.0.0.1:$port & programs+=($!)
    "$@" "$proxy" plain 127.0.0.1:$((port + 1)) 127.0.0.1:$((port + 2)) & programs+=($!)
    "$@" "$proxy" plain 127.0.0.1:$((port + 2)) 127.0.0.1:$port & programs+=($!)
    "$@" "$proxy" near 127.0.0.1:$((port + 3)) 127.0.0.1:$((port + 4)) & programs+=($!)
    "$@" "$proxy" far 127.0.0.1:$((port + 4)) 127.0.0.1:$port & programs+=($!)
    sleep 0.5
    for program in "${programs[@]}"; do
        kill -0 "$program" || { printf 'a program ended at once; is port %s taken?\n' "$port" >&2 && exit 1; }
    done
}

# of three runs' medians; the arguments are what is sent, how often, the port, and what stands
# before the program
median() {
    local what=$1 requests=$2 to=$3 run
    shift 3
    for run in 1 2 3; do
        "$@" "$loopback" "$what" 127.0.0.1:"$to" "$requests"
    done | sed -E 's/^median ([0-9.]+) .*/\1/' | sort -n | sed -n 2p
}

row() {
    local name=$1 what=$2 requests=$3 direct plain coded
    shift 3
    start "$@"
    direct=$(median "$what" "$requests" $port "$@")
    plain=$(median "$what" "$requests" $((port + 1)) "$@")
    coded=$(median "$what" "$requests" $((port + 3)) "$@")
    stop
    awk -v name="$name" -v d="$direct" -v p="$plain" -v c="$coded" \
        'BEGIN { printf "| %s | %.0f µs | %.0f µs | %.0f µs | %.0f µs | %.0f µs |\n", name, d, p, c, c - d, c - p }'
}

printf '| cores | direct | plain pair | coded pair | added by the coded pair | of that, by coding |\n|---|---:|---:|---:|---:|---:|\n'
row "as the system chooses" ping "$count"
if command -v taskset >/dev/null; then
    row "all on one" ping "$count" taskset -c "$(($(nproc) - 1))"
else
    printf 'skipped: without taskset nothing can be held to one core\n' >&2
fi
row "as the system chooses, a client without TCP_NODELAY" halves 20
