//! Which files are taken, and where their outputs go.

use std::{fs, path::Path};

use super::folder::{Folder, skewed};

/// A folder with folders in it.
fn tree() -> Folder {
    let folder = Folder::with(&[("top", b"top")]);
    fs::create_dir_all(folder.path("d/e/empty")).unwrap();
    fs::write(folder.path("d/one"), "one").unwrap();
    fs::write(folder.path("d/e/two"), skewed(3000, 50)).unwrap();
    folder
}

fn is_file(folder: &Folder, name: &str) -> bool {
    folder.path(name).is_file()
}

#[test]
fn folders_are_gone_through_and_back() {
    let folder = tree();
    folder.fail("d", "is a directory; -r takes the files in it");
    let run = folder.succeed("-r --rm d top");
    assert!(run.stderr.contains("3 files"), "{}", run.stderr);
    for name in ["d/one", "d/e/two", "top"] {
        assert!(is_file(&folder, &format!("{name}.rans")) && !is_file(&folder, name), "{name}");
    }
    // What is compressed already is left out without a word, and so is what is not.
    folder.succeed("-r d");
    assert!(!is_file(&folder, "d/one.rans.rans"));
    fs::write(folder.path("d/plain"), "plain").unwrap();
    let run = folder.succeed("-d -r --rm d");
    assert!(!run.stderr.contains("plain"), "{}", run.stderr);
    assert_eq!(folder.read("d/one"), b"one");
    assert_eq!(folder.read("d/e/two"), skewed(3000, 50));
    assert!(!is_file(&folder, "d/one.rans"));
    assert_eq!(folder.run("-r d/e/empty").code, Some(0));
}

#[test]
fn what_is_in_folders_and_lists_is_tested_and_listed() {
    let folder = tree();
    folder.succeed("-q -r d");
    folder.succeed("-q -r -S .rz d");
    fs::write(folder.path("names"), "d/one.rans\n").unwrap();
    for test in ["-t", "test"] {
        let run = folder.succeed(&format!("{test} -r d"));
        assert!(run.stderr.contains("d/one.rans") && run.stderr.contains("d/e/two.rans"), "{}", run.stderr);
        assert!(!run.stderr.contains(".rz"), "{}", run.stderr);
        let run = folder.succeed(&format!("{test} --filelist names"));
        assert!(run.stderr.contains("d/one.rans : ok"), "{}", run.stderr);
    }
    assert!(folder.succeed("-t -r -S .rz d").stderr.contains("d/one.rz"));
    for list in ["-l", "list"] {
        let run = folder.succeed(&format!("{list} -r d"));
        assert!(run.text().contains("d/one.rans") && run.text().contains("d/e/two.rans"), "{}", run.text());
        assert!(folder.succeed(&format!("{list} --filelist names")).text().contains("d/one.rans"));
    }
    folder.fail("-t --filelist missing", "rans: missing: No such file");
}

#[test]
fn what_is_said_of_a_folder_is_what_helps() {
    let folder = tree();
    for line in ["-d d", "-t d", "test d", "-l d", "list d"] {
        let run = folder.fail(line, "rans: d: is a directory; -r takes the compressed files in it");
        assert_eq!(run.stderr.lines().count(), 1, "rans {line}: {}", run.stderr);
    }
    for line in ["index d", "bench d", "recover d -o b", "--filelist d"] {
        let run = folder.fail(line, "rans: d: is a directory");
        assert!(!run.stderr.contains("-r takes"), "rans {line}: {}", run.stderr);
    }
}

#[cfg(unix)]
#[test]
fn links_and_special_files_in_folders_are_left_out() {
    let folder = tree();
    folder.script("ln -s .. d/up; ln -s ../top d/link; mkfifo d/pipe; chmod 600 d/pipe");
    let run = folder.succeed("-r -v d");
    assert!(run.stderr.contains("d/pipe: not a regular file, left out"), "{}", run.stderr);
    assert!(!is_file(&folder, "d/link.rans") && !is_file(&folder, "top.rans"));
    assert!(is_file(&folder, "d/e/two.rans"));
}

