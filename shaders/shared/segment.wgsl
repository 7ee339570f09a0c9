// A segment of a `lanes` block (FORMAT.md, 4.4). In each round every lane takes a symbol out of its
// state, and those that then want one take a word, in the order of the lanes.

// Words of 32 bits between the next one and those that are asked for ahead of their use: two lines
// of 128 bytes.
const AHEAD: u32 = 64u;

// What a lane has after a round.
struct Taken {
    state: u32,
    // The place of the segment's next word.
    next: u32,
    symbol: u32,
}

// One round of a lane; those of its segment go through it together. A lane that takes nothing keeps
// its state. No branch stands before or behind the vote: the word is loaded by all lanes, and those
// that want none drop it.
fn take(state: u32, next: u32, last: u32, takes: bool, below: u32, scale_bits: u32, round: u32, id: u32) -> Taken {
    let slot = table[state & ((1u << scale_bits) - 1u)];
    let x = (((slot >> 8u) & 0xfffu) + 1u) * (state >> scale_bits) + (slot >> 20u);
    let wants = takes && x < LOWER_BOUND;
    let votes = vote(wants, round, id);
    // The clamp keeps damaged segments inside their payload; `next` still runs past the end and
    // tells.
    let refilled = (x << 16u) | word(min(next + countOneBits(votes & below), last));
    return Taken(select(state, select(x, refilled, wants), takes), next + countOneBits(votes), slot & 0xffu);
}

// Every invocation goes through as many rounds as those that it votes with, or that wait for it at
// a barrier.
fn decode_segment(job: u32, id: u32) {
    let index = id / WIDTH;
    let own = id % WIDTH;
    let segment = jobs[job].segments[index];
    let scale_bits = jobs[job].scale_bits;
    let below = (1u << own) - 1u;

    var states = array<u32, FOLD>();
    if segment.raw_len > 0u {
        for (var j = 0u; j < FOLD; j++) {
            states[j] = coded[segment.coded_at + j * WIDTH + own];
        }
    }
    var next = (segment.coded_at + LANES) * 2u;
    let end = next + segment.words;
    // Without words this is half of a state, and of a segment that is none a piece of the table:
    // both can be read.
    let last = end - 1u;

    // All groups but the one that ends the segment are whole, and all their rounds are coded.
    let whole_groups = (max(segment.raw_len, 1u) - 1u) / GROUP;
    let groups = groups_of(whole_groups, job);
    var touched = 0u;
    var ahead = 0u;
    for (var group = 0u; group < groups; group++) {
        let takes = !MIXED || group < whole_groups;
        // Asks for what is wanted soon, so that it has come from memory by then. What came is
        // looked at a group later: nothing waits for it.
        touched ^= ahead;
        ahead = coded[min(next / 2u + AHEAD + own, last / 2u)];
        // Not every compiler clears a variable on each pass of a loop when nothing is assigned to
        // it.
        var quads = array<u32, FOLD>();
        for (var k = 0u; k < QUAD; k++) {
            for (var j = 0u; j < FOLD; j++) {
                let taken = take(states[j], next, last, takes, below, scale_bits, group * QUAD + k, id);
                states[j] = taken.state;
                next = taken.next;
                quads[j] |= taken.symbol << (8u * k);
            }
        }
        if takes {
            for (var j = 0u; j < FOLD; j++) {
                raw[segment.raw_at + group * LANES + j * WIDTH + own] = quads[j];
            }
        }
    }

    // The last group. The bytes of its last two rounds ride on the states if it is whole.
    let len = segment.raw_len - whole_groups * GROUP;
    let whole = len == GROUP;
    var quads = array<u32, FOLD>();
    for (var k = 0u; k < QUAD; k++) {
        for (var j = 0u; j < FOLD; j++) {
            let takes = (j * WIDTH + own) * QUAD + k < len && !(whole && k >= 2u);
            let taken = take(states[j], next, last, takes, below, scale_bits, groups * QUAD + k, id);
            states[j] = taken.state;
            next = taken.next;
            quads[j] |= select(0u, taken.symbol << (8u * k), takes);
        }
    }
    // No segment is so long. The test makes use of what was asked for ahead, which would be left
    // out otherwise.
    var good = next == end && !(segment.raw_len == 0xffffffffu && touched == 0u);
    for (var j = 0u; j < FOLD; j++) {
        let lane = j * WIDTH + own;
        if lane * QUAD < len {
            raw[segment.raw_at + whole_groups * LANES + lane] = quads[j] | select(0u, states[j] << 16u, whole);
        }
        good = good && select(states[j] == LOWER_BOUND, states[j] >> 16u == 1u, whole);
    }
    if segment.raw_len > 0u && !good {
        atomicOr(&failed, 1u << index);
    }
}
