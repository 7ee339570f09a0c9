//! Headers of GGUF, by a writer that shares no code with the parser.

use ranstream_tensors::{
    Archive, Container, DType, Value,
    header::{self, HeaderError, Parsed},
};

use crate::files::{bytes, coded};

/// Writes GGUF. Lengths are `usize`, as in no parser of ours.
#[derive(Default)]
struct Writer {
    pairs: Vec<u8>,
    pair_count: u64,
    infos: Vec<u8>,
    info_count: u64,
    data: Vec<u8>,
    alignment: usize,
}

impl Writer {
    fn new(alignment: usize) -> Self {
        let mut writer = Self { alignment, ..Self::default() };
        if alignment != 32 {
            writer.pair("general.alignment", 4, &(alignment as u32).to_le_bytes());
        }
        writer
    }

    fn text(text: &str) -> Vec<u8> {
        [&text.len().to_le_bytes(), text.as_bytes()].concat()
    }

    fn pair(&mut self, key: &str, kind: u32, value: &[u8]) {
        self.pairs.extend(Self::text(key));
        self.pairs.extend(kind.to_le_bytes());
        self.pairs.extend(value);
        self.pair_count += 1;
    }

    /// `shape` innermost first, as GGUF has it.
    fn tensor(&mut self, name: &str, kind: u32, shape: &[u64], data: &[u8]) {
        let offset = self.data.len().div_ceil(self.alignment) * self.alignment;
        self.data.resize(offset, 0);
        self.data.extend(data);
        self.info(name, kind, shape, offset);
    }

    fn info(&mut self, name: &str, kind: u32, shape: &[u64], offset: usize) {
        self.infos.extend(Self::text(name));
        self.infos.extend((shape.len() as u32).to_le_bytes());
        for dimension in shape {
            self.infos.extend(dimension.to_le_bytes());
        }
        self.infos.extend(kind.to_le_bytes());
        self.infos.extend(offset.to_le_bytes());
        self.info_count += 1;
    }

    fn finish(&self, version: u32) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(version.to_le_bytes());
        file.extend(self.info_count.to_le_bytes());
        file.extend(self.pair_count.to_le_bytes());
        file.extend(&self.pairs);
        file.extend(&self.infos);
        file.resize(file.len().div_ceil(self.alignment) * self.alignment, 0);
        file.extend(&self.data);
        file
    }
}

fn parse(file: &[u8]) -> Result<Parsed, HeaderError> {
    header::gguf::parse(file, Some(file.len() as u64))
}

fn vocabulary(words: usize) -> Vec<u8> {
    let mut array = [&8_u32.to_le_bytes()[..], &words.to_le_bytes()].concat();
    (0..words).for_each(|word| array.extend(Writer::text(&format!("word{word}"))));
    array
}

fn sample(alignment: usize) -> Writer {
    let mut writer = Writer::new(alignment);
    writer.pair("general.name", 8, &Writer::text("a model"));
    writer.pair("tokens", 9, &vocabulary(100));
    writer.pair("scores", 9, &[&6_u32.to_le_bytes()[..], &3_usize.to_le_bytes(), &[0; 12]].concat());
    writer.pair(
        "nested",
        9,
        &[&9_u32.to_le_bytes()[..], &1_usize.to_le_bytes(), &0_u32.to_le_bytes(), &2_usize.to_le_bytes(), b"ab"]
            .concat(),
    );
    writer.pair("flag", 7, &[1]);
    writer.pair("small", 1, &[0xFF]);
    writer.pair("float", 12, &2.5_f64.to_le_bytes());
    writer.tensor("q4", 2, &[64, 10], &bytes(360, 1));
    writer.tensor("norm", 0, &[5], &bytes(20, 2));
    writer.tensor("new", 99, &[7, 3], &bytes(50, 3));
    writer.tensor("q6", 14, &[256, 3, 2], &bytes(1260, 4));
    writer
}

#[test]
fn tensors_and_values_of_a_file() {
    for (alignment, version) in [(32, 3), (64, 2), (8, 3), (4096, 3)] {
        let file = sample(alignment).finish(version);
        for source in [file.clone(), coded(&file, 700)] {
            let archive = Archive::open(source).unwrap();
            assert_eq!(archive.container(), Container::Gguf, "{:?}", archive.opaque());
            let metadata = archive.metadata().unwrap();
            assert_eq!(metadata.get("general.name"), Some(&Value::Text("a model".to_owned())));
            assert_eq!(metadata.get("small"), Some(&Value::Signed(-1)));
            assert_eq!(metadata.get("flag"), Some(&Value::Bool(true)));
            assert_eq!(metadata.get("float"), Some(&Value::Float(2.5)));
            let Some(&Value::Array { element, count, ref range, .. }) = metadata.get("tokens") else { panic!() };
            assert_eq!((element, count, &file[range.start as usize + 8..][..5]), (8, 100, &b"word0"[..]));
            for (name, dtype, shape, bytes) in [
                ("q4", DType::Ggml(2), &[10, 64][..], bytes(360, 1)),
                ("norm", DType::F32, &[5], bytes(20, 2)),
                ("q6", DType::Ggml(14), &[2, 3, 256], bytes(1260, 4)),
            ] {
                let tensor = archive.tensor(name).unwrap();
                assert_eq!((tensor.info().dtype, &*tensor.info().shape), (dtype, shape));
                let mut out = vec![0; bytes.len()];
                tensor.decode_into(&mut out).unwrap();
                assert!(out == bytes, "{name}");
            }
            let mut row = [0; 36];
            archive.tensor("q4").unwrap().rows(9..10).unwrap().decode_into(&mut row).unwrap();
            assert_eq!(row, bytes(360, 1)[324..]);
            // Up to where the next one begins.
            let new = archive.tensor("new").unwrap();
            assert_eq!(new.info().len(), 50_u64.next_multiple_of(alignment as u64));
        }
    }
}