#[test]
fn lists_name_files() {
    let folder = Folder::with(&[("a", b"a"), ("b c", b"b"), ("-d", b"d"), ("more", b"-d\n\n")]);
    fs::write(folder.path("names"), "a\r\nb c\nmissing\n").unwrap();
    let run = folder.fail("-q --filelist names --filelist more more", "rans: missing: No such file");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    for name in ["a.rans", "b c.rans", "-d.rans", "more.rans"] {
        assert!(is_file(&folder, name), "{name}");
    }
    assert_eq!(folder.run_with("-qf --filelist -", b"a\n").code, Some(0));
    // An empty list is no file, and not standard input.
    assert_eq!(folder.run_with("--filelist empty", b"").code, Some(1));
    fs::write(folder.path("empty"), "").unwrap();
    let run = folder.run_with("--filelist empty", b"not taken");
    assert_eq!((run.code, run.stdout), (Some(0), vec![]));
}

#[test]
fn outputs_go_to_a_folder() {
    let folder = tree();
    folder.succeed("-q -r --output-dir-flat out d top");
    for name in ["one.rans", "two.rans", "top.rans"] {
        assert!(is_file(&folder, &format!("out/{name}")), "{name}");
    }
    folder.succeed("-q -r --output-dir-mirror made/here d top");
    for name in ["d/one.rans", "d/e/two.rans", "top.rans"] {
        assert!(is_file(&folder, &format!("made/here/{name}")), "{name}");
    }
    folder.succeed("-q -d -r --output-dir-mirror back made");
    assert_eq!(folder.read("back/made/here/d/e/two"), skewed(3000, 50));
    let absolute = folder.path("top");
    folder.succeed(&format!("-q --output-dir-mirror abs {}", absolute.display()));
    assert!(
        folder
            .path("abs")
            .join(absolute.strip_prefix("/").unwrap_or(Path::new("top")))
            .with_extension("rans")
            .is_file()
    );
    folder.fail("--output-dir-mirror out d/../top", "has .. in its path");
}

#[test]
fn two_inputs_never_become_one_output() {
    let folder = tree();
    fs::write(folder.path("d/e/one"), "another").unwrap();
    for force in ["", "-f"] {
        let run = folder.fail(
            &format!("-q -r --rm {force} --output-dir-flat out d"),
            "one.rans is the output of d/e/one in this run; give it a name of its own",
        );
        assert!(run.stderr.contains("d/one"), "{}", run.stderr);
        assert!(is_file(&folder, "d/one"), "its output is another's");
        assert_eq!(folder.succeed("-dc out/one.rans").stdout, b"another");
        fs::remove_dir_all(folder.path("out")).unwrap();
        fs::write(folder.path("d/e/one"), "another").unwrap();
    }
    folder.fail("-qf top top", "is the output of top in this run");
}

#[test]
fn a_suffix_is_what_the_user_says() {
    let folder = Folder::with(&[("a", b"some bytes")]);
    folder.succeed("-q -S .rz a");
    folder.succeed("-q --suffix=-packed a");
    assert_eq!(folder.names(), ["a", "a-packed", "a.rz"]);
    let run = folder.succeed("-S .rz a.rz");
    assert!(run.stderr.contains("ends in .rz, left as it is"), "{}", run.stderr);
    folder.fail("-d a.rz", "does not end in .rans");
    folder.succeed("-qf -d -S .rz a.rz");
    fs::remove_file(folder.path("a")).unwrap();
    folder.succeed("-q -d -S -packed a-packed");
    assert_eq!(folder.read("a"), b"some bytes");
    // A name is more than a suffix.
    fs::write(folder.path(".rans"), "some bytes").unwrap();
    folder.succeed("-q .rans");
    folder.fail("-d .rans", "does not end in .rans");
    folder.succeed("-qf -d .rans.rans");
}
