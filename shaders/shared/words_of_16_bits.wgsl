// Coded words, where the device loads 16 bits: five instructions less than to take them out of 32.

// The same bytes as `coded`.
@group(0) @binding(4) var<storage, read> words: array<u16>;

// `at` counts words of 16 bits.
fn word(at: u32) -> u32 {
    return u32(words[at]);
}
