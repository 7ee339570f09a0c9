//! The seeds of the fuzz targets, whole, cut and with every byte changed.

#[path = "../../../fuzz/src/model_files.rs"]
mod model_files;

use model_files::{TARGETS, seeds};

#[test]
fn seeds_and_what_is_near_them_harm_nothing() {
    let seeds = seeds();
    for (target, body) in TARGETS {
        let mine: Vec<_> = seeds.iter().filter(|(name, _)| *name == target).collect();
        assert!(!mine.is_empty(), "{target}");
        for (_, seed) in mine {
            body(seed);
            for at in (0..seed.len()).step_by(if target == "archive_open" { 97 } else { 1 }) {
                body(&seed[..at]);
                let mut changed = seed.clone();
                changed[at] ^= 1 << (at % 8);
                body(&changed);
            }
        }
    }
}
