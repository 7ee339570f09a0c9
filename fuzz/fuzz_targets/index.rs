//! A seek in any bytes ends in an error, or where reading from the start would come to.
#![no_main]

use std::io::{Cursor, Read, Seek, SeekFrom};

use libfuzzer_sys::fuzz_target;
use ranstream::{DecodeOptions, Limits, RansReader};

fuzz_target!(|input: (u16, &[u8])| {
    let (to, stream) = input;
    let options = DecodeOptions::new().limits(Limits::new().max_output(1 << 20).max_memory(1 << 22));
    let mut whole = Vec::new();
    let good = RansReader::with_options(stream, options.clone()).read_to_end(&mut whole).is_ok();
    let mut reader = RansReader::with_options(Cursor::new(stream), options);
    if reader.seek(SeekFrom::Start(to.into())).is_err() {
        return;
    }
    let mut part = Vec::new();
    if reader.read_to_end(&mut part).is_ok() && good {
        assert_eq!(part, whole.get(usize::from(to)..).unwrap_or_default());
    }
});
