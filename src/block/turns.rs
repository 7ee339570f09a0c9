//! Neighbouring interleaved blocks, decoded side by side where that takes less time.

use std::mem;

use super::{Resources, body_len, coded::Placed};
use crate::{
    error::PayloadError,
    format::{BlockHeader, BlockMode, TableKind},
    rans::abreast::{self, BLOCKS},
    simd::{self, Kernel, Written},
};

/// Decodes a run of blocks to where they belong, one by one unless they go side by side. What
/// became of each is added to `decoded`, up to the first bad one.
pub(super) fn decode<'r>(
    run: &mut [Placed<'_, 'r>],
    resources: &Resources,
    decoded: &mut Vec<Result<Written<'r>, PayloadError>>,
) {
    if simd::takes_turns_abreast(resources.kernel)
        && let Ok(blocks) = <&mut [_; BLOCKS]>::try_from(&mut *run)
        && decode_abreast(blocks, resources.kernel)
    {
        decoded.extend(run.iter_mut().map(|(_, raw)| Ok(mem::take(raw).into_written())));
        return;
    }
    for (block, raw) in run {
        raw.rewind();
        let result = block.decode(mem::take(raw), resources);
        let is_bad = result.is_err();
        decoded.push(result);
        if is_bad {
            return;
        }
    }
}

