//! Every seed of the fuzz targets through the body of its target, as it is and damaged, without a
//! fuzzer: a change that breaks a promise is seen before `scripts/fuzz.sh` runs again.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::{collections::BTreeMap, path::Path};

/// How often each seed is damaged. The bytes of a run are always the same.
const DAMAGES: u32 = 8;

#[test]
fn every_seed_runs_clean_as_it_is_and_damaged() {
    let seeds = fuzz::seeds::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")).unwrap();
    let mut runs = BTreeMap::<&str, u32>::new();
    for (number, seed) in seeds.iter().enumerate() {
        let (_, body) = fuzz::TARGETS.iter().find(|(name, _)| *name == seed.target).expect("seeds name a target");
        body(&seed.bytes);
        for damage in 0..DAMAGES.min(seed.bytes.len() as u32) {
            let mut bytes = seed.bytes.clone();
            let stirred = (number as u32 * DAMAGES + damage).wrapping_mul(0x9E37_79B1) >> 8;
            let at = stirred as usize % bytes.len();
            bytes[at] ^= (stirred >> 16) as u8 | 1;
            body(&bytes);
        }
        *runs.entry(seed.target).or_default() += 1 + DAMAGES;
    }
    assert!(fuzz::TARGETS.iter().all(|(name, _)| runs.contains_key(name)), "a target has no seed: {runs:?}");
    println!("{runs:?}");
}
