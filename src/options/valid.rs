//! Options that were checked: whoever takes them need not check them again.

use std::ops::Deref;

use crate::{
    error::Error,
    limits::{MAX_BLOCK_LEN, within},
    options::{BlockOptions, DecodeOptions, EncodeOptions, Mode, environment},
};

/// Options that are within their ranges, with what the environment says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Valid<T>(T);

impl<T> Deref for Valid<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl Valid<EncodeOptions> {
    pub(crate) fn block(&self) -> Valid<BlockOptions> {
        Valid(with_environment(self.0.block))
    }
}

impl BlockOptions {
    /// # Errors
    ///
    /// [`Error::InvalidOption`] for the first option that is outside its range.
    pub(crate) fn validated(self) -> Result<Valid<Self>, Error> {
        self.check()?;
        Ok(Valid(with_environment(self)))
    }
}

impl EncodeOptions {
    /// # Errors
    ///
    /// [`Error::InvalidOption`] for the first option that is outside its range.
    pub(crate) fn validated(self) -> Result<Valid<Self>, Error> {
        self.check()?;
        Ok(Valid(self))
    }

    /// What concerns a block by itself, with the whole checked.
    ///
    /// # Errors
    ///
    /// As [`validated`](Self::validated).
    pub(crate) fn validated_block(&self) -> Result<Valid<BlockOptions>, Error> {
        self.check()?;
        Ok(Valid(with_environment(self.block)))
    }

    fn check(&self) -> Result<(), Error> {
        within("block_len", self.block_len, 1, MAX_BLOCK_LEN)?;
        self.block.check()?;
        within("index_max_blocks", self.index_max_blocks, 1, 500_000_000)?;
        self.work.check()
    }
}

impl DecodeOptions {
    /// # Errors
    ///
    /// As [`EncodeOptions::validated`].
    pub(crate) fn validated(self) -> Result<Valid<Self>, Error> {
        self.work.check()?;
        Ok(Valid(self))
    }
}

fn with_environment(block: BlockOptions) -> BlockOptions {
    if block.mode == Mode::Auto { BlockOptions { mode: environment::mode(), ..block } } else { block }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_out_of_range_name_the_range() {
        let error = EncodeOptions::new().block_len(0).validated().unwrap_err();
        assert_eq!(error.to_string(), "option block_len is 0, outside 1..=16777216");
        assert!(EncodeOptions::new().scale_bits(13).validated().is_err());
        assert!(EncodeOptions::new().scale_bits(14).mode(Mode::Interleaved).validated().is_ok());
        assert!(EncodeOptions::new().threads(0).validated().is_ok());
        assert!(DecodeOptions::new().threads(1025).validated().is_err());
    }

    #[test]
    fn options_are_equal_where_all_they_say_is() {
        let options = EncodeOptions::new().threads(3).on_progress(|_| {});
        assert_eq!(options, options.clone());
        assert_ne!(options, options.clone().on_progress(|_| {}), "callbacks are equal if they are the same");
        assert_ne!(options, options.clone().threads(2));
        assert_eq!(DecodeOptions::new().threads(2).in_flight(3), DecodeOptions::new().in_flight(3).threads(2));
        assert_ne!(DecodeOptions::new(), DecodeOptions::new().in_flight(3));
    }
}
