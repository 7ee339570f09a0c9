//! Headers of safetensors, against the format's own crate.

use ranstream_tensors::{
    Archive, Container, DType, Value,
    header::{self, HeaderError, Parsed},
};
use safetensors::SafeTensors;

use crate::files::{coded, model, rng, safetensors};

fn file(json: &str, data: usize) -> Vec<u8> {
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend(json.as_bytes());
    file.resize(file.len() + data, 7);
    file
}

fn parse(file: &[u8]) -> Result<Parsed, HeaderError> {
    header::safetensors::parse(file, Some(file.len() as u64))
}

/// Accepts what the crate accepts, and says the same of it.
fn alike(file: &[u8]) -> bool {
    let (ours, theirs) = (parse(file), SafeTensors::read_metadata(file));
    match (&ours, &theirs) {
        (Ok(Parsed::Whole(header)), Ok((len, metadata))) => {
            assert_eq!(header.len, 8 + *len as u64);
            assert_eq!(header.tensors.len(), metadata.tensors().len());
            for tensor in &header.tensors {
                let info = metadata.info(&tensor.name).unwrap();
                assert_eq!(tensor.shape, info.shape.iter().map(|&n| n as u64).collect::<Vec<_>>());
                assert_eq!(tensor.range.start - header.len, info.data_offsets.0 as u64);
                assert_eq!(tensor.range.end - header.len, info.data_offsets.1 as u64);
                assert_eq!(tensor.dtype.to_string(), info.dtype.to_string(), "{}", tensor.name);
            }
            true
        }
        (Ok(Parsed::Needs(_)) | Err(_), Err(_)) => false,
        _ => panic!("{ours:?}, the crate: {theirs:?}\n{}", String::from_utf8_lossy(&file[8..])),
    }
}

#[test]
fn the_test_file_is_one() {
    let file = safetensors(&model());
    assert!(alike(&file));
    let archive = Archive::open(coded(&file, 5000)).unwrap();
    assert_eq!(archive.metadata().unwrap().get("format"), Some(&Value::Text("pt".to_owned())));
    assert_eq!(archive.header(), &file[..archive.header().len()]);
}

/// Random headers that are nearly right, with random faults.
#[test]
fn random_headers_are_accepted_and_refused_alike() {
    use rand::RngExt;
    let mut rng = rng(5);
    let types = ["BOOL", "F4", "F6_E2M3", "U8", "F8_E4M3", "F8_E5M2FNUZ", "I16", "BF16", "F32", "C64", "F64", "U64"];
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let (mut json, mut at) = (String::from("{"), 0_u64);
        let mut parts = Vec::new();
        if rng.random_bool(0.3) {
            parts.push("\"__metadata__\":{\"a\":\"b\"}".to_owned());
        }
        for index in 0..rng.random_range(0..4) {
            let dtype = types[rng.random_range(0..types.len())];
            let shape: Vec<u64> = (0..rng.random_range(0..4)).map(|_| rng.random_range(0..7)).collect();
            let bits = DType::from_safetensors(dtype).byte_len(24).unwrap() / 3;
            let mut end = at + shape.iter().product::<u64>() * bits / 8;
            let mut start = at;
            match rng.random_range(0..40) {
                0 => start += 1,
                1 => end += 1,
                2 => start = start.saturating_sub(1),
                3 => (start, end) = (end, start),
                _ => {}
            }
            let text = match rng.random_range(0..60) {
                0 => format!("{{\"dtype\":\"{dtype}\",\"shape\":{shape:?}}}"),
                1 => format!("{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{start}]}}"),
                2 => format!("{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{start},{end},0]}}"),
                3 => format!("{{\"dtype\":\"{dtype}\",\"shape\":[-1],\"data_offsets\":[{start},{end}]}}"),
                4 => format!(
                    "{{\"dtype\":\"{dtype}\",\"shape\":[18446744073709551615,8],\"data_offsets\":[{start},{end}]}}"
                ),
                5 => format!(
                    "{{\"more\":[1],\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}"
                ),
                6 => format!("{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{start}.5,{end}]}}"),
                7 => "7".to_owned(),
                _ => format!("{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}"),
            };
            parts.push(format!("\"t{index}\":{text}"));
            at = end;
        }
        if rng.random_bool(0.5) {
            parts.reverse();
        }
        json += &parts.join(",");
        json += ["}", "} ", "}\n\t ", "}x", "", "}}"][rng.random_range(0..50_usize).saturating_sub(44)];
        let data = (at + u64::from(rng.random_bool(0.03))) as usize;
        if alike(&file(&json, data.min(1 << 20))) { accepted += 1 } else { refused += 1 }
    }
    assert!(accepted > 5000 && refused > 3000, "{accepted} accepted, {refused} refused");
}

