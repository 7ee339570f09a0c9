//! What is left of a damaged input: every complete block, and where the rest was lost.

use std::{
    io::{self, Read},
    ops::Range,
};

use crate::{
    block::{Coded, Resources, scratch_len},
    error::{Part, PayloadError},
    format::{BLOCK_OVERHEAD, BlockHeader, HEADER_LEN, StreamHeader},
    io::retry::read_retried,
    limits::Limits,
};

pub use crate::io::append::{Closed, close_unfinished};

/// How much is read at a time.
const CHUNK: usize = 256 << 10;

/// A part of a damaged input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A block that is whole and right.
    Block {
        /// Its raw bytes.
        raw: Vec<u8>,
        /// Where in the input it was, in coded bytes.
        place: Range<u64>,
    },
    /// Bytes that are part of no block: damaged, or torn away from one. How many raw bytes they
    /// held is not known. Blocks that are whole but cannot be decoded here are among them, see
    /// [`Recovery::undecodable_blocks`].
    Lost {
        /// Where in the input they are, in coded bytes.
        place: Range<u64>,
    },
}

/// Reads a damaged input and gives what is left of it, in order.
///
/// Every position where a block header could stand is tried, so blocks are found behind any damage;
/// only a block whose header and payload checks are both right is one. Stream headers, end
/// blocks, indexes and application data that are whole are passed over, the latter two up to the
/// largest block. Memory is bounded by the largest block that the limits allow.
///
/// A stream that was cut between two blocks shows no lost bytes;
/// [`unfinished_streams`](Recovery::unfinished_streams) tells which ones were.
///
/// A damaged block is bytes like any others: if it stored a stream as it was, that stream's blocks
/// are found in it.
///
/// ```
/// use ranstream::{EncodeOptions, compress, recover::{Found, Recovery}};
///
/// let raw: Vec<u8> = (0..10_000_u32).map(|i| (i / 100) as u8).collect();
/// let mut stream = compress(&raw, &EncodeOptions::new().block_len(1000))?;
/// stream[300] ^= 1;
/// let whole = |part: &std::io::Result<Found>| matches!(part, Ok(Found::Block { .. }));
/// assert_eq!(Recovery::new(&stream[..]).filter(whole).count(), 9);
/// # Ok::<(), ranstream::Error>(())
/// ```
#[derive(Debug)]
pub struct Recovery<R> {
    inner: R,
    limits: Limits,
    window: Vec<u8>,
    /// Where in the window the next part begins.
    at: usize,
    filled: usize,
    /// Where in the input the window begins.
    offset: u64,
    lost_from: Option<u64>,
    /// A block behind a loss that is not reported yet.
    held: Option<Found>,
    /// The stream that has no end block yet: from its header, or its first block if that is lost,
    /// to the end of its last whole part.
    open: Option<Range<u64>>,
    unfinished: Vec<Range<u64>>,
    undecodable: u64,
    ended: bool,
}

/// So many unfinished streams are kept: 1 MiB of them.
const MAX_UNFINISHED: usize = 1 << 16;

/// What a whole part of a stream is.
enum Whole {
    StreamHeader,
    Block(Vec<u8>),
    /// Its check is right, and nothing says that its payload is not.
    Undecodable,
    End,
    Skippable,
}

impl<R: Read> Recovery<R> {
    /// Recovers from `inner` with the default limits.
    pub fn new(inner: R) -> Self {
        Self::with_limits(inner, Limits::default())
    }

    /// Recovers from `inner`. Blocks above the limits are taken for damage.
    pub fn with_limits(inner: R, limits: Limits) -> Self {
        Self {
            inner,
            limits,
            window: Vec::new(),
            at: 0,
            filled: 0,
            offset: 0,
            lost_from: None,
            held: None,
            open: None,
            unfinished: Vec::new(),
            undecodable: 0,
            ended: false,
        }
    }

