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
    assert_eq!(run.text(), folder.succeed("list text.rans").text(), "no table of no tensors");
    let run = folder.command("list --tensors").stdin(Stdio::null()).output().unwrap();
    assert_eq!(run.status.code(), Some(1));
}

/// The model after some training.
fn tuned() -> Vec<u8> {
    let mut model = model();
    let floats = model.len() - 407_000;
    model[floats..floats + 400_000].iter_mut().step_by(44).for_each(|byte| *byte = byte.wrapping_add(1));
    model
}

#[test]
fn a_model_over_its_base_is_small_and_needs_it() {
    let folder = Folder::with(&[("old", &model()), ("new", &tuned())]);
    folder.succeed("-q old");
    folder.succeed("-q --base old new");
    assert!(folder.read("new.rans").len() < folder.read("old.rans").len() / 4);
    assert!(modes(&folder, "new.rans").contains("planes-base"), "{}", modes(&folder, "new.rans"));
    // Plain or compressed, for all and for a part.
    for base in ["old", "old.rans"] {
        folder.succeed(&format!("-dq --base {base} new.rans -o back -f"));
        assert!(folder.read("back") == tuned(), "{base}");
        folder.succeed(&format!("-t --base {base} new.rans"));
        folder.succeed(&format!("test --base {base} new.rans"));
        let part = folder.succeed(&format!("-dc --base {base} --from 1000 --to 3000 new.rans"));
        assert!(part.stdout == tuned()[1000..3000], "{base}");
    }
    for (line, says) in [
        ("-dc new.rans", "name the file that it was made from with --base"),
        ("test new.rans", "name the file that it was made from with --base"),
        ("-dc --base new new.rans", "--base has to be the file that it was made from"),
        ("-dc --base none new.rans", "the base none"),
        ("-c --base old old", "is its own base"),
        ("-c --base old --tensors=device new", "--base goes with"),
        ("-c --base old --mode lanes new", "--base goes with"),
    ] {
        let run = folder.run(line);
        assert!(run.code != Some(0) && run.stderr.contains(says), "{line}: {}", run.stderr);
    }
    let list = folder.succeed("list --json new.rans");
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!((&list[0]["base"]["name"], &list[0]["base"]["bytes"]), (&"old".into(), &model().len().into()));
    let list = folder.succeed("list new.rans");
    assert!(list.stderr.contains("differences from old of"), "{}", list.stderr);
    assert!(!folder.succeed("list --json old.rans").text().contains("base"));
}

#[test]
fn a_folder_of_bases_has_one_for_each_name() {
    let text = skewed(500, 4);
    let folder = Folder::with(&[("a", &tuned()), ("b", &tuned()), ("c", &tuned()), ("text", &text)]);
    std::fs::create_dir(folder.path("old")).unwrap();
    std::fs::write(folder.path("old/a"), model()).unwrap();
    std::fs::write(folder.path("old/b"), model()).unwrap();
    folder.succeed("-q --rm old/b");
    folder.succeed("-q --base old a b c text");
    for (file, over_base) in [("a.rans", true), ("b.rans", true), ("c.rans", false), ("text.rans", false)] {
        assert_eq!(modes(&folder, file).contains("planes-base"), over_base, "{file}");
    }
    folder.succeed("-dqf --base old a.rans b.rans c.rans text.rans");
    assert!(folder.read("a") == tuned() && folder.read("b") == tuned() && folder.read("c") == tuned());
    assert!(folder.read("text") == text);
    let run = folder.run_with("-c --base old", &tuned());
    assert!(run.stderr.contains("standard input has no name"), "{}", run.stderr);
    let run = folder.run_with("-c --base old/a", &tuned());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let run = folder.run_with("-dc --base old/a", &run.stdout);
    assert!(run.stdout == tuned(), "{}", run.stderr);
}
