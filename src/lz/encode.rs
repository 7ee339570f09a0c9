//! Raw bytes to a payload.

use std::{cell::Cell, ops::Range};

use crate::{
    format::{
        number::write_number,
        section::{Descriptor, SymbolCount},
    },
    kept,
    lz::{
        chunk::{MATCHES, MATCHES_DIFFERENCES, PLAIN},
        decode::{ALIGNMENT, SHORT_MATCHES},
        literals::Literals,
        lz78, lzss,
        matcher::Matcher,
        streams::{Bytes, Sequence, Streams},
    },
    model::{Histogram, entropy_len},
    options::{BlockOptions, Pipeline, Prefer},
    section::{self, pivot},
    sequences::{ESCAPE_LEN, MIN_MATCH, Repeats},
    simd::Kernel,
};

/// What the encoder is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// 1..=9, or 0 without matches.
    pub(crate) level: u8,
    /// Raw bytes of a chunk, at most [`MAX_CHUNK_LEN`](crate::limits::MAX_CHUNK_LEN).
    pub(crate) chunk_len: usize,
    pub(crate) kernel: Kernel,
    pub(crate) pipeline: Pipeline,
    pub(crate) prefer: Option<Prefer>,
    /// A chunk without matches is stored when coding saves less than so many 1024ths of its length.
    pub(crate) min_gain: u32,
}

impl Settings {
    /// What `options` ask for, with chunks of so many raw bytes.
    pub(crate) fn new(options: &BlockOptions, chunk_len: usize) -> Self {
        Self {
            level: options.level,
            chunk_len,
            kernel: Kernel::or_default(options.kernel),
            pipeline: options.pipeline,
            prefer: options.prefer,
            min_gain: options.policy.min_gain,
        }
    }

    /// Whether the parser knows prices: a small gain is then worth some time everywhere.
    fn has_prices(&self) -> bool {
        cfg!(not(target_family = "wasm")) && self.level > 7
    }

    /// Bytes of the shortest match that a payload may have. Where the parser knows prices it knows
    /// which matches of three bytes are worth it.
    fn min_match(&self) -> usize {
        let is_short = self.has_prices() && self.level == 9 && self.pipeline == Pipeline::Lzr;
        if is_short { MIN_MATCH - 1 } else { MIN_MATCH }
    }

    /// Whether literals should be differences.
    fn are_differences_smaller(&self, literals: Literals<'_>) -> bool {
        #[cfg(not(target_family = "wasm"))]
        if self.has_prices() {
            return literals.differences_are_smaller();
        }
        // A parser that takes its time leaves some for this.
        literals.differences_look_smaller(if self.level < 5 { 64 } else { 512 })
    }
}

/// Appends the payload of `raw`, 1..=16 Mi bytes. It may be longer than `raw`.
pub(crate) fn encode_payload(raw: &[u8], settings: Settings, out: &mut Vec<u8>) {
    kept::with(&SCRATCH, |scratch| {
        let Scratch { matcher, coder } = &mut **scratch.get_or_insert_default();
        if settings.pipeline == Pipeline::Lz78r {
            coder.encode_phrases(raw, settings);
        } else {
            let mut chunks = Chunks::new(raw, settings, coder);
            matcher.run(raw, settings.level, &mut chunks);
            chunks.finish();
        }
        coder.write(settings.min_match(), out);
    });
}