#[test]
fn tensors_may_lie_in_any_order() {
    let mut writer = Writer::new(32);
    writer.data = bytes(96, 9);
    writer.info("last", 24, &[32], 64);
    writer.info("first", 24, &[32], 0);
    writer.info("middle", 24, &[20], 32);
    let file = writer.finish(3);
    let archive = Archive::open(coded(&file, 50)).unwrap();
    let names: Vec<_> = archive.tensors().iter().map(|tensor| &*tensor.name).collect();
    assert_eq!(names, ["first", "middle", "last"]);
    for (name, range) in [("first", 0..32), ("middle", 32..52), ("last", 64..96)] {
        let mut out = vec![0; range.len()];
        archive.tensor(name).unwrap().decode_into(&mut out).unwrap();
        assert_eq!(out, bytes(96, 9)[range]);
    }
}

#[test]
fn every_cut_of_a_header_asks_for_more_and_no_flipped_bit_panics() {
    let file = sample(32).finish(3);
    let Ok(Parsed::Whole(whole)) = parse(&file) else { panic!() };
    for len in 0..whole.len as usize {
        match header::gguf::parse(&file[..len], None) {
            Ok(Parsed::Needs(needed)) => assert!(needed > len as u64 && needed <= whole.len, "{needed} of {len}"),
            other => panic!("cut at {len}: {other:?}"),
        }
    }
    for bit in 0..8 * whole.len as usize {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(Parsed::Whole(header)) = parse(&damaged) {
            let mut end = header.len;
            for tensor in &header.tensors {
                assert!(tensor.range.start >= end && tensor.range.end <= file.len() as u64, "bit {bit}");
                end = tensor.range.end;
            }
        }
    }
}

#[test]
fn broken_rules_have_names() {
    let field = |result: Result<Parsed, HeaderError>| match result {
        Err(HeaderError::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let small = |change: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::new(32);
        change(&mut writer);
        parse(&writer.finish(3))
    };
    assert_eq!(parse(&sample(32).finish(3_u32.swap_bytes())), Err(HeaderError::Version { found: 3 << 24 }));
    assert_eq!(parse(&sample(32).finish(1)), Err(HeaderError::Version { found: 1 }));
    assert_eq!(field(small(&|w| w.pair("general.alignment", 4, &48_u32.to_le_bytes()))), "general.alignment");
    assert_eq!(field(small(&|w| w.pair("general.alignment", 4, &0_u32.to_le_bytes()))), "general.alignment");
    assert_eq!(field(small(&|w| w.pair("general.alignment", 8, &Writer::text("x")))), "type of general.alignment");
    assert_eq!(field(small(&|w| w.pair("a", 13, &[]))), "value type");
    assert_eq!(field(small(&|w| w.pair("a", 7, &[2]))), "bool");
    assert_eq!(field(small(&|w| w.info("a", 0, &[1; 5], 0))), "dimensions");
    assert_eq!(field(small(&|w| w.info("a", 0, &[1], 33))), "tensor offset");
    assert_eq!(field(small(&|w| w.pair("a", 9, &[13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))), "element type");
    let deep = [&9_u32.to_le_bytes()[..], &1_usize.to_le_bytes()].concat().repeat(5);
    assert_eq!(field(small(&|w| w.pair("a", 9, &deep))), "depth of arrays");
    let name = || "a".to_owned();
    let twice = small(&|w| {
        w.tensor("a", 24, &[1], &[1]);
        w.tensor("a", 24, &[1], &[1]);
    });
    assert_eq!(twice, Err(HeaderError::DuplicateName { name: name() }));
    let twice = small(&|w| (0..2).for_each(|_| w.pair("a", 7, &[1])));
    assert_eq!(twice, Err(HeaderError::DuplicateName { name: name() }));
    assert_eq!(small(&|w| w.tensor("a", 2, &[33], &[0; 36])), Err(HeaderError::Shape { tensor: name() }));
    assert_eq!(small(&|w| w.tensor("a", 24, &[1 << 40, 1 << 40], &[])), Err(HeaderError::Shape { tensor: name() }));
    let beyond = small(&|w| w.tensor("a", 24, &[40], &[0; 39]));
    assert!(matches!(beyond, Err(HeaderError::FileLength { .. })), "{beyond:?}");
    let shared = small(&|w| {
        w.tensor("b", 24, &[40], &[0; 40]);
        w.info("a", 24, &[8], 32);
    });
    assert_eq!(shared, Err(HeaderError::Place { tensor: name(), expected: 40, found: 32 }));
    let mut text = Writer::text("a");
    text[8] = 0xFF;
    assert!(matches!(small(&|w| w.pair("a", 8, &text)), Err(HeaderError::Text { .. })));
    let huge = [&8_u32.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat();
    let asks = small(&|w| w.pair("a", 9, &huge));
    assert!(matches!(asks, Err(HeaderError::EndsEarly { .. } | HeaderError::TooLong { .. })), "{asks:?}");
}
