//! Damage costs the tensors that it lies in, and the error names them.

use std::io::Write;

use ranstream::{Error, error::Corruption};
use ranstream_tensors::{Archive, BaseModel, Profile, TensorError, TensorErrorKind, TensorOptions, TensorWriter};

use crate::files::{Counted, bf16, coded, model, safetensors};

/// The model in blocks of this length.
const BLOCK_LEN: usize = 9000;

fn outs(archive: &Archive<'_>) -> Vec<Vec<u8>> {
    archive.tensors().iter().map(|info| vec![0xAA; info.len() as usize]).collect()
}

#[test]
fn a_damaged_block_costs_its_tensors_and_no_other() {
    let (file, entries) = (safetensors(&model()), model());
    let stream = coded(&file, BLOCK_LEN);
    let whole = Archive::open(stream.clone()).unwrap();
    // Behind the first block, which has the header.
    for at in (12_000..stream.len() - 1000).step_by(7001) {
        let mut damaged = stream.clone();
        damaged[at] ^= 0x10;
        let hit: Vec<_> = (whole.tensors().iter())
            .filter(|info| {
                let part = whole.tensor(&info.name).unwrap().bytes(0..info.len()).unwrap();
                part.coded_ranges().iter().any(|range| range.contains(&(at as u64)))
            })
            .map(|info| info.name.clone())
            .collect();
        let archive = Archive::open(Counted::new(damaged)).unwrap();
        for threads in [1, 3] {
            let mut outs = outs(&archive);
            let mut places = outs.iter_mut();
            let error = archive.decode_all(threads, |_| places.next().map(|out| &mut out[..])).unwrap_err();
            let mut named: Vec<_> = error.all().map(|error| error.tensor.clone().unwrap().into_string()).collect();
            named.sort_by_key(|name| entries.iter().position(|(known, ..)| known == name));
            assert_eq!(named, hit, "byte {at}: {error}");
            assert!(error.offset.is_some_and(|offset| offset <= at as u64), "{error}");
            for (out, (name, .., bytes)) in outs.iter().zip(&entries) {
                assert!(hit.contains(name) || out == bytes, "byte {at}: {name} is not decoded");
            }
        }
        for name in &hit {
            let tensor = archive.tensor(name).unwrap();
            let error = tensor.decode_into(&mut vec![0; tensor.info().len() as usize]).unwrap_err();
            assert_eq!(error.tensor.as_deref(), Some(&**name));
            assert!(matches!(error.kind, TensorErrorKind::Stream(_)), "{error}");
        }
    }
}

#[test]
fn a_stream_that_is_cut_gives_what_is_there() {
    let (file, entries) = (safetensors(&model()), model());
    let stream = coded(&file, BLOCK_LEN);
    let cut = stream.len() / 2;
    let archive = Archive::open(stream[..cut].to_vec()).unwrap();
    assert!(archive.len().is_err());
    let (mut whole, mut lost) = (0, 0);
    for (name, _, _, bytes) in &entries {
        let mut out = vec![0; bytes.len()];
        match archive.tensor(name).unwrap().decode_into(&mut out) {
            Ok(()) => {
                assert!(&out == bytes, "{name}");
                whole += 1;
            }
            Err(error) => {
                assert_eq!(error.tensor.as_deref(), Some(&**name));
                assert!(matches!(error.kind, TensorErrorKind::Stream(Error::Truncated { .. })), "{error}");
                lost += 1;
            }
        }
    }
    assert!(whole >= 3 && lost >= 3, "{whole} whole, {lost} lost");
}

/// The tensor `a` in a stream.
struct Small {
    kind: &'static str,
    stream: Vec<u8>,
    bytes: Vec<u8>,
    base: Option<BaseModel>,
}

