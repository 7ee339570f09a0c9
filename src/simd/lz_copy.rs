//! The copy loop: literals and matches to the output, with steps of a fixed width that may write
//! behind what they are to write.
//!
//! Sequences are taken in groups of 64. Before a group, three sums and two comparisons tell whether
//! any of its steps could leave a buffer: then those before the first one that could are counted,
//! and that one is executed alone, with the exact checks of [`Output`]. Otherwise nothing is
//! checked within the group but where a length is among the escapes. So a sequence costs one
//! branch, whose outcome mostly is the same.

mod ahead;
mod copies;
mod long;
mod steps;

#[cfg(target_arch = "x86_64")]
pub(super) use copies::copy_width;
use copies::{any, before, short};
pub(super) use long::execute as execute_long;
pub(super) use steps::{BYTES, PLAIN, Steps, VECTORS, WINDOW, differences_by};

use crate::{
    sequences::{ESCAPED, Escapes, Expanded, Output, ROOM, Sections},
    simd::prefetch,
};

/// Sequences that are checked together.
pub(super) const GROUP: usize = 64;

/// Raw bytes per sequence from which on each sequence is checked by itself.
pub(super) const LONG: usize = 100;

/// Bytes that a step may write behind the last byte of its run: no step is wider.
const OVERSHOOT: usize = 128;

