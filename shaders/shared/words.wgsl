// What every kind of segment needs: its words, and where it says that it is damaged.

// Bit s: segment s does not end as the encoder began it.
var<workgroup> failed: atomic<u32>;

// `at` counts words of 16 bits.
fn word(at: u32) -> u32 {
    return (coded[at >> 1u] >> ((at & 1u) << 4u)) & 0xffffu;
}
