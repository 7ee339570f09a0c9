// What a job's frequencies mean, expanded into workgroup memory. 512 bytes travel instead of up to
// 16 KiB.

// Of every slot: offset << 20 | (frequency - 1) << 8 | symbol. Scales of more slots than this holds
// do without.
var<workgroup> table: array<u32, MAX_SLOTS>;
var<workgroup> cumulative: array<u32, SYMBOLS + 1u>;

fn frequency(table_at: u32, symbol: u32) -> u32 {
    return (coded[table_at + (symbol >> 1u)] >> ((symbol & 1u) << 4u)) & 0xffffu;
}

// The last symbol that starts at or before the slot. Symbols without frequency start where the next
// one does, so it is never one of them.
fn symbol_at(slot: u32) -> u32 {
    // No loop: this is the inside of others, and some devices count the passes of all together.
    var symbol = select(0u, 128u, cumulative[128u] <= slot);
    symbol += select(0u, 64u, cumulative[symbol + 64u] <= slot);
    symbol += select(0u, 32u, cumulative[symbol + 32u] <= slot);
    symbol += select(0u, 16u, cumulative[symbol + 16u] <= slot);
    symbol += select(0u, 8u, cumulative[symbol + 8u] <= slot);
    symbol += select(0u, 4u, cumulative[symbol + 4u] <= slot);
    symbol += select(0u, 2u, cumulative[symbol + 2u] <= slot);
    symbol += select(0u, 1u, cumulative[symbol + 1u] <= slot);
    return symbol;
}

// All invocations of a workgroup come here together; the table is complete when they return.
fn build_table(table_at: u32, scale_bits: u32, id: u32) {
    // Each invocation sums FOLD neighbours; a scan over those sums gives where each starts.
    var own = 0u;
    for (var j = 0u; j < FOLD; j++) {
        own += frequency(table_at, id * FOLD + j);
    }
    cumulative[id] = own;
    workgroupBarrier();
    for (var step = 1u; step < INVOCATIONS; step <<= 1u) {
        var before = 0u;
        if id >= step {
            before = cumulative[id - step];
        }
        workgroupBarrier();
        cumulative[id] += before;
        workgroupBarrier();
    }
    var start = cumulative[id] - own;
    workgroupBarrier();
    for (var j = 0u; j < FOLD; j++) {
        let symbol = id * FOLD + j;
        cumulative[symbol] = start;
        start += frequency(table_at, symbol);
    }
    if id == INVOCATIONS - 1u {
        cumulative[SYMBOLS] = start;
    }
    workgroupBarrier();

    let slots = select(0u, 1u << scale_bits, scale_bits <= MAX_SLOTS_BITS);
    for (var slot = id; slot < slots; slot += INVOCATIONS) {
        let symbol = symbol_at(slot);
        let first = cumulative[symbol];
        table[slot] = ((slot - first) << 20u) | ((cumulative[symbol + 1u] - first - 1u) << 8u) | symbol;
    }
    workgroupBarrier();
}