/// `false`: they are to be decoded one by one, which tells what is wrong with one if something is.
fn decode_abreast(blocks: &mut [Placed<'_, '_>; BLOCKS], kernel: Kernel) -> bool {
    let lens = blocks.each_ref().map(|(_, raw)| raw.len());
    let (shortest, longest) = lens.iter().fold((usize::MAX, 0), |(least, most), &len| (least.min(len), most.max(len)));
    if !abreast::suits(shortest, longest, blocks.iter().map(|(block, _)| body_len(block.header())).sum()) {
        return false;
    }
    let mut payloads = [(&[][..], TableKind::Compact); BLOCKS];
    for ((block, _), payload) in blocks.iter().zip(&mut payloads) {
        match (block.header(), block.verify()) {
            (&BlockHeader::Data { mode: BlockMode::Interleaved(table), .. }, Ok(verified)) => {
                *payload = (verified.payload(), table);
            }
            _ => return false,
        }
    }
    let mut raw = blocks.each_mut().map(|(_, raw)| raw.zero());
    abreast::decode(&payloads, &mut raw, |chains, raw| simd::decode_turns(kernel, chains, raw))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        EncodeOptions,
        block::{self, Coded, decode_together},
        simd::Spare,
    };

    /// A small generator, so that the tests need no crate.
    struct Random(u64);

    impl Random {
        fn below(&mut self, below: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % below
        }
    }

    /// The raw bytes that are right, and the first error with its index.
    type Outcome = (Vec<Vec<u8>>, Result<(), (usize, String)>);

    fn outcome(
        blocks: &[Vec<u8>],
        decode: impl for<'r> FnOnce(Vec<Placed<'_, 'r>>) -> Vec<Result<Written<'r>, PayloadError>>,
    ) -> Outcome {
        let coded: Vec<Coded<'_>> = blocks.iter().map(|block| Coded::parse(block).unwrap()).collect();
        let mut raws: Vec<Vec<u8>> = coded.iter().map(|block| vec![0xEE; block.header().raw_len()]).collect();
        let run = coded.into_iter().zip(raws.iter_mut().map(|raw| Spare::from(&mut raw[..]))).collect();
        let (mut good, mut result) = (Vec::new(), Ok(()));
        for decoded in decode(run) {
            match decoded {
                Ok(raw) => good.push(raw.bytes().to_vec()),
                Err(reason) => result = Err((good.len(), format!("{reason:?}"))),
            }
        }
        (good, result)
    }

    /// A run, by scalar code.
    fn one_by_one<'r>(mut run: Vec<Placed<'_, 'r>>) -> Vec<Result<Written<'r>, PayloadError>> {
        let mut decoded = Vec::new();
        decode(&mut run, &Resources::new(Some(Kernel::Portable), None), &mut decoded);
        decoded
    }

    /// Whether the blocks are good, and whether they went side by side.
    fn check(blocks: &[Vec<u8>], case: &str) -> (bool, bool) {
        let one_by_one = outcome(blocks, one_by_one);
        for kernel in Kernel::all_available() {
            let together = outcome(blocks, |run| decode_together(run, &Resources::new(Some(kernel), None)));
            assert!(together == one_by_one, "{kernel}, {case}: {:?}, not {:?}", together.1, one_by_one.1);
        }
        let mut is_done = false;
        // The loop of every kernel, in scalar code.
        if blocks.len() == BLOCKS {
            let abreast = outcome(blocks, |mut run| {
                is_done = decode_abreast((&mut run[..]).try_into().unwrap(), Kernel::Portable);
                if !is_done {
                    return self::one_by_one(run);
                }
                run.into_iter().map(|(_, raw)| Ok(raw.into_written())).collect()
            });
            assert!(abreast == one_by_one, "{case}");
        }
        (one_by_one.1.is_ok(), is_done)
    }

    fn block(len: usize, random: &mut Random) -> Vec<u8> {
        let symbols = [1, 2, 17, 90, 200][random.below(5)];
        let raw: Vec<u8> = (0..len).map(|_| (random.below(symbols) + random.below(symbols)) as u8 / 2).collect();
        let mut options = EncodeOptions::new().mode(crate::Mode::Interleaved);
        match random.below(24) {
            0 => options = options.interleaved_lanes(1 + random.below(9)),
            1 => options = options.scale_bits(9 + random.below(6) as u8),
            2 => options = options.normalization(crate::Normalization::Compat).scale_bits(10),
            _ => {}
        }
        let mut block = Vec::new();
        block::encode(&raw, &options, &mut block).unwrap();
        block
    }

    /// Changes the payload of a block, whose check is right then, or the check.
    fn damage(block: &mut Vec<u8>, way: usize, random: &mut Random) {
        let header = *Coded::parse(block).unwrap().header();
        let (start, end) = (crate::format::HEADER_LEN, block.len() - crate::format::CHECK_LEN);
        let BlockHeader::Data { mode: mode @ BlockMode::Interleaved(_), raw_len, .. } = header else { return };
        let at = start + random.below(end - start);
        match way % 5 {
            0 => return *block.last_mut().unwrap() ^= 1,
            1 => block[at] ^= 1 << random.below(8),
            2 => block[at..end].fill_with(|| random.below(256) as u8),
            3 => block[at..end].fill(0),
            _ => {}
        }
        block.truncate(if way % 5 == 4 { at.max(start + 1) } else { end });
        block::seal(mode, raw_len, 0, block);
    }

    #[test]
    fn runs_of_every_number_decode_as_each_block_alone() {
        let (mut random, mut done) = (Random(1), 0);
        for round in 0..if cfg!(miri) { 1 } else { 40 } {
            for count in [1, 2, 7, 8, 9] {
                let len = [256, 1024, 8192, 1000, 4097][random.below(5)];
                let lens =
                    (0..count).map(|_| if round % 3 == 0 { 1 + random.below(9000) } else { len }).collect::<Vec<_>>();
                let blocks: Vec<_> = lens.into_iter().map(|len| block(len, &mut random)).collect();
                let (is_good, is_done) = check(&blocks, &format!("round {round}, {count} blocks"));
                assert!(is_good);
                done += usize::from(is_done);
            }
        }
        assert!(cfg!(miri) || done > 8, "{done} went side by side");
    }

    #[test]
    fn the_first_bad_block_of_a_run_is_named() {
        let (mut random, mut refused) = (Random(2), 0);
        for round in 0..if cfg!(miri) { 2 } else { 400 } {
            let mut blocks: Vec<_> = (0..BLOCKS).map(|_| block(1024 + random.below(99), &mut random)).collect();
            for _ in 0..=round % 2 {
                damage(&mut blocks[random.below(BLOCKS)], round / 2, &mut random);
            }
            refused += usize::from(!check(&blocks, &format!("round {round}")).0);
        }
        assert!(cfg!(miri) || refused > 200, "{refused} refused");
    }
}
