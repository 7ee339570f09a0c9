//! Damaged files, and streams that ask for too much.

use ranstream::{Base, EncodeOptions, Layout, compress};

use super::folder::{Folder, cut, flip, skewed};

/// A file of ten blocks, compressed, and where its third block begins.
fn folder() -> (Folder, Vec<u8>, usize) {
    let raw = skewed(10_000, 15);
    let folder = Folder::with(&[("a", &raw)]);
    folder.succeed("-q --block-size 1000 --rm a");
    let list = folder.succeed("list -v --json a.rans");
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let third = list[0]["streams"][0]["block_list"][2]["offset"].as_u64().unwrap() as usize;
    (folder, raw, third)
}

#[test]
fn a_damaged_file_is_not_decompressed_and_its_source_stays() {
    let (folder, _, third) = folder();
    flip(&folder.path("a.rans"), third + 20);
    let error = format!("block 2 at byte {third} is corrupt: payload check");
    folder.fail("-d --rm a.rans", &error);
    assert_eq!(folder.names(), ["a.rans"]);
    folder.fail("-t a.rans", &error);
    folder.fail("test a.rans", "`rans recover` saves the complete blocks");
}

#[test]
fn a_damaged_beginning_is_shown_and_every_block_is_recovered() {
    let (folder, raw, _) = folder();
    flip(&folder.path("a.rans"), 0);
    let error = "rans: a.rans: not a ranstream stream: it begins with [88, 52, 4e, 53], not [89, 52, 4e, 53]; \
                 `rans recover` saves the complete blocks";
    folder.fail("-d a.rans", error);
    folder.fail("list a.rans", error);
    folder.fail("recover a.rans -o b", "compressed bytes 0..20 are lost");
    assert!(folder.read("b") == raw);
    // Two of its first four bytes are those of a stream, as it happens.
    std::fs::write(folder.path("x.png"), b"\x89PNG\r\n\x1a\n and what follows").unwrap();
    let run = folder.fail("list x.png", "begins with [89, 50, 4e, 47]");
    assert!(!run.stderr.contains("recover"), "{}", run.stderr);
}

#[test]
fn every_other_block_is_recovered() {
    let (folder, raw, third) = folder();
    flip(&folder.path("a.rans"), third + 20);
    let run = folder.fail("recover a.rans -o b", "lost in 1 place");
    assert!(run.stderr.contains(&format!("compressed bytes {third}..")), "{}", run.stderr);
    assert!(run.stderr.contains("behind raw byte 2000 of the output"), "{}", run.stderr);
    assert!(run.stderr.contains("9 blocks, 8.79 KiB saved to b"), "{}", run.stderr);
    assert!(folder.read("b") == [&raw[..2000], &raw[3000..]].concat());

    folder.fail("recover a.rans -o b", "b exists");
    folder.fail("recover -f a.rans -o b", "lost in 1 place");
    assert!(folder.fail("recover a.rans -q -o -", "lost in 1 place").stdout == folder.read("b"));
}

/// Blocks that are differences from another file, which recover knows nothing of.
#[test]
fn blocks_that_cannot_be_decoded_are_lost_and_said_to_be_whole() {
    let weights: Vec<u8> = (1..4000_u32).flat_map(|i| (1.0 / i as f32).to_le_bytes()).collect();
    let options = EncodeOptions::new().block_len(4000).layout(Layout::f32());
    let over_a_base = compress(&weights, &options.base(Base::from_bytes(weights.clone()))).unwrap();
    let plain = compress(b"some bytes", &EncodeOptions::new()).unwrap();
    let folder = Folder::with(&[("a.rans", &[&plain[..], &over_a_base].concat())]);
    let run = folder.fail("recover a.rans -o b", "lost in 1 place");
    assert!(run.stderr.contains("4 blocks of what is lost are whole: of a newer version"), "{}", run.stderr);
    assert_eq!(folder.read("b"), b"some bytes");
}

#[test]
fn a_whole_file_is_recovered_without_a_loss() {
    let (folder, raw, _) = folder();
    folder.succeed("recover a.rans -o b");
    assert!(folder.read("b") == raw);
}