/// [`execute`] with the loop that fits what the chunk's sequences are like. Unsafe as that is. An
/// attribute before the type names the features, where it needs any.
///
/// The width is that of most lengths: raw bytes per sequence tell it as well as the lengths
/// themselves do (measured: within 10 % of the best width on 15 of 17 files). Where matches are
/// long and literals few, those take narrow steps: then stores are what the loop waits for.
///
/// Where sequences are very long, each is checked by itself ([`long`]).
///
/// Each loop is a function: where one has all of them, its registers do not hold the addresses of
/// the arrays, and matches take up to 13 % more time (Zen 4).
macro_rules! choose {
    ($(#[$features:meta])? $steps:ty, $sections:expr, $last:expr, $expanded:expr, $output:expr) => {{
        use $crate::{
            sequences::{Expanded, LiteralForm, Output, Sections},
            simd::lz_copy::{BYTES, LONG, PLAIN, Steps, VECTORS, differences_by, execute, execute_long},
        };

        $(#[$features])?
        #[inline(never)]
        unsafe fn run<const LITERALS: u8, const RUN: usize, const WIDTH: usize>(
            sections: &Sections<'_>,
            last: u32,
            expanded: &mut Expanded,
            output: &mut Output<'_>,
        ) -> bool {
            // SAFETY: whoever uses the macro knows the processor.
            unsafe { execute::<$steps, LITERALS, RUN, WIDTH>(sections, last, expanded, output) }
        }

        $(#[$features])?
        #[inline(never)]
        unsafe fn run_long(sections: &Sections<'_>, expanded: &Expanded, output: &mut Output<'_>) -> bool {
            // SAFETY: as above.
            unsafe { execute_long::<$steps>(sections, expanded, output) }
        }

        let (sections, last, expanded, output): (&Sections<'_>, u32, &mut Expanded, &mut Output<'_>) =
            ($sections, $last, $expanded, $output);
        let count = sections.tokens.symbols.len().max(1);
        let (mean, mean_run) = ((output.end - output.at) / count, sections.literals.len() / count);
        match sections.literal_form {
            LiteralForm::Plain if mean < 11 => run::<PLAIN, 16, 16>(sections, last, expanded, output),
            LiteralForm::Plain if mean < 22 => run::<PLAIN, 32, 32>(sections, last, expanded, output),
            LiteralForm::Plain if mean >= LONG => run_long(sections, expanded, output),
            LiteralForm::Plain if mean_run < 8 => run::<PLAIN, 16, 64>(sections, last, expanded, output),
            LiteralForm::Plain => run::<PLAIN, 64, 64>(sections, last, expanded, output),
            LiteralForm::Difference => match differences_by::<$steps>(&expanded.offsets[..count]) {
                BYTES => run::<BYTES, 16, 16>(sections, last, expanded, output),
                VECTORS => run::<VECTORS, 16, 16>(sections, last, expanded, output),
                _ => run::<{ <$steps as Steps>::NEAREST }, 16, 16>(sections, last, expanded, output),
            },
        }
    }};
}
pub(super) use choose;

/// Executes all sequences and the literals behind them. Lengths and offsets of the sequences are in
/// `expanded`, which has [`ROOM`] entries more. `last` is the offset used last before. `false`: the
/// parts do not fit together.
///
/// # Safety
///
/// The processor has the features that `S` needs.
#[inline(always)]
pub(super) unsafe fn execute<S: Steps, const LITERALS: u8, const RUN: usize, const WIDTH: usize>(
    sections: &Sections<'_>,
    last: u32,
    expanded: &mut Expanded,
    output: &mut Output<'_>,
) -> bool {
    let count = sections.tokens.symbols.len();
    pad(expanded, count);
    let asks_ahead = ahead::pays(&expanded.offsets[..count], output.block_len);
    let mut escapes = sections.escapes;
    let mut place = Place { literal: 0, at: output.at, last };
    let bounds = Bounds { literals: sections.literals.len(), end: output.end, room_end: output.raw.len() };
    let mut index = 0;
    while index < count {
        let stop = (index + GROUP).min(count);
        let group = Group::new(expanded, index);
        // SAFETY: the caller knows the processor.
        let sums = unsafe { Sums::new::<S>(&group) };
        if asks_ahead && stop < count {
            let Group { literal_lengths, match_lengths, offsets } = Group::new(expanded, stop);
            // Not there where this group has escapes: those are few.
            let to = output.raw.as_ptr().wrapping_add(place.at + sums.bytes);
            // SAFETY: as above.
            unsafe { S::prefetch(to, literal_lengths, match_lengths, offsets) };
        }
        prefetch(ahead::room(output, place.at, sums.bytes));
        let (count, min_match) = (stop - index, sections.tokens.min_match);
        let fits = sums.fit(&place, [0, 0], bounds) && least_before(LITERALS, place.last) <= place.at;
        let inside = fits && (sums.farthest as usize <= place.at || group.reaches_back(place.at, escapes, min_match));
        let safe = if inside { count } else { group.safe(count, place, LITERALS, bounds, (escapes, min_match)) };
        let run = Run { sections, group, sums, bounds, base: output.raw.as_mut_ptr() };
        // SAFETY: as above. `fit`, or `safe` for so many, said that all literals of the group are
        // there, and that its bytes and `OVERSHOOT` more are inside the block; `reaches_back`, or
        // `safe` where there are any, that each match begins inside it, and `least_before` bytes
        // are there.
        index += unsafe {
            if safe == 0 {
                0
            } else if sums.nearest as usize >= WIDTH.min(32) && (LITERALS == PLAIN || place.last >= 16) {
                run.execute::<S, LITERALS, RUN, WIDTH, true>(safe, &mut place, &mut escapes)
            } else {
                run.execute::<S, LITERALS, RUN, WIDTH, false>(safe, &mut place, &mut escapes)
            }
        };
        // The one that was not safe, or too long.
        if index < stop {
            if !one(index, sections, expanded, &mut escapes, &mut place, output) {
                return false;
            }
            index += 1;
        }
    }
    rest(sections, &place, escapes, output)
}

/// The literals behind the last sequence. `false`: they are not just what the chunk lacks, or there
/// are escapes that nothing asked for.
#[inline(always)]
fn rest(sections: &Sections<'_>, place: &Place, escapes: Escapes<'_>, output: &mut Output<'_>) -> bool {
    let rest = &sections.literals.as_slice()[place.literal..];
    output.at = place.at;
    escapes.is_empty()
        && rest.len() == output.end - output.at
        && output.literals(rest, sections.literal_form, place.last)
}

/// Makes the entries behind the last sequence ones that do nothing.
#[inline(always)]
fn pad(expanded: &mut Expanded, count: usize) {
    expanded.literal_lengths[count..count + ROOM].fill(0);
    expanded.match_lengths[count..count + ROOM].fill(0);
    let last = count.checked_sub(1).map_or(1, |index| expanded.offsets[index]);
    expanded.offsets[count..count + ROOM].fill(last);
}

/// One sequence with exact checks.
#[inline(never)]
fn one(
    index: usize,
    sections: &Sections<'_>,
    expanded: &Expanded,
    escapes: &mut Escapes<'_>,
    place: &mut Place,
    output: &mut Output<'_>,
) -> bool {
    let (literals, length) = (expanded.literal_lengths[index], expanded.match_lengths[index]);
    let Some((literals, length)) = escapes.lengths(literals, length, sections.tokens.min_match) else { return false };
    let Some(run) = sections.literals.as_slice()[place.literal..].get(..literals) else { return false };
    output.at = place.at;
    let offset = expanded.offsets[index];
    let done = output.literals(run, sections.literal_form, place.last) && output.matched(length, offset);
    *place = Place { literal: place.literal + literals, at: output.at, last: offset };
    done
}

/// How far the execution is.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Literals that are used up, at most all that there are.
    literal: usize,
    /// Bytes of the block that are there, at most up to the chunk's end.
    at: usize,
    /// The offset used last.
    last: u32,
}

/// What a group must stay inside.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// All literals of the chunk.
    literals: usize,
    /// Where the chunk ends.
    end: usize,
    /// Where the room ends: steps may write that far.
    room_end: usize,
}

