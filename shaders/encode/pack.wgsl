// Brings encoded segments to their places in payloads: states, then words, two of which share 32
// bits. A workgroup takes one segment.

// Places are in words of 32 bits.
struct Packed {
    head_at: u32,
    // The first of the segment's words, each of which has 32 bits here.
    words_at: u32,
    words: u32,
    out_at: u32,
}

@group(0) @binding(0) var<storage, read> jobs: array<Packed>;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read> heads: array<u32>;
@group(0) @binding(3) var<storage, read_write> coded: array<u32>;

fn run(job: u32, id: u32) {
    let segment = jobs[job];
    if id < LANES {
        coded[segment.out_at + id] = heads[segment.head_at + id];
    }
    for (var at = id; at < (segment.words + 1u) / 2u; at += INVOCATIONS) {
        var pair = words[segment.words_at + 2u * at];
        // An odd word stands alone, with zeros behind it.
        if 2u * at + 1u < segment.words {
            pair |= words[segment.words_at + 2u * at + 1u] << 16u;
        }
        coded[segment.out_at + LANES + at] = pair;
    }
}
