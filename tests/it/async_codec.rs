//! The codecs behind `Framed`, whose peer cuts, damages and lies.

use std::io;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt as _, TryStreamExt as _};
use ranstream::{
    DecodeOptions, EncodeOptions, Error, Limits, RansReader,
    codec::{Frame, MessageCodec, RansCodec},
    compress, decompress,
    format::BlockHeader,
    message::Model,
};
use tokio_util::codec::{Decoder, Encoder as _, Framed};

use crate::data;

/// What a decoder makes of bytes that come `chunk` at a time, and the error that ends it. It is
/// asked as `FramedRead` asks.
fn decode_all<D: Decoder<Item = Bytes, Error = io::Error>>(
    mut codec: D,
    stream: &[u8],
    chunk: usize,
) -> (Vec<Bytes>, Option<Error>) {
    let mut items = Vec::new();
    let mut src = BytesMut::new();
    for bytes in stream.chunks(chunk) {
        src.extend_from_slice(bytes);
        loop {
            match codec.decode(&mut src) {
                Ok(None) => break,
                Ok(Some(item)) => items.push(item),
                Err(error) => {
                    let error = Error::try_from(error).unwrap();
                    let again = Error::try_from(codec.decode(&mut src).unwrap_err()).unwrap();
                    assert_eq!(again, error, "a codec that failed comes back to life");
                    return (items, Some(error));
                }
            }
        }
    }
    loop {
        match codec.decode_eof(&mut src) {
            Ok(None) => return (items, None),
            Ok(Some(item)) => items.push(item),
            Err(error) => return (items, Some(Error::try_from(error).unwrap())),
        }
    }
}

/// The magic's wrong bytes depend on how many have come.
fn comparable(error: Option<Error>) -> Option<Error> {
    error.map(|error| match error {
        Error::NotAStream { .. } => Error::NotAStream { found: Vec::new() },
        error => error,
    })
}

fn std_gives(stream: &[u8]) -> (Vec<u8>, Option<Error>) {
    let mut raw = Vec::new();
    let result = io::Read::read_to_end(&mut RansReader::new(stream), &mut raw);
    (raw, comparable(result.err().map(|error| Error::try_from(error).unwrap())))
}

#[test]
fn a_stream_through_frames_is_the_stream_of_the_writer() {
    let raw = data::text(100_000);
    let mut codec = RansCodec::with_options(EncodeOptions::new().block_len(9000), DecodeOptions::new());
    let mut dst = BytesMut::new();
    for chunk in raw.chunks(7000) {
        codec.encode(Frame::Data(Bytes::copy_from_slice(chunk)), &mut dst).unwrap();
    }
    codec.encode(Frame::Finish, &mut dst).unwrap();
    assert!(dst[..] == compress(&raw, &EncodeOptions::new().block_len(9000)).unwrap());
    codec.encode(Frame::Flush, &mut dst).unwrap();
    let error = codec.encode(Frame::Data(Bytes::from_static(b"more")), &mut dst).unwrap_err();
    assert_eq!(Error::try_from(error).unwrap(), Error::Finished);
}

#[test]
fn a_flush_frame_gives_the_peer_all_that_was_sent() {
    let (mut here, mut there) = (RansCodec::new(), RansCodec::new());
    let mut wire = BytesMut::new();
    for text in ["first", "second", "third"] {
        here.encode(Frame::Data(text.into()), &mut wire).unwrap();
        here.encode(Frame::Flush, &mut wire).unwrap();
        assert_eq!(there.decode(&mut wire).unwrap().unwrap(), text);
        assert!(wire.is_empty());
        assert!(there.decode(&mut wire).unwrap().is_none());
    }
}

#[test]
fn frames_decode_however_they_are_cut() {
    let streams = data::every_mode_stream();
    for chunk in [1, 2, 7, 100, 4000] {
        let (items, error) = decode_all(RansCodec::new(), &streams.stream, chunk);
        assert_eq!(error, None);
        assert!(items.concat() == streams.raw, "{chunk} bytes at a time");
    }
}

#[test]
fn cuts_and_flips_give_what_the_reader_gives() {
    let streams = data::every_mode_stream();
    for at in 0..streams.stream.len() {
        let mut flipped = streams.stream.clone();
        flipped[at] ^= 0x10;
        for stream in [&streams.stream[..at], &flipped] {
            let (items, error) = decode_all(RansCodec::new(), stream, 1 + at % 60);
            assert_eq!((items.concat(), comparable(error)), std_gives(stream), "at {at}");
        }
    }
}

#[test]
fn a_wrong_protocol_is_seen_with_its_first_byte() {
    let error = RansCodec::new().decode(&mut BytesMut::from(&b"G"[..])).unwrap_err();
    assert!(matches!(Error::try_from(error).unwrap(), Error::NotAStream { .. }));
}

#[test]
fn a_long_frame_is_refused_before_it_is_waited_for() {
    let stream = compress(&data::text(50_000), &EncodeOptions::new()).unwrap();
    let limits = Limits::new().max_block_len(10_000);
    let codec = RansCodec::with_options(EncodeOptions::new(), DecodeOptions::new().limits(limits));
    let (items, error) = decode_all(codec, &stream[..16], 1);
    assert!(items.is_empty() && matches!(error, Some(Error::LimitExceeded { found: 50_000, .. })), "{error:?}");

    let mut frame = BytesMut::new();
    MessageCodec::new().encode(data::text(50_000), &mut frame).unwrap();
    let (_, error) = decode_all(MessageCodec::new().max_len(10_000), &frame[..14], 1);
    assert!(matches!(error, Some(Error::LimitExceeded { found: 50_000, .. })), "{error:?}");
    assert!(MessageCodec::new().max_len(10).encode(Bytes::from_static(&[0; 11]), &mut frame).is_err());
}