/// The entries of 64 sequences.
#[derive(Clone, Copy)]
struct Group<'a> {
    literal_lengths: &'a [u8; GROUP],
    match_lengths: &'a [u8; GROUP],
    offsets: &'a [u32; GROUP],
}

impl<'a> Group<'a> {
    /// Those from `index` on, which is below the number of sequences: `ROOM` entries follow them.
    #[inline(always)]
    fn new(expanded: &'a Expanded, index: usize) -> Self {
        const { assert!(GROUP <= ROOM) }
        Self {
            literal_lengths: first(&expanded.literal_lengths[index..]),
            match_lengths: first(&expanded.match_lengths[index..]),
            offsets: first(&expanded.offsets[index..]),
        }
    }

    /// Whether all matches begin inside the block, of which `at` bytes are there. What is far for
    /// the first sequence may be near for the last one: so are groups near the start of a block.
    #[cold]
    #[inline(never)]
    fn reaches_back(&self, mut at: usize, mut escapes: Escapes<'_>, min_match: u8) -> bool {
        let mut inside = true;
        for ((&run, &length), &offset) in self.literal_lengths.iter().zip(self.match_lengths).zip(self.offsets) {
            let Some((run, length)) = escapes.lengths(run, length, min_match) else { return false };
            at += run;
            inside &= offset as usize <= at;
            at += length;
        }
        inside
    }

    /// How many of the first `count` sequences, at `place`, may be executed without further checks:
    /// those before the first one that could leave a buffer, or whose escape is not there.
    ///
    /// The first groups of a block come here, and the last ones of a chunk and of a block.
    #[cold]
    #[inline(never)]
    fn safe(
        &self,
        count: usize,
        place: Place,
        literals: u8,
        bounds: Bounds,
        (mut escapes, min_match): (Escapes<'_>, u8),
    ) -> usize {
        let Place { mut literal, mut at, last } = place;
        if at < least_before(literals, last) {
            return 0;
        }
        let lengths = self.literal_lengths.iter().zip(self.match_lengths);
        for (index, ((&run, &length), &offset)) in lengths.zip(self.offsets).take(count).enumerate() {
            let Some((run, length)) = escapes.lengths(run, length, min_match) else { return index };
            literal += run;
            let match_at = at + run;
            at = match_at + length;
            let fits = literal <= bounds.literals && at <= bounds.end && at + OVERSHOOT <= bounds.room_end;
            if !fits || offset as usize > match_at {
                return index;
            }
        }
        count
    }

    /// What the lengths from `index` on come to. An escape counts as 255 here.
    #[cold]
    #[inline(never)]
    fn rest(&self, index: usize) -> [usize; 2] {
        let (mut literals, mut matches) = (0, 0);
        for (&run, &length) in self.literal_lengths.iter().zip(self.match_lengths).skip(index) {
            literals += usize::from(run);
            matches += usize::from(length);
        }
        [literals, matches]
    }
}

#[inline(always)]
fn first<T>(entries: &[T]) -> &[T; GROUP] {
    entries.first_chunk().unwrap_or_else(|| unreachable!("`ROOM` entries follow the last sequence"))
}

/// What a group comes to. An escape counts as 255 here.
#[derive(Clone, Copy)]
struct Sums {
    literals: usize,
    bytes: usize,
    nearest: u32,
    farthest: u32,
}

impl Sums {
    /// # Safety
    ///
    /// The processor has the features that `S` needs.
    #[inline(always)]
    unsafe fn new<S: Steps>(group: &Group<'_>) -> Self {
        // SAFETY: the caller knows the processor.
        let (literals, matches, (nearest, farthest)) =
            unsafe { (S::sum(group.literal_lengths), S::sum(group.match_lengths), S::range(group.offsets)) };
        Self { literals, bytes: literals + matches, nearest, farthest }
    }

