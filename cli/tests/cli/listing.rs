//! What `rans list` shows.

use serde_json::Value;

use super::folder::{Folder, cut, flip, skewed};

fn json(folder: &Folder, line: &str) -> Value {
    serde_json::from_slice(&folder.succeed(line).stdout).unwrap()
}

#[test]
fn json_has_every_figure() {
    let mut raw = skewed(9500, 8);
    raw[4000..5000].fill(7);
    let folder = Folder::with(&[("a", &raw)]);
    folder.succeed("-q0 --block-size 1000 --mode auto a");
    folder.succeed("-q --no-check --no-index --mode stored a -o b");
    let coded = folder.read("a.rans").len();

    let list = json(&folder, "list --json a.rans b");
    let file = &list[0];
    assert_eq!(file["file"], "a.rans");
    assert_eq!(file["compressed_bytes"], coded);
    assert_eq!(file["raw_bytes"], 9500);
    assert_eq!(file["blocks"], 10);
    assert_eq!(file["modes"]["fill"], 1);
    assert_eq!(file["modes"]["interleaved-compact"], 9);
    let ratio = file["ratio"].as_f64().unwrap();
    assert!((ratio - coded as f64 / 9500.0).abs() < 1e-9);
    let stream = &file["streams"][0];
    assert_eq!(stream["offset"], 0);
    assert_eq!(stream["content_length"], 9500);
    assert_eq!(stream["content_check"].as_str().unwrap().len(), 16);
    assert_eq!(stream["index"], true);
    assert_eq!(stream["largest_block"], 1024);
    assert!(stream.get("block_list").is_none());

    let stream = &list[1]["streams"][0];
    assert_eq!(stream["content_check"], Value::Null);
    assert_eq!(stream["index"], false);
    assert_eq!(stream["modes"]["stored"], 1);
    assert_eq!(json(&folder, "-l --json a.rans b"), list);
}

#[test]
fn the_blocks_of_a_verbose_list_fill_the_file() {
    let folder = Folder::with(&[("a", &skewed(2500, 9)), ("b", &skewed(1000, 10))]);
    folder.succeed("-q0 --block-size 1000 a b -o c");
    let list = json(&folder, "list -v --json c");
    let streams = list[0]["streams"].as_array().unwrap();
    assert_eq!(streams.len(), 2);
    let mut raw_offset = 0;
    for stream in streams {
        // Stream header with content length.
        let mut offset = stream["offset"].as_u64().unwrap() + 20;
        for block in stream["block_list"].as_array().unwrap() {
            assert_eq!(block["offset"], offset);
            assert_eq!(block["raw_offset"], raw_offset);
            offset += block["compressed_bytes"].as_u64().unwrap();
            raw_offset += block["raw_bytes"].as_u64().unwrap();
        }
    }
    assert_eq!(raw_offset, 3500);
    let table = folder.succeed("list -v c");
    assert_eq!(table.text().lines().filter(|line| line.ends_with("compact")).count(), 4, "{}", table.text());
}

#[test]
fn the_table_has_a_line_per_file_and_one_for_all() {
    let folder = Folder::with(&[("a", &skewed(2048, 11)), ("empty", b"")]);
    folder.succeed("-q a empty");
    let run = folder.succeed("list a.rans empty.rans");
    let lines: Vec<Vec<_>> = run.text().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["streams", "blocks", "compressed", "raw", "ratio", "check", "index", "modes", "file"]);
    assert_eq!(lines[1][..2], ["1", "1"]);
    assert_eq!(lines[1].last(), Some(&"a.rans"));
    assert!(run.text().contains("2.00 KiB"), "{}", run.text());
    assert!(run.text().contains("interleaved-compact:1"), "{}", run.text());
    assert_eq!(lines[2][..2], ["1", "0"]);
    assert_eq!(lines[3][..2], ["2", "1"]);
    assert!(run.text().trim_end().ends_with("2 files"));
}

#[test]
fn standard_input_is_listed_without_seeking() {
    let folder = Folder::with(&[("a", &skewed(5000, 12))]);
    folder.succeed("-q --block-size 1000 a");
    let run = folder.run_with("list --json", &folder.read("a.rans"));
    let list: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(list[0]["file"], Value::Null);
    assert_eq!(list[0]["blocks"], 5);
}

#[test]
fn what_is_no_whole_stream_is_an_error_and_the_rest_is_listed() {
    let folder = Folder::with(&[("a", &skewed(5000, 13)), ("text", b"no stream at all")]);
    folder.succeed("-q --block-size 1000 a");
    let whole = folder.read("a.rans");
    for len in [1, 10, 50, whole.len() / 2, whole.len() - 1] {
        std::fs::write(folder.path("cut"), &whole).unwrap();
        cut(&folder.path("cut"), len);
        folder.fail("list cut", &format!("input ends at byte {len}"));
    }
    std::fs::write(folder.path("header"), &whole).unwrap();
    flip(&folder.path("header"), 21);
    folder.fail("list header", "block 0 at byte 20 is corrupt");
    std::fs::write(folder.path("more"), [&whole[..], b"more"].concat()).unwrap();
    folder.fail("list more", &format!("a complete stream ends at byte {}", whole.len()));

    let run = folder.fail("list text a.rans", "rans: text: not a ranstream stream: it begins with [");
    assert!(!run.stderr.contains("recover"), "{}", run.stderr);
    assert!(run.text().contains("a.rans"), "{}", run.text());
}

#[test]
fn the_environment_chooses_the_mode_of_what_is_written_only() {
    let folder = Folder::with(&[("a", &skewed(5000, 14))]);
    let run = |line: &str, mode: &str| folder.command(line).env("RANS_MODE", mode).output().unwrap();
    assert!(run("-q a", "single").status.success());
    assert_eq!(json(&folder, "list --json a.rans")[0]["modes"]["single-compact"], 1);
    assert!(run("-qf --mode lanes --compat a", "single").status.success());
    assert_eq!(json(&folder, "list --json a.rans")[0]["modes"]["lanes"], 1);
    assert!(run("-qf --mode single --compat a", "lanes").status.success());
    assert_eq!(json(&folder, "list --json a.rans")[0]["modes"]["single"], 1);

    let wrong = run("-f a", "zip");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("RANS_MODE"));
    assert_eq!(run("-dc a.rans", "zip").stdout, folder.read("a"));
}

#[test]
fn one_block_needs_no_index() {
    let folder = Folder::with(&[("a", &skewed(1000, 15)), ("b", &skewed(1001, 16)), ("empty", b"")]);
    let index = |line: &str, name: &str| {
        folder.succeed(&format!("-qf --block-size 1000 {line} {name}"));
        json(&folder, &format!("list --json {name}.rans"))[0]["streams"][0]["index"].clone()
    };
    assert_eq!(index("", "a"), false);
    assert_eq!(index("", "empty"), false);
    assert_eq!(index("", "b"), true);
    assert_eq!(index("--index", "a"), true);
    assert_eq!(index("--no-index", "b"), false);
    for (raw, has_index) in [(skewed(1000, 17), false), (skewed(1001, 18), true)] {
        assert_eq!(folder.run_with("-qf --block-size 1000 -o c", &raw).code, Some(0));
        assert_eq!(json(&folder, "list --json c")[0]["streams"][0]["index"], has_index);
    }
    assert!(folder.succeed("-dc --from 500 a.rans").stdout == folder.read("a")[500..]);
}
