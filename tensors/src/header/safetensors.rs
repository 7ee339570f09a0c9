//! Headers of safetensors: a length of 8 bytes, and a JSON object of so many.
//!
//! The rules are those of the format's own reader, and two more: no name twice (a JSON parser may
//! take the first or the last, and two readers of one file must not see two models), and a tensor
//! is an object. One is fewer: a type that is not known here is no error, since there is a new one
//! every month. Such a tensor has the bytes of its range.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{Container, DType, Header, HeaderError, Metadata, Parsed, TensorInfo, Value, check_names, needs};
use crate::pairs::Pairs;

/// Bytes of the length before the JSON.
const LENGTH_LEN: u64 = 8;

/// Parses the header that a file of `file_len` bytes, if that is known, begins with. `first` are
/// its first bytes, or all.
///
/// # Errors
///
/// The rule that it breaks.
pub fn parse(first: &[u8], file_len: Option<u64>) -> Result<Parsed, HeaderError> {
    let Some((len, json)) = first.split_first_chunk() else { return needs(LENGTH_LEN, file_len) };
    let len = u64::from_le_bytes(*len);
    let header_len = len.saturating_add(LENGTH_LEN);
    let Some(json) = usize::try_from(len).ok().and_then(|len| json.get(..len)) else {
        return needs(header_len, file_len);
    };
    if json.first() != Some(&b'{') {
        return Err(HeaderError::Json { message: "it does not begin with {".to_owned() });
    }
    let json_error = |error: &dyn fmt::Display| HeaderError::Json { message: error.to_string() };
    let text = std::str::from_utf8(json).map_err(|error| json_error(&error))?;
    let Listed { metadata, mut tensors } = serde_json::from_str(text).map_err(|error| json_error(&error))?;
    if let Some(name) = metadata.duplicate() {
        return Err(HeaderError::DuplicateName { name: name.to_owned() });
    }
    check_names(&tensors)?;
    tensors.sort_by_key(|tensor| (tensor.range.start, tensor.range.end));
    let end = place(&mut tensors, header_len)?;
    match file_len {
        Some(found) if found != end => Err(HeaderError::FileLength { expected: end, found }),
        _ => Ok(Parsed::Whole(Header { container: Container::SafeTensors, len: header_len, metadata, tensors })),
    }
}

/// Verifies ranges, which count from the end of the header, and makes them count from the start of
/// the file. Where the file ends comes back.
fn place(tensors: &mut [TensorInfo], header_len: u64) -> Result<u64, HeaderError> {
    let mut end = 0;
    for tensor in tensors {
        let name = || tensor.name.clone();
        let range = tensor.range.clone();
        if range.start != end || range.end < range.start {
            return Err(HeaderError::Place { tensor: name(), expected: end, found: range.start });
        }
        let found = range.end - range.start;
        if tensor.dtype != DType::Unknown {
            let elements = tensor.shape.iter().try_fold(1_u64, |product, &dimension| product.checked_mul(dimension));
            let Some(expected) = elements.and_then(|elements| tensor.dtype.byte_len(elements)) else {
                return Err(HeaderError::Shape { tensor: name() });
            };
            if expected != found {
                return Err(HeaderError::Size { tensor: name(), expected, found });
            }
        }
        end = range.end;
        let Some(file_end) = end.checked_add(header_len) else {
            return Err(HeaderError::Size { tensor: name(), expected: 0, found });
        };
        tensor.range = range.start + header_len..file_end;
    }
    Ok(end + header_len)
}

/// The JSON object: tensors by name, and `__metadata__`.
#[derive(Default)]
struct Listed {
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ListedVisitor)
    }
}

struct ListedVisitor;

impl<'de> Visitor<'de> for ListedVisitor {
    type Value = Listed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Listed, A::Error> {
        let (mut listed, mut has_metadata) = (Listed::default(), false);
        while let Some(name) = map.next_key::<String>()? {
            if name != "__metadata__" {
                let tensor = map.next_value_seed(TensorSeed { name })?;
                listed.tensors.push(tensor);
            } else if std::mem::replace(&mut has_metadata, true) {
                return Err(A::Error::duplicate_field("__metadata__"));
            } else if let Some(Pairs(texts)) = map.next_value()? {
                for (key, text) in texts {
                    listed.metadata.push(key, Value::Text(text));
                }
            }
        }
        Ok(listed)
    }
}

/// The object that describes the tensor called `name`.
struct TensorSeed {
    name: String,
}

impl<'de> DeserializeSeed<'de> for TensorSeed {
    type Value = TensorInfo;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<TensorInfo, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TensorSeed {
    type Value = TensorInfo;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dtype, shape and data_offsets of tensor {:?}", self.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TensorInfo, A::Error> {
        let (mut dtype, mut shape, mut offsets) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            let again = match &*key {
                "dtype" => dtype.replace(map.next_value::<String>()?).is_some(),
                "shape" => shape.replace(map.next_value::<Vec<u64>>()?).is_some(),
                "data_offsets" => offsets.replace(map.next_value::<(u64, u64)>()?).is_some(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    false
                }
            };
            if again {
                return Err(A::Error::custom(format_args!("tensor {:?} has the field {key:?} twice", self.name)));
            }
        }
        let dtype = dtype.ok_or_else(|| A::Error::missing_field("dtype"))?;
        let shape = shape.ok_or_else(|| A::Error::missing_field("shape"))?;
        let (start, end) = offsets.ok_or_else(|| A::Error::missing_field("data_offsets"))?;
        Ok(TensorInfo { name: self.name, dtype: DType::from_safetensors(&dtype), shape, range: start..end })
    }
}
