//! Where the copy loop asks for bytes before it needs them: those that matches repeat, and the room
//! that it writes to.

use crate::sequences::Output;

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

/// Blocks that are no longer mostly go to where the one before went, and a cache has that. Asking
/// for it takes 2 % more time then.
const NEAR_LEN: usize = 256 << 10;

/// How far behind what is written room is asked for, in bytes. 512 bytes and 8 KiB are as good.
const ROOM_AHEAD: usize = 2 << 10;

/// The room to ask for while `len` bytes are written from `at` on. Without that stores wait for
/// memory: blocks of 4 MiB take an eighth longer (Intel Xeon, Sapphire Rapids or later).
#[inline(always)]
pub(super) fn room<'a>(output: &'a Output<'_>, at: usize, len: usize) -> &'a [u8] {
    let end = output.raw.len().min(at + ROOM_AHEAD + len);
    if output.block_len > NEAR_LEN { output.raw.get(at + ROOM_AHEAD..end).unwrap_or_default() } else { &[] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_asked_for_up_to_the_end_of_a_long_block() {
        let (mut raw, block_len) = (vec![0; NEAR_LEN], NEAR_LEN + 1);
        let (at, ahead) = (|place: usize| NEAR_LEN - ROOM_AHEAD - place, raw[ROOM_AHEAD..].as_ptr());
        let mut output = Output { raw: &mut raw, at: 0, end: 1, block_len };
        assert_eq!(room(&output, 0, 100).as_ptr(), ahead);
        assert_eq!(room(&output, 0, 100).len(), 100);
        assert_eq!(room(&output, at(60), 100).len(), 60);
        assert_eq!(room(&output, at(0), 100).len(), 0);
        assert_eq!(room(&output, NEAR_LEN - 1, 100).len(), 0);
        output.block_len = NEAR_LEN;
        assert_eq!(room(&output, 0, 100).len(), 0);
    }

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
