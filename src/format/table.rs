//! The two forms of a frequency table: dense (FORMAT.md, 4.2) and compact (FORMAT.md, 5).

use std::{hint::select_unpredictable, ops::Range};

use crate::{
    error::Corruption,
    format::{
        bits::{BitReader, BitStringError, BitWindow, BitWriter},
        fields::Fields,
    },
    model::Frequencies,
};

/// How a payload holds its frequencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableKind {
    /// 256 frequencies of 16 bits each, as the original coder's frames have them.
    Dense,
    /// A bit string of those that are not 0.
    Compact,
}

impl TableKind {
    /// Appends `scale_bits` and the table.
    pub(crate) fn write(self, frequencies: &Frequencies, out: &mut Vec<u8>) {
        out.push(frequencies.scale_bits());
        match self {
            Self::Dense => write_dense(frequencies, out),
            Self::Compact => write_compact(frequencies, out),
        }
    }

    /// Reads `scale_bits` and the table behind it.
    pub(crate) fn parse(self, fields: &mut Fields<'_>) -> Result<Frequencies, Corruption> {
        let mut frequencies = Frequencies::NONE;
        self.parse_to(fields, &mut frequencies)?;
        Ok(frequencies)
    }

    /// [`parse`](Self::parse) to where the table is to stay. After an error it may be any.
    pub(crate) fn parse_to(self, fields: &mut Fields<'_>, frequencies: &mut Frequencies) -> Result<(), Corruption> {
        let scale_bits = fields.u8("scale_bits")?;
        if !(9..=14).contains(&scale_bits) {
            return Err(Corruption::Field { field: "scale_bits", found: scale_bits.into() });
        }
        match self {
            Self::Dense => *frequencies = parse_dense(fields, scale_bits)?,
            Self::Compact => parse_compact_to(fields, scale_bits, frequencies)?,
        }
        Ok(())
    }
}

/// Appends 256 frequencies of 16 bits.
fn write_dense(frequencies: &Frequencies, out: &mut Vec<u8>) {
    out.extend(frequencies.all().into_iter().flat_map(u16::to_le_bytes));
}

/// Reads 256 frequencies of 16 bits.
fn parse_dense(fields: &mut Fields<'_>, scale_bits: u8) -> Result<Frequencies, Corruption> {
    let bytes = fields.bytes(512, "table")?;
    let mut frequencies = [0; 256];
    for (frequency, pair) in frequencies.iter_mut().zip(bytes.chunks_exact(2)) {
        *frequency = u16::from_le_bytes([pair[0], pair[1]]);
    }
    Frequencies::new(frequencies, scale_bits)
}

/// Appends a compact table.
pub(crate) fn write_compact(frequencies: &Frequencies, out: &mut Vec<u8>) {
    let (symbols, cumulatives) = frequencies.increasing();
    let mut bits = BitWriter::new(out);
    write_count(symbols.len(), &mut bits);
    write_increasing(symbols, 0, 255, &mut bits);
    write_increasing(&cumulatives[1..], 1, frequencies.scale() - 1, &mut bits);
    bits.finish();
}

/// Bytes that a table for symbols with these counts has at least, its scale among them, whatever
/// the frequencies are. A dense table is longer than any that is compact.
pub(crate) fn least_len_of_table(counts: &[u32; 256]) -> usize {
    let (mut symbols, mut used) = ([0; 256], 0);
    for (symbol, &count) in (0_u16..).zip(counts) {
        symbols[used % 256] = symbol;
        used += usize::from(count > 0);
    }
    let mut bytes = Vec::with_capacity(256);
    let mut bits = BitWriter::new(&mut bytes);
    write_count(used, &mut bits);
    write_increasing(&symbols[..used], 0, 255, &mut bits);
    bits.finish();
    1 + bytes.len()
}

/// Reads a compact table.
pub(crate) fn parse_compact(fields: &mut Fields<'_>, scale_bits: u8) -> Result<Frequencies, Corruption> {
    let mut frequencies = Frequencies::NONE;
    parse_compact_to(fields, scale_bits, &mut frequencies)?;
    Ok(frequencies)
}

fn parse_compact_to(fields: &mut Fields<'_>, scale_bits: u8, frequencies: &mut Frequencies) -> Result<(), Corruption> {
    let mut bits = BitReader::new(fields.rest());
    let used = parse_count(&mut bits)
        .ok_or(Corruption::Field { field: "table", found: fields.rest().first().copied().unwrap_or(0).into() })?;
    frequencies.read(used, scale_bits, |symbols, cumulatives| {
        let mut window = bits.window();
        parse_increasing(symbols, 0..used, 0, 255, &mut window);
        parse_increasing(cumulatives, 1..used, 1, (1 << scale_bits) - 1, &mut window);
        bits.go_to(window.position());
    });
    let len = bits.finish().map_err(|error| match error {
        BitStringError::Ended => fields.ends_in("table"),
        BitStringError::Padding => Corruption::Padding,
    })?;
    fields.bytes(len, "table")?;
    Ok(())
}

