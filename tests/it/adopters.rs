//! The first lines of programs that take the crate into use: what they write must compile and work.

use std::{
    error,
    fs::File,
    io::{self, Read, Write},
};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Limits, RansReader, RansWriter, block, compress, decompress,
    read::RansEncoder, write::RansDecoder,
};

use crate::data;

/// `?` behind `finish` in a function with a boxed error: the error must not hold what was borrowed.
fn pack(raw: &[u8]) -> Result<Vec<u8>, Box<dyn error::Error>> {
    let mut out = Vec::new();
    let mut writer = RansWriter::new(&mut out);
    writer.write_all(raw)?;
    writer.finish()?;
    Ok(out)
}

fn unpack(stream: &[u8]) -> Result<Vec<u8>, Box<dyn error::Error + Send + Sync>> {
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
fn to_stdout(raw: Option<&[u8]>) -> Result<(), Box<dyn error::Error + Send + Sync>> {
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

#[test]
fn blocks_one_behind_the_other_without_a_frame_of_ones_own() {
    let messages = [&b"one"[..], &[7; 10_000], &data::text(3000)];
    let mut wire = Vec::new();
    for message in messages {
        block::encode(message, &EncodeOptions::new(), &mut wire).unwrap();
    }
    let mut rest = &wire[..];
    for message in messages {
        let (packet, behind) = rest.split_at(block::coded_len(rest).unwrap());
        assert_eq!(block::decode_to_vec(packet, &Limits::new()).unwrap(), message);
        let small = Limits::new().max_block_len(message.len() - 1);
        assert!(matches!(block::decode_to_vec(packet, &small), Err(Error::LimitExceeded { .. })));
        rest = behind;
    }
    assert_eq!(rest, b"");
    assert_eq!(block::coded_len(&wire[..7]), Err(Error::Truncated { offset: 7 }));
    assert!(block::coded_len(&compress(b"raw", &EncodeOptions::new()).unwrap()).is_err());
}

/// A socket's both directions behind one object.
#[derive(Debug, Default)]
struct Duplex {
    incoming: io::Cursor<Vec<u8>>,
    outgoing: Vec<u8>,
}

impl Read for Duplex {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.incoming.read(buf)
    }
}

impl Write for Duplex {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.outgoing.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_over_a_writer_over_a_socket_is_both() {
    let incoming = compress(b"their bytes", &EncodeOptions::new()).unwrap();
    let socket = Duplex { incoming: io::Cursor::new(incoming), outgoing: Vec::new() };
    let mut both = RansReader::new(RansWriter::new(socket));
    both.write_all(b"our bytes").unwrap();
    both.flush().unwrap();
    let mut theirs = String::new();
    both.read_to_string(&mut theirs).unwrap();
    assert_eq!(theirs, "their bytes");
    let outgoing = both.into_inner().finish().unwrap().outgoing;
    assert_eq!(decompress(&outgoing, &DecodeOptions::new()).unwrap(), b"our bytes");
}

#[test]
fn a_pushed_decoder_over_a_pulled_encoder_over_a_socket_is_both() {
    let socket = Duplex { incoming: io::Cursor::new(b"their bytes".to_vec()), outgoing: Vec::new() };
    let mut both = RansDecoder::new(RansEncoder::new(socket));
    both.write_all(&compress(b"our bytes", &EncodeOptions::new()).unwrap()).unwrap();
    let mut stream = Vec::new();
    both.read_to_end(&mut stream).unwrap();
    assert_eq!(decompress(&stream, &DecodeOptions::new()).unwrap(), b"their bytes");
    assert_eq!(both.finish().unwrap().into_inner().outgoing, b"our bytes");
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn both_directions_over_one_tokio_socket() {
    use ranstream::tokio::{RansReader, RansWriter};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional, duplex};

    let (near, far) = duplex(100);
    let (near_plain, mut caller) = duplex(100);
    // What a proxy does: plain on one side, compressed on the other.
    let relay = tokio::spawn(async move {
        let (mut plain, mut coded) = (near_plain, RansReader::new(RansWriter::new(near)));
        copy_bidirectional(&mut plain, &mut coded).await
    });
    let mut peer = RansReader::new(RansWriter::new(far));
    caller.write_all(b"question").await.unwrap();
    let mut question = [0; 8];
    peer.read_exact(&mut question).await.unwrap();
    assert_eq!(&question, b"question");
    peer.write_all(b"answer").await.unwrap();
    peer.shutdown().await.unwrap();
    caller.shutdown().await.unwrap();
    let mut answer = String::new();
    caller.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "answer");
    assert_eq!(relay.await.unwrap().unwrap(), (8, 6));
}

#[cfg(feature = "futures-io")]
#[test]
fn both_directions_over_one_futures_socket() {
    use futures_util::{AsyncReadExt as _, AsyncWriteExt as _, io::AllowStdIo};
    use ranstream::futures::{RansReader, RansWriter};

    let incoming = compress(b"their bytes", &EncodeOptions::new()).unwrap();
    let socket = Duplex { incoming: io::Cursor::new(incoming), outgoing: Vec::new() };
    let mut both = RansReader::new(RansWriter::new(AllowStdIo::new(socket)));
    let mut theirs = String::new();
    tokio_test::block_on(async {
        both.write_all(b"our bytes").await?;
        both.read_to_string(&mut theirs).await?;
        both.close().await
    })
    .unwrap();
    let outgoing = both.into_inner().into_inner().into_inner().outgoing;
    assert_eq!(theirs, "their bytes");
    assert_eq!(decompress(&outgoing, &DecodeOptions::new()).unwrap(), b"our bytes");
}

/// Whatever holds bytes is sent, and arrives without another word.
#[cfg(feature = "codec")]
#[test]
fn codecs_take_what_holds_bytes() {
    use bytes::{Bytes, BytesMut};
    use ranstream::codec::{MessageCodec, RansCodec};
    use tokio_util::codec::{Decoder as _, Encoder};

    fn passes<T>(item: T, mut codec: impl Encoder<T, Error = io::Error>) -> BytesMut {
        let mut wire = BytesMut::new();
        codec.encode(item, &mut wire).unwrap();
        wire
    }
    let messages = [
        passes(&b"some bytes"[..], MessageCodec::new()),
        passes(b"some bytes".to_vec(), MessageCodec::new()),
        passes(Bytes::from_static(b"some bytes"), MessageCodec::new()),
        passes(BytesMut::from(&b"some bytes"[..]), MessageCodec::new()),
    ];
    for mut wire in messages {
        assert_eq!(MessageCodec::new().decode(&mut wire).unwrap().unwrap(), b"some bytes"[..]);
    }
    let streams = [
        passes(&b"some bytes"[..], RansCodec::new()),
        passes(b"some bytes".to_vec(), RansCodec::new()),
        passes(Bytes::from_static(b"some bytes"), RansCodec::new()),
        passes(BytesMut::from(&b"some bytes"[..]), RansCodec::new()),
    ];
    for mut wire in streams {
        assert_eq!(RansCodec::new().decode(&mut wire).unwrap().unwrap(), b"some bytes"[..], "nothing waits");
    }
}
