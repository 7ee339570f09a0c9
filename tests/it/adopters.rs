//! The first lines of programs that take the crate into use: what they write must compile and work.

use std::{
    error::Error,
    fs::File,
    io::{self, Write},
};

use ranstream::{DecodeOptions, EncodeOptions, RansWriter, compress, decompress, write::RansDecoder};

/// `?` behind `finish` in a function with a boxed error: the error must not hold what was borrowed.
fn pack(raw: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut out = Vec::new();
    let mut writer = RansWriter::new(&mut out);
    writer.write_all(raw)?;
    writer.finish()?;
    Ok(out)
}

fn unpack(stream: &[u8]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let mut out = Vec::new();
    let mut decoder = RansDecoder::new(&mut out);
    decoder.write_all(stream)?;
    decoder.finish()?;
    Ok(out)
}

#[test]
fn finish_over_a_borrowed_vector_with_a_boxed_error() {
    assert_eq!(unpack(&pack(b"some bytes").unwrap()).unwrap(), b"some bytes");
    assert!(unpack(b"no stream").is_err());
}

/// A locked standard stream is not `Send`, so a boxed error could not hold it. It is written to
/// only if asked for: what compiles is the point, and the test's own output stays clean.
fn to_stdout(raw: Option<&[u8]>) -> Result<(), Box<dyn Error + Send + Sync>> {
    if let Some(raw) = raw {
        let mut writer = RansWriter::new(io::stdout().lock());
        writer.write_all(raw)?;
        drop(writer.finish()?);
    }
    let mut decoder = RansDecoder::new(io::stdout().lock());
    decoder.write_all(&compress(b"", &EncodeOptions::new())?)?;
    drop(decoder.finish()?);
    Ok(())
}

#[test]
fn finish_over_a_locked_standard_stream_with_a_boxed_error() {
    to_stdout(None).unwrap();
}

#[test]
fn finish_over_a_borrowed_file_that_is_then_synced() {
    fn save(file: &mut File, raw: &[u8]) -> io::Result<()> {
        let mut writer = RansWriter::new(file);
        writer.write_all(raw)?;
        writer.finish()?.sync_all()
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    save(file.as_file_mut(), b"some bytes").unwrap();
    let stream = std::fs::read(file.path()).unwrap();
    assert_eq!(decompress(&stream, &DecodeOptions::new()).unwrap(), b"some bytes");
}