#[test]
fn a_file_that_ends_between_two_blocks_is_a_loss() {
    let (folder, raw, third) = folder();
    cut(&folder.path("a.rans"), third);
    let run = folder.fail("recover a.rans -o b", "each block in it is whole, but 1 stream has no end");
    let place = format!("the stream in compressed bytes 0..{third} has no end");
    assert!(run.stderr.contains(&place) && run.stderr.contains("behind raw byte 2000 of the output"), "{}", run.stderr);
    assert!(folder.read("b") == raw[..2000]);
}

#[test]
fn every_stream_without_an_end_is_named() {
    let (folder, raw, third) = folder();
    let whole = folder.read("a.rans");
    // A log of three sessions, of which the first and the last were cut off between two blocks.
    std::fs::write(folder.path("log"), [&whole[..third], &whole, &whole[..third]].concat()).unwrap();
    let last = third + whole.len();
    let run = folder.fail("recover log -o b", "each block in it is whole, but 2 streams have no end");
    for line in [
        format!("the stream in compressed bytes 0..{third} has no end: bytes may be missing behind raw byte 2000 of"),
        format!("the stream in compressed bytes {last}..{} has no end: bytes may be", last + third),
        "behind raw byte 14000 of the output".to_owned(),
    ] {
        assert!(run.stderr.contains(&line), "{line}: {}", run.stderr);
    }
    assert!(folder.read("b") == [&raw[..2000], &raw, &raw[..2000]].concat());
    assert_eq!(folder.fail("recover -qf log -o b", "2 streams have no end").stderr.lines().count(), 1);

    // How many bytes are missing in the middle is not known.
    let run = folder.fail("recover -f --pad log -o b", "2 streams have no end");
    assert!(run.stderr.contains("how many bytes were lost is estimated"), "{}", run.stderr);

    // A loss is one thing, an end that is missing another.
    std::fs::write(folder.path("log"), [&whole[..third + 7], &whole].concat()).unwrap();
    let run = folder.fail("recover -f log -o b", "7 B of compressed data lost in 1 place");
    assert!(run.stderr.contains(&format!("compressed bytes 0..{third} has no end")), "{}", run.stderr);
    assert!(folder.read("b") == [&raw[..2000], &raw].concat());
}

#[test]
fn nothing_is_written_when_nothing_can_be_saved() {
    let folder = Folder::with(&[("text", b"no stream at all, but long enough for a header"), ("empty", b"")]);
    for input in ["text", "empty"] {
        folder.fail(&format!("recover {input} -o out"), "there is no complete block in it");
    }
    assert_eq!(folder.names(), ["empty", "text"]);
}

#[test]
fn more_than_allowed_is_refused_and_leaves_nothing_behind() {
    let (folder, raw, _) = folder();
    folder.fail("-d --max-output 9K a.rans", "allow more with --max-output");
    folder.fail("-d --memory 100 a.rans", "allow more with --memory");
    assert_eq!(folder.names(), ["a.rans"]);
    folder.succeed("-d --max-output 10000 a.rans");
    assert!(folder.read("a") == raw);
}

/// The places of the blocks of `a.rans`, and of what follows them.
fn places(folder: &Folder) -> Vec<usize> {
    let list = folder.succeed("list -v --json a.rans");
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let blocks = list[0]["streams"][0]["block_list"].as_array().unwrap();
    let offset = |block: &serde_json::Value| block["offset"].as_u64().unwrap() as usize;
    let last = blocks.last().unwrap();
    blocks.iter().map(offset).chain([offset(last) + last["compressed_bytes"].as_u64().unwrap() as usize]).collect()
}

/// A file of ten blocks, and what it is after the damage that a test does to it.
struct Padded {
    folder: Folder,
    raw: Vec<u8>,
    coded: Vec<u8>,
    /// The places of the blocks, and of what follows them.
    at: Vec<usize>,
}

impl Padded {
    fn new() -> Self {
        let (folder, raw, _) = folder();
        Self { coded: folder.read("a.rans"), at: places(&folder), folder, raw }
    }

    /// Damages the file, recovers it with zeros, and expects these blocks to be lost. What the
    /// command says comes back.
    fn recover(&self, damage: impl Fn(&mut Vec<u8>), lost: &[usize], says: &str) -> String {
        let mut coded = self.coded.clone();
        damage(&mut coded);
        std::fs::write(self.folder.path("a.rans"), coded).unwrap();
        let run = self.folder.fail("recover -f --pad a.rans -o b", says);
        assert!(self.folder.read("b") == self.expected(lost), "{lost:?}: {}", run.stderr);
        run.stderr
    }

