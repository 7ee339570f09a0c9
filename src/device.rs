//! What the hand-off asks of a device that decodes blocks: traits, and blocks as a device takes
//! them.
//!
//! Options carry a device as a trait object, `parallel` gives it jobs, and `gpu` implements it.
//! None of these knows another through it, and nothing here knows wgpu or a stream.

use std::{
    fmt,
    ops::{AddAssign, SubAssign},
};

use crate::format::{BlockHeader, CHECK_LEN, HEADER_LEN};

/// A device, once there is something for it to do.
pub(crate) trait Device: fmt::Debug + Send + Sync {
    /// Raw bytes that have to come before it is opened. From then on it gets what it is worth.
    /// `None`: it gets every block, from the first on.
    fn probe_after(&self) -> Option<u64>;

    /// Bytes, raw and coded, of the blocks that may be under way.
    fn under_way(&self) -> usize;

    /// `None`: there is none, or it is lost. Called on the thread that serves it.
    fn open(&self) -> Option<Box<dyn OpenDevice>>;

    /// The same for the same device.
    fn key(&self) -> usize;
}

/// A device that one thread serves. It decodes blocks in batches, several of which may be under
/// way.
pub(crate) trait OpenDevice {
    /// Whether it does nothing any more.
    fn is_lost(&self) -> bool;

    /// Raw bytes of its largest batch.
    fn batch_len(&self) -> u64;

    /// Batches that may be under way.
    fn batches(&self) -> usize;

    /// Of the work that waits, the raw bytes that the device will have done, behind those
    /// `under_way` on it, when the threads have done the rest. The threads together take `seconds`
    /// for a raw byte. 0: too few to be worth it.
    fn share(&self, waiting: Load, under_way: Load, seconds: f64) -> u64;

    /// Sends the first of `items` on their way, 1 or more.
    fn launch(&mut self, items: &[Item<'_>]) -> Launched;

    /// Waits for the oldest batch and shows the bytes of each block that is right to `take`, with
    /// the block's place in what was launched. Blocks that are not shown are left to others.
    fn finish(&mut self, take: &mut dyn FnMut(usize, &[u8]));

    /// So many blocks came back from it, decoded or not.
    fn count(&self, decoded: usize, returned: usize);
}

/// What became of the items that were launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Launched {
    /// So many are under way, as one batch.
    Batch(usize),
    /// So many are not for this device.
    Refused(usize),
    /// The device failed.
    Failed,
}

/// A block, and where its bytes go.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) header: BlockHeader,
    /// Begins with payload and check.
    pub(crate) body: &'a [u8],
    /// As long as the header says.
    pub(crate) raw: &'a mut [u8],
}

impl Item<'_> {
    pub(crate) fn load(&self) -> Load {
        let coded_len = self.header.payload_len() + (HEADER_LEN + CHECK_LEN) as u64;
        Load { raw_len: self.raw.len() as u64, coded_len }
    }
}

/// Work, by its bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) raw_len: u64,
    pub(crate) coded_len: u64,
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Self) {
        self.raw_len += other.raw_len;
        self.coded_len += other.coded_len;
    }
}

impl SubAssign for Load {
    fn sub_assign(&mut self, other: Self) {
        self.raw_len -= other.raw_len;
        self.coded_len -= other.coded_len;
    }
}
