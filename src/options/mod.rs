//! Everything that a user can turn.

use crate::error::Error;

mod decode;
mod encode;
mod mode;
mod policy;

pub use decode::{DecodeOptions, TrailingData};
pub use encode::EncodeOptions;
pub use mode::{Mode, ParseModeError};
pub use policy::{Normalization, Policy};

/// # Errors
///
/// [`Error::InvalidOption`] when `given` is outside `min..=max`.
pub(crate) fn within(option: &'static str, given: usize, min: usize, max: usize) -> Result<(), Error> {
    if (min..=max).contains(&given) {
        return Ok(());
    }
    Err(Error::InvalidOption { option, given: given as u64, min: min as u64, max: max as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_found_by_its_name() {
        for (name, mode) in Mode::ALL {
            assert_eq!(name.parse(), Ok(mode));
            assert_eq!(mode.to_string(), name);
        }
        assert_eq!("zip".parse::<Mode>(), Err(ParseModeError));
    }

    #[test]
    fn options_out_of_range_name_the_range() {
        let error = EncodeOptions::new().block_len(0).validate().unwrap_err();
        assert_eq!(error.to_string(), "option block_len is 0, outside 1..=16777216");
        assert!(EncodeOptions::new().scale_bits(13).validate().is_err());
        assert!(EncodeOptions::new().scale_bits(14).mode(Mode::Interleaved).validate().is_ok());
        assert!(EncodeOptions::new().threads(0).validate().is_ok());
    }
}
