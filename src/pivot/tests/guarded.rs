//! Good payloads and damaged ones between pages that nobody may touch, by every kernel.

use super::{Random, all_steps};
use crate::{
    pivot::{
        encode,
        kept::{damage, payload, random_symbols, random_tree},
        payload::Decoder,
        *,
    },
    simd::Guarded,
};

/// Payloads by default. The variable `RANSTREAM_GUARDED` asks for more.
const INPUTS: usize = 2000;

/// Payloads of one tree, one of which is good.
const OF_A_TREE: usize = 12;

const LONGEST: usize = 70_000;

#[test]
fn nothing_is_touched_before_or_behind() {
    let inputs = std::env::var("RANSTREAM_GUARDED").map_or(INPUTS, |inputs| inputs.parse().expect("a number"));
    let kernels = all_steps();
    let mut random = Random(14);
    // A payload has at most some 2 KiB of table, and 15 + 8 bits a symbol.
    let (mut source, mut out) = (Guarded::new(4 * LONGEST), Guarded::new(LONGEST));
    let mut scratch = encode::Scratch::default();
    let mut decoder = Decoder::default();
    let (mut good, mut bad) = (0, 0);
    while good + bad < inputs {
        let tree = random_tree(&mut random);
        let longest = if random.below(16) == 0 { LONGEST } else { 3000 };
        let len = 1 + random.below(longest);
        let symbols = random_symbols(&tree, len, &mut random);
        let whole = payload(&tree, &symbols, 10 + random.below(7) as u8, &mut scratch, &Portable);
        for index in 0..OF_A_TREE {
            let tried = if index == 0 { whole.clone() } else { damage(&whole, &mut random) };
            let mut first = None;
            for (kernel_index, &(kernel, steps)) in kernels.iter().enumerate() {
                let (source, out) = match random.below(2) {
                    0 => (source.back(tried.len()), out.back(len)),
                    _ => (source.front(tried.len()), out.front(len)),
                };
                source.copy_from_slice(&tried);
                out.fill(0x11 * kernel_index as u8);
                let result = decoder.decode(source, out, steps).map(|()| out.to_vec());
                assert!(first.get_or_insert_with(|| result.clone()) == &result, "{kernel}, {len} symbols");
            }
            let expected = first.expect("there is a kernel");
            assert!(index > 0 || expected.as_ref() == Ok(&symbols), "{len} symbols");
            *if expected.is_ok() { &mut good } else { &mut bad } += 1;
        }
    }
    println!("{good} decoded, {bad} refused, by {} kernels", kernels.len());
    assert!(good > inputs / 4 && bad > inputs / 8, "{good} decoded, {bad} refused");
}
