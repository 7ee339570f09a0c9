// A single or interleaved block (FORMAT.md, 4.2 and 4.3): states that take turns, one per invocation, or FOLD where a workgroup is small. Each reads words of its own, so
// no state waits for another. A few states keep few invocations busy: these modes are for small blocks, and are here so that a batch need not go back for them.

const TILE: u32 = 256u;

// Some turns of every state, four to a word: the words of a state that has n neighbours are n apart. Neighbours in the raw bytes come from different states, so the bytes change places here.
var<workgroup> tile: array<u32, TILE>;

fn decode_turns(job: u32, id: u32) {
    let block = jobs[job].segments[0];
    let lanes = block.words;
    let words_at = (block.coded_at + 2u * lanes) * 2u;

    var states: array<u32, FOLD>;
    var next: array<u32, FOLD>;
    var end: array<u32, FOLD>;
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
                for (var first = 0u; first * lanes < len; first += QUAD) {
                    var quad = 0u;
                    for (var k = 0u; k < QUAD; k++) {
                        if (first + k) * lanes + lane < len {
                            let decoded = decode_symbol(states[j], jobs[job].scale_bits);
                            states[j] = decoded.state;
                            if decoded.state < LOWER_BOUND {
                                // The clamp keeps damaged states inside their payload; `next` still runs past `end` and tells.
                                states[j] = (decoded.state << 16u) | word(min(next[j], end[j] - 1u));
                                next[j] += 1u;
                            }
                            quad |= decoded.symbol << (8u * k);
                        }
                    }
                    tile[first / QUAD * lanes + lane] = quad;
                }
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

struct Decoded {
    symbol: u32,
    // After the symbol, before a word is taken.
    state: u32,
}

fn decode_symbol(state: u32, scale_bits: u32) -> Decoded {
    let slot = state & ((1u << scale_bits) - 1u);
    if scale_bits <= MAX_SLOTS_BITS {
        let entry = table[slot];
        return Decoded(entry & 0xffu, (((entry >> 8u) & 0xfffu) + 1u) * (state >> scale_bits) + (entry >> 20u));
    }
    let symbol = symbol_at(slot);
    let first = cumulative[symbol];
    return Decoded(symbol, (cumulative[symbol + 1u] - first) * (state >> scale_bits) + slot - first);
}

// `len` bytes of the tile, in their order.
fn write_tile(raw_at: u32, len: u32, lanes: u32, id: u32) {
    for (var at = id * QUAD; at < len; at += INVOCATIONS * QUAD) {
        var bytes = 0u;
        for (var k = 0u; k < QUAD; k++) {
            let turn = (at + k) / lanes;
            let quad = tile[turn / QUAD * lanes + (at + k) % lanes];
            bytes |= ((quad >> (8u * (turn % QUAD))) & 0xffu) << (8u * k);
        }
        raw[raw_at + at / QUAD] = bytes;
    }
}
