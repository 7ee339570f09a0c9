//! How to read a stream.

#[cfg(doc)]
use crate::Error;
#[cfg(feature = "gpu")]
use crate::options::DeviceChoice;
use crate::{
    base::Base,
    limits::Limits,
    options::{Kernel, Work},
    progress::{Observer, Progress},
};

/// What to do with bytes behind a complete stream that are no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum TrailingData {
    /// Report [`Error::TrailingData`].
    #[default]
    Reject,
    /// Stop as if the input ended there. A reader may have taken some of them by then, up to half a
    /// MiB: its `into_parts` gives them back.
    Ignore,
}

/// How to read a stream. Cheap to clone.
///
/// ```
/// use ranstream::{DecodeOptions, Limits};
///
/// let options = DecodeOptions::new().single_stream(true).limits(Limits::new().max_block_len(1 <<
/// 20));
/// # let _ = options;
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DecodeOptions {
    /// What the decoder may spend.
    pub limits: Limits,
    /// Whether to stop at the end of the first stream.
    pub single_stream: bool,
    /// What to do with bytes behind a complete stream that are no stream.
    pub trailing_data: TrailingData,
    /// Bytes of application data that are kept at a time; 0: it is stepped over.
    pub application_data: usize,
    /// Whether a jump by an index first compares it with the headers before the place.
    pub verify_index: bool,
    /// `None`: the fastest one, or what `RANS_KERNEL` names.
    pub kernel: Option<Kernel>,
    /// What blocks may be differences from.
    pub base: Option<Base>,
    /// Who decodes.
    pub work: Work,
    pub(crate) observer: Option<Observer>,
    /// `None`: the CPU alone. `gpu` sets it.
    #[cfg(feature = "gpu")]
    pub(crate) device: Option<DeviceChoice>,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            single_stream: false,
            trailing_data: TrailingData::Reject,
            application_data: 0,
            verify_index: false,
            kernel: None,
            base: None,
            work: Work::default(),
            observer: None,
            #[cfg(feature = "gpu")]
            device: None,
        }
    }
}

impl DecodeOptions {
    /// The defaults: concatenated streams are read as one, [`Limits::default`], application data is
    /// stepped over, one thread.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the decoder may spend.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Stops at the end of the first stream and leaves what follows unread: turn it on where
    /// somebody else reads on from there. Default: off, concatenated streams are read as one, and
    /// readers take up to half a MiB ahead.
    #[must_use]
    pub fn single_stream(mut self, on: bool) -> Self {
        self.single_stream = on;
        self
    }

    /// What to do with bytes behind a complete stream that are no stream. Default:
    /// [`TrailingData::Reject`].
    #[must_use]
    pub fn trailing_data(mut self, policy: TrailingData) -> Self {
        self.trailing_data = policy;
        self
    }

    /// Reads the header of every block before a place, 8 bytes each, before a reader that seeks
    /// jumps there by an index, and compares it with the index. Default: off.
    ///
    /// Off, an index whose wrong entries add up to the right length leads to bytes of another
    /// place (FORMAT.md, 2.3). Such an index is made on purpose: turn this on for streams from
    /// people you do not trust.
    #[must_use]
    pub fn verify_index(mut self, on: bool) -> Self {
        self.verify_index = on;
        self
    }

    /// Keeps application data for the caller, up to `max_bytes` at a time; more than that untaken
    /// is [`Error::LimitExceeded`]. Default: 0, step over all of it.
    #[must_use]
    pub fn application_data(mut self, max_bytes: usize) -> Self {
        self.application_data = max_bytes;
        self
    }

    /// What blocks may be differences from: see
    /// [`EncodeOptions::base`](crate::EncodeOptions::base).
    ///
    /// Default: none; a block that needs one is [`Error::NeedsBase`].
    #[must_use]
    pub fn base(mut self, base: Base) -> Self {
        self.base = Some(base);
        self
    }

    /// Asks for a kernel. Default: the fastest one, or what `RANS_KERNEL` names. Bytes and errors
    /// are the same with every kernel.
    #[must_use]
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = Some(kernel);
        self
    }

    /// Calls `callback` after each block, in their order. [`decompress`](crate::decompress) and
    /// [`decompress_into`](crate::decompress_into) with threads call it on one of them; everything
    /// else on the caller's. It may wait for the pool, and use it.
    #[must_use]
    pub fn on_progress(mut self, callback: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer::new(callback));
        self
    }

    /// For callers that must neither wait nor be woken: the caller does the work.
    #[cfg(feature = "codec")]
    pub(crate) fn inline(mut self) -> Self {
        self.work = Work::default();
        #[cfg(feature = "gpu")]
        {
            self.device = None;
        }
        self
    }
}
