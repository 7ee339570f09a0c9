//! What `rans bench` shows.

use std::time::{Duration, Instant};

use super::folder::{Folder, skewed};

#[test]
fn every_mode_and_kernel_has_a_line_of_figures() {
    let folder = Folder::with(&[("a", &skewed(100_000, 12))]);
    let run = folder.succeed("bench -r 1 -T 2 a");
    let lines: Vec<Vec<_>> = run.text().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0].join(" "), "a, 97.66 KiB, median of 1 round");
    let rows = &lines[3..];
    let names: Vec<_> = rows.iter().map(|row| row[row.len() - 3..].join(" ")).collect();
    assert_eq!(names[0], "1 - memcpy");
    for kernel in ranstream::Kernel::all_available() {
        assert!(names.contains(&format!("1 {kernel} lanes")), "{names:?}");
    }
    for name in ["1 portable pivot", "1 - interleaved", "1 - single-stream"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    for level in ["1 - level 0", "1 - level 1", "1 - level 3", "1 - level 6", "2 - level 3"] {
        assert!(rows.iter().any(|row| row[row.len() - 4..].join(" ") == level), "{level}: {rows:?}");
    }
    for row in rows {
        let speeds: Vec<f64> = row[..3].iter().map(|figure| figure.parse().unwrap()).collect();
        assert!(speeds[0] > 0.0 && speeds[1] > 0.0, "{row:?}");
    }
    assert!(run.text().lines().nth(3).unwrap().contains("97.66 KiB  100.0 %"), "{}", run.text());
}

/// Each call is timed so often that the clock sees it, and not so often that nobody sees the end.
#[test]
fn one_byte_is_measured_in_seconds() {
    let folder = Folder::with(&[("a", b"x")]);
    let begun = Instant::now();
    let run = folder.succeed("bench -r 1 a");
    assert!(run.text().starts_with("a, 1 B, median of 1 round"), "{}", run.text());
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let folder = Folder::with(&[("empty", b"")]);
    folder.fail("bench empty", "rans: empty: empty, there is nothing to measure");
    folder.fail("bench missing", "rans: missing: No such file");
}
