// One job: some segments of a `lanes` block (FORMAT.md, 4.4), a single or interleaved block, or a piece of a stored or fill block.
//
// A form of the decoder puts an entry point in front of `run`, and two functions beside it: `begin_votes`, which is called before a barrier, and `vote`,
// which tells every lane of a segment which lanes want a word.

// `id` counts the workgroup's invocations: WIDTH neighbours share a segment.
fn run(job: u32, id: u32) {
    if id == 0u {
        atomicStore(&failed, 0u);
    }
    let mode = jobs[job].mode;
    if mode == MODE_LANES {
        begin_votes(id);
        build_table(jobs[job].table_at, jobs[job].scale_bits, id);
        decode_segment(job, id);
    } else if mode == MODE_TURNS {
        build_table(jobs[job].table_at, jobs[job].scale_bits, id);
        decode_turns(job, id);
    } else {
        copy(job, id, mode == MODE_FILL);
    }
    workgroupBarrier();
    if id == 0u {
        status[job] = STATUS_DONE | atomicLoad(&failed);
    }
}

fn copy(job: u32, id: u32, fill: bool) {
    let piece = jobs[job].segments[0];
    let words = (piece.raw_len + QUAD - 1u) / QUAD;
    for (var at = id; at < words; at += INVOCATIONS) {
        var quad = piece.coded_at;
        if !fill {
            quad = coded[piece.coded_at + at];
        }
        raw[piece.raw_at + at] = quad;
    }
}

// Every invocation goes through every round of the job's longest segment, so that votes and barriers meet all of them.
fn decode_segment(job: u32, id: u32) {
    let index = id / WIDTH;
    let own = id % WIDTH;
    let segment = jobs[job].segments[index];
    let scale_bits = jobs[job].scale_bits;
    let groups = jobs[job].groups;
    let slot_mask = (1u << scale_bits) - 1u;
    let below = (1u << own) - 1u;
    let whole = segment.raw_len % GROUP == 0u;
    // The group whose last two rounds ride on the states. Wraps to none where the segment is empty.
    let riding = select(0xffffffffu, segment.raw_len / GROUP - 1u, whole);

    var states = array<u32, FOLD>();
    if segment.raw_len > 0u {
        for (var j = 0u; j < FOLD; j++) {
            states[j] = coded[segment.coded_at + j * WIDTH + own];
        }
    }
    var next = (segment.coded_at + LANES) * 2u;
    let end = next + segment.words;

    for (var group = 0u; group < groups; group++) {
        // Not every compiler clears a variable on each pass of a loop when nothing is assigned to it.
        var quads = array<u32, FOLD>();
        for (var k = 0u; k < QUAD; k++) {
            for (var j = 0u; j < FOLD; j++) {
                let at = group * GROUP + (j * WIDTH + own) * QUAD + k;
                let active_lane = at < segment.raw_len && !(group == riding && k >= 2u);
                var x = states[j];
                if active_lane {
                    let slot = table[x & slot_mask];
                    x = (((slot >> 8u) & 0xfffu) + 1u) * (x >> scale_bits) + (slot >> 20u);
                    quads[j] |= (slot & 0xffu) << (8u * k);
                }
                let wants = active_lane && x < LOWER_BOUND;
                let votes = vote(wants, group * QUAD + k, id);
                if wants {
                    // The clamp keeps damaged segments inside their payload; `next` still runs past `end` and tells.
                    x = (x << 16u) | word(min(next + countOneBits(votes & below), end - 1u));
                }
                next += countOneBits(votes);
                states[j] = x;
            }
        }
        for (var j = 0u; j < FOLD; j++) {
            let lane = j * WIDTH + own;
            if group * GROUP + lane * QUAD < segment.raw_len {
                let riders = select(0u, states[j] << 16u, group == riding);
                raw[segment.raw_at + group * LANES + lane] = quads[j] | riders;
            }
        }
    }

    var good = next == end;
    for (var j = 0u; j < FOLD; j++) {
        good = good && select(states[j] == LOWER_BOUND, states[j] >> 16u == 1u, whole);
    }
    if segment.raw_len > 0u && !good {
        atomicOr(&failed, 1u << index);
    }
}
