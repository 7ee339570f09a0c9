//! Any bytes come back from every level, with every kernel.

use ranstream::{DecodeOptions, EncodeOptions, Kernel, Pipeline, compress, decompress};

/// The first bytes: level and pipeline, block length, chunk length, how often the rest is repeated.
pub fn run(input: &[u8]) {
    let Some((&[level, a, b, c, d, repeat], raw)) = input.split_first_chunk() else { return };
    let raw = raw.repeat(1 + usize::from(repeat % 32));
    // Thousands of tiny blocks show no more than some do, and take seconds.
    let block_len = usize::from(u16::from_le_bytes([a, b])).max(1 + raw.len() / 16);
    let chunk_len = usize::from(u16::from_le_bytes([c, d])).max(128);
    let (_, pipeline) = Pipeline::ALL[usize::from(level / 10) % Pipeline::ALL.len()];
    let options = EncodeOptions::new().level(level % 10).block_len(block_len).entropy_chunk_bytes(chunk_len);
    let options = options.pipeline(pipeline);
    let stream = compress(&raw, &options).expect("the options are valid");
    assert!(stream.len() <= raw.len() + raw.len().div_ceil(block_len) * 12 + 100);
    for kernel in Kernel::all_available() {
        let back = decompress(&stream, &DecodeOptions::new().kernel(kernel)).expect("our own stream");
        assert_eq!(back, raw, "{kernel}");
        let again = compress(&raw, &options.clone().kernel(kernel)).expect("the options are valid");
        assert_eq!(again, stream, "{kernel}");
    }
}
