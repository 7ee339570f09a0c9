//! Numbers below 2^28 in one to four bytes (FORMAT.md, 11).

use crate::{error::Corruption, format::fields::Fields};

/// No number takes more bytes.
const MAX_LEN: usize = 4;

/// Seven bits a byte, lowest first, the top bit set in all bytes but the last: LEB128. `number` is
/// below 2^28.
pub(crate) fn write_number(mut number: u32, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The number that `bytes` begin with, and its length. `None`: the bytes end inside it. Each number
/// has one form.
pub(crate) fn parse_number(bytes: &[u8]) -> Result<Option<(u32, usize)>, Corruption> {
    let mut number = 0;
    for (index, &byte) in bytes.iter().take(MAX_LEN).enumerate() {
        number |= u32::from(byte & 0x7F) << (7 * index);
        if byte < 0x80 {
            if byte == 0 && index > 0 {
                return Err(Corruption::Padding);
            }
            return Ok(Some((number, index + 1)));
        }
    }
    if bytes.len() < MAX_LEN { Ok(None) } else { Err(Corruption::Field { field: "number", found: number.into() }) }
}

impl Fields<'_> {
    /// A number, which names `field` in errors.
    pub(crate) fn number(&mut self, field: &'static str) -> Result<usize, Corruption> {
        let (number, len) = parse_number(self.rest())?.ok_or_else(|| self.ends_in(field))?;
        self.bytes(len, field)?;
        Ok(number as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_parsed_and_no_prefix_is() {
        for (number, expected_len) in [(0, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3), (1 << 21, 4)] {
            let mut bytes = Vec::new();
            write_number(number, &mut bytes);
            assert_eq!(parse_number(&bytes), Ok(Some((number, expected_len))));
            let mut fields = Fields::new(&bytes);
            assert_eq!(fields.number("length"), Ok(number as usize));
            assert_eq!(fields.end(), Ok(()));
            for cut in 0..expected_len {
                assert_eq!(parse_number(&bytes[..cut]), Ok(None));
                let ended = Corruption::PayloadEnds { field: "length", length: cut as u64 };
                assert_eq!(Fields::new(&bytes[..cut]).number("length"), Err(ended));
            }
        }
    }

    #[test]
    fn each_number_has_one_form() {
        assert_eq!(parse_number(&[0x80, 0]), Err(Corruption::Padding));
        assert_eq!(parse_number(&[0x81, 0x80, 0]), Err(Corruption::Padding));
        let error = parse_number(&[0x80, 0x80, 0x80, 0x80, 1]);
        assert_eq!(error, Err(Corruption::Field { field: "number", found: 0 }));
    }
}
