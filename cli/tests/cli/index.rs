//! What `rans index` adds, and what it leaves alone.

use std::fs;

use ranstream::{EncodeOptions, compress};

use super::folder::{Folder, cut, flip, skewed};

/// A stream that was written to a pipe, and what `rans` makes of a file that has the same bytes.
fn piped(folder: &Folder, raw: &[u8], options: &str) -> (Vec<u8>, Vec<u8>) {
    let stream = folder.run_with(&format!("-q --no-index {options}"), raw).stdout;
    let indexed = folder.run_with(&format!("-q --index {options}"), raw).stdout;
    assert_ne!(stream, indexed);
    (stream, indexed)
}

#[test]
fn a_stream_from_a_pipe_becomes_what_it_had_been_with_an_index() {
    let raw = skewed(100_000, 3);
    for options in ["--block-size 1000", "--no-check --block-size 9999", "-1"] {
        let folder = Folder::new();
        let (stream, indexed) = piped(&folder, &raw, options);
        fs::write(folder.path("a.rans"), &stream).unwrap();
        let run = folder.succeed("index a.rans");
        assert!(run.stderr.contains("added"), "{}", run.stderr);
        assert_eq!(folder.read("a.rans"), indexed);
        assert_eq!(folder.succeed("-dc a.rans").stdout, raw);
        assert_eq!(folder.names(), ["a.rans"]);
        // Once more changes nothing.
        let run = folder.succeed("index a.rans");
        assert!(run.stderr.contains("has an index already"), "{}", run.stderr);
        assert!(folder.succeed("index -q a.rans").stderr.is_empty());
        assert_eq!(folder.read("a.rans"), indexed);
    }
}

#[test]
fn of_several_streams_each_gets_its_own() {
    let folder = Folder::new();
    let (first, first_indexed) = piped(&folder, &skewed(5000, 1), "--block-size 1000");
    let (second, second_indexed) = piped(&folder, &[], "");
    let stream = [&first[..], &first_indexed, &second, &second_indexed, &first].concat();
    fs::write(folder.path("a"), &stream).unwrap();
    folder.succeed("index a");
    let indexed = [&first_indexed[..], &first_indexed, &second_indexed, &second_indexed, &first_indexed].concat();
    assert_eq!(folder.read("a"), indexed);
}

#[test]
fn an_index_that_grew_too_long_is_replaced_and_application_data_stays() {
    let raw = skewed(5000, 2);
    let folder = Folder::new();
    let options = EncodeOptions::new().block_len(100).index(true);
    fs::write(folder.path("a"), compress(&raw, &options.clone().index_max_blocks(7)).unwrap()).unwrap();
    folder.succeed("index a");
    assert_eq!(folder.read("a"), compress(&raw, &options).unwrap());

    let with_data = |options| {
        let mut writer = ranstream::RansWriter::with_options(Vec::new(), options);
        std::io::Write::write_all(&mut writer, &raw).unwrap();
        writer.write_application_data(7, b"a note").unwrap();
        std::io::Write::write_all(&mut writer, &raw).unwrap();
        writer.finish().unwrap()
    };
    fs::write(folder.path("b"), with_data(EncodeOptions::new())).unwrap();
    folder.succeed("index b");
    assert_eq!(folder.read("b"), with_data(EncodeOptions::new().index(true)));
}

#[test]
fn what_is_damaged_cut_or_no_stream_stays_as_it_is() {
    let folder = Folder::new();
    let (stream, _) = piped(&folder, &skewed(50_000, 4), "--block-size 1000");
    let whole = |name: &str| fs::write(folder.path(name), &stream).unwrap();
    whole("damaged");
    flip(&folder.path("damaged"), 20_000);
    whole("cut");
    cut(&folder.path("cut"), stream.len() - 5);
    fs::write(folder.path("plain"), b"no stream, but text").unwrap();
    fs::write(folder.path("more"), [&stream[..], b"and more"].concat()).unwrap();
    whole("good");
    let before: Vec<_> = ["damaged", "cut", "plain", "more"].map(|name| folder.read(name)).to_vec();
    for (name, error) in [
        ("damaged", "is corrupt: payload check"),
        ("cut", "rans recover"),
        ("plain", "not a ranstream stream"),
        ("more", "something else follows"),
        ("nothing", "No such file"),
    ] {
        folder.fail(&format!("index {name}"), error);
    }
    // One that fails does not stop those behind it.
    let run = folder.fail("index damaged good plain", "damaged");
    assert!(run.stderr.contains("good : index of 50 blocks added"), "{}", run.stderr);
    for (name, bytes) in ["damaged", "cut", "plain", "more"].iter().zip(before) {
        assert_eq!(folder.read(name), bytes, "{name}");
    }
    assert_eq!(folder.names(), ["cut", "damaged", "good", "more", "plain"]);
    folder.misuse("index");
    folder.fail("index -", "not a regular file");
    fs::create_dir(folder.path("folder")).unwrap();
    folder.fail("index folder", "is a directory");
}

#[cfg(unix)]
#[test]
fn permissions_times_and_links_stay() {
    use std::{
        os::unix::fs::{MetadataExt, PermissionsExt, symlink},
        time::{Duration, SystemTime},
    };

    let folder = Folder::new();
    let (stream, indexed) = piped(&folder, &skewed(5000, 5), "");
    fs::write(folder.path("a"), &stream).unwrap();
    fs::set_permissions(folder.path("a"), fs::Permissions::from_mode(0o640)).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(folder.path("a")).unwrap().set_modified(time).unwrap();
    symlink("a", folder.path("link")).unwrap();
    folder.succeed("index link");
    assert!(fs::symlink_metadata(folder.path("link")).unwrap().is_symlink());
    assert_eq!(folder.read("a"), indexed);
    let metadata = fs::metadata(folder.path("a")).unwrap();
    assert_eq!((metadata.mode() & 0o777, metadata.mtime()), (0o640, 1_000_000_000));
}
