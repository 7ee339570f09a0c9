//! Headers of GGUF: key-value pairs and tensors, in binary.
//!
//! Strict where it decides which bytes are a tensor's: lengths, alignment, overlap. Big-endian
//! files and versions other than 2 and 3 are not read. Gaps are allowed, as the format has them;
//! tensors may lie in any order; a type that is newer than our table has all bytes up to the next
//! tensor.

use super::{
    Container, DType, Header, HeaderError, Metadata, Parsed, TensorInfo, Value, check_names,
    cursor::{Cursor, Stop},
    needs,
};

/// The first four bytes.
pub(super) const MAGIC: &[u8] = b"GGUF";

/// Where tensors begin, unless the header says something else.
const DEFAULT_ALIGNMENT: u64 = 32;

/// GGML's own bound.
const MAX_DIMENSIONS: u32 = 4;

/// Arrays may hold arrays, so deep and no deeper.
const MAX_DEPTH: u32 = 4;

/// Numbers of the types of values.
mod value {
    pub(super) const U8: u32 = 0;
    pub(super) const I8: u32 = 1;
    pub(super) const U16: u32 = 2;
    pub(super) const I16: u32 = 3;
    pub(super) const U32: u32 = 4;
    pub(super) const I32: u32 = 5;
    pub(super) const F32: u32 = 6;
    pub(super) const BOOL: u32 = 7;
    pub(super) const TEXT: u32 = 8;
    pub(super) const ARRAY: u32 = 9;
    pub(super) const U64: u32 = 10;
    pub(super) const I64: u32 = 11;
    pub(super) const F64: u32 = 12;
}

/// Parses the header that a file of `file_len` bytes, if that is known, begins with. `first` are
/// its first bytes, or all.
///
/// # Errors
///
/// The rule that it breaks.
pub fn parse(first: &[u8], file_len: Option<u64>) -> Result<Parsed, HeaderError> {
    match whole(first, file_len) {
        Ok(header) => Ok(Parsed::Whole(header)),
        Err(Stop::Needs(bytes)) => needs(bytes, file_len),
        Err(Stop::Broken(error)) => Err(error),
    }
}

fn whole(first: &[u8], file_len: Option<u64>) -> Result<Header, Stop> {
    let mut cursor = Cursor::new(first);
    if cursor.take(4)? != MAGIC {
        return Err(HeaderError::NotAContainer.into());
    }
    let version = cursor.u32()?;
    if !(2..=3).contains(&version) {
        return Err(HeaderError::Version { found: version }.into());
    }
    let (tensor_count, pair_count) = (cursor.u64()?, cursor.u64()?);
    let mut metadata = Metadata::default();
    for _ in 0..pair_count {
        let key = cursor.text()?.to_owned();
        let kind = cursor.u32()?;
        let value = self::value(&mut cursor, kind)?;
        metadata.push(key, value);
    }
    if let Some(name) = metadata.duplicate() {
        return Err(HeaderError::DuplicateName { name: name.to_owned() }.into());
    }
    let alignment = alignment(&metadata)?;
    let mut tensors = Vec::new();
    for _ in 0..tensor_count {
        tensors.push(tensor(&mut cursor, alignment)?);
    }
    check_names(&tensors)?;
    let ends = cursor.offset();
    let start = if tensors.is_empty() { ends } else { ends.next_multiple_of(alignment) };
    tensors.sort_by_key(|tensor| tensor.range.start);
    place(&mut tensors, start, file_len)?;
    Ok(Header { container: Container::Gguf, len: ends, metadata, tensors })
}

fn value(cursor: &mut Cursor<'_>, kind: u32) -> Result<Value, Stop> {
    let offset = cursor.offset();
    Ok(match kind {
        value::U8 => Value::Unsigned(cursor.array::<1>()?[0].into()),
        value::I8 => Value::Signed(i8::from_le_bytes(cursor.array()?).into()),
        value::U16 => Value::Unsigned(u16::from_le_bytes(cursor.array()?).into()),
        value::I16 => Value::Signed(i16::from_le_bytes(cursor.array()?).into()),
        value::U32 => Value::Unsigned(cursor.u32()?.into()),
        value::I32 => Value::Signed(i32::from_le_bytes(cursor.array()?).into()),
        value::F32 => Value::Float(f32::from_le_bytes(cursor.array()?).into()),
        value::BOOL => match cursor.array()? {
            [flag @ (0 | 1)] => Value::Bool(flag == 1),
            [found] => return Err(HeaderError::Field { field: "bool", found: found.into(), offset }.into()),
        },
        value::TEXT => Value::Text(cursor.text()?.to_owned()),
        value::U64 => Value::Unsigned(cursor.u64()?),
        value::I64 => Value::Signed(i64::from_le_bytes(cursor.array()?)),
        value::F64 => Value::Float(f64::from_le_bytes(cursor.array()?)),
        value::ARRAY => {
            let (element, count) = (cursor.u32()?, cursor.u64()?);
            let start = cursor.offset();
            pass_elements(cursor, element, count, 1)?;
            Value::Array { element, count, range: start..cursor.offset() }
        }
        _ => return Err(HeaderError::Field { field: "value type", found: kind.into(), offset: offset - 4 }.into()),
    })
}