/// `used - 1`, at most 255, in exponential Golomb code of order 2: few symbols take few bits.
fn write_count(used: usize, bits: &mut BitWriter<'_>) {
    let number = used as u32 - 1 + 4;
    let width = number.ilog2();
    bits.put((1 << (width - 2)) - 1, width - 1);
    bits.put(u64::from(number - (1 << width)), width);
}

/// `None`: more than 256.
fn parse_count(bits: &mut BitReader<'_>) -> Option<usize> {
    let mut width = 2;
    while bits.take(1) == 1 {
        width += 1;
        if width > 8 {
            return None;
        }
    }
    let used = (1 << width) + bits.take(width) - 4 + 1;
    (used <= 256).then_some(used as usize)
}

/// Binary interpolative code of strictly increasing `values` in `low..=high`: the middle one within
/// the range that its neighbours leave it, then both halves. Dense runs cost no bits. (A. Moffat
/// and L. Stuiver, Binary Interpolative Coding, 2000.)
fn write_increasing(values: &[u16], low: u32, high: u32, bits: &mut BitWriter<'_>) {
    let (mut waiting, mut count) = ([(&[][..], 0, 0); MOST_WAITING], 0);
    let mut part = (values, low, high);
    loop {
        let (values, low, high) = part;
        let mut numbers = Numbers::default();
        // A number from the first to the second one.
        let mut number = |least: u32, most: u32, value: u16| {
            numbers.add(u32::from(value) - least, most - least);
            u32::from(value)
        };
        match *values {
            [] => {}
            [only] => {
                number(low, high, only);
            }
            [first, second] => {
                let middle = number(low + 1, high, second);
                number(low, middle - 1, first);
            }
            [first, second, third] => {
                let middle = number(low + 1, high - 1, second);
                number(low, middle - 1, first);
                number(middle + 1, high, third);
            }
            [first, second, third, fourth] => {
                let middle = number(low + 2, high - 1, third);
                let before = number(low + 1, middle - 1, second);
                number(low, before - 1, first);
                number(middle + 1, high, fourth);
            }
            _ => {
                let (below, rest) = values.split_at(values.len() / 2);
                let Some((&value, above)) = rest.split_first() else { return };
                let middle = number(low + below.len() as u32, high - above.len() as u32, value);
                bits.put(numbers.bits, numbers.count);
                waiting[count % MOST_WAITING] = (above, middle + 1, high);
                count += 1;
                part = (below, low, middle - 1);
                continue;
            }
        }
        bits.put(numbers.bits, numbers.count);
        if count == 0 {
            return;
        }
        count -= 1;
        part = waiting[count % MOST_WAITING];
    }
}

/// The code of up to four numbers.
#[derive(Debug, Default)]
struct Numbers {
    bits: u64,
    count: u32,
}

impl Numbers {
    /// Truncated binary code of a number up to `most`.
    #[inline(always)]
    fn add(&mut self, number: u32, most: u32) {
        let Code { width, short, .. } = Code::up_to(most as usize);
        let long = number + short;
        let is_long = number >= short;
        // Which of both it is cannot be predicted.
        let coded = select_unpredictable(is_long, long >> 1 | (long & 1) << width, number);
        self.bits |= u64::from(coded) << self.count;
        self.count += width + u32::from(is_long);
    }
}

/// The most bits of a number in a table: one of two below the largest scale, `1 << 14`.
const NUMBER_BITS: u32 = 14;

/// Places that wait while those before them are read: each time at most half of them are left.
const MOST_WAITING: usize = u8::BITS as usize;

/// Some consecutive places of an increasing sequence, and what their values are within.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    first: usize,
    len: usize,
    low: usize,
    high: usize,
}

