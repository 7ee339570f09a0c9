//! A seek in any bytes ends in an error, or where reading from the start would come to.

use std::io::{Cursor, Read, Seek, SeekFrom};

use ranstream::{DecodeOptions, Limits, RansReader};

use super::repair::repaired_if;

/// The first two bytes: where to. The third: whether the checks are made right.
pub fn run(input: &[u8]) {
    let Some((&[a, b, repair], stream)) = input.split_first_chunk() else { return };
    let to = u16::from_le_bytes([a, b]);
    let stream = repaired_if(repair % 2 == 1, stream);
    let options = DecodeOptions::new().limits(Limits::new().max_output(1 << 18).max_memory(1 << 22));
    let mut whole = Vec::new();
    let good = RansReader::with_options(&stream[..], options.clone()).read_to_end(&mut whole).is_ok();
    let mut reader = RansReader::with_options(Cursor::new(&stream), options);
    if reader.seek(SeekFrom::Start(to.into())).is_err() {
        return;
    }
    let mut part = Vec::new();
    if reader.read_to_end(&mut part).is_ok() && good {
        assert_eq!(part, whole.get(usize::from(to)..).unwrap_or_default());
    }
}