/// Appends the payload of `raw`, 1..=16 Mi bytes, in chunks without matches, each with a table of
/// its own. It may be longer than `raw`.
pub(crate) fn encode_without_matches(raw: &[u8], settings: Settings, out: &mut Vec<u8>) {
    kept::with(&SCRATCH, |scratch| {
        let coder = &mut scratch.get_or_insert_default().coder;
        coder.begin(settings);
        for raw in raw.chunks(settings.chunk_len) {
            let place = coder.sections.append_plain(raw, &mut coder.body);
            coder.directory.push((raw.len(), place));
        }
        coder.write(MIN_MATCH, out);
    });
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Gives back what the calling thread keeps.
pub(super) fn release() {
    kept::release(&SCRATCH);
}

/// What a thread keeps from block to block.
#[derive(Debug, Default)]
struct Scratch {
    matcher: Matcher,
    coder: Coder,
}

/// What becomes of the sequences.
#[derive(Debug, Default)]
struct Coder {
    /// Of the chunk in progress.
    sequences: Vec<Sequence>,
    streams: Streams,
    literals: Bytes,
    lzss: lzss::Streams,
    lz78: lz78::Streams,
    /// The raw length of each chunk, and where in `body` it stands.
    directory: Vec<(usize, Range<usize>)>,
    /// The coded chunks, and a few bytes between them that mean nothing.
    body: Vec<u8>,
    sections: Sections,
}

impl Coder {
    /// Begins a new payload.
    fn begin(&mut self, settings: Settings) {
        self.directory.clear();
        self.body.clear();
        self.sequences.clear();
        self.sections.configure(settings);
    }

    /// Codes all chunks of `raw` as phrases, or without them where that is smaller.
    fn encode_phrases(&mut self, raw: &[u8], settings: Settings) {
        self.begin(settings);
        let Self { lz78, directory, body, sections, .. } = self;
        for raw in raw.chunks(settings.chunk_len) {
            lz78.fill(raw);
            let phrases = sections.append_lz78(lz78, body);
            let plain = sections.replace_by_plain_if_smaller(raw, &phrases, body);
            directory.push((raw.len(), plain.unwrap_or(phrases)));
        }
    }

    /// Appends the payload of all chunks, no match of which is shorter than `min_match`.
    fn write(&self, min_match: usize, out: &mut Vec<u8>) {
        let start = out.len();
        out.push(if min_match < MIN_MATCH { SHORT_MATCHES } else { 0 });
        write_number(self.directory.len() as u32, out);
        for (raw_len, place) in &self.directory {
            write_number(*raw_len as u32, out);
            write_number(place.len() as u32, out);
        }
        for (_, place) in &self.directory {
            out.resize(start + (out.len() - start).next_multiple_of(ALIGNMENT), 0);
            out.extend_from_slice(&self.body[place.clone()]);
        }
    }
}

/// Takes the sequences of a block as they are found, and codes each chunk that is full.
#[derive(Debug)]
pub(super) struct Chunks<'a> {
    raw: &'a [u8],
    settings: Settings,
    coder: &'a mut Coder,
    /// Where the chunk in progress starts and ends.
    start: usize,
    end: usize,
    /// A sequence that ends behind this may end the chunk, or is the one to look back from.
    stop: usize,
    /// Whether the chunk has matches that cost more than they save: it is coded without them.
    is_lost: bool,
    /// All before this is part of a sequence.
    anchor: usize,
    /// As the chunk began.
    repeats: Repeats,
}

impl<'a> Chunks<'a> {
    fn new(raw: &'a [u8], settings: Settings, coder: &'a mut Coder) -> Self {
        coder.begin(settings);
        let end = raw.len().min(settings.chunk_len);
        let stop = end.min(LOOK_BACK);
        Self { raw, settings, coder, start: 0, end, stop, is_lost: false, anchor: 0, repeats: Repeats::START }
    }