    fn expected(&self, lost: &[usize]) -> Vec<u8> {
        let mut expected = self.raw.clone();
        for block in lost {
            expected[block * 1000..][..1000].fill(0);
        }
        expected
    }
}

/// The header of a block says how long it is.
#[test]
fn lost_payloads_are_zeros_where_that_is_asked_for() {
    let file = Padded::new();
    let at = &file.at;
    let said = file.recover(|coded| coded[at[2] + 20] ^= 1, &[2], "lost in 1 place");
    assert!(said.contains("9.77 KiB saved to b") && !said.contains("estimated"), "{said}");

    let lost = [2, 4, 5];
    let damage = |coded: &mut Vec<u8>| lost.iter().for_each(|&block| coded[at[block] + 20] ^= 1);
    file.recover(damage, &lost, "lost in 2 places");
    let run = file.folder.fail("recover -q --pad a.rans -o -", "lost in 2 places");
    assert!(run.stdout == file.expected(&lost));
}

/// The index, or the header of the stream, says how long everything was.
#[test]
fn lost_headers_are_zeros_where_that_is_asked_for() {
    let file = Padded::new();
    let at = &file.at;
    file.recover(|coded| coded[at[3] + 5..at[6] + 5].fill(0xaa), &[3, 4, 5, 6], "lost in 1 place");
    // The header of the stream is lost with the first block, the index with the last.
    file.recover(|coded| coded[..at[1] - 5].fill(0xaa), &[0], "lost in 1 place");
    file.recover(|coded| coded.truncate(at[7] + 3), &[7, 8, 9], "lost in 1 place");
    file.recover(|coded| coded.truncate(at[7]), &[7, 8, 9], "1 stream has no end");
    // Nothing says how much was in which of two places.
    let damage = |coded: &mut Vec<u8>| [2, 5].iter().for_each(|&block| coded[at[block] + 1..][..39].fill(0xaa));
    let said = file.recover(damage, &[2, 5], "lost in 2 places");
    assert!(said.contains("how many bytes were lost is estimated"), "{said}");
}
#[test]
fn padding_of_a_whole_file_is_nothing() {
    let (folder, raw, _) = folder();
    folder.succeed("recover --pad a.rans -o b");
    assert!(folder.read("b") == raw);
    std::fs::write(folder.path("z.rans"), [folder.read("a.rans"), vec![0; 3000]].concat()).unwrap();
    folder.succeed("recover -f --pad z.rans -o b");
    assert!(folder.read("b") == raw);
}

#[test]
fn blocks_that_are_missing_doubled_or_moved_are_named_and_saved_as_they_are() {
    let (folder, raw, _) = folder();
    let coded = folder.read("a.rans");
    let at = places(&folder);
    let block = |number: usize| &coded[at[number]..at[number + 1]];
    let before = &coded[..at[3]];
    for (middle, error, saved) in [
        (vec![block(4), block(3)], "or in another order", [&raw[4000..5000], &raw[3000..4000]].concat()),
        (vec![block(4)], "1 of 10 blocks are missing", raw[4000..5000].to_vec()),
        (
            vec![block(3), block(3), block(4)],
            "blocks are there twice: 11000 raw bytes where 10000 were written",
            [&raw[3000..4000], &raw[3000..5000]].concat(),
        ),
    ] {
        std::fs::write(folder.path("a.rans"), [before, &middle.concat(), &coded[at[5]..]].concat()).unwrap();
        let run = folder.fail("recover -f a.rans -o b", error);
        assert!(run.stderr.contains("each block in it is whole"), "{}", run.stderr);
        assert!(!run.stderr.contains("`rans recover`"), "it advises itself: {}", run.stderr);
        assert!(folder.read("b") == [&raw[..3000], &saved, &raw[5000..]].concat());
    }
}

#[test]
fn recovery_never_advises_itself() {
    let (folder, ..) = folder();
    let coded = folder.read("a.rans");
    for len in 0..coded.len() {
        if len > 100 && len % 97 != 0 {
            continue;
        }
        std::fs::write(folder.path("cut"), &coded[..len]).unwrap();
        for line in ["recover -f cut -o b", "recover -f --pad cut -o b"] {
            let run = folder.run(line);
            assert_eq!(run.code, Some(1), "{len} bytes, rans {line}");
            assert!(!run.stderr.contains("`rans recover`"), "{len} bytes, rans {line}: {}", run.stderr);
        }
    }
}
