// Brings encoded segments to their places in payloads: states, then words, two of which share 32
// bits. A workgroup takes one segment.

const INVOCATIONS: u32 = 256u;
const LANES: u32 = 32u;
const HEAD_WORDS: u32 = LANES + 1u;

// Places are in words of 32 bits.
struct Packed {
    head_at: u32,
    // The first of the segment's words, each of which has 32 bits here.
    words_at: u32,
    words: u32,
    out_at: u32,
}

@group(0) @binding(0) var<storage, read> segments: array<Packed>;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read> heads: array<u32>;
@group(0) @binding(3) var<storage, read_write> coded: array<u32>;

@compute @workgroup_size(INVOCATIONS)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) id: u32,
) {
    let index = workgroup.x + workgroup.y * workgroups.x;
    if index >= arrayLength(&segments) {
        return;
    }
    let segment = segments[index];
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
