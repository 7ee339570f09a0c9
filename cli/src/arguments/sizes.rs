//! Sizes and positions as a user writes them.

use parse_size::Config;
use ranstream::MAX_BLOCK_LEN;

pub(super) fn size(text: &str) -> Result<u64, String> {
    Config::new().with_binary().parse_size(text).map_err(|_| "not a size; write 4096, 64K, 1M or 256KiB".to_owned())
}

pub(super) fn block_size(text: &str) -> Result<usize, String> {
    size_within(text, 1, MAX_BLOCK_LEN)
}

pub(super) fn segment_size(text: &str) -> Result<usize, String> {
    size_within(text, 128, MAX_BLOCK_LEN)
}

pub(super) fn memory_size(text: &str) -> Result<usize, String> {
    size_within(text, 0, usize::MAX)
}

fn size_within(text: &str, min: usize, max: usize) -> Result<usize, String> {
    let bytes = usize::try_from(size(text)?).unwrap_or(usize::MAX);
    if (min..=max).contains(&bytes) { Ok(bytes) } else { Err(format!("{bytes} bytes is outside {min}..={max}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_powers_of_1024() {
        for (text, bytes) in [("0", 0), ("4096", 4096), ("64K", 65536), ("1M", 1 << 20), ("256KiB", 1 << 18)] {
            assert_eq!(size(text), Ok(bytes));
        }
        assert!(size("-1").is_err());
        assert!(size("1X").is_err());
        assert_eq!(block_size("0"), Err("0 bytes is outside 1..=16777216".to_owned()));
        assert_eq!(block_size("16M"), Ok(MAX_BLOCK_LEN));
    }
}
