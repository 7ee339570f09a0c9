//! What planes do to raw bytes, both ways, in scalar code (FORMAT.md, 19): records to columns,
//! elements to byte planes, zeros to a map, planes to buckets, elements to differences or residues.
//!
//! ```text
//!   records ──columns──▶ elements ──delta──▶ ──zeros──▶ ──split──▶ planes ──buckets──▶ sections
//!                                 ──predict────────────▶
//! ```
//!
//! Everything here is a filter: it takes bytes and gives bytes, and knows no section, no payload
//! and no kernel. The kernels in `simd` are tested against it.

pub(crate) mod buckets;
pub(crate) mod columns;
pub(crate) mod delta;
pub(crate) mod elements;
pub(crate) mod predict;
pub(crate) mod transform;
pub(crate) mod zeros;

/// The most bytes of an element, and so the most planes of a column.
pub(crate) const MAX_ELEMENT: usize = 8;

/// A function of each width of elements: `element` is 1, 2, 4 or 8 bytes.
macro_rules! by_element {
    ($element:expr, $function:ident($($argument:expr),*)) => {
        match $element {
            1 => $function::<1>($($argument),*),
            2 => $function::<2>($($argument),*),
            4 => $function::<4>($($argument),*),
            _ => $function::<8>($($argument),*),
        }
    };
}
pub(crate) use by_element;

/// The number that an element is. (Where it is known how many bytes it has, no more are worked
/// with.)
#[inline(always)]
fn number<const E: usize>(element: [u8; E]) -> u64 {
    let mut bytes = [0; MAX_ELEMENT];
    bytes[..E].copy_from_slice(&element);
    u64::from_le_bytes(bytes)
}

/// The element that the lowest bytes of a number are.
#[inline(always)]
fn element<const E: usize>(number: u64) -> [u8; E] {
    let mut element = [0; E];
    element.copy_from_slice(&number.to_le_bytes()[..E]);
    element
}

/// The bit that is the sign of a floating-point number of `E` bytes.
const fn sign<const E: usize>() -> u64 {
    1 << (8 * E - 1)
}

/// All bits of an element.
const fn all<const E: usize>() -> u64 {
    u64::MAX >> (64 - 8 * E)
}

/// A number of which the lowest bit was its sign, as zigzag codes have it.
#[inline(always)]
fn from_zigzag(coded: u64) -> u64 {
    coded >> 1 ^ (coded & 1).wrapping_neg()
}

/// `number` rotated left by one bit, if `rotated`.
#[inline(always)]
fn rotate<const E: usize>(number: u64, rotated: bool) -> u64 {
    if rotated { (number << 1 & all::<E>()) | number >> (8 * E - 1) } else { number }
}

/// [`rotate`] taken back.
#[inline(always)]
fn rotate_back<const E: usize>(number: u64, rotated: bool) -> u64 {
    if rotated { number >> 1 | (number & 1) << (8 * E - 1) } else { number }
}
