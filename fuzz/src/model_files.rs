//! The bodies of the fuzz targets of model files: of `ranstream-tensors`, which the library's tests
//! do not know. `tensors/tests/it` compiles them as well, and runs the seeds through them.

use std::io::Write;

use ranstream::{DecodeOptions, Limits, decompress};
use ranstream_tensors::{
    Archive, BaseModel, DType, Profile, TensorInfo, TensorOptions, TensorWriter,
    header::{self, Header, HeaderError, Parsed},
};

/// What a target does with its input.
pub type Body = fn(&[u8]);

/// Every target.
pub const TARGETS: [(&str, Body); 3] = [("safetensors", safetensors), ("gguf", gguf), ("archive_open", archive_open)];

/// Any bytes as a safetensors file: accepted or refused as the format's own crate does.
pub fn safetensors(input: &[u8]) {
    let parsed = header::safetensors::parse(input, Some(input.len() as u64));
    let theirs = safetensors::SafeTensors::read_metadata(input);
    match &parsed {
        Ok(Parsed::Whole(header)) => {
            check(header, input);
            let has_new_type = header.tensors.iter().any(|tensor| tensor.dtype == DType::Unknown);
            assert!(theirs.is_ok() || has_new_type, "{theirs:?}");
            assert_eq!(header.tensors.last().map_or(header.len, |last| last.range.end), input.len() as u64);
        }
        // Names twice, and tensors that are lists: refused here alone.
        Err(HeaderError::Json { .. } | HeaderError::DuplicateName { .. }) => {}
        Ok(_) | Err(_) => assert!(theirs.is_err(), "{parsed:?}"),
    }
    streamed(input);
}

/// Any bytes as a GGUF file.
pub fn gguf(input: &[u8]) {
    if let Ok(Parsed::Whole(header)) = header::gguf::parse(input, Some(input.len() as u64)) {
        check(&header, input);
    }
    streamed(input);
}

/// Tensors lie behind the header, in their order, within the file, and share nothing.
fn check(header: &Header, input: &[u8]) {
    let mut end = header.len;
    for tensor in &header.tensors {
        assert!(tensor.range.start >= end && tensor.range.end >= tensor.range.start, "{tensor:?}");
        end = tensor.range.end;
    }
    assert!(end <= input.len() as u64);
}

/// A header that is parsed as its bytes come is the one that is parsed at once.
fn streamed(input: &[u8]) {
    let (mut len, mut rounds) = (0, 0);
    let parsed = loop {
        match header::parse(&input[..len], None) {
            Ok(Parsed::Needs(needed)) if needed <= input.len() as u64 => {
                assert!(needed > len as u64, "{needed} bytes are there");
                len = needed as usize;
                rounds += 1;
                if rounds > 64 {
                    return;
                }
            }
            parsed => break parsed,
        }
    };
    let whole = header::parse(input, None);
    match (&parsed, &whole) {
        (Ok(Parsed::Whole(one)), Ok(Parsed::Whole(other))) => assert_eq!(one, other),
        (Ok(Parsed::Whole(_)), _) | (_, Ok(Parsed::Whole(_))) => panic!("{parsed:?} and {whole:?}"),
        _ => {}
    }
}

/// The first byte says what the rest is: a file to open as it stands, or one to be written as a
/// stream first, in one of the profiles, over a base or not, and then one byte of that changed.
pub fn archive_open(input: &[u8]) {
    let Some((&way, rest)) = input.split_first() else { return };
    if way % 3 == 0 {
        let raw = decompress(rest, &DecodeOptions::new().limits(limits())).ok();
        return open(
            rest,
            None,
            raw.as_deref().or(Some(rest).filter(|rest| !rest.starts_with(&ranstream::format::MAGIC))),
        );
    }
    let Some((&[a, b, change], file)) = rest.split_first_chunk() else { return };
    let profile = [Profile::Fast, Profile::Small, Profile::Device][usize::from(way / 3 % 3)];
    let base = if way / 9 % 2 == 1 { base_of(file, usize::from(b)) } else { None };
    let (mut options, mut decoding) = (TensorOptions::new().profile(profile), DecodeOptions::new());
    if let Some(base) = &base {
        (options, decoding) = (options.base(base), decoding.base(base.bytes().clone()));
    }
    let mut writer = TensorWriter::new(Vec::new(), options);
    writer.write_all(file).expect("a vector takes everything");
    let mut stream = writer.finish().expect("a vector takes everything");
    assert!(decompress(&stream, &decoding).as_deref() == Ok(file));
    if way % 3 == 2 {
        let at = usize::from(u16::from_le_bytes([a, b])) % stream.len();
        stream[at] ^= change;
    }
    open(&stream, base.as_ref(), Some(file));
}

