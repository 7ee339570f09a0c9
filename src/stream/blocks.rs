//! The blocks of a stream that lies in memory.

use crate::{
    DecodeOptions,
    block::{Block, Coded},
    error::Error,
    stream::{Deframer, Event, Span},
};

/// Gives the blocks of a stream that lies in memory, a mapped file perhaps, where they lie: for
/// [`Stage`](crate::jobs::Stage), or `Pipeline`, `Decoder` and `ResidentBlocks` of the module
/// `gpu`.
///
/// Everything around the payloads is verified: headers, order and number of the blocks, lengths,
/// the end. Payloads are verified by whoever takes them, and a content check, if the stream has
/// one, by nobody. Concatenated streams are one; application data is stepped over. After an error
/// there is nothing more.
///
/// ```
/// use ranstream::{DecodeOptions, EncodeOptions, compress, stream::Blocks};
///
/// let stream = compress(&[7; 1_000_000], &EncodeOptions::new().block_len(1 << 18))?;
/// let blocks: Vec<_> = Blocks::new(&stream, &DecodeOptions::new()).collect::<Result<_, _>>()?;
/// assert_eq!(blocks.iter().map(|block| block.raw_len()).sum::<usize>(), 1_000_000);
/// # Ok::<(), ranstream::Error>(())
/// ```
#[derive(Debug)]
pub struct Blocks<'a> {
    /// `None`: it ended.
    deframer: Option<Deframer>,
    rest: &'a [u8],
}

impl<'a> Blocks<'a> {
    /// Of `options` this takes what it says of streams: limits, what may stand behind them, whether
    /// there may be several.
    #[must_use]
    pub fn new(stream: &'a [u8], options: &DecodeOptions) -> Self {
        Self { deframer: Some(Deframer::new(options)), rest: stream }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>, Error>;

    fn next(&mut self) -> Option<Result<Block<'a>, Error>> {
        let deframer = self.deframer.as_mut()?;
        loop {
            let (input, next) = (self.rest, deframer.next(self.rest));
            let event = match next {
                Ok((taken, event)) => {
                    self.rest = &input[taken..];
                    event
                }
                Err(error) => {
                    self.deframer = None;
                    return Some(Err(error));
                }
            };
            match event {
                Some(Event::Block(block)) => {
                    // All there is lies in `input`: no block is put together elsewhere.
                    if let Span::Input(range) = &block.body
                        && let Some(block) = Block::new(Coded::new(block.header, &input[range.clone()]))
                    {
                        return Some(Ok(block));
                    }
                }
                Some(_) => {}
                None => {
                    let ended = deframer.end_of_input();
                    self.deframer = None;
                    return ended.err().map(Err);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        EncodeOptions, block, compress,
        format::{BLOCK_OVERHEAD, StreamHeader},
    };

    fn stream() -> Vec<u8> {
        let raw: Vec<u8> = (0..70_000_u32).map(|i| (i % 71 * (i % 7)) as u8).collect();
        compress(&raw, &EncodeOptions::new().block_len(20_000).index(true)).unwrap()
    }

    fn lens(stream: &[u8]) -> Result<Vec<usize>, Error> {
        Blocks::new(stream, &DecodeOptions::new()).map(|block| Ok(block?.raw_len())).collect()
    }

    #[test]
    fn every_block_of_one_stream_and_of_two() {
        let one = stream();
        assert_eq!(lens(&one), Ok(vec![20_000, 20_000, 20_000, 10_000]));
        assert_eq!(lens(&[&one[..], &one].concat()).map(|lens| lens.len()), Ok(8));
    }

    #[test]
    fn a_stream_without_its_end_is_truncated_wherever_it_is_cut() {
        let one = stream();
        for len in 0..one.len() {
            let error = lens(&one[..len]).unwrap_err();
            assert_eq!(error, Error::Truncated { offset: len as u64 });
        }
    }

    #[test]
    fn a_missing_block_is_an_error_after_the_others() {
        let one = stream();
        let first = StreamHeader::FIXED_LEN;
        let header = block::parse_data_header(&one[first..]).unwrap();
        let second = first + BLOCK_OVERHEAD + header.payload_len() as usize;
        let without = [&one[..first], &one[second..]].concat();
        let mut blocks = Blocks::new(&without, &DecodeOptions::new());
        assert_eq!(blocks.by_ref().take_while(Result::is_ok).count(), 3);
        assert!(blocks.next().is_none(), "an error is the last");
        assert!(lens(&without).is_err());
    }
}