/// A small tensor in streams of several kinds.
fn small_streams() -> [Small; 4] {
    let of = |bytes: &[u8]| safetensors(&[("a".to_owned(), "BF16", vec![bytes.len() as u64 / 2], bytes.to_vec())]);
    let (weights, mut old) = (bf16(500, 1), bf16(500, 1));
    let mut pruned = weights.clone();
    pruned.chunks_exact_mut(6).for_each(|element| element[..4].fill(0));
    old.iter_mut().step_by(10).for_each(|byte| *byte ^= 1);
    let base = BaseModel::open(of(&old)).unwrap();
    let written = |bytes: &[u8], options: TensorOptions| {
        let mut writer = TensorWriter::new(Vec::new(), options);
        writer.write_all(&of(bytes)).unwrap();
        writer.finish().unwrap()
    };
    let small = TensorOptions::new().profile(Profile::Small);
    let over = written(&weights, TensorOptions::new().base(&base));
    let planes = written(&weights, TensorOptions::new());
    [
        Small { kind: "bytes", stream: coded(&of(&weights), 300), bytes: weights.clone(), base: None },
        Small { kind: "planes", stream: planes, bytes: weights.clone(), base: None },
        Small { kind: "a map of zeros", stream: written(&pruned, small), bytes: pruned, base: None },
        Small { kind: "a base", stream: over, bytes: weights, base: Some(base) },
    ]
}

fn open(stream: Vec<u8>, base: Option<&BaseModel>) -> Result<Archive<'static>, TensorError> {
    Archive::open(stream).map(|archive| if let Some(base) = base { archive.with_base(base) } else { archive })
}

#[test]
fn every_cut_is_an_error_or_gives_right_bytes() {
    for Small { kind, stream, bytes, base } in small_streams() {
        for len in 0..stream.len() {
            let Ok(archive) = open(stream[..len].to_vec(), base.as_ref()) else { continue };
            let mut out = vec![0; bytes.len()];
            match archive.tensor("a").and_then(|tensor| tensor.decode_into(&mut out)) {
                Ok(()) => assert!(out == bytes, "{kind}, cut at {len}"),
                Err(error) => assert_eq!(error.tensor.as_deref(), Some("a"), "{kind}, cut at {len}: {error}"),
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error_that_names_the_tensor_or_gives_right_bytes() {
    for Small { kind, stream, bytes, base } in small_streams() {
        let whole = open(stream.clone(), base.as_ref()).unwrap();
        let coded = whole.tensor("a").unwrap().bytes(0..bytes.len() as u64).unwrap().coded_ranges();
        let modes = whole.tensor("a").unwrap().modes();
        assert_eq!(kind == "bytes", !modes[0].0.to_string().starts_with("planes"), "{kind}: {modes:?}");
        for bit in 0..8 * stream.len() {
            let mut damaged = stream.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // A header or an index that is damaged is told when it is opened.
            let Ok(archive) = open(damaged, base.as_ref()) else { continue };
            let mut out = vec![0; bytes.len()];
            let is_in_it = coded.iter().any(|range| range.contains(&(bit as u64 / 8)));
            match archive.tensor("a").and_then(|tensor| tensor.decode_into(&mut out)) {
                Ok(()) => assert!(!is_in_it && out == bytes, "{kind}, bit {bit}"),
                Err(error) => assert_eq!(error.tensor.as_deref(), Some("a"), "{kind}, bit {bit}: {error}"),
            }
        }
    }
}

#[test]
fn an_index_that_lies_leads_to_an_error() {
    let entries = vec![("a".to_owned(), "U8", vec![3000], crate::files::bytes(3000, 1))];
    let file = safetensors(&entries);
    let mut stream = coded(&file, 500);
    // Of two entries that change places the sums are right, and so is the check of who makes it.
    let entry = |index: usize| {
        let end = stream.len() - 4 - 16;
        end - 8 * (7 - index)..end - 8 * (6 - index)
    };
    let (second, third) = (entry(1), entry(2));
    let (a, b) = (stream[second.clone()].to_vec(), stream[third.clone()].to_vec());
    assert_ne!(a, b, "blocks of different lengths");
    stream[second].copy_from_slice(&b);
    stream[third].copy_from_slice(&a);
    let block_at = stream.len() - 4 - 16 - 8 * 7 - 8;
    let check = crc32c::crc32c(&stream[block_at..stream.len() - 4]);
    let at = stream.len() - 4;
    stream[at..].copy_from_slice(&check.to_le_bytes());

    let archive = Archive::open(stream.clone()).unwrap();
    let error = archive.tensor("a").unwrap().decode_into(&mut [0; 3000]).unwrap_err();
    let mismatch = |error: &TensorErrorKind| {
        matches!(error, TensorErrorKind::Stream(Error::Corrupt { reason: Corruption::IndexMismatch, .. }))
    };
    assert!(mismatch(&error.kind), "{error}");
    let error = Archive::builder().verify_index(true).open(stream).unwrap_err();
    assert!(mismatch(&error.kind), "{error}");
}