/// A file of which some bytes are others, of which the last ones are tensors; if it is a whole one.
fn base_of(file: &[u8], every: usize) -> Option<BaseModel> {
    let mut old = file.to_vec();
    let tensors = old.len() / 2;
    old[tensors..].iter_mut().step_by(every + 1).for_each(|byte| *byte = byte.wrapping_add(1));
    BaseModel::open(old).ok()
}

fn limits() -> Limits {
    Limits::new().max_memory(1 << 22).max_output(1 << 22).max_block_len(1 << 20)
}

/// Opens `file`, and decodes all there is. Whatever is decoded is of `raw`, where that is known: a
/// single changed byte is always found.
fn open(file: &[u8], base: Option<&BaseModel>, raw: Option<&[u8]>) {
    let builder = Archive::builder().limits(limits());
    let builder = if let Some(base) = base { builder.base(base) } else { builder };
    let Ok(archive) = builder.open(file) else { return };
    let _ = archive.base_hint();
    let known: u64 = archive.tensors().iter().map(TensorInfo::len).sum();
    if known > 1 << 22 {
        return;
    }
    for info in archive.tensors() {
        let mut out = vec![0; info.len() as usize];
        let tensor = archive.tensor(&info.name).expect("it is listed");
        if tensor.decode_into(&mut out).is_ok()
            && let Some(raw) = raw
        {
            assert!(out == raw[info.range.start as usize..info.range.end as usize], "{info:?}");
        }
        if let Some(row_len) = info.row_len().filter(|_| !info.shape.is_empty() && info.shape[0] > 0) {
            let mut row = vec![0; row_len as usize];
            let last = info.shape[0] - 1;
            if tensor.rows(last..last + 1).expect("it has it").decode_into(&mut row).is_ok()
                && let Some(raw) = raw
            {
                assert!(row == raw[(info.range.end - row_len) as usize..info.range.end as usize], "{info:?}");
            }
        }
    }
    let mut outs: Vec<Vec<u8>> = archive.tensors().iter().map(|info| vec![0; info.len() as usize]).collect();
    let mut places = outs.iter_mut();
    let _ = archive.decode_all(1, |_| places.next().map(|out| &mut out[..]));
}

/// What the targets start from, with their names.
#[must_use]
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (target, file) in [("safetensors", small_safetensors()), ("gguf", small_gguf())] {
        for way in 0..18 {
            let settings = if way % 3 == 0 { vec![way] } else { vec![way, 77, 0, 4] };
            seeds.push(("archive_open", [&settings, &file[..]].concat()));
        }
        let mut writer = TensorWriter::new(Vec::new(), TensorOptions::new());
        writer.write_all(&file).expect("a vector takes everything");
        let stream = writer.finish().expect("a vector takes everything");
        seeds.push(("archive_open", [&[0], &stream[..]].concat()));
        seeds.push((target, file));
    }
    seeds
}

fn small_safetensors() -> Vec<u8> {
    let json = "{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"BF16\",\"shape\":[20,30],\"data_offsets\":[0,1200]},\
                \"b\":{\"dtype\":\"F32\",\"shape\":[50],\"data_offsets\":[1200,1400]},\
                \"c\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[1400,1401]}}";
    let mut file = [&(json.len() as u64).to_le_bytes(), json.as_bytes()].concat();
    file.extend((0..1401_u32).map(|at| if at % 2 == 1 { 0x3C } else { (at * at / 7) as u8 }));
    file
}

fn small_gguf() -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    file.extend([2_u64, 3].map(u64::to_le_bytes).as_flattened());
    file.extend([text("general.alignment"), 4_u32.to_le_bytes().to_vec(), 32_u32.to_le_bytes().to_vec()].concat());
    file.extend([text("name"), 8_u32.to_le_bytes().to_vec(), text("a model")].concat());
    let words = [text("one"), text("two")].concat();
    let array = [&9_u32.to_le_bytes()[..], &8_u32.to_le_bytes(), &2_u64.to_le_bytes(), &words].concat();
    file.extend([text("words"), array].concat());
    for (name, kind, shape, at) in [("q", 2_u32, [64_u64, 2], 0_u64), ("f", 0, [5, 1], 96)] {
        file.extend(text(name));
        file.extend(2_u32.to_le_bytes());
        file.extend(shape.map(u64::to_le_bytes).as_flattened());
        file.extend(kind.to_le_bytes());
        file.extend(at.to_le_bytes());
    }
    file.resize(file.len().next_multiple_of(32) + 96 + 20, 0x51);
    file
}