    /// Whether the last stream found so far has no end block behind it. At the end of the input: it
    /// was cut, perhaps between two blocks, and how much followed is not known.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.open.is_some()
    }

    /// Streams found so far that have no end block, though another stream, or the end of the input,
    /// is behind them: a writer stopped there, perhaps between two blocks, and how much followed is
    /// not known. Each is a range of coded bytes, from its header to the end of its last whole
    /// part. Beyond 65,536 of them no more are kept.
    ///
    /// ```
    /// use ranstream::{EncodeOptions, compress, recover::Recovery};
    ///
    /// let stream = compress(b"some bytes", &EncodeOptions::new())?;
    /// let cut = stream.len() - 32; // its end block is missing
    /// let input = [&stream[..cut], &stream].concat();
    /// let mut recovery = Recovery::new(&input[..]);
    /// assert_eq!(recovery.by_ref().count(), 2);
    /// assert_eq!(recovery.unfinished_streams(), [0..cut as u64]);
    /// # Ok::<(), ranstream::Error>(())
    /// ```
    #[must_use]
    pub fn unfinished_streams(&self) -> &[Range<u64>] {
        &self.unfinished
    }

    /// Blocks found so far that are whole but cannot be decoded here: they are differences from a
    /// [`Base`](crate::Base), or have a feature that this version does not know. They are reported
    /// as lost. A block of a kind that this version does not know is not counted, since nothing
    /// tells it from damage.
    #[must_use]
    pub fn undecodable_blocks(&self) -> u64 {
        self.undecodable
    }

    /// Reads until `len` bytes are in the window behind `at`. `false`: the input ends before.
    fn fill(&mut self, len: usize) -> io::Result<bool> {
        while self.filled - self.at < len {
            if self.ended {
                return Ok(false);
            }
            if self.at > CHUNK {
                self.window.copy_within(self.at..self.filled, 0);
                self.offset += self.at as u64;
                self.filled -= self.at;
                self.at = 0;
            }
            let end = self.filled + CHUNK;
            // Memory that is not there now will not be there later: the end, so that nobody asks
            // for ever.
            self.limits.grow(&mut self.window, end, self.offset).inspect_err(|_| self.ended = true)?;
            let read = read_retried(&mut self.inner, &mut self.window[self.filled..end])?;
            self.filled += read;
            self.ended = read == 0;
        }
        Ok(true)
    }

    fn here(&self) -> u64 {
        self.offset + self.at as u64
    }

    /// What begins here, and how long it is.
    fn part(&mut self) -> io::Result<Option<(usize, Whole)>> {
        if let Ok(header) =
            StreamHeader::parse(&self.window[self.at..self.filled.min(self.at + StreamHeader::MAX_LEN)], 0)
        {
            return Ok(Some((header.encoded_len(), Whole::StreamHeader)));
        }
        let Some(&bytes) = self.window[self.at..self.filled].first_chunk::<HEADER_LEN>() else { return Ok(None) };
        let Ok(header) = BlockHeader::parse(&bytes, Part::Block(0), self.here()) else { return Ok(None) };
        let raw_len = header.raw_len();
        let Ok(len) = usize::try_from(header.payload_len() + BLOCK_OVERHEAD as u64) else { return Ok(None) };
        // A false header in damaged bytes must not make this read far ahead, so application data
        // and indexes above the largest block are not looked for.
        let fits = self.limits.check_block_len(raw_len.max(len - BLOCK_OVERHEAD), 0).is_ok();
        if !fits || self.limits.check_memory(len + raw_len + scratch_len(&header), 0).is_err() {
            return Ok(None);
        }
        if !self.fill(len)? {
            return Ok(None);
        }
        let body = &self.window[self.at + HEADER_LEN..self.at + len];
        let Ok(block) = Coded::new(header, body).verify() else { return Ok(None) };
        let mut raw = vec![0; raw_len];
        let whole = match header {
            BlockHeader::Data { .. } => match block.decode(&mut raw, &Resources::new(None, None)) {
                Ok(()) => Whole::Block(raw),
                Err(PayloadError::Corrupt(_)) => return Ok(None),
                Err(_) => Whole::Undecodable,
            },
            BlockHeader::End { .. } => Whole::End,
            BlockHeader::Skippable { .. } => Whole::Skippable,
        };
        Ok(Some((len, whole)))
    }

    fn loss(&mut self) -> Option<Found> {
        let from = self.lost_from.take()?;
        Some(Found::Lost { place: from..self.here() })
    }

    fn find(&mut self) -> io::Result<Option<Found>> {
        if let Some(held) = self.held.take() {
            return Ok(Some(held));
        }
        while self.fill(1)? {
            self.fill(StreamHeader::MAX_LEN)?;
            let Some((len, whole)) = self.part()? else {
                let here = self.here();
                self.lost_from.get_or_insert(here);
                self.at += 1;
                continue;
            };
            let start = self.here();
            let loss = if let Whole::Undecodable = whole {
                self.lost_from.get_or_insert(start);
                self.undecodable += 1;
                None
            } else {
                self.loss()
            };
            self.at += len;
            self.follow(&whole, start..self.here());
            let block = if let Whole::Block(raw) = whole {
                Some(Found::Block { raw, place: start..self.here() })
            } else {
                None
            };
            match (loss, block) {
                (Some(loss), block) => {
                    self.held = block;
                    return Ok(Some(loss));
                }
                (None, Some(block)) => return Ok(Some(block)),
                (None, None) => {}
            }
        }
        if let Some(open) = &self.open
            && self.unfinished.last() != Some(open)
        {
            let open = open.clone();
            self.keep_unfinished(open);
        }
        Ok(self.loss())
    }

    /// Which stream the part at `place` belongs to, and which ones it shows to be unfinished.
    fn follow(&mut self, whole: &Whole, place: Range<u64>) {
        match whole {
            Whole::StreamHeader => {
                if let Some(open) = self.open.replace(place) {
                    self.keep_unfinished(open);
                }
            }
            Whole::Block(_) | Whole::Undecodable => self.open.get_or_insert(place.clone()).end = place.end,
            Whole::End => self.open = None,
            Whole::Skippable => {
                if let Some(open) = &mut self.open {
                    open.end = place.end;
                }
            }
        }
    }

    fn keep_unfinished(&mut self, stream: Range<u64>) {
        if self.unfinished.len() < MAX_UNFINISHED {
            self.unfinished.push(stream);
        }
    }
}

impl<R: Read> Iterator for Recovery<R> {
    type Item = io::Result<Found>;

    /// An error is the inner reader's own, and the next call goes on where it was: one that lasts
    /// is given for ever, so stop at it. Or it is
    /// [`Error::LimitExceeded`](crate::Error::LimitExceeded) when memory runs out; what follows is
    /// then given up.
    fn next(&mut self) -> Option<io::Result<Found>> {
        self.find().transpose()
    }
}
