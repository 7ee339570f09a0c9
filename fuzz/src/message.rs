//! Any bytes as a message frame or as a saved model; and what is coded comes back.

use std::sync::OnceLock;

use ranstream::{
    EncodeOptions,
    message::{self, Model},
};

use super::repair::{crc8, crc32c, repaired};

/// The model that both sides share. Its id takes one byte.
pub fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| Model::train(5, ["a message, and another one like it"]).expect("the id is in range"))
}

pub fn run(input: &[u8]) {
    for bytes in [input, &sealed_model(input)] {
        if let Ok(loaded) = Model::load(bytes) {
            assert_eq!(loaded.save(), bytes);
        }
    }
    for frame in [input, &repaired(input), &sealed_frame(input)] {
        decode(frame);
    }
    for model in [None, Some(model())] {
        let mut frame = Vec::new();
        message::encode(input, model, &EncodeOptions::new(), &mut frame).expect("the options are valid");
        assert_eq!(message::lengths(&frame).expect("our own frame").expect("it is whole").frame, frame.len());
        let mut back = vec![0xEE; input.len()];
        message::decode(&frame, model.map_or(&[], std::slice::from_ref), &mut back).expect("our own frame");
        assert_eq!(back, input);
    }
}

fn decode(frame: &[u8]) {
    let Ok(Some(lengths)) = message::lengths(frame) else { return };
    if lengths.raw > 1 << 18 {
        return;
    }
    let models = std::slice::from_ref(model());
    let (mut zeros, mut ones) = (vec![0; lengths.raw + 1], vec![0xFF; lengths.raw + 1]);
    let result = message::decode(frame, models, &mut zeros);
    assert_eq!(message::decode(frame, models, &mut ones), result);
    if let Ok(len) = result {
        assert_eq!((len, lengths.frame), (lengths.raw, frame.len()));
        assert_eq!((&zeros[..len], ones[len]), (&ones[..len], 0xFF));
    }
}

fn sealed_model(body: &[u8]) -> Vec<u8> {
    let body = body.split_last_chunk::<4>().map_or(body, |(body, _)| body);
    [body, &crc32c(&[body]).to_le_bytes()].concat()
}

/// A frame whose checks are right: the first byte is how it is coded, numbers follow as they are
/// found.
fn sealed_frame(bytes: &[u8]) -> Vec<u8> {
    let mut frame = bytes.to_vec();
    let numbers = match frame.first() {
        Some(0x80) => 1,
        Some(0x81) => 3,
        _ => return frame,
    };
    let model_check = match frame[0] {
        0x80 => [0; 4],
        _ => *model().save().last_chunk().expect("a saved model ends with its check"),
    };
    let mut ends = frame.iter().enumerate().skip(1).filter(|(_, byte)| **byte < 0x80).map(|(at, _)| at);
    let Some(check_at) = ends.nth(numbers - 1).map(|at| at + 1).filter(|&at| at < frame.len()) else { return frame };
    frame[check_at] = crc8(&frame[..check_at]);
    if let Some((signed, check)) = frame.split_last_chunk_mut::<4>() {
        *check = crc32c(&[&model_check, signed]).to_le_bytes();
    }
    frame
}