    /// Raw bytes of each chunk, the last one of a block excepted.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn chunk_len(&self) -> usize {
        self.settings.chunk_len
    }

    pub(super) fn kernel(&self) -> Kernel {
        self.settings.kernel
    }

    /// Bytes of the shortest match.
    pub(super) fn min_match(&self) -> usize {
        self.settings.min_match()
    }

    /// The `length` bytes at `at` equal those `offset` further back. What stands between the last
    /// sequence and this one are literals.
    #[inline(always)]
    pub(super) fn sequence(&mut self, at: usize, length: usize, offset: usize) {
        if at + length > self.stop {
            return self.sequence_beyond(at, length, offset);
        }
        self.push(at, length, offset);
    }

    /// Where a chunk ends whose matches are not worth what they cost: no more of them are needed,
    /// and those that come all the same do no harm.
    #[inline(always)]
    pub(super) fn lost_until(&self) -> Option<usize> {
        self.is_lost.then_some(self.end)
    }

    #[inline(always)]
    fn push(&mut self, at: usize, length: usize, offset: usize) {
        self.coder.sequences.push(Sequence {
            from: self.anchor as u32,
            literals: (at - self.anchor) as u32,
            length: length as u32,
            offset: offset as u32,
        });
        self.anchor = at + length;
    }

    /// A sequence behind the place to look back from. If it goes on behind the chunk, each chunk
    /// gets its part, if that is no shorter than a match may be.
    #[cold]
    fn sequence_beyond(&mut self, mut at: usize, mut length: usize, offset: usize) {
        let behind = at + length;
        while at + length > self.end {
            let inside = self.end.saturating_sub(at);
            if inside >= self.min_match() {
                self.push(at, inside, offset);
            }
            (at, length) = (at + inside, length - inside);
            self.close();
        }
        if length >= self.min_match() {
            self.push(at, length, offset);
        }
        if behind > self.stop {
            self.stop = self.end;
            // A parser that knows prices takes few matches that lose.
            let may_lose = !self.settings.has_prices() && self.settings.pipeline == Pipeline::Lzr;
            self.is_lost = may_lose && self.matches_lose();
        }
    }

    /// Whether the chunk so far takes an eighth more with its matches than without them, at the
    /// least, and its rest is like that. Few files have such matches: of a handful of symbols, any
    /// four bytes have been there before.
    fn matches_lose(&self) -> bool {
        let sequences = &self.coder.sequences;
        let raw = &self.raw[self.start..self.anchor];
        let (mut literals, mut bits, mut last) = (0, 0, self.repeats.last());
        for sequence in sequences {
            literals += u64::from(sequence.literals);
            // The least of a token, and of an offset that is not the last one.
            bits += 5 + if sequence.offset == last { 0 } else { 5 + u64::from(sequence.offset.ilog2()) };
            last = sequence.offset;
        }
        // Products of two lengths: the same on machines of 32 bits.
        let [len, without] = [raw.len().max(1), plain_len_about(raw, FEW)].map(|len| len as u64);
        let literals = without * literals / len;
        if 8 * (literals + bits / 8) <= 9 * without {
            return false;
        }
        let rest = &self.raw[self.anchor..self.end];
        let alike = without * rest.len() as u64 / len;
        4 * alike.abs_diff(plain_len_about(rest, FEW) as u64) <= alike
    }

    /// All that follows the last sequence are literals.
    fn finish(&mut self) {
        while self.start < self.raw.len() {
            self.close();
        }
    }

    /// Codes the chunk, whose rest are literals, and begins the next one.
    fn close(&mut self) {
        let Coder { sequences, streams, literals, lzss, directory, body, sections, .. } = &mut *self.coder;
        let raw = &self.raw[self.start..self.end];
        let place = if sequences.is_empty() || self.is_lost {
            sections.append_plain(raw, body)
        } else {
            let tail = (self.anchor as u32, (self.end - self.anchor) as u32);
            let parts = Literals { raw: self.raw, sequences, tail, last: self.repeats.last() };
            let mut repeats = self.repeats;
            let matches = if self.settings.pipeline == Pipeline::Lzssr {
                parts.copy(literals);
                lzss.fill(sequences, tail.1);
                sections.append_lzss(literals.as_slice(), lzss, body)
            } else {
                let kind = if self.settings.are_differences_smaller(parts) {
                    parts.subtract(literals);
                    MATCHES_DIFFERENCES
                } else {
                    parts.copy(literals);
                    MATCHES
                };
                let min_match = self.settings.min_match();
                streams.fill(sequences, min_match, &mut repeats, self.settings.kernel);
                sections.append_matches(kind, literals.as_slice(), streams, body)
            };
            sections.replace_by_plain_if_smaller(raw, &matches, body).unwrap_or_else(|| {
                self.repeats = repeats;
                matches
            })
        };
        directory.push((raw.len(), place));
        sequences.clear();
        self.start = self.end;
        self.anchor = self.anchor.max(self.end);
        self.end = self.raw.len().min(self.start + self.settings.chunk_len);
        self.stop = self.end.min(self.start + LOOK_BACK);
        self.is_lost = false;
    }
}

