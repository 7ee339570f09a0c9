//! Who decodes: the output never depends on it.

use super::folder::{Folder, skewed};

fn folder(raw: &[u8]) -> Folder {
    let folder = Folder::with(&[("a", raw)]);
    folder.succeed("-0 --rm --segment-size 16K a");
    folder
}

#[test]
fn the_cpu_and_the_choice_are_in_every_build() {
    let raw = skewed(3 << 20, 40);
    let folder = folder(&raw);
    for backend in ["cpu", "auto"] {
        assert!(folder.succeed(&format!("-dc --backend {backend} a.rans")).stdout == raw);
        let run = folder.succeed(&format!("-t --backend={backend} a.rans"));
        assert!(run.stderr.starts_with("a.rans : ok"), "{}", run.stderr);
        folder.succeed(&format!("test --backend {backend} a.rans"));
    }
    assert!(folder.misuse("-d --backend tpu a.rans").stderr.contains("auto, cpu, gpu"));
}

#[cfg(not(feature = "gpu"))]
#[test]
fn a_build_without_gpus_says_so() {
    let folder = folder(b"some bytes");
    for line in ["-d --backend gpu a.rans", "bench --gpu a.rans"] {
        let run = folder.misuse(line);
        assert!(run.stderr.contains("built without the feature gpu"), "{}", run.stderr);
    }
    assert_eq!(folder.names(), ["a.rans"]);
}

#[cfg(feature = "gpu")]
mod gpu {
    use std::process::Command;

    use super::*;

    /// Runs `line`, with the variable set, and insists on success: what it wrote to standard output
    /// and to standard error.
    fn with(folder: &Folder, line: &str, (name, value): (&str, &str)) -> (Vec<u8>, String) {
        let mut command: Command = folder.command(line);
        let output = command.env(name, value).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "rans {line}: {stderr}");
        (output.stdout, stderr)
    }

    #[test]
    fn without_the_device_the_cpu_decodes_and_the_user_is_told() {
        let raw = skewed(1 << 20, 41);
        let folder = folder(&raw);
        let adapter = ("RANS_GPU_ADAPTER", "no such card");
        for line in ["-dc --backend gpu a.rans", "-dcv --backend gpu a.rans"] {
            let (stdout, stderr) = with(&folder, line, adapter);
            assert!(stdout == raw);
            let warning = "--backend gpu: no GPU adapter with \"no such card\" in its name; the CPU decodes";
            assert!(stderr.contains(warning), "{stderr}");
        }
        let (stdout, stderr) = with(&folder, "-dcq --backend gpu a.rans", adapter);
        assert!(stdout == raw && stderr.is_empty(), "{stderr}");
        let (_, stderr) = with(&folder, "-t --backend gpu a.rans", adapter);
        assert!(stderr.contains("no GPU adapter") && stderr.contains("a.rans : ok"), "{stderr}");
    }

    #[test]
    fn the_device_decodes_every_block() {
        let raw = skewed(2 << 20, 42);
        let folder = folder(&raw);
        let (stdout, stderr) = with(&folder, "-dcv --backend gpu a.rans", ("XDG_RUNTIME_DIR", "/"));
        assert!(stdout == raw);
        if stderr.contains("the CPU decodes") {
            assert!(std::env::var_os("RANS_REQUIRE_GPU").is_none(), "RANS_REQUIRE_GPU is set, and: {stderr}");
            println!("skipped: {stderr}");
            return;
        }
        assert!(stderr.contains(": 8 blocks decoded, 0 left to the CPU"), "{stderr}");
        let (_, stderr) = with(&folder, "-tv --backend gpu a.rans", ("XDG_RUNTIME_DIR", "/"));
        assert!(stderr.contains(": 8 blocks decoded, 0 left to the CPU"), "{stderr}");

        let (stdout, stderr) = with(&folder, "-dcv --backend gpu a.rans", ("RANS_BACKEND", "cpu"));
        assert!(stdout == raw);
        assert!(stderr.contains(": 0 blocks decoded"), "the switch holds: {stderr}");
    }

    #[test]
    fn bench_has_a_line_for_the_device() {
        let folder = Folder::with(&[("a", &skewed(300_000, 44))]);
        let run = folder.run("bench -r 1 --gpu a");
        if run.code == Some(1) && run.stderr.contains("no GPU adapter") {
            assert!(std::env::var_os("RANS_REQUIRE_GPU").is_none(), "RANS_REQUIRE_GPU is set, and: {}", run.stderr);
            println!("skipped: {}", run.stderr);
            return;
        }
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(
            run.text().contains(": 56 blocks decoded, 0 left to the CPU\n"),
            "two rounds of all blocks, 14 times each: {}",
            run.text()
        );
        let mut rows = run.text().lines().map(|line| line.split_whitespace().rev().take(4).collect::<Vec<_>>());
        assert!(rows.any(|row| row == ["0", "level", "gpu", "1"]), "{}", run.text());
    }

    #[test]
    fn ranges_and_damage_are_what_they_are_on_the_cpu() {
        let raw = skewed(1 << 20, 43);
        let folder = folder(&raw);
        let run = folder.succeed("-dc --backend gpu --from 300000 --to 700000 a.rans");
        assert!(run.stdout == raw[300_000..700_000]);

        super::super::folder::flip(&folder.path("a.rans"), 400_000);
        let (on_cpu, on_gpu) = (folder.run("-dc a.rans"), folder.run("-dcq --backend gpu a.rans"));
        assert_eq!((on_cpu.code, &on_cpu.stderr), (on_gpu.code, &on_gpu.stderr));
        assert!(on_cpu.stdout == on_gpu.stdout && !on_cpu.stdout.is_empty());
    }
}
