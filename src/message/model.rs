//! Frequencies that both sides know.

use std::{fmt, sync::Arc};

use crate::{
    error::{Corruption, Error, Part},
    format::{TableKind, check::crc32c, fields::Fields},
    limits::within,
    model::{Frequencies, Histogram, Slots, Slots12, SymbolTable, normalize},
};

/// The first bytes of a saved model.
const MAGIC: [u8; 4] = *b"RNSM";

const VERSION: u8 = 1;

const SCALE_BITS: u8 = 12;

/// How often each byte occurs in an application's messages, trained from samples and shared by both
/// sides ahead of time. Cheap to clone.
///
/// A message coded with a model carries no table of its own, which for 100 bytes would be as long
/// as the message. Every byte has a code, so a model that does not fit costs size and nothing else.
///
/// ```
/// use ranstream::message::Model;
///
/// let samples = [r#"{"id":1,"name":"a"}"#, r#"{"id":22,"name":"bb"}"#];
/// let model = Model::train(7, samples)?;
/// let saved = model.save();
/// assert!(saved.len() < 300);
/// assert_eq!(Model::load(&saved)?, model);
/// # Ok::<(), ranstream::Error>(())
/// ```
#[derive(Clone)]
pub struct Model(Arc<Tables>);

struct Tables {
    id: u32,
    frequencies: Frequencies,
    /// CRC-32C over the saved model: what makes two models with one id differ.
    check: u32,
    symbols: SymbolTable,
    slots: Slots12,
}

impl Model {
    /// The largest id: 2^28 - 1.
    pub const MAX_ID: u32 = (1 << 28) - 1;

    /// A model of `samples`, named `id`. Both sides know it by that, and one id must never name two
    /// models; ids below 128 take one byte of each message.
    ///
    /// A few hundred messages are enough for a good model. Without samples all bytes are equal, and
    /// nothing is gained.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOption`] for an id above [`Model::MAX_ID`].
    pub fn train<S: AsRef<[u8]>>(id: u32, samples: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        within("model id", id as usize, 0, Self::MAX_ID as usize)?;
        let mut counts = [0_u64; 256];
        for sample in samples {
            for &byte in sample.as_ref() {
                counts[usize::from(byte)] += 1;
            }
        }
        // Weights that sum to less than 2^32, so large that a byte that never occurred gets the
        // least frequency there is.
        let total: u64 = counts.iter().sum();
        let weights = counts.map(|count| ((u128::from(count) << 31) / u128::from(total.max(1))).max(1) as u32);
        Ok(Self::new(id, normalize(&Histogram::from_counts(weights), SCALE_BITS)))
    }

    /// The model as bytes, for [`Model::load`].
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let mut bytes = self.0.unchecked_bytes();
        bytes.extend(self.0.check.to_le_bytes());
        bytes
    }

    /// Reads what [`Model::save`] wrote.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] when `saved` is not that, or was changed.
    pub fn load(saved: &[u8]) -> Result<Self, Error> {
        let corrupt = |reason| Error::Corrupt { part: Part::Model, offset: 0, reason };
        let length = saved.len() as u64;
        let Some((body, stored)) = saved.split_last_chunk() else {
            return Err(corrupt(Corruption::PayloadEnds { field: "check", length }));
        };
        let (stored, computed) = (u32::from_le_bytes(*stored), crc32c(body));
        if stored != computed {
            return Err(corrupt(Corruption::PayloadCheck { stored, computed }));
        }
        Self::parse(body).map_err(corrupt)
    }

    /// The name that messages give it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id
    }

    pub(super) fn check(&self) -> u32 {
        self.0.check
    }

    pub(super) fn frequencies(&self) -> &Frequencies {
        &self.0.frequencies
    }

    pub(super) fn symbols(&self) -> &SymbolTable {
        &self.0.symbols
    }

    pub(super) fn slots(&self) -> &Slots12 {
        &self.0.slots
    }

    fn new(id: u32, frequencies: Frequencies) -> Self {
        let (symbols, slots) = (SymbolTable::new(&frequencies), Slots12::new(&frequencies));
        let mut tables = Tables { id, frequencies, check: 0, symbols, slots };
        tables.check = crc32c(&tables.unchecked_bytes());
        Self(Arc::new(tables))
    }

    fn parse(body: &[u8]) -> Result<Self, Corruption> {
        let mut fields = Fields::new(body);
        let magic = fields.u32("magic")?;
        if magic != u32::from_le_bytes(MAGIC) {
            return Err(Corruption::Field { field: "magic", found: magic.into() });
        }
        let version = fields.u8("version")?;
        if version != VERSION {
            return Err(Corruption::Field { field: "version", found: version.into() });
        }
        let id = fields.u32("id")?;
        if id > Self::MAX_ID {
            return Err(Corruption::Field { field: "id", found: id.into() });
        }
        let frequencies = TableKind::Compact.parse(&mut fields)?;
        fields.end()?;
        if frequencies.scale_bits() != SCALE_BITS {
            return Err(Corruption::Field { field: "scale_bits", found: frequencies.scale_bits().into() });
        }
        if let Some(symbol) = frequencies.all().iter().position(|&frequency| frequency == 0) {
            return Err(Corruption::Field { field: "first byte without a frequency", found: symbol as u64 });
        }
        Ok(Self::new(id, frequencies))
    }
}

impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id && self.0.frequencies == other.0.frequencies
    }
}

impl Eq for Model {}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("id", &self.0.id).field("check", &self.0.check).finish_non_exhaustive()
    }
}

impl Tables {
    /// All of a saved model but its check.
    fn unchecked_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        bytes.extend(self.id.to_le_bytes());
        TableKind::Compact.write(&self.frequencies, &mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_frequency_whatever_the_samples_are() {
        for samples in [vec![], vec![vec![b'a'; 100_000]], vec![(0..=255).collect(), vec![3; 7]]] {
            let model = Model::train(1, &samples).unwrap();
            assert!(model.frequencies().all().iter().all(|&frequency| frequency > 0));
            assert_eq!(Model::load(&model.save()).unwrap(), model);
        }
    }

    #[test]
    fn a_saved_model_that_was_changed_or_cut_is_refused() {
        let saved = Model::train(300, ["some samples", "of text"]).unwrap().save();
        for at in 0..saved.len() {
            assert!(Model::load(&saved[..at]).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut changed = saved.clone();
                changed[at] ^= 1 << bit;
                assert!(Model::load(&changed).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn ids_have_28_bits() {
        assert!(Model::train(Model::MAX_ID, ["a"]).is_ok());
        assert!(matches!(Model::train(Model::MAX_ID + 1, ["a"]), Err(Error::InvalidOption { .. })));
    }
}
