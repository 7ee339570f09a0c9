//! The device that options ask for. What it is, only the room that sets it knows.

use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use crate::device::Device;

/// A device, and whether the caller brought it.
#[derive(Debug, Clone)]
pub(crate) struct DeviceChoice(pub(crate) Arc<dyn Device>, bool);

/// Whatever panics on a device makes it lost, and nothing else of it is seen. Behind a trait,
/// nobody who asks whether options may go to another thread walks through all types of wgpu:
/// `rustc` gives up on the way.
impl UnwindSafe for DeviceChoice {}
impl RefUnwindSafe for DeviceChoice {}

impl DeviceChoice {
    pub(crate) fn new(device: Arc<dyn Device>, is_given: bool) -> Self {
        Self(device, is_given)
    }

    pub(crate) fn is_given(&self) -> bool {
        self.1
    }
}

/// Equal if it is the same.
impl PartialEq for DeviceChoice {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}
