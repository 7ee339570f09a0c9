// How large subgroups are when they run: some devices say less than they know.

@group(0) @binding(0) var<storage, read_write> smallest: atomic<u32>;
@group(0) @binding(1) var<storage, read_write> largest: atomic<u32>;

@compute @workgroup_size(256)
fn main(@builtin(subgroup_size) size: u32) {
    atomicMin(&smallest, size);
    atomicMax(&largest, size);
}
