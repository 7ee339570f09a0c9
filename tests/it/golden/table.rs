//! The tables of section 17 of FORMAT.md: each file, what it shows, and what a reader gets.

use std::{fmt::Write as _, fs, path::Path};

use twox_hash::XxHash3_64;

use super::{Golden, all, frames, is_blessed, messages};

const BEGIN: &str = "<!-- vectors -->\n";
const END: &str = "<!-- /vectors -->";

#[test]
fn the_specification_lists_every_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FORMAT.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("FORMAT.md has a place for the tables");
    let (listed, after) = rest.split_once(END).expect("and an end of it");
    let tables = tables();
    if listed != tables && is_blessed() {
        fs::write(&path, [before, BEGIN, &tables, END, after].concat()).unwrap();
    } else {
        assert!(listed == tables, "RANS_BLESS=1 makes the tables of FORMAT.md, section 17, anew");
    }
}

fn tables() -> String {
    let mut text = String::from("\n");
    let result = "\n|---|---:|---|---|\n";
    write!(text, "**Good streams.**\n\n| file | raw bytes | XXH3-64 of them | what |{result}").unwrap();
    for Golden { name, what, raw, .. } in all().iter().filter(|golden| golden.error.is_none()) {
        writeln!(text, "| {name}.rans | {} | {} | {what} |", raw.len(), hash(raw)).unwrap();
    }
    text.push_str(
        "\n**Bad and unsupported streams.** A part begins at the byte that is named. Numbers are those of the crate's messages.\n\n",
    );
    write!(text, "| file | good raw bytes before | what | fault |{result}").unwrap();
    for Golden { name, what, raw, error, .. } in all() {
        if let Some(error) = error {
            writeln!(text, "| {name}.rans | {} | {what} | {error} |", raw.len()).unwrap();
        }
    }
    text.push_str("\n**Messages** (11), one frame a file. The decoder knows the model of `good-model-skewed.model` and no other.\n\n");
    write!(text, "| file | raw bytes | XXH3-64 of them, or fault | what |{result}").unwrap();
    for messages::Frame { name, what, result, .. } in messages::frames() {
        match result {
            Ok(raw) => writeln!(text, "| {name} | {} | {} | {what} |", raw.len(), hash(&raw)),
            Err(error) => writeln!(text, "| {name} | | {error} | {what} |"),
        }
        .unwrap();
    }
    text.push_str("\n**Saved models** (11).\n\n| file | id, or fault | what |\n|---|---|---|\n");
    for messages::Saved { name, what, result, .. } in messages::models() {
        let result = result.map_or_else(|error| error.to_string(), |id| id.to_string());
        writeln!(text, "| {name} | {result} | {what} |").unwrap();
    }
    text.push_str(
        "\n**Bare frames** of the original coder, payloads of 4.2 and 4.3 with a dense table. The name tells the coder and scale_bits.\n\n",
    );
    write!(text, "| file | raw bytes | XXH3-64 of them | what |{result}").unwrap();
    for frame in frames::all() {
        writeln!(text, "| {} | {} | {} | {} |", frame.name, frame.raw.len(), hash(&frame.raw), frame.what).unwrap();
    }
    text.push('\n');
    text
}

fn hash(raw: &[u8]) -> String {
    format!("{:016x}", XxHash3_64::oneshot(raw))
}
