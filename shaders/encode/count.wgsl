// How often each byte occurs in a piece of a block. A workgroup counts one piece, and adds what it
// counted to what the block has.
//
// Three histograms stand one behind the other for each block: of all its bytes; of the sample that
// a long block is coded by (src/section/sample.rs has the same rule); and of the bytes that ride on
// start states (FORMAT.md, 4.4), which are not coded.

// Consecutive bytes of a sample.
const SAMPLED: u32 = 64u;

// Histograms of all bytes that are counted side by side, neighbours in different ones: equal bytes
// of near invocations would wait for each other. The copies of a symbol's count are neighbours too.
const COPIES: u32 = 8u;

struct Piece {
    // The block's place among the raw bytes, in words of 32 bits.
    raw_at: u32,
    block_len: u32,
    // The piece of the block, in bytes. It begins at a multiple of 4.
    start: u32,
    end: u32,
    // Raw bytes of the block's segments but the last.
    segment_len: u32,
    // One piece of how many is sampled; 1: no sample is taken.
    stride: u32,
    // The block's place among the histograms, in counts.
    counts_at: u32,
}

@group(0) @binding(0) var<storage, read> jobs: array<Piece>;
@group(0) @binding(1) var<storage, read> raw: array<u32>;
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;

var<workgroup> all: array<atomic<u32>, COPIES * SYMBOLS>;
var<workgroup> sampled: array<atomic<u32>, SYMBOLS>;
var<workgroup> riding: array<atomic<u32>, SYMBOLS>;

fn run(job: u32, id: u32) {
    let piece = jobs[job];
    for (var copy = 0u; copy < COPIES; copy++) {
        atomicStore(&all[id * COPIES + copy], 0u);
    }
    atomicStore(&sampled[id], 0u);
    atomicStore(&riding[id], 0u);
    workgroupBarrier();
    for (var at = piece.start + 4u * id; at < piece.end; at += 4u * INVOCATIONS) {
        count(piece, at, id % COPIES);
    }
    workgroupBarrier();
    var sum = 0u;
    for (var copy = 0u; copy < COPIES; copy++) {
        sum += atomicLoad(&all[id * COPIES + copy]);
    }
    add(piece.counts_at + id, sum);
    add(piece.counts_at + SYMBOLS + id, atomicLoad(&sampled[id]));
    add(piece.counts_at + 2u * SYMBOLS + id, atomicLoad(&riding[id]));
}

fn add(at: u32, count: u32) {
    if count > 0u {
        atomicAdd(&counts[at], count);
    }
}

// Four bytes, or those of them that the block has.
fn count(piece: Piece, at: u32, copy: u32) {
    let quad = raw[piece.raw_at + at / 4u];
    let bytes = min(4u, piece.end - at);
    let first = quad & 0xffu;
    if bytes == 4u && quad == first * 0x01010101u {
        atomicAdd(&all[first * COPIES + copy], 4u);
    } else {
        for (var k = 0u; k < bytes; k++) {
            atomicAdd(&all[((quad >> (8u * k)) & 0xffu) * COPIES + copy], 1u);
        }
    }
    // Samples are of whole pieces, so all four bytes are there.
    if is_sampled(piece, at) {
        for (var k = 0u; k < 4u; k++) {
            atomicAdd(&sampled[(quad >> (8u * k)) & 0xffu], 1u);
        }
    }
    if rides(piece, at) {
        atomicAdd(&riding[(quad >> 16u) & 0xffu], 1u);
        atomicAdd(&riding[quad >> 24u], 1u);
    }
}

fn is_sampled(piece: Piece, at: u32) -> bool {
    let stride_len = SAMPLED * piece.stride;
    let index = at / stride_len;
    if piece.stride == 1u || (index + 1u) * stride_len > piece.block_len {
        return false;
    }
    var turn = index * 0x9e3779b9u;
    turn = (turn ^ (turn >> 16u)) * 0x85ebca6bu;
    turn = (turn ^ (turn >> 13u)) * 0xc2b2ae35u;
    // The upper half of the product of 64 bits; the stride is small.
    let upper = (turn >> 16u) * piece.stride + (((turn & 0xffffu) * piece.stride) >> 16u);
    return at % stride_len / SAMPLED == upper >> 16u;
}

// Whether the upper half of the four bytes rides on a start state: so it is in the last group of a
// segment that has only whole groups.
fn rides(piece: Piece, at: u32) -> bool {
    let start = at - at % piece.segment_len;
    let len = min(piece.segment_len, piece.block_len - start);
    return len % GROUP == 0u && at - start >= len - GROUP;
}
