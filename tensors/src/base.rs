//! A model that other models are differences from.

use std::{io, sync::Arc};

use ranstream::{Base, format::BaseHint};

use crate::{Archive, ReadAt, TensorError, TensorInfo};

/// A model that others are differences from: the one that was fine-tuned, or the step before. Plain
/// or compressed, over a base of its own if need be. Cheap to clone.
///
/// Tensors are found in it by name, type and length, so neither the order of tensors nor the header
/// has to be the same. What is no model file serves to decode, too: blocks say where their bytes
/// are.
///
/// ```
/// use std::io::Write;
///
/// use ranstream_tensors::{Archive, BaseModel, TensorOptions, TensorWriter};
///
/// # let header = br#"{"w":{"dtype":"F32","shape":[5000],"data_offsets":[0,20000]}}"#;
/// # let mut old = (header.len() as u64).to_le_bytes().to_vec();
/// # old.extend(header);
/// # old.extend((1..=5000).flat_map(|i| (1.0 / i as f32).to_le_bytes()));
/// # let mut new = old.clone();
/// # new[1000] ^= 1;
/// let base = BaseModel::open(old)?;
/// let mut writer = TensorWriter::new(Vec::new(), TensorOptions::new().base(&base));
/// writer.write_all(&new)?;
/// let stream = writer.finish()?;
/// assert!(stream.len() < 400);
///
/// let archive = Archive::open(stream)?.with_base(&base);
/// let mut weights = vec![0; 20_000];
/// archive.tensor("w")?.decode_into(&mut weights)?;
/// assert_eq!(weights, new[new.len() - 20_000..]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct BaseModel {
    archive: Arc<Archive<'static>>,
    bytes: Base,
    name: String,
}

impl BaseModel {
    /// Opens a model file as a base.
    ///
    /// # Errors
    ///
    /// As [`Archive::open`] and [`Archive::len`].
    pub fn open(source: impl ReadAt + 'static) -> Result<Self, TensorError> {
        Self::new(Archive::open(source)?)
    }

    /// A model that is open.
    ///
    /// # Errors
    ///
    /// As [`Archive::len`].
    pub fn new(archive: Archive<'static>) -> Result<Self, TensorError> {
        let (len, archive) = (archive.len()?, Arc::new(archive));
        let read = {
            let archive = Arc::clone(&archive);
            move |to: &mut [u8], offset| archive.read_raw(offset, to).map_err(io::Error::from)
        };
        Ok(Self { bytes: Base::new(len, read), archive, name: String::new() })
    }

    /// What streams over it call it, to help people find it. Default: nothing.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The model itself.
    #[must_use]
    pub fn archive(&self) -> &Archive<'static> {
        &self.archive
    }

    /// The raw bytes of its file, as decoders of streams take them: see
    /// [`DecodeOptions::base`](ranstream::DecodeOptions::base).
    #[must_use]
    pub fn bytes(&self) -> &Base {
        &self.bytes
    }

    /// What a stream says of it. All of it is read.
    ///
    /// # Errors
    ///
    /// What its source reports, or its blocks have against them.
    pub(crate) fn hint(&self) -> io::Result<BaseHint> {
        Ok(BaseHint::new(self.bytes.byte_len(), self.bytes.hash()?, &self.name))
    }

    /// Where the same tensor begins in it: one of this name, type and length.
    pub(crate) fn offset_of(&self, tensor: &TensorInfo) -> Option<u64> {
        let found = self.archive.info(&tensor.name)?;
        (found.dtype == tensor.dtype && found.len() == tensor.len()).then_some(found.range.start)
    }
}

impl From<&BaseModel> for Base {
    fn from(model: &BaseModel) -> Self {
        model.bytes.clone()
    }
}

/// Bases are equal if they are the same.
impl PartialEq for BaseModel {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.archive, &other.archive)
    }
}