/// Reads what [`write_increasing`] wrote, to the places `at` of `values`.
///
/// A small block spends a third of its time here, one number after the other: where each begins is
/// known when the one before it is read. So what was read stands in registers, without a call
/// between two numbers, and the smallest parts are read without a question: one that has no gaps
/// has no bits.
fn parse_increasing(values: &mut [u16; 256], at: Range<usize>, low: usize, high: usize, window: &mut BitWindow<'_>) {
    const { assert!(4 * NUMBER_BITS <= BitWindow::WIDTH) };
    let (mut waiting, mut count) = ([Part::default(); MOST_WAITING], 0);
    let mut part = Part { first: at.start, len: at.len(), low, high };
    let mut set = |at: usize, value: usize| values[at % 256] = value as u16;
    loop {
        let Part { first, len, low, high } = part;
        window.fill();
        // A number from the first to the second one.
        let mut number = |least: usize, most: usize| least + parse_number(most - least, window);
        match len {
            0 => {}
            1 => set(first, number(low, high)),
            2 => {
                let middle = number(low + 1, high);
                set(first, number(low, middle - 1));
                set(first + 1, middle);
            }
            3 => {
                let middle = number(low + 1, high - 1);
                set(first, number(low, middle - 1));
                set(first + 1, middle);
                set(first + 2, number(middle + 1, high));
            }
            4 => {
                let middle = number(low + 2, high - 1);
                let before = number(low + 1, middle - 1);
                set(first, number(low, before - 1));
                set(first + 1, before);
                set(first + 2, middle);
                set(first + 3, number(middle + 1, high));
            }
            _ if len == high - low + 1 => {
                for (at, value) in (first..first + len).zip(low..) {
                    set(at, value);
                }
            }
            _ => {
                let below = len / 2;
                let above = len - below - 1;
                let middle = number(low + below, high - above);
                set(first + below, middle);
                waiting[count % MOST_WAITING] = Part { first: first + below + 1, len: above, low: middle + 1, high };
                count += 1;
                part = Part { first, len: below, low, high: middle - 1 };
                continue;
            }
        }
        if count == 0 {
            return;
        }
        count -= 1;
        part = waiting[count % MOST_WAITING];
    }
}

/// Truncated binary code of the numbers up to some one: those below `short` take `width` bits, the
/// others one more.
#[derive(Debug, Clone, Copy)]
struct Code {
    width: u32,
    short: u32,
    /// `width` bits.
    mask: u32,
}

impl Code {
    const fn new(most: usize) -> Self {
        let range = most as u32 + 1;
        let width = range.ilog2();
        Self { width, short: (2 << width) - range, mask: (1 << width) - 1 }
    }

    /// Looked up where it can be: the next number waits for it.
    #[inline(always)]
    fn up_to(most: usize) -> Self {
        match CODES.get(most) {
            Some(&[width, short, mask, _]) => Self { width: width.into(), short: short.into(), mask: mask.into() },
            None => Self::new(most),
        }
    }
}

/// Width, `short` and mask of most codes in a table. Code for WebAssembly is to be small.
const CODES: [[u16; 4]; if cfg!(target_family = "wasm") { 64 } else { 512 }] = {
    let mut codes = [[0; 4]; _];
    let mut most = 0;
    while most < codes.len() {
        let Code { width, short, mask } = Code::new(most);
        codes[most] = [width as u16, short as u16, mask as u16, 0];
        most += 1;
    }
    codes
};

