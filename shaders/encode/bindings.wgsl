// What the encoder of segments reads and writes. Its jobs are those of the decoder, read otherwise:
// `coded_at` is the end of the segment's room among the words, `words` the segment's number, by
// which its head is found, and `table_at` the place of the block's symbols.

// For each symbol of a block: frequency << 12 | cumulative.
@group(0) @binding(0) var<storage, read> symbols: array<u32>;
@group(0) @binding(1) var<storage, read> jobs: array<Job>;
@group(0) @binding(2) var<storage, read> raw: array<u32>;
// Words of 16 bits, each in 32.
@group(0) @binding(3) var<storage, read_write> words: array<u32>;
// For each segment: its states, and the number of its words.
@group(0) @binding(4) var<storage, read_write> heads: array<u32>;