/// Steps over the elements of an array that lies in `depth` arrays, itself counted.
fn pass_elements(cursor: &mut Cursor<'_>, element: u32, count: u64, depth: u32) -> Result<(), Stop> {
    let offset = cursor.offset();
    let broken = |field, found: u32| HeaderError::Field { field, found: found.into(), offset };
    let width = match element {
        value::U8 | value::I8 | value::BOOL => 1,
        value::U16 | value::I16 => 2,
        value::U32 | value::I32 | value::F32 => 4,
        value::U64 | value::I64 | value::F64 => 8,
        value::TEXT => {
            for _ in 0..count {
                cursor.pass_text()?;
            }
            return Ok(());
        }
        value::ARRAY if depth >= MAX_DEPTH => return Err(broken("depth of arrays", depth).into()),
        value::ARRAY => {
            for _ in 0..count {
                let (element, count) = (cursor.u32()?, cursor.u64()?);
                pass_elements(cursor, element, count, depth + 1)?;
            }
            return Ok(());
        }
        _ => return Err(broken("element type", element).into()),
    };
    cursor.take(count.saturating_mul(width)).map(drop)
}

fn alignment(metadata: &Metadata) -> Result<u64, Stop> {
    match metadata.get("general.alignment") {
        None => Ok(DEFAULT_ALIGNMENT),
        Some(Value::Unsigned(found)) if found.is_power_of_two() && *found <= 1 << 32 => Ok(*found),
        Some(Value::Unsigned(found)) => {
            Err(HeaderError::Field { field: "general.alignment", found: *found, offset: 0 }.into())
        }
        Some(_) => Err(HeaderError::Field { field: "type of general.alignment", found: 0, offset: 0 }.into()),
    }
}

/// A tensor whose range begins where the header says, and is empty: it counts from the first
/// tensor's byte.
fn tensor(cursor: &mut Cursor<'_>, alignment: u64) -> Result<TensorInfo, Stop> {
    let name = cursor.text()?.to_owned();
    let dimensions = cursor.u32()?;
    if dimensions > MAX_DIMENSIONS {
        let offset = cursor.offset() - 4;
        return Err(HeaderError::Field { field: "dimensions", found: dimensions.into(), offset }.into());
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        shape.push(cursor.u64()?);
    }
    // GGUF has the innermost first.
    shape.reverse();
    let dtype = DType::from_ggml(cursor.u32()?);
    let start = cursor.u64()?;
    if !start.is_multiple_of(alignment) {
        let offset = cursor.offset() - 8;
        return Err(HeaderError::Field { field: "tensor offset", found: start, offset }.into());
    }
    Ok(TensorInfo { name, dtype, shape, range: start..start })
}

/// Gives the tensors, which are in the order of their starts, their ranges in the file. The first
/// byte of all is at `start`.
fn place(tensors: &mut [TensorInfo], start: u64, file_len: Option<u64>) -> Result<(), Stop> {
    let mut end = 0;
    let mut next: Vec<_> = tensors.iter().skip(1).map(|tensor| tensor.range.start).collect();
    next.extend(file_len.map(|len| len.saturating_sub(start)));
    for (index, tensor) in tensors.iter_mut().enumerate() {
        let begin = tensor.range.start;
        if begin < end {
            return Err(HeaderError::Place { tensor: tensor.name.clone(), expected: end, found: begin }.into());
        }
        let shape = || HeaderError::Shape { tensor: tensor.name.clone() };
        let elements = tensor.shape.iter().try_fold(1_u64, |product, &dimension| product.checked_mul(dimension));
        let elements = elements.ok_or_else(shape)?;
        let len = match tensor.dtype.block() {
            // Blocks lie along the innermost dimension.
            Some((block, _)) if !tensor.shape.last().unwrap_or(&1).is_multiple_of(block) => return Err(shape().into()),
            Some(_) => tensor.dtype.byte_len(elements).ok_or_else(shape)?,
            // Up to the next one; what is behind the last one is not known before the file's end
            // is.
            None => next.get(index).map_or(0, |next| next.saturating_sub(begin)),
        };
        end = begin.checked_add(len).ok_or_else(shape)?;
        let file_end = end.checked_add(start).ok_or_else(shape)?;
        if let Some(found) = file_len.filter(|found| file_end > *found) {
            return Err(HeaderError::FileLength { expected: file_end, found }.into());
        }
        tensor.range = start + begin..file_end;
    }
    Ok(())
}
