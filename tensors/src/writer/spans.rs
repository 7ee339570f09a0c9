//! A file cut at the bounds of its tensors.

use ranstream::Layout;

use super::layouts::layout;
use crate::{TensorInfo, header::Header};

/// Tensors below this length share a block with neighbours of the same layout.
const SHARES_BELOW: u64 = 64 << 10;

/// The most raw bytes of tensors that share: one block.
const SHARED_LEN: u64 = 512 << 10;

/// Elements of a line of the innermost dimensions: the nine of a convolution are none.
const SHORTEST_LINE: u64 = 16;

/// Bytes that are coded alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// Bytes of the file before it.
    pub(super) start: u64,
    /// Where the next one begins. `None`: it goes to the end of the file.
    pub(super) end: Option<u64>,
    pub(super) content: Content,
    /// Where the same bytes are in a base, if they are: those of the first tensor, and the others
    /// as far behind it as here.
    pub(super) base_offset: Option<u64>,
}

/// What a span has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// The file's header.
    Header,
    /// Tensors of one layout.
    Tensors(Layout),
    /// Whatever stands behind the last tensor.
    Rest,
}

impl Span {
    /// The spans of a whole file: header, tensors, rest. Gaps belong to what is before them.
    /// `in_base`: where a tensor is in a base, if it is.
    pub(super) fn all(header: &Header, in_base: impl Fn(&TensorInfo) -> Option<u64>) -> Vec<Self> {
        let tensors: Vec<_> = header.tensors.iter().filter(|tensor| tensor.len() > 0).collect();
        let new = |start, content, base_offset| Self { start, end: None, content, base_offset };
        let mut spans = vec![new(0, Content::Header, None)];
        let mut at = 0;
        while let Some(first) = tensors.get(at) {
            let layout = layout(first.dtype);
            let (first_at, mut last) = (at, *first);
            at += 1;
            while let Some(next) = tensors.get(at)
                && shares(first, last, next, &layout)
            {
                last = next;
                at += 1;
            }
            // Rows of several tensors have no common length.
            let shaped = if std::ptr::eq(last, *first) { of_shape(layout, first) } else { layout };
            let content = Content::Tensors(shaped);
            let follow = |base_offset: &u64| {
                tensors[first_at..at].iter().all(|tensor| {
                    let behind = in_base(tensor).and_then(|place| place.checked_sub(*base_offset));
                    behind == Some(tensor.range.start - first.range.start)
                })
            };
            spans.push(new(first.range.start, content, in_base(first).filter(follow)));
        }
        if let Some(last) = tensors.last() {
            spans.push(new(last.range.end, Content::Rest, None));
        }
        for index in 1..spans.len() {
            spans[index - 1].end = Some(spans[index].start);
        }
        spans
    }

    /// How many bytes it has, if that is known.
    pub(super) fn len(&self) -> Option<u64> {
        self.end.map(|end| end - self.start)
    }
}

/// The layout of a tensor by itself, which says how its rows lie.
fn of_shape(layout: Layout, tensor: &TensorInfo) -> Layout {
    let whole = |len: Option<u64>| len.and_then(|len| usize::try_from(len).ok()).filter(|&len| len > 0);
    let layout = whole(tensor.row_len()).map_or(layout, |len| layout.row_len(len));
    whole(stride(tensor)).map_or(layout, |len| layout.stride(len))
}

/// Bytes from an element to the one below it: of the innermost dimensions that have a line together
/// which is worth the name.
fn stride(tensor: &TensorInfo) -> Option<u64> {
    let mut elements = 1_u64;
    for &dimension in tensor.shape.iter().rev() {
        elements = elements.checked_mul(dimension)?;
        if elements >= SHORTEST_LINE {
            break;
        }
    }
    tensor.dtype.byte_len(elements)
}

/// Whether `next` goes into the block of `first`, whose last tensor so far is `last`.
fn shares(first: &TensorInfo, last: &TensorInfo, next: &TensorInfo, layout: &Layout) -> bool {
    let small = |tensor: &TensorInfo| tensor.len() < SHARES_BELOW;
    let record_len = layout.record_len() as u64;
    small(last)
        && small(next)
        && self::layout(next.dtype) == *layout
        && next.range.end - first.range.start <= SHARED_LEN
        // Records are cut from each tensor's first byte.
        && (next.range.start - first.range.start).is_multiple_of(record_len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Container, DType, Metadata,
        header::{Parsed, safetensors},
    };

    fn header(tensors: &[(DType, u64)]) -> Header {
        let mut at = 100;
        let tensors = tensors.iter().zip(0..).map(|(&(dtype, len), index)| {
            let range = at..at + len;
            at += len;
            TensorInfo { name: format!("t{index}"), dtype, shape: vec![len], range }
        });
        Header { container: Container::SafeTensors, len: 90, metadata: Metadata::default(), tensors: tensors.collect() }
    }

    fn starts(header: &Header) -> Vec<u64> {
        Span::all(header, |_| None).iter().map(|span| span.start).collect()
    }

    #[test]
    fn large_tensors_stand_alone_and_small_ones_of_one_layout_together() {
        let (large, small) = (1 << 20, 1000);
        let of = |list: &[(DType, u64)]| starts(&header(list));
        assert_eq!(of(&[(DType::F32, large), (DType::F32, large)]), [0, 100, 100 + large, 100 + 2 * large]);
        assert_eq!(of(&[(DType::F32, small), (DType::F32, small), (DType::BF16, small)]), [0, 100, 2100, 3100]);
        assert_eq!(of(&[(DType::F32, small), (DType::F32, large)]), [0, 100, 1100, 1100 + large]);
        assert_eq!(of(&[(DType::F32, 0), (DType::F32, 0)]), [0], "a tensor without bytes needs no span");
        assert_eq!(of(&[(DType::F32, 1002), (DType::F32, small)]), [0, 100, 1102, 2102], "records would shift");
        let many = of(&[(DType::U8, 60 << 10); 20]);
        assert!(many.len() == 5, "{many:?}");
        assert_eq!(of(&[]), [0]);
    }

    #[test]
    fn lines_are_those_of_the_innermost_dimensions() {
        let of = |dtype, shape: &[u64]| {
            let len = shape.iter().product::<u64>() * 2;
            stride(&TensorInfo { name: String::new(), dtype, shape: shape.to_vec(), range: 0..len })
        };
        assert_eq!(of(DType::BF16, &[3, 224, 200]), Some(400));
        assert_eq!(of(DType::BF16, &[64, 32, 3, 3]), Some(2 * 32 * 9));
        assert_eq!(of(DType::BF16, &[7]), Some(14));
        assert_eq!(of(DType::BF16, &[]), Some(2));
        assert_eq!(of(DType::Unknown, &[4, 30]), None);
    }

    #[test]
    fn spans_cover_the_file() {
        let json = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}";
        let file = [&(json.len() as u64).to_le_bytes()[..], json.as_bytes()].concat();
        let Ok(Parsed::Whole(header)) = safetensors::parse(&file, None) else { panic!() };
        let spans = Span::all(&header, |_| None);
        assert_eq!((spans[0].start, spans.last().unwrap().end), (0, None));
        assert!(spans.windows(2).all(|pair| pair[0].end == Some(pair[1].start)));
        assert_eq!(
            spans[1].content,
            Content::Tensors(Layout::f32().row_len(12).stride(24)),
            "lines of 3 are too short"
        );
        assert_eq!(spans[1].len(), Some(24));
    }
}
