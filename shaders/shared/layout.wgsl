// What the host and every kernel agree on. The same structs and numbers stand in
// src/jobs/layout.rs; a test there compares the two.
//
// The host puts two lines in front of this file: `const FOLD: u32 = ...u;`, how many lanes of a
// segment one invocation works for, and `const MIXED: bool = ...;`, whether segments of different
// lengths go through their rounds together.

const LANES: u32 = 32u;
const QUAD: u32 = 4u;
const GROUP: u32 = 128u;
const SEGMENTS: u32 = 8u;
const LOWER_BOUND: u32 = 65536u;
const MAX_SLOTS_BITS: u32 = 12u;
const MAX_SLOTS: u32 = 1u << MAX_SLOTS_BITS;
const SYMBOLS: u32 = 256u;

// Invocations that share a segment, and those of a workgroup.
const WIDTH: u32 = LANES / FOLD;
const INVOCATIONS: u32 = SEGMENTS * WIDTH;

const MODE_LANES: u32 = 0u;
const MODE_STORED: u32 = 1u;
const MODE_FILL: u32 = 2u;
const MODE_TURNS: u32 = 3u;

// A status without this bit is of a job that never ran. The lowest bits name the segments that
// failed.
const STATUS_DONE: u32 = 0x80000000u;

// Places are in words of 32 bits.
struct Segment {
    // 32 states, then 16-bit words. Mode turns: the states, for each state how many words it and
    // those before it have, and the words. Mode stored: the raw bytes. Mode fill: not a place, but
    // the byte, four times.
    coded_at: u32,
    // 16-bit words behind the states. Mode turns: not words, but states.
    words: u32,
    raw_at: u32,
    // In bytes. 0: there is no such segment.
    raw_len: u32,
}

// What one workgroup does.
struct Job {
    mode: u32,
    scale_bits: u32,
    // 256 frequencies of 16 bits.
    table_at: u32,
    // Groups of the longest segment, without the one that ends it.
    groups: u32,
    segments: array<Segment, SEGMENTS>,
}
