//! Where the copy loop asks for the bytes that matches repeat before it needs them.

/// Blocks that are no longer have few enough pages: a processor finds their addresses fast, and
/// asking ahead gains nothing (measured, with an L2 cache of 2 MiB).
const MANY_PAGES: usize = 4 << 20;

/// Offsets from which on a match may begin where neither a cache nor the table of pages is fast.
const FAR_OFFSET: u32 = 1 << 19;

/// One match in so many is enough: a group has two of them then, and waits for both.
const FAR_SHARE: u32 = 32;

/// Offsets that are looked at.
const SAMPLE: usize = 512;

/// Whether to ask ahead in a chunk with these offsets.
pub(super) fn pays(offsets: &[u32], block_len: usize) -> bool {
    if block_len <= MANY_PAGES {
        return false;
    }
    let (mut all, mut far) = (0, 0);
    for &offset in offsets.iter().step_by(offsets.len() / SAMPLE + 1) {
        all += 1;
        far += u32::from(offset >= FAR_OFFSET);
    }
    far * FAR_SHARE > all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pays_in_long_blocks_where_some_matches_are_far() {
        let offsets = |far: usize| -> Vec<u32> {
            (0..4_000).map(|index| if index % 101 < far { FAR_OFFSET } else { FAR_OFFSET - 1 }).collect()
        };
        assert!(pays(&offsets(6), MANY_PAGES + 1));
        assert!(!pays(&offsets(6), MANY_PAGES));
        assert!(!pays(&offsets(1), MANY_PAGES + 1));
        assert!(!pays(&[], MANY_PAGES + 1));
    }
}
