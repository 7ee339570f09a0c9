//! Types of elements.

use std::fmt;

/// The type of a tensor's elements. It says how many bytes a shape takes, and names the type for
/// users; nothing that decodes depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are those of safetensors, and say all")]
pub enum DType {
    Bool,
    F4,
    F6E2M3,
    F6E3M2,
    U8,
    I8,
    F8E5M2,
    F8E4M3,
    F8E8M0,
    F8E4M3Fnuz,
    F8E5M2Fnuz,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    C64,
    F64,
    I64,
    U64,
    /// A type of GGML that is none of the above, by its number. Blocks of elements, as a rule.
    Ggml(u32),
    /// A type that this version does not know: bytes.
    Unknown,
}

/// Each type of safetensors with its name and bits.
const SAFETENSORS: [(DType, &str, u64); 22] = [
    (DType::Bool, "BOOL", 8),
    (DType::F4, "F4", 4),
    (DType::F6E2M3, "F6_E2M3", 6),
    (DType::F6E3M2, "F6_E3M2", 6),
    (DType::U8, "U8", 8),
    (DType::I8, "I8", 8),
    (DType::F8E5M2, "F8_E5M2", 8),
    (DType::F8E4M3, "F8_E4M3", 8),
    (DType::F8E8M0, "F8_E8M0", 8),
    (DType::F8E4M3Fnuz, "F8_E4M3FNUZ", 8),
    (DType::F8E5M2Fnuz, "F8_E5M2FNUZ", 8),
    (DType::I16, "I16", 16),
    (DType::U16, "U16", 16),
    (DType::F16, "F16", 16),
    (DType::BF16, "BF16", 16),
    (DType::I32, "I32", 32),
    (DType::U32, "U32", 32),
    (DType::F32, "F32", 32),
    (DType::C64, "C64", 64),
    (DType::F64, "F64", 64),
    (DType::I64, "I64", 64),
    (DType::U64, "U64", 64),
];

/// Types of GGML that come in blocks: number, name, elements and bytes of a block.
const GGML_BLOCKS: [(u32, &str, u64, u64); 24] = [
    (2, "Q4_0", 32, 18),
    (3, "Q4_1", 32, 20),
    (6, "Q5_0", 32, 22),
    (7, "Q5_1", 32, 24),
    (8, "Q8_0", 32, 34),
    (9, "Q8_1", 32, 36),
    (10, "Q2_K", 256, 84),
    (11, "Q3_K", 256, 110),
    (12, "Q4_K", 256, 144),
    (13, "Q5_K", 256, 176),
    (14, "Q6_K", 256, 210),
    (15, "Q8_K", 256, 292),
    (16, "IQ2_XXS", 256, 66),
    (17, "IQ2_XS", 256, 74),
    (18, "IQ3_XXS", 256, 98),
    (19, "IQ1_S", 256, 50),
    (20, "IQ4_NL", 32, 18),
    (21, "IQ3_S", 256, 110),
    (22, "IQ2_S", 256, 82),
    (23, "IQ4_XS", 256, 136),
    (29, "IQ1_M", 256, 56),
    (34, "TQ1_0", 256, 54),
    (35, "TQ2_0", 256, 66),
    (39, "MXFP4", 32, 17),
];

/// Types of GGML that safetensors has as well, by their numbers.
const GGML_PLAIN: [(u32, DType); 8] = [
    (0, DType::F32),
    (1, DType::F16),
    (24, DType::I8),
    (25, DType::I16),
    (26, DType::I32),
    (27, DType::I64),
    (28, DType::F64),
    (30, DType::BF16),
];

impl DType {
    /// The type that safetensors calls `name`, or [`DType::Unknown`].
    #[must_use]
    pub fn from_safetensors(name: &str) -> Self {
        SAFETENSORS.iter().find(|(_, known, _)| *known == name).map_or(Self::Unknown, |(dtype, ..)| *dtype)
    }

    /// The type that GGML has at `number`.
    #[must_use]
    pub fn from_ggml(number: u32) -> Self {
        GGML_PLAIN.iter().find(|(known, _)| *known == number).map_or(Self::Ggml(number), |(_, dtype)| *dtype)
    }

    /// How many elements a block has, and how many bytes. `None`: nobody here knows.
    #[must_use]
    pub fn block(self) -> Option<(u64, u64)> {
        match self {
            Self::Unknown => None,
            Self::Ggml(number) => {
                GGML_BLOCKS.iter().find(|(known, ..)| *known == number).map(|(.., elements, bytes)| (*elements, *bytes))
            }
            dtype => match SAFETENSORS.iter().find(|(known, ..)| *known == dtype)?.2 {
                4 => Some((2, 1)),
                6 => Some((4, 3)),
                bits => Some((1, bits / 8)),
            },
        }
    }

    /// Bytes of so many elements. `None`: they are not whole blocks, or too many, or nobody here
    /// knows.
    #[must_use]
    pub fn byte_len(self, elements: u64) -> Option<u64> {
        let (block, bytes) = self.block()?;
        (elements.is_multiple_of(block)).then(|| (elements / block).checked_mul(bytes))?
    }
}

/// The name that its format has for it.
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unknown => f.pad("unknown"),
            Self::Ggml(number) => match GGML_BLOCKS.iter().find(|(known, ..)| *known == number) {
                Some((_, name, ..)) => f.pad(name),
                None => f.pad(&format!("ggml-{number}")),
            },
            dtype => f.pad(SAFETENSORS.iter().find(|(known, ..)| *known == dtype).map_or("", |(_, name, _)| name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_types_and_back() {
        for (dtype, name, bits) in SAFETENSORS {
            assert_eq!(DType::from_safetensors(name), dtype);
            assert_eq!(dtype.to_string(), name);
            assert_eq!(dtype.byte_len(24), Some(3 * bits));
        }
        assert_eq!(DType::from_safetensors("F3"), DType::Unknown);
        assert_eq!(DType::from_ggml(30), DType::BF16);
        assert_eq!(DType::from_ggml(12).to_string(), "Q4_K");
        assert_eq!(DType::from_ggml(77).to_string(), "ggml-77");
        assert_eq!(DType::from_ggml(12).byte_len(512), Some(288));
        assert_eq!(DType::from_ggml(12).byte_len(500), None);
        assert_eq!(DType::from_ggml(77).byte_len(512), None);
        assert_eq!(DType::F64.byte_len(u64::MAX), None);
    }
}