/// It is decoded from where it is; only what is shorter, or stepped over, is taken as it comes.
#[test]
fn a_payload_stays_in_its_frame_until_it_is_whole() {
    let raw = data::uniform(1000);
    let mut stream = compress(&raw, &EncodeOptions::new()).unwrap();
    stream.truncate(8 + 8 + 1000 + 4);
    let (headers, payload) = stream.split_at(8 + 8);
    let mut src = BytesMut::from(headers);
    let mut codec = RansCodec::new();
    assert_eq!(codec.decode(&mut src).unwrap(), None);
    src.extend_from_slice(&payload[..500]);
    assert_eq!(codec.decode(&mut src).unwrap(), None);
    assert_eq!(src, payload[..500]);
    src.extend_from_slice(&payload[500..]);
    assert_eq!(codec.decode(&mut src).unwrap().unwrap(), raw);

    let mut codec = RansCodec::new();
    let mut src = BytesMut::from(&stream[..8]);
    src.extend_from_slice(&BlockHeader::Skippable { kind: 1, payload_len: 1000 }.to_bytes());
    assert_eq!(codec.decode(&mut src).unwrap(), None);
    src.extend_from_slice(&[0; 500]);
    assert_eq!(codec.decode(&mut src).unwrap(), None);
    assert!(src.is_empty());
}

#[test]
fn a_header_that_lies_gets_no_memory_for_it() {
    let stream = compress(&data::gaussian(4 << 20), &EncodeOptions::new().block_len(4 << 20)).unwrap();
    let mut src = BytesMut::from(&stream[..100]);
    assert!(RansCodec::new().decode(&mut src).unwrap().is_none());
    assert!(src.capacity() < 200_000, "{} bytes for 100 that came", src.capacity());
}

#[tokio::test]
async fn a_connection_carries_a_stream_of_frames() {
    let raw = data::text(1_000_000);
    let (here, there) = tokio::io::duplex(5000);
    let sent = raw.clone();
    let send = tokio::spawn(async move {
        let mut framed = Framed::new(here, RansCodec::new());
        for chunk in sent.chunks(33_333) {
            framed.send(Frame::Data(Bytes::copy_from_slice(chunk))).await.unwrap();
        }
        framed.send(Frame::Finish).await.unwrap();
    });
    let received: Vec<Bytes> = Framed::new(there, RansCodec::new()).try_collect().await.unwrap();
    assert!(received.concat() == raw);
    send.await.unwrap();
}

fn trained(id: u32) -> Model {
    Model::train(id, (0..50).map(|n| format!(r#"{{"id":{n},"name":"user {n}","tags":["a","b"]}}"#))).unwrap()
}

fn messages() -> Vec<Bytes> {
    let mut messages: Vec<Bytes> = (900..950)
        .map(|n| format!(r#"{{"id":{n},"name":"user {n}","tags":["c","{}"]}}"#, "x".repeat(n % 90)).into())
        .collect();
    messages.push(Bytes::new());
    messages.push(data::uniform(3000).into());
    messages.push(data::text(70_000).into());
    messages
}

#[test]
fn messages_keep_their_edges() {
    for codec in [MessageCodec::new(), MessageCodec::new().send_with(trained(1)).know(trained(1))] {
        let mut wire = BytesMut::new();
        for message in messages() {
            codec.clone().encode(message, &mut wire).unwrap();
        }
        for chunk in [1, 13, 100_000] {
            let (received, error) = decode_all(codec.clone(), &wire, chunk);
            assert_eq!(error, None);
            assert!(received == messages(), "{chunk} bytes at a time");
        }
        let (_, error) = decode_all(codec.clone(), &wire[..wire.len() - 1], 50);
        assert!(matches!(error, Some(Error::Truncated { .. })));
    }
}

#[test]
fn a_model_the_peer_does_not_know_is_named() {
    let mut wire = BytesMut::new();
    MessageCodec::new().send_with(trained(77)).encode(messages()[0].clone(), &mut wire).unwrap();
    let (_, error) = decode_all(MessageCodec::new().know(trained(76)), &wire, 10);
    assert_eq!(error, Some(Error::UnknownModel { id: 77 }));
}

#[test]
fn an_old_model_is_known_while_a_new_one_is_sent() {
    let codec = MessageCodec::new().know(trained(1)).know(trained(2));
    let mut wire = BytesMut::new();
    for id in [1, 2] {
        codec.clone().send_with(trained(id)).encode(messages()[0].clone(), &mut wire).unwrap();
    }
    let (received, error) = decode_all(codec, &wire, 10);
    assert_eq!((received.len(), error), (2, None));
}

#[test]
fn a_stored_message_is_a_slice_of_what_came() {
    let message = Bytes::from(data::uniform(3000));
    let mut wire = BytesMut::new();
    MessageCodec::new().encode(message.clone(), &mut wire).unwrap();
    let range = wire.as_ptr_range();
    let received = MessageCodec::new().decode(&mut wire).unwrap().unwrap();
    assert_eq!(received, message);
    assert!(range.contains(&received.as_ptr()));
}

#[test]
fn a_finished_stream_through_frames_is_whole_for_decompress() {
    let mut wire = BytesMut::new();
    let mut codec = RansCodec::new();
    codec.encode(Frame::Finish, &mut wire).unwrap();
    assert_eq!(decompress(&wire, &DecodeOptions::new()).unwrap(), b"");
}
