//! Model files: the command sees what they are, and lists what is in them.

use std::process::Stdio;

use serde_json::Value;

use super::folder::{Folder, skewed};

/// A model of two tensors; floats whose exponents are few.
fn model() -> Vec<u8> {
    let floats: Vec<u8> = (0..100_000_u32).flat_map(|i| (1.0 + (i % 317 * (i % 7919)) as f32).to_le_bytes()).collect();
    let json = format!(
        "{{\"w\":{{\"dtype\":\"F32\",\"shape\":[1000,100],\"data_offsets\":[0,{0}]}},\
         \"b\\u001b\":{{\"dtype\":\"U8\",\"shape\":[7000],\"data_offsets\":[{0},{1}]}}}}",
        floats.len(),
        floats.len() + 7000
    );
    [&(json.len() as u64).to_le_bytes()[..], json.as_bytes(), &floats, &skewed(7000, 3)].concat()
}

fn modes(folder: &Folder, file: &str) -> String {
    let list: Value = serde_json::from_slice(&folder.succeed(&format!("list --json {file}")).stdout).unwrap();
    list[0]["modes"].to_string()
}

#[test]
fn a_model_comes_back_whatever_is_asked_for() {
    let model = model();
    for (options, planes) in [
        ("", true),
        ("--tensors=small", true),
        ("--tensors=device", true),
        ("--tensors=off", false),
        ("--mode lanes", false),
        ("--block-size 64K", false),
        ("--tensors small --block-size 64K", true),
        ("-3 -T2", true),
    ] {
        let folder = Folder::with(&[("m.safetensors", &model)]);
        folder.succeed(&format!("-q {options} m.safetensors"));
        assert_eq!(modes(&folder, "m.safetensors.rans").contains("planes"), planes, "{options}");
        folder.succeed("-dq m.safetensors.rans -o back");
        assert!(folder.read("back") == model, "{options}");
        folder.succeed("-t m.safetensors.rans");
    }
    let folder = Folder::with(&[("m.gguf", &model)]);
    let run = folder.run("--tensors=some m.gguf");
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("invalid value 'some'"), "{}", run.stderr);
}

#[test]
fn a_model_from_a_pipe_is_the_same() {
    let (model, folder) = (model(), Folder::new());
    let run = folder.run_with("-c", &model);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    std::fs::write(folder.path("m.rans"), &run.stdout).unwrap();
    assert!(modes(&folder, "m.rans").contains("planes"));
    folder.succeed("-dq m.rans -o m");
    assert!(folder.read("m") == model);
}

#[test]
fn what_only_begins_like_a_model_is_bytes() {
    let model = model();
    let mut broken = model.clone();
    broken[12] ^= 1;
    for (name, bytes) in [("broken", &broken[..]), ("cut", &model[..60]), ("magic", b"GGUF"), ("short", b"\x02\0")] {
        let folder = Folder::with(&[(name, bytes)]);
        folder.succeed(&format!("-q {name}"));
        folder.succeed(&format!("-q --tensors=off {name} -o off"));
        // A file of one block has no index, whichever way it went.
        assert!(folder.read(&format!("{name}.rans")) == folder.read("off"), "{name}");
        folder.succeed(&format!("-dq {name}.rans -o back"));
        assert!(folder.read("back") == bytes, "{name}");
    }
}

#[test]
fn tensors_are_listed() {
    let folder = Folder::with(&[("m", &model()), ("text", &skewed(500, 4))]);
    folder.succeed("-q m text");
    let run = folder.succeed("list --tensors m.rans");
    let line = |name: &str| run.text().lines().find(|line| line.ends_with(name)).unwrap_or_default().to_owned();
    let words = |name| line(name).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(" w")[4..], ["F32", "1000x100", "planes:1", "w"], "{}", run.text());
    assert!(line("b\\u{1b}").contains("7000"), "{}", run.text());

    let list: Value = serde_json::from_slice(&folder.succeed("list --json --tensors m.rans").stdout).unwrap();
    let tensors = &list[0]["tensors"];
    assert_eq!((&tensors["container"], &tensors["tensors"][0]["name"]), (&"safetensors".into(), &"w".into()));
    assert_eq!(tensors["tensors"][0]["raw_bytes"], 400_000);
    assert!(tensors["tensors"][0]["compressed_bytes"].as_u64().unwrap() < 350_000);
    assert!(folder.succeed("list --json m.rans").text().find("\"tensors\"").is_none());

    let run = folder.succeed("list --tensors text.rans");
    assert!(run.stderr.contains("no tensors: neither safetensors nor GGUF"), "{}", run.stderr);
    let run = folder.command("list --tensors").stdin(Stdio::null()).output().unwrap();
    assert_eq!(run.status.code(), Some(1));
}
