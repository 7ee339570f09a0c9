// Coded words, where the device loads 32 bits.

// `at` counts words of 16 bits.
fn word(at: u32) -> u32 {
    return (coded[at >> 1u] >> ((at & 1u) << 4u)) & 0xffffu;
}
