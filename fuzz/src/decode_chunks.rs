//! However a stream is cut, and however short the output is, the same bytes come out and the same
//! error.

use ranstream::{DecodeOptions, Limits};

use super::{drive, repair::repaired_if};

/// The first two bytes: how long the pieces of input and output are. The third: whether the checks
/// are made right.
pub fn run(input: &[u8]) {
    let Some((&[input_len, output_len, repair], stream)) = input.split_first_chunk() else { return };
    let stream = repaired_if(repair % 2 == 1, stream);
    let options = DecodeOptions::new().limits(Limits::new().max_output(1 << 16));
    let whole = drive::decode(&stream, options.clone(), usize::MAX, 1 << 16, 0);
    let (input_len, output_len) = (usize::from(input_len).max(1), usize::from(output_len).max(1));
    assert_eq!(drive::decode(&stream, options, input_len, output_len, 0), whole);
}
