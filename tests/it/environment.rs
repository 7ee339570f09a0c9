//! `RANS_MODE`, the switch for when a mode is in doubt. It is read once in a process, so each value
//! gets a process of its own.

use std::{env, process::Command};

use ranstream::{DecodeOptions, EncodeOptions, Mode, compress, decompress, format::StreamHeader};

use crate::data;

/// Tells the child which tag to expect.
const EXPECTED: &str = "RANS_TEST_EXPECTED_TAG";

#[test]
fn rans_mode_overrides_the_policy() {
    for (mode, tag) in [
        ("stored", 0x01),
        ("fill", 0x01),
        ("single", 0x05),
        ("interleaved", 0x06),
        ("lanes", 0x07),
        ("auto", 0x07),
        ("no such mode", 0x07),
        ("", 0x07),
    ] {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "environment::auto_chooses_what_it_should"])
            .env("RANS_MODE", mode)
            .env(EXPECTED, tag.to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "RANS_MODE={mode:?}: {said}");
    }
}

/// In this process, and in those that the test above starts.
#[test]
fn auto_chooses_what_it_should() {
    let expected: u8 = env::var(EXPECTED).map_or(0x07, |tag| tag.parse().unwrap());
    let raw = data::text(20_000);
    let stream = compress(&raw, &EncodeOptions::new().level(0)).unwrap();
    assert_eq!(stream[StreamHeader::FIXED_LEN], expected);
    assert_eq!(decompress(&stream, &DecodeOptions::new()).unwrap(), raw);

    let forced = compress(&raw, &EncodeOptions::new().mode(Mode::Interleaved)).unwrap();
    assert_eq!(forced[StreamHeader::FIXED_LEN], 0x06, "what a program asks for is not overridden");
}
