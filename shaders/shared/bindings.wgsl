// What the decoder reads and writes.

@group(0) @binding(0) var<storage, read> coded: array<u32>;
@group(0) @binding(1) var<storage, read> jobs: array<Job>;
@group(0) @binding(2) var<storage, read_write> raw: array<u32>;
@group(0) @binding(3) var<storage, read_write> status: array<u32>;