    /// Whether the group's steps, and a sequence of `extra` literals and match bytes before them,
    /// stay inside the bounds.
    #[inline(always)]
    fn fit(&self, place: &Place, extra: [usize; 2], bounds: Bounds) -> bool {
        let end = place.at + extra[0] + extra[1] + self.bytes;
        place.literal + extra[0] + self.literals <= bounds.literals
            && end <= bounds.end
            && end + OVERSHOOT <= bounds.room_end
    }
}

/// Bytes that must be there before a group, whatever its offsets: `last` was used before it.
#[inline(always)]
fn least_before(literals: u8, last: u32) -> usize {
    match literals {
        PLAIN => 0,
        WINDOW => last.max(16) as usize,
        _ => last as usize,
    }
}

/// A group that needs no checks.
struct Run<'a, 'b> {
    sections: &'a Sections<'b>,
    group: Group<'a>,
    sums: Sums,
    bounds: Bounds,
    /// Of the block.
    base: *mut u8,
}

impl Run<'_, '_> {
    /// The lengths of the sequence at `index`, which has an escape. `None`: they are not there, or
    /// with them the group might not fit at `here` any more. The escapes stay then. Apart from the
    /// loop, whose registers it would take.
    #[cold]
    #[inline(never)]
    fn unescaped(&self, index: usize, here: &Place, escapes: &mut Escapes<'_>) -> Option<(usize, usize)> {
        let (run, length) = (self.group.literal_lengths[index], self.group.match_lengths[index]);
        let mut rest = *escapes;
        let (run, length) = rest.lengths(run, length, self.sections.tokens.min_match)?;
        if !self.sums.fit(here, [run, length], self.bounds) {
            // What stands before the sequence was counted, too.
            let [literals, matches] = self.group.rest(index + 1);
            let sums = Sums { literals, bytes: literals + matches, ..self.sums };
            if !sums.fit(here, [run, length], self.bounds) {
                return None;
            }
        }
        *escapes = rest;
        Some((run, length))
    }

    /// Executes `count` sequences, or those before one with an escape behind which the group might
    /// not fit any more. How many that were comes back. Literals take steps of `RUN` bytes, matches
    /// of `WIDTH`. `FAR`: no offset is below `WIDTH`, or below 32.
    ///
    /// # Safety
    ///
    /// The processor has the features that `S` needs. The group fits at `place`, and reaches back
    /// to bytes of the block only, of which [`least_before`] are there. `count` is at most
    /// [`GROUP`].
    #[inline(always)]
    unsafe fn execute<S: Steps, const LITERALS: u8, const RUN: usize, const WIDTH: usize, const FAR: bool>(
        &self,
        count: usize,
        place: &mut Place,
        escapes: &mut Escapes<'_>,
    ) -> usize {
        // As variables of their own: what `self` holds would be loaded anew after each store.
        let Group { literal_lengths, match_lengths, offsets } = self.group;
        let literals = self.sections.literals.padded().as_ptr();
        let base = self.base;
        // SAFETY: the caller says that both are inside.
        let (mut from, mut to) = unsafe { (literals.add(place.literal), base.add(place.at)) };
        let mut last = place.last as usize;
        let mut index = 0;
        // SAFETY: the caller says that `least_before` bytes are there.
        let mut window = unsafe { before::<LITERALS, FAR>(to) };
        // The loop within the loop has the short ones only: so its registers hold what it needs.
        'group: loop {
            let (mut run, mut length, mut offset);
            loop {
                if index >= count {
                    break 'group;
                }
                // SAFETY: the caller gives no more than `GROUP`.
                unsafe {
                    run = usize::from(*literal_lengths.get_unchecked(index));
                    length = usize::from(*match_lengths.get_unchecked(index));
                    offset = *offsets.get_unchecked(index) as usize;
                }
                if (run * (WIDTH / RUN)) | length >= WIDTH {
                    break;
                }
                // SAFETY: the literals of the group are there with 128 bytes of slack, and the
                // group's bytes end `OVERSHOOT` or more before the block. No step is wider. The
                // caller says that offsets reach back to bytes of the block.
                unsafe {
                    short::<S, LITERALS, RUN, WIDTH, FAR>(from, to, [run, length], [last, offset], &mut window);
                    from = from.add(run);
                    to = to.add(run + length);
                }
                if LITERALS != PLAIN {
                    last = offset;
                }
                index += 1;
            }
            if WIDTH < 64 {
                unlikely();
            }
            if run == ESCAPED.into() || length == ESCAPED.into() {
                let here = Place { literal: from.addr() - literals.addr(), at: to.addr() - base.addr(), ..*place };
                match self.unescaped(index, &here, escapes) {
                    Some(whole) => (run, length) = whole,
                    None => break,
                }
            }
            // SAFETY: as above; where the lengths were escapes, `unescaped` looked once more.
            unsafe {
                any::<S, LITERALS, WIDTH, FAR>(from, to, [run, length], [last, offset]);
                from = from.add(run);
                to = to.add(run + length);
                window = before::<LITERALS, FAR>(to);
            }
            if LITERALS != PLAIN {
                last = offset;
            }
            index += 1;
        }
        let last = index.checked_sub(1).map_or(place.last, |index| offsets[index]);
        *place = Place { literal: from.addr() - literals.addr(), at: to.addr() - base.addr(), last };
        index
    }
}

/// Tells the compiler that a branch is taken seldom: registers are given to what the others need.
#[cold]
#[inline]
fn unlikely() {}
