//! What `RANS_KERNEL` does.

use ranstream::Kernel;

use super::folder::{Folder, Run, piped, skewed};

fn run(folder: &Folder, kernel: &str, line: &str) -> Run {
    let child = piped(folder.command(line).env("RANS_KERNEL", kernel));
    let output = child.wait_with_output().unwrap();
    Run { code: output.status.code(), stdout: output.stdout, stderr: String::from_utf8(output.stderr).unwrap() }
}

#[test]
fn a_kernel_that_cannot_be_taken_is_named_once_and_changes_nothing() {
    let raw = skewed(300_000, 3);
    let folder = Folder::with(&[("a", &raw), ("b", &raw)]);
    let expected = run(&folder, "portable", "-c a b");
    assert_eq!((expected.code, expected.stderr.contains("RANS_KERNEL")), (Some(0), false), "{}", expected.stderr);
    let found = run(&folder, "mmx", "-c a b");
    assert!(found.stderr.starts_with("rans: RANS_KERNEL: mmx: unknown kernel"), "{}", found.stderr);
    assert_eq!(found.stderr.matches("RANS_KERNEL").count(), 1);
    assert!((found.code, &found.stdout) == (Some(0), &expected.stdout));
    for (name, kernel) in Kernel::ALL {
        let found = run(&folder, name, "-c a b");
        let lacks = format!("rans: RANS_KERNEL: this processor lacks {name}");
        assert_eq!(found.stderr.starts_with(&lacks), !kernel.is_available(), "{}", found.stderr);
        assert!((found.code, &found.stdout) == (Some(0), &expected.stdout), "{name}");
    }
}

#[test]
fn the_quiet_and_those_who_code_nothing_hear_nothing() {
    let folder = Folder::with(&[("a", b"some bytes")]);
    for line in ["-qc a", "man", "completions bash"] {
        assert_eq!(run(&folder, "mmx", line).stderr, "", "{line}");
    }
}

#[test]
fn the_manual_page_names_the_variable_and_every_kernel() {
    let page = Folder::new().succeed("man").text().replace('\\', "");
    let (_, said) = page.split_once("RANS_KERNELfR\n").unwrap();
    assert!(said.split_once("\n.TP").unwrap().0.contains("is named in a warning"));
    for (name, _) in Kernel::ALL {
        assert!(page.contains(name), "{name}");
    }
}
