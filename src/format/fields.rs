//! Reads the fields of a payload one after the other.

use crate::error::Corruption;

/// The unread rest of a payload.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    payload: &'a [u8],
    read: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Self {
        Self { payload, read: 0 }
    }

    /// All bytes not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.payload[self.read..]
    }

    pub(crate) fn bytes(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], Corruption> {
        let taken = self.rest().get(..len).ok_or_else(|| self.ends_in(field))?;
        self.read += len;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, Corruption> {
        Ok(self.bytes(1, field)?[0])
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, Corruption> {
        let bytes = self.bytes(2, field)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, Corruption> {
        let bytes = self.bytes(4, field)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, Corruption> {
        let bytes = self.bytes(8, field)?.first_chunk().copied().unwrap_or_default();
        Ok(u64::from_le_bytes(bytes))
    }

    /// Zero bytes up to a multiple of 4 from the start of the payload.
    pub(crate) fn padding(&mut self) -> Result<(), Corruption> {
        let padding = self.bytes(self.read.wrapping_neg() % 4, "padding")?;
        if padding.iter().any(|&byte| byte != 0) {
            return Err(Corruption::Padding);
        }
        Ok(())
    }

    /// The payload ends here.
    pub(crate) fn end(&self) -> Result<(), Corruption> {
        match self.rest().len() {
            0 => Ok(()),
            extra => Err(Corruption::PayloadGoesOn { extra: extra as u64 }),
        }
    }

    pub(crate) fn ends_in(&self, field: &'static str) -> Corruption {
        Corruption::PayloadEnds { field, length: self.payload.len() as u64 }
    }
}