/// So many bytes into a chunk what its matches cost is looked at.
const LOOK_BACK: usize = 32 << 10;

/// About how many bytes `raw` takes without matches, or fewer, by the entropy of a sample of it: of
/// [`SAMPLES`] pieces of so many bytes.
fn plain_len_about(raw: &[u8], piece_len: usize) -> usize {
    let stride = raw.len().div_ceil(SAMPLES).max(piece_len);
    let sample = if stride == piece_len {
        // All bytes are: few enough that eight tables would take longer to clear.
        Histogram::new(raw)
    } else {
        Histogram::of_pieces(raw.chunks(stride).map(|part| &part[..part.len().min(piece_len)]))
    };
    entropy_len(&sample, raw.len())
}

const SAMPLES: usize = 32;
const SAMPLE_LEN: usize = 512;
/// Of a sample for a first look.
const FEW: usize = 64;

/// No chunk without matches has more bytes before its payload: kind, form, length and padding.
const HEAD: usize = 16;

/// Codes the sections of one chunk.
#[derive(Debug)]
struct Sections {
    encoder: section::Encoder,
    /// Of chunks without matches.
    plain: section::Settings,
    /// Of chunks with matches.
    matches: section::Settings,
    payloads: Vec<u8>,
}

impl Default for Sections {
    fn default() -> Self {
        let settings = section::Settings::new(Kernel::Portable);
        Self { encoder: section::Encoder::new(settings), plain: settings, matches: settings, payloads: Vec::new() }
    }
}

impl Sections {
    /// Pivot decodes faster than lanes, and takes a little more in long sections. A chunk without
    /// matches is one long section, which is all that there is to decode: pivot may cost a
    /// hundredth there. The literals of chunks with matches cost less as pivot, and their other
    /// sections are short: there lanes are looked at only where the smallest is asked for. From
    /// level 4 on a deeper tree is worth its time.
    fn configure(&mut self, settings: Settings) {
        let pivot = |pivot, over_lanes| section::Settings {
            pivot: Some(pivot),
            over_lanes,
            ..section::Settings::new(settings.kernel)
        };
        (self.plain, self.matches) = match settings.prefer {
            Some(Prefer::Ratio) => [pivot(pivot::Setting::RATIO, Some(0)); 2].into(),
            Some(Prefer::Speed) => [pivot(pivot::Setting::SPEED, Some(Prefer::SPEED_MOST)); 2].into(),
            None => {
                let matches = if settings.level < 4 { pivot::Setting::QUICK } else { pivot::Setting::RATIO };
                (pivot(pivot::Setting::BALANCED, Some(10)), pivot(matches, None))
            }
        };
        self.plain.by_counts = settings.prefer.is_none();
        self.plain.min_gain = settings.min_gain;
    }

    /// Appends a chunk of `raw` without matches, behind up to [`HEAD`] bytes that mean nothing: its
    /// payload is long, and stays where it was coded. Where the chunk stands comes back.
    fn append_plain(&mut self, raw: &[u8], body: &mut Vec<u8>) -> Range<usize> {
        self.encoder.configure(self.plain);
        let payload = body.len() + HEAD;
        body.resize(payload, 0);
        let descriptor = self.encoder.encode(raw, body);
        self.payloads.clear();
        self.payloads.push(PLAIN);
        descriptor.write(SymbolCount::Derived(raw.len()), &mut self.payloads);
        descriptor.write_payload(&[], 0, &mut self.payloads);
        let start = payload - self.payloads.len();
        body[start..payload].copy_from_slice(&self.payloads);
        start..body.len()
    }

