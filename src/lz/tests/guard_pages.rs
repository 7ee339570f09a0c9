//! Damaged blocks between pages that nobody may touch: what a kernel reads or writes outside of a
//! block's payload and raw bytes ends the test's process.

use super::{Random, encode, kernels, oracle, pieces, records};
use crate::{
    lz::decode_payload,
    simd::{Guarded, Spare},
};

/// The longest payload and the longest block of this test.
const ROOM: usize = 64 << 10;

/// Decodes so many damaged blocks with each kernel. Each payload ends at a guard. The raw bytes end
/// at one, and begin at one, in turns. How many blocks were refused comes back.
fn damaged_blocks(count: usize) -> usize {
    let mut random = Random(8);
    let (mut coded, mut decoded) = (Guarded::new(ROOM), Guarded::new(ROOM));
    let (mut good, mut raw_len, mut refused) = (Vec::new(), 0, 0);
    for round in 0..count {
        if round % 64 == 0 {
            raw_len = 1 + random.below([100, 1000, 4000][round / 64 % 3]);
            let longest = [6, 30, 400][random.below(3)];
            let is_record = random.below(4) == 0;
            let raw = if is_record { records(&mut random, raw_len) } else { pieces(&mut random, raw_len, longest) };
            good = encode(&raw, 1 + random.below(7) as u8, [64, 600, 1 << 20][random.below(3)]);
        }
        let payload = coded.back(good.len());
        payload.copy_from_slice(&good);
        for _ in 0..=random.below(3) {
            let end = if random.below(3) == 0 { good.len().min(40) } else { good.len() };
            payload[random.below(end)] ^= 1 << random.below(8);
        }
        let mut expected = vec![0; raw_len];
        let outcome = oracle(payload, &mut expected);
        for kernel in kernels() {
            let raw = if round % 2 == 0 { decoded.back(raw_len) } else { decoded.front(raw_len) };
            raw.fill(0xEE);
            let result = decode_payload(payload, &mut Spare::from(&mut *raw), kernel);
            assert!(result == outcome, "{kernel}, round {round}: {result:?}, {outcome:?}");
            assert!(result.is_err() || *raw == expected, "{kernel}, round {round}: other bytes");
        }
        refused += usize::from(outcome.is_err());
    }
    refused
}

#[test]
fn damaged_blocks_stay_between_guard_pages() {
    let refused = damaged_blocks(1500);
    assert!((300..1400).contains(&refused), "{refused} refused");
}

#[test]
#[ignore = "takes minutes"]
fn a_million_damaged_blocks_stay_between_guard_pages() {
    let refused = damaged_blocks(1_000_000);
    println!("1,000,000 damaged blocks, {refused} refused, with each of {:?}", kernels());
}