/// A number up to `most`.
#[inline(always)]
fn parse_number(most: usize, window: &mut BitWindow<'_>) -> usize {
    let Code { width, short, mask } = Code::up_to(most);
    let (short, number) = (short as usize, (window.peek() & u64::from(mask)) as usize);
    let is_long = number >= short;
    let next = window.skip_one_of(width, is_long) as usize;
    select_unpredictable(is_long, (2 * number + (next & 1)).wrapping_sub(short), number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(frequencies: &Frequencies) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_compact(frequencies, &mut bytes);
        bytes
    }

    fn from_pairs(pairs: &[(u8, u16)], scale_bits: u8) -> Frequencies {
        let mut frequencies = [0; 256];
        for &(symbol, frequency) in pairs {
            frequencies[usize::from(symbol)] = frequency;
        }
        Frequencies::new(frequencies, scale_bits).unwrap()
    }

    /// A small generator, so that the tests need no crate and always see the same tables.
    fn random_frequencies(seed: u64, used: usize, scale_bits: u8) -> Frequencies {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let mut frequencies = [0_u16; 256];
        let mut symbols = Vec::new();
        while symbols.len() < used {
            let symbol = next(256);
            if frequencies[symbol] == 0 {
                frequencies[symbol] = 1;
                symbols.push(symbol);
            }
        }
        let favourites = 1 + next(used);
        for _ in used..1 << scale_bits {
            frequencies[symbols[next(favourites)]] += 1;
        }
        Frequencies::new(frequencies, scale_bits).unwrap()
    }

    #[test]
    fn what_is_written_is_parsed_and_no_prefix_is() {
        for (seed, used) in (1..=256).enumerate() {
            for scale_bits in [9, 12, 14] {
                let frequencies = random_frequencies(seed as u64 + 1, used, scale_bits);
                let bytes = compact(&frequencies);
                let mut fields = Fields::new(&bytes);
                assert_eq!(parse_compact(&mut fields, scale_bits), Ok(frequencies));
                fields.end().unwrap();
                for cut in 0..bytes.len() {
                    let error = parse_compact(&mut Fields::new(&bytes[..cut]), scale_bits);
                    assert!(
                        matches!(error, Err(Corruption::PayloadEnds { .. })),
                        "{used} symbols, cut at {cut}: {error:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_sequence_that_parses_is_the_one_that_is_written() {
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let mut bytes = [0; 200];
            for byte in &mut bytes {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = (state >> 56) as u8;
            }
            let mut fields = Fields::new(&bytes);
            if let Ok(frequencies) = parse_compact(&mut fields, 12) {
                assert_eq!(compact(&frequencies), bytes[..200 - fields.rest().len()]);
            }
        }
    }

    /// One number after the other, as the format says it.
    fn parse_plainly(values: &mut [u16], low: u32, high: u32, bits: &mut BitReader<'_>) {
        let middle = values.len() / 2;
        let (below, rest) = values.split_at_mut(middle);
        let Some((value, above)) = rest.split_first_mut() else { return };
        let least = low + below.len() as u32;
        let range = high - above.len() as u32 - least + 1;
        let width = range.ilog2();
        let short = (2 << width) - range;
        let mut number = bits.take(width);
        if number >= short {
            number = 2 * number + bits.take(1) - short;
        }
        *value = (least + number) as u16;
        parse_plainly(below, low, (least + number).wrapping_sub(1), bits);
        parse_plainly(above, least + number + 1, high, bits);
    }

    #[test]
    fn any_bits_are_read_as_one_number_after_the_other() {
        let mut state = 7_u64;
        for (len, low, high) in (0..=255).flat_map(|len| [(len, 0, 255), (len, 1, 511), (len, 1, (1 << 14) - 1)]) {
            let bytes: Vec<u8> = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .take(20 + 3 * len)
            .collect();
            for cut in [0, len, bytes.len()] {
                let mut plain = BitReader::new(&bytes[..cut]);
                let (mut expected, mut found) = ([0; 256], [0; 256]);
                let mut window = plain.window();
                parse_plainly(&mut expected[1..=len], low as u32, high as u32, &mut plain);
                parse_increasing(&mut found, 1..len + 1, low, high, &mut window);
                assert_eq!((window.position(), found), (plain.position(), expected), "{len} values, {cut} bytes");
            }
        }
    }

    #[test]
    fn more_than_256_symbols_are_rejected() {
        for bytes in [[0b0011_1111, 0xFF, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF]] {
            let error = parse_compact(&mut Fields::new(&bytes), 12).unwrap_err();
            assert_eq!(error, Corruption::Field { field: "table", found: bytes[0].into() });
        }
    }

    #[test]
    fn sizes_stay_within_the_promised_ones() {
        let uniform = Frequencies::new([16; 256], 12).unwrap();
        assert_eq!(compact(&uniform).len(), 193);
        for seed in 1..2000 {
            assert!(compact(&random_frequencies(seed, 256, 12)).len() <= 200);
            assert!(compact(&random_frequencies(seed, 4, 12)).len() <= 9);
            assert!(compact(&random_frequencies(seed, 4, 9)).len() <= 8);
        }
        let spread = from_pairs(&[(17, 1365), (80, 683), (127, 683), (191, 1365)], 12);
        assert!(compact(&spread).len() <= 9);
        assert_eq!(compact(&from_pairs(&[(65, 4096)], 12)), [0b0000_1000, 0b0000_0010]);
    }

    #[test]
    fn no_table_of_these_symbols_is_shorter() {
        for (seed, used) in (1..=256).enumerate() {
            for scale_bits in [9, 12, 14] {
                let frequencies = random_frequencies(seed as u64 + 1, used, scale_bits);
                let least = least_len_of_table(&frequencies.all().map(u32::from));
                for kind in [TableKind::Compact, TableKind::Dense] {
                    let mut table = Vec::new();
                    kind.write(&frequencies, &mut table);
                    assert!(least <= table.len(), "{used} symbols: {least} and {}", table.len());
                }
            }
        }
    }

    #[test]
    fn set_padding_is_rejected() {
        let mut bytes = compact(&from_pairs(&[(0, 4000), (1, 96)], 12));
        *bytes.last_mut().unwrap() |= 0x80;
        assert_eq!(parse_compact(&mut Fields::new(&bytes), 12), Err(Corruption::Padding));
    }

    #[test]
    fn a_dense_table_must_sum_to_its_scale() {
        let frequencies = random_frequencies(3, 40, 12);
        let mut bytes = Vec::new();
        write_dense(&frequencies, &mut bytes);
        assert_eq!(parse_dense(&mut Fields::new(&bytes), 12), Ok(frequencies));
        let error = parse_dense(&mut Fields::new(&bytes), 11).unwrap_err();
        assert_eq!(error, Corruption::FrequencySum { sum: 4096, scale: 2048 });
    }
}
