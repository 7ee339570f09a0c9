// A single or interleaved block (FORMAT.md, 4.2 and 4.3): states that take turns, one per
// invocation, or FOLD where a workgroup is small. Each reads words of its own, so no state waits
// for another. A few states keep few invocations busy: these modes are for small blocks, and are
// here so that a batch need not go back for them.

const TILE: u32 = 256u;

// Some turns of every state, four to a word: the words of a state that has n neighbours are n
// apart. Neighbours in the raw bytes come from different states, so the bytes change places here.
var<workgroup> tile: array<u32, TILE>;

fn decode_turns(job: u32, id: u32) {
    let block = jobs[job].segments[0];
    let lanes = block.words;
    let words_at = (block.coded_at + 2u * lanes) * 2u;

    var states = array<u32, FOLD>();
    var next = array<u32, FOLD>();
    var end = array<u32, FOLD>();
    for (var j = 0u; j < FOLD; j++) {
        let lane = j * INVOCATIONS + id;
        if lane < lanes {
            states[j] = coded[block.coded_at + lane];
            next[j] = words_at;
            if lane > 0u {
                next[j] += coded[block.coded_at + lanes + lane - 1u];
            }
            end[j] = words_at + coded[block.coded_at + lanes + lane];
        }
    }

    // Every invocation goes through every tile, so that barriers meet all of them.
    let tile_len = TILE / lanes * QUAD * lanes;
    for (var start = 0u; start < block.raw_len; start += tile_len) {
        let len = min(tile_len, block.raw_len - start);
        for (var j = 0u; j < FOLD; j++) {
            let lane = j * INVOCATIONS + id;
            if lane < lanes {
                var state = State(states[j], next[j], 0u);
                // Byte `at` is this lane's next one, and every `lanes`th behind it.
                var quad = lane;
                for (var at = lane; at < len; at += QUAD * lanes) {
                    state.bytes = 0u;
                    state = turn(state, end[j], jobs[job].scale_bits, 0u);
                    if at + lanes < len {
                        state = turn(state, end[j], jobs[job].scale_bits, 8u);
                    }
                    if at + 2u * lanes < len {
                        state = turn(state, end[j], jobs[job].scale_bits, 16u);
                    }
                    if at + 3u * lanes < len {
                        state = turn(state, end[j], jobs[job].scale_bits, 24u);
                    }
                    tile[quad] = state.bytes;
                    quad += lanes;
                }
                states[j] = state.x;
                next[j] = state.next;
            }
        }
        workgroupBarrier();
        write_tile(block.raw_at + start / QUAD, len, lanes, id);
        workgroupBarrier();
    }

    for (var j = 0u; j < FOLD; j++) {
        // A state without a turn has an end, too.
        let good = next[j] == end[j] && states[j] == LOWER_BOUND;
        if j * INVOCATIONS + id < lanes && !good {
            atomicOr(&failed, 1u);
        }
    }
}

struct State {
    x: u32,
    // The place of its next word.
    next: u32,
    // What it gave in these turns.
    bytes: u32,
}

// Takes a symbol out of the state, and the word that it then wants. The symbol lands `shift` bits
// high.
fn turn(before: State, end: u32, scale_bits: u32, shift: u32) -> State {
    let slot = before.x & ((1u << scale_bits) - 1u);
    var symbol = 0u;
    var frequency = 0u;
    var offset = 0u;
    if scale_bits <= MAX_SLOTS_BITS {
        let entry = table[slot];
        symbol = entry & 0xffu;
        frequency = ((entry >> 8u) & 0xfffu) + 1u;
        offset = entry >> 20u;
    } else {
        symbol = symbol_at(slot);
        offset = slot - cumulative[symbol];
        frequency = cumulative[symbol + 1u] - cumulative[symbol];
    }
    var x = frequency * (before.x >> scale_bits) + offset;
    var next = before.next;
    if x < LOWER_BOUND {
        // The clamp keeps damaged states inside their payload; `next` still runs past `end` and
        // tells.
        x = (x << 16u) | word(min(next, end - 1u));
        next += 1u;
    }
    return State(x, next, before.bytes | (symbol << shift));
}

// `len` bytes of the tile, in their order. A last word that is cut is filled with zeros.
fn write_tile(raw_at: u32, len: u32, lanes: u32, id: u32) {
    for (var at = id * QUAD; at < len; at += INVOCATIONS * QUAD) {
        var bytes = 0u;
        for (var k = 0u; k < min(QUAD, len - at); k++) {
            let turn = (at + k) / lanes;
            let quad = tile[turn / QUAD * lanes + (at + k) % lanes];
            bytes |= ((quad >> (8u * (turn % QUAD))) & 0xffu) << (8u * k);
        }
        raw[raw_at + at / QUAD] = bytes;
    }
}
