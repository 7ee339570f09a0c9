// One job: some segments of a `lanes` block (FORMAT.md, 4.4), a single or interleaved block, or a
// piece of a stored or fill block.
//
// A form of the decoder puts an entry point in front of `run`, and three functions beside it:
// `begin_votes`, which is called before a barrier; `vote`, which tells every lane of a segment
// which lanes want a word; and `groups_of`, which says through how many groups an invocation goes
// whose own segment has some.

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