    /// Puts a chunk of `raw` without matches in the place of the last one of `body`, if that is
    /// smaller.
    fn replace_by_plain_if_smaller(
        &mut self,
        raw: &[u8],
        last: &Range<usize>,
        body: &mut Vec<u8>,
    ) -> Option<Range<usize>> {
        let coded = last.len();
        // Most chunks of many matches are far smaller than without, which a few bytes tell. Of a
        // chunk of about its raw length no sample tells that: each byte takes eight bits or fewer.
        let is_far_smaller = 4 * coded < raw.len() && plain_len_about(raw, FEW) > 2 * coded;
        let may_be_smaller = 33 * coded < 32 * raw.len();
        if is_far_smaller || may_be_smaller && 32 * plain_len_about(raw, SAMPLE_LEN) > 33 * coded {
            return None;
        }
        let plain = self.append_plain(raw, body);
        if plain.len() >= coded {
            body.truncate(last.end);
            return None;
        }
        let place = last.start..last.start + plain.len();
        body.copy_within(plain, last.start);
        body.truncate(place.end);
        Some(place)
    }

    /// Appends a chunk of items, of which these are the literals.
    fn append_lzss(&mut self, literals: &[u8], items: &lzss::Streams, body: &mut Vec<u8>) -> Range<usize> {
        let symbols = [
            (literals, SymbolCount::AtMost(0)),
            (items.lengths.as_slice(), SymbolCount::AtMost(0)),
            (&items.offset_codes, SymbolCount::Derived(0)),
            (&items.flags, SymbolCount::Derived(0)),
        ];
        self.append(lzss::KIND, symbols, &[(items.bits.as_slice(), 1), (&items.escapes, ESCAPE_LEN)], body)
    }

    /// Appends a chunk of phrases.
    fn append_lz78(&mut self, phrases: &lz78::Streams, body: &mut Vec<u8>) -> Range<usize> {
        let symbols = [(&phrases.codes[..], SymbolCount::AtMost(0)), (&phrases.symbols, SymbolCount::Derived(0))];
        self.append(lz78::KIND, symbols, &[(phrases.bits.as_slice(), 1)], body)
    }

    /// Appends a chunk with matches, of this kind.
    fn append_matches(&mut self, kind: u8, literals: &[u8], streams: &Streams, body: &mut Vec<u8>) -> Range<usize> {
        let Streams { tokens, offset_codes, literal_excess, match_excess, bits, escapes, .. } = streams;
        let symbols = [literals, tokens, offset_codes.as_slice(), literal_excess.as_slice(), match_excess.as_slice()];
        let symbols = symbols.map(|symbols| (symbols, SymbolCount::AtMost(0)));
        self.append(kind, symbols, &[(bits.as_slice(), 1), (escapes, ESCAPE_LEN)], body)
    }

    /// Appends a chunk: the descriptors of sections of `symbols`, the numbers of what is `behind`,
    /// the payloads, and that. With its bytes stands how many of them count as one. Where the chunk
    /// stands comes back.
    fn append<const N: usize>(
        &mut self,
        kind: u8,
        symbols: [(&[u8], SymbolCount); N],
        behind: &[(&[u8], usize)],
        body: &mut Vec<u8>,
    ) -> Range<usize> {
        let start = body.len();
        body.push(kind);
        self.encoder.configure(self.matches);
        self.payloads.clear();
        let descriptors: [Descriptor; N] = symbols.map(|(symbols, count)| {
            let descriptor = self.encoder.encode(symbols, &mut self.payloads);
            descriptor.write(count, body);
            descriptor
        });
        for (bytes, each) in behind {
            write_number((bytes.len() / each) as u32, body);
        }
        let mut payloads = &self.payloads[..];
        for descriptor in descriptors {
            let (payload, rest) = payloads.split_at(descriptor.payload_len);
            descriptor.write_payload(payload, start, body);
            payloads = rest;
        }
        for (bytes, _) in behind {
            body.extend_from_slice(bytes);
        }
        start..body.len()
    }
}
