//! The options that are about devices. They are set here, so that the other options know no device.

#[cfg(doc)]
use crate::Limits;
use crate::{
    DecodeOptions,
    gpu::{Backend, Choice, Gpu},
};

impl DecodeOptions {
    /// Who decodes blocks. Default: [`Backend::Cpu`]. What a device does not decode goes to the
    /// threads.
    ///
    /// Except with [`Backend::Cpu`], blocks are gathered into batches by a thread of the stream's
    /// own: up to 96 MiB of raw bytes are under way, and as many coded ones, unless
    /// [`in_flight`](Self::in_flight) or [`Limits::max_memory`] set a lower bound; the device's
    /// buffers come on top.
    ///
    /// ```
    /// use std::io::Read;
    ///
    /// use ranstream::{DecodeOptions, EncodeOptions, RansReader, compress, gpu::Backend};
    ///
    /// let stream = compress(&[7; 100_000], &EncodeOptions::new().level(0).segment_len(16 << 10))?;
    /// let mut raw = Vec::new();
    /// RansReader::with_options(&stream[..],
    /// DecodeOptions::new().backend(Backend::Auto)).read_to_end(&mut raw)?; assert_eq!(raw, [7;
    /// 100_000]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn backend(mut self, backend: Backend) -> Self {
        // A device of the caller's stays.
        if self.device.as_ref().is_none_or(|device| !device.is_given()) {
            self.device = Choice::new(backend).map(Choice::into_option);
        }
        self
    }

    /// Decodes on this device, whatever [`backend`](Self::backend) says.
    #[must_use]
    pub fn gpu(mut self, gpu: &Gpu) -> Self {
        self.device = Some(Choice::Given(gpu.clone()).into_option());
        self
    }
}