#[test]
fn damaged_headers_are_accepted_and_refused_alike() {
    use rand::RngExt;
    let (whole, mut rng) = (safetensors(&model()[..4]), rng(6));
    for _ in 0..20_000 {
        let mut damaged = whole.clone();
        let at = rng.random_range(0..600);
        damaged[at] = rng.random();
        // What the crate lets pass and we do not, on purpose: see the parser's page.
        let told_apart = |error: &HeaderError| match error {
            HeaderError::DuplicateName { .. } => true,
            HeaderError::Json { message } => message.contains("twice") || message.contains("duplicate field"),
            _ => false,
        };
        match parse(&damaged) {
            Err(error) if told_apart(&error) => {}
            Ok(Parsed::Whole(header)) if header.tensors.iter().any(|tensor| tensor.dtype == DType::Unknown) => {}
            _ => {
                alike(&damaged);
            }
        }
    }
}

#[test]
fn where_we_are_stricter_and_where_we_are_not() {
    let tensor = "{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}";
    let twice = file(&format!("{{\"a\":{tensor},\"a\":{tensor}}}"), 2);
    assert_eq!(parse(&twice), Err(HeaderError::DuplicateName { name: "a".to_owned() }));
    let twice = file(&format!("{{\"a\":{tensor},\"\\u0061\":{tensor}}}"), 2);
    assert_eq!(parse(&twice), Err(HeaderError::DuplicateName { name: "a".to_owned() }));
    let twice = file("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2],\"shape\":[2]}}", 2);
    assert!(matches!(parse(&twice), Err(HeaderError::Json { message }) if message.contains("twice")));
    let list = file("{\"a\":[\"U8\",[2],[0,2]]}", 2);
    assert!(matches!(parse(&list), Err(HeaderError::Json { .. })));
    let new = file("{\"a\":{\"dtype\":\"F3_E9M9\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2);
    let archive = Archive::open(new).unwrap();
    assert_eq!(archive.tensor("a").unwrap().info().dtype, DType::Unknown);
    assert!(archive.tensor("a").unwrap().rows(0..1).is_err());
}

#[test]
fn a_file_that_breaks_a_rule_is_bytes() {
    let broken = file("{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2);
    for source in [broken.clone(), coded(&broken, 30)] {
        let archive = Archive::open(source).unwrap();
        assert_eq!((archive.container(), archive.tensors().len()), (Container::Opaque, 0));
        let size = HeaderError::Size { tensor: "a".to_owned(), expected: 3, found: 2 };
        assert_eq!(archive.opaque(), Some(&size));
        let error = archive.tensor("a").unwrap_err();
        assert_eq!(
            error.to_string(),
            "tensor \"a\": the file has no tensors: tensor \"a\" has 2 bytes, and its shape asks for 3"
        );
        let mut all = Vec::new();
        archive.copy_raw(0..broken.len() as u64, &mut all).unwrap();
        assert_eq!(all, broken);
    }
    for text in [&b"plain text"[..], b"", b"x", b"\x89RNX"] {
        let archive = Archive::open(text).unwrap();
        assert_eq!(archive.container(), Container::Opaque);
        assert_eq!(archive.len().unwrap(), text.len() as u64);
    }
    let long = [&200_000_000_u64.to_le_bytes()[..], b"{"].concat();
    assert_eq!(Archive::open(long).unwrap().opaque(), Some(&HeaderError::NotAContainer));
    let cut = [&2000_u64.to_le_bytes()[..], b"{"].concat();
    assert_eq!(Archive::open(cut).unwrap().opaque(), Some(&HeaderError::EndsEarly { needed: 2008, file_len: 9 }));
}
