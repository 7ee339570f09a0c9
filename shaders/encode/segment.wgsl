// Encodes segments of a `lanes` block (FORMAT.md, 4.4): from the last round to the first, every
// lane puts a symbol into its state, and those whose states would grow too large give a word first.
// A round's words stand in the order of the lanes, in front of those that were given before.

const HEAD_WORDS: u32 = LANES + 1u;

// Set beside the number of a segment's words: it was encoded.
const ENCODED: u32 = 0x80000000u;

var<workgroup> codes: array<u32, SYMBOLS>;

fn run(job: u32, id: u32) {
    begin_votes(id);
    for (var symbol = id; symbol < SYMBOLS; symbol += INVOCATIONS) {
        codes[symbol] = symbols[jobs[job].table_at + symbol];
    }
    workgroupBarrier();
    encode_segment(job, id);
}

// What a lane has after a round.
struct Given {
    state: u32,
    // The place of the segment's first word.
    top: u32,
}

// One round of a lane; those of its segment go through it together. A lane that puts nothing keeps
// its state.
fn give(state: u32, top: u32, symbol: u32, puts: bool, below: u32, scale_bits: u32, round: u32, id: u32) -> Given {
    let code = codes[symbol];
    // Symbols that are not coded may have none.
    let frequency = max(code >> 12u, 1u);
    let gives = puts && (state >> 16u) >= (frequency << (16u - scale_bits));
    let votes = vote(gives, round, id);
    let start = top - countOneBits(votes);
    if gives {
        words[start + countOneBits(votes & below)] = state & 0xffffu;
    }
    let x = select(state, state >> 16u, gives);
    let coded = x + (code & 0xfffu) + x / frequency * ((1u << scale_bits) - frequency);
    return Given(select(state, coded, puts), start);
}

// Every invocation goes through as many rounds as those that it votes with, or that wait for it at
// a barrier.
fn encode_segment(job: u32, id: u32) {
    let own = id % WIDTH;
    let segment = jobs[job].segments[id / WIDTH];
    let scale_bits = jobs[job].scale_bits;
    let below = (1u << own) - 1u;
    let whole_groups = (max(segment.raw_len, 1u) - 1u) / GROUP;
    let groups = groups_of(whole_groups, job);

    // The last group comes first. If it is whole, the bytes of its last two rounds ride on the
    // states.
    let len = segment.raw_len - whole_groups * GROUP;
    let whole = len == GROUP;
    var top = segment.coded_at;
    var round = 0u;
    var states = array<u32, FOLD>();
    var quads = array<u32, FOLD>();
    for (var j = 0u; j < FOLD; j++) {
        let lane = j * WIDTH + own;
        if lane * QUAD < len {
            quads[j] = raw[segment.raw_at + whole_groups * LANES + lane];
        }
        states[j] = LOWER_BOUND | select(0u, quads[j] >> 16u, whole);
    }
    for (var back = 1u; back <= QUAD; back++) {
        let k = QUAD - back;
        for (var turn = 1u; turn <= FOLD; turn++) {
            let j = FOLD - turn;
            let puts = (j * WIDTH + own) * QUAD + k < len && !(whole && k >= 2u);
            let given = give(states[j], top, (quads[j] >> (8u * k)) & 0xffu, puts, below, scale_bits, round, id);
            states[j] = given.state;
            top = given.top;
            round++;
        }
    }

    for (var left = groups; left > 0u; left--) {
        let group = left - 1u;
        let puts = !MIXED || group < whole_groups;
        if puts {
            for (var j = 0u; j < FOLD; j++) {
                quads[j] = raw[segment.raw_at + group * LANES + j * WIDTH + own];
            }
        }
        for (var back = 1u; back <= QUAD; back++) {
            let k = QUAD - back;
            for (var turn = 1u; turn <= FOLD; turn++) {
                let j = FOLD - turn;
                let given = give(states[j], top, (quads[j] >> (8u * k)) & 0xffu, puts, below, scale_bits, round, id);
                states[j] = given.state;
                top = given.top;
                round++;
            }
        }
    }

    if segment.raw_len > 0u {
        for (var j = 0u; j < FOLD; j++) {
            heads[segment.words * HEAD_WORDS + j * WIDTH + own] = states[j];
        }
        if own == 0u {
            heads[segment.words * HEAD_WORDS + LANES] = (segment.coded_at - top) | ENCODED;
        }
    }
}
