//! Decoding a chunk: the lengths of all nodes from the root down, then merges from the leaves up.

use crate::{
    format::bits::BitStringError,
    pivot::{
        levels,
        steps::{SLACK, STRIDE, Steps, strides},
        tree::{Kind, MAX_DEPTH, MAX_NODES, Node, Tree},
    },
};

/// Memory for decoding chunks, kept from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    buffers: Buffers,
    plan: Plan,
    /// Of the static tree of a coded bitmap.
    inner_plan: Plan,
}

/// Bytes of a payload from somewhere on, and what can be read behind them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    readable: &'a [u8],
    len: usize,
}

impl<'a> Source<'a> {
    /// The first `len` of the bytes that can be read, which are as many.
    pub(crate) fn new(readable: &'a [u8], len: usize) -> Self {
        Self { readable, len }
    }

    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// Without the first `read`, of which there are as many.
    pub(crate) fn skip(self, read: usize) -> Self {
        Self { readable: &self.readable[read..], len: self.len - read }
    }

    /// So many bytes from `at` on, if there are as many.
    fn get(self, at: usize, len: usize) -> Option<&'a [u8]> {
        self.readable[at..self.len].get(..len)
    }
}

/// Decodes the chunk of `len` symbols that `source` begins with to the start of `out`, which may go
/// on: what stands there may be overwritten. How many bytes the chunk has comes back.
pub(crate) fn chunk(
    tree: &Tree,
    source: Source,
    len: usize,
    out: &mut [u8],
    scratch: &mut Scratch,
    steps: &dyn Steps,
) -> Result<usize, BitStringError> {
    let Scratch { buffers, plan, inner_plan } = scratch;
    buffers.make_room(len);
    let coded_len = plan.make(tree, source, len, steps, &mut |level, coded, bitmap, len| {
        let tree = levels::tree(level);
        let coded_len = inner_plan.make(tree, coded, len, steps, &mut |_, _, _, _| Ok(0))?;
        inner_plan.merge(tree, coded.readable, bitmap, buffers, steps);
        Ok(coded_len)
    })?;
    plan.merge(tree, source.readable, out, buffers, steps);
    Ok(coded_len)
}

/// Decodes a bitmap of a level: from where its bytes stand, to the front of a buffer, so many
/// bytes. How many it was made of comes back.
type DecodeBitmap<'a> = &'a mut dyn FnMut(u8, Source, &mut [u8], usize) -> Result<usize, BitStringError>;

/// Processors tell addresses that a store and a load have by their lowest bits first: places in the
/// two buffers that are half of this apart are not taken for the same.
const PAGE: usize = 4096;

/// Symbols of nodes at even depths, and at odd depths.
///
/// A node's symbols begin where those of its subtree do, and behind those of all nodes that were
/// decoded before and are still needed. To the right is nothing of use: a step may write beyond its
/// last symbol. Each node begins with a stride, so that no store of a vector is two.
#[derive(Debug, Default)]
struct Buffers {
    both: Vec<u8>,
    /// Where those at even depths begin, and those at odd depths.
    begins: [usize; 2],
}

impl Buffers {
    /// Makes room for a chunk of `len` symbols. A node may begin at its last symbol, and less than
    /// a stride later for each node above; a step asks for [`SLACK`] bytes more than the node's
    /// parent has symbols.
    fn make_room(&mut self, len: usize) {
        let room = 2 * strides(len) + 2 * SLACK + STRIDE * usize::from(MAX_DEPTH);
        // The second buffer is the shorter one.
        if self.both.len() - self.begins[1] < room {
            let room = room.next_multiple_of(PAGE);
            self.both.resize(STRIDE + 2 * room + PAGE / 2, 0);
            let even = self.both.as_ptr().align_offset(STRIDE).min(STRIDE);
            self.begins = [even, even + room + PAGE / 2];
        }
    }

    /// The one of nodes at `depth`, and the one of their children.
    fn at(&mut self, depth: u8) -> (&mut [u8], &[u8]) {
        let [even, odd] = self.begins;
        let (first, second) = self.both.split_at_mut(odd);
        let first = &mut first[even..];
        if depth.is_multiple_of(2) { (first, second) } else { (second, first) }
    }
}

/// Where a node's bytes and symbols are.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// How many symbols pass through it.
    symbols: usize,
    /// Where they begin in their buffer.
    at: usize,
    /// Where its bytes begin: in the chunk, or in the spare bytes.
    bytes_at: usize,
    is_spare: bool,
}

/// The places of all nodes in one chunk.
#[derive(Debug)]
struct Plan {
    places: [Place; MAX_NODES],
    /// Bytes of nodes that do not stand in the payload as they are, or so near its end that a step
    /// would read beyond. Behind `spare_len` stands what former chunks had there.
    spare: Vec<u8>,
    spare_len: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self { places: [Place::default(); MAX_NODES], spare: Vec::new(), spare_len: 0 }
    }
}

impl Plan {
    /// Finds the places of all nodes, and verifies their spare bits. How many bytes of `source` the
    /// chunk has comes back.
    fn make(
        &mut self,
        tree: &Tree,
        source: Source,
        len: usize,
        steps: &dyn Steps,
        decode_bitmap: DecodeBitmap,
    ) -> Result<usize, BitStringError> {
        self.spare_len = 0;
        self.places[0] = Place { symbols: len, ..Place::default() };
        let mut read = 0;
        for (index, &node) in tree.nodes.iter().enumerate() {
            let mut ones = 0;
            if node.coded_len(self.places[index].symbols) > 0 {
                read += self.find_bytes(node, index, source, read, decode_bitmap)?;
                let bytes = self.verified_bytes(node, index, source.readable)?;
                if matches!(node.kind, Kind::Merge { .. } | Kind::MergeSingle { .. }) {
                    ones = steps.ones(bytes);
                }
            }
            self.place_children(node, index, ones);
        }
        Ok(read)
    }

    /// Finds where the bytes of a node are, which begin at `read` or are coded there. How many
    /// bytes they have in `source` comes back.
    #[inline(always)]
    fn find_bytes(
        &mut self,
        node: Node,
        index: usize,
        source: Source,
        read: usize,
        decode_bitmap: DecodeBitmap,
    ) -> Result<usize, BitStringError> {
        let symbols = self.places[index].symbols;
        let (needed, spare_at) = (node.coded_len(symbols), self.spare_len);
        let mut coded_len = needed;
        let mut at = (read, false);
        if node.level > 0 {
            self.grow_spare(strides(needed) + SLACK);
            coded_len = decode_bitmap(node.level, source.skip(read), &mut self.spare[spare_at..], needed)?;
            at = (spare_at, true);
        } else {
            let Some(bytes) = source.get(read, needed) else { return Err(BitStringError::Ended) };
            if read + readable_len(node, symbols) > source.readable.len() {
                self.grow_spare(readable_len(node, symbols));
                self.spare[spare_at..][..needed].copy_from_slice(bytes);
                at = (spare_at, true);
            }
        }
        let place = &mut self.places[index];
        (place.bytes_at, place.is_spare) = at;
        Ok(coded_len)
    }

    /// The bytes of a node, whose spare bits are 0.
    fn verified_bytes<'a>(&'a self, node: Node, index: usize, source: &'a [u8]) -> Result<&'a [u8], BitStringError> {
        let symbols = self.places[index].symbols;
        let bytes = &self.bytes(index, source)[..node.coded_len(symbols)];
        verify_spare_bits(node, symbols, bytes)?;
        Ok(bytes)
    }

    /// Takes so many spare bytes more.
    #[inline(never)]
    fn grow_spare(&mut self, len: usize) {
        self.spare_len += len;
        if self.spare.len() < self.spare_len {
            self.spare.resize(self.spare_len, 0);
        }
    }

    /// The places of the children of a node, of whose symbols so many go to the right.
    fn place_children(&mut self, node: Node, index: usize, ones: usize) {
        let Place { symbols, at, .. } = self.places[index];
        let child = |symbols, at| Place { symbols, at, ..Place::default() };
        match node.kind {
            Kind::Merge { right } => {
                let zeros = symbols - ones;
                self.places[index + 1] = child(zeros, at);
                self.places[usize::from(right)] = child(ones, strides(at + zeros));
            }
            Kind::MergeSingle { .. } => self.places[index + 2] = child(ones, at),
            Kind::Single { .. } | Kind::Packed { .. } => {}
        }
    }

    /// Decodes all nodes, children first. The root's symbols go to `out`.
    fn merge(&self, tree: &Tree, source: &[u8], out: &mut [u8], buffers: &mut Buffers, steps: &dyn Steps) {
        let Some((_, below)) = tree.postorder.split_last() else {
            if let Kind::Single { symbol } = tree.nodes[0].kind {
                out[..self.places[0].symbols].fill(symbol);
            }
            return;
        };
        for &index in below {
            let index = usize::from(index);
            let place = &self.places[index];
            if place.symbols > 0 {
                let (out, children) = buffers.at(tree.nodes[index].depth);
                let children = self.children(tree, index, children);
                step(tree, index, self.bytes(index, source), place.symbols, children, &mut out[place.at..], steps);
            }
        }
        self.merge_root(tree, source, out, &buffers.both[buffers.begins[1]..], steps);
    }

    /// Where `out` has no room behind the last symbol, the last few take a way of their own.
    fn merge_root(&self, tree: &Tree, source: &[u8], out: &mut [u8], children: &[u8], steps: &dyn Steps) {
        let len = self.places[0].symbols;
        let bytes = self.bytes(0, source);
        let children = self.children(tree, 0, children);
        if out.len() >= strides(len) {
            step(tree, 0, bytes, len, children, out, steps);
            return;
        }
        let whole = len / STRIDE * STRIDE;
        let (head, tail) = out.split_at_mut(whole);
        let ones = step(tree, 0, bytes, whole, children, head, steps);
        let [left, right] = children;
        let children = [left.get(whole - ones..).unwrap_or_default(), right.get(ones..).unwrap_or_default()];
        let mut last = [0; STRIDE];
        let bytes = &bytes[tree.nodes[0].coded_len(whole)..];
        step(tree, 0, bytes, len - whole, children, &mut last, steps);
        tail[..len - whole].copy_from_slice(&last[..len - whole]);
    }

    /// A node's bytes, and what follows them.
    #[inline(always)]
    fn bytes<'a>(&'a self, index: usize, source: &'a [u8]) -> &'a [u8] {
        let Place { bytes_at, is_spare, .. } = self.places[index];
        let bytes = if is_spare { &self.spare } else { source };
        &bytes[bytes_at..]
    }

    /// The symbols of both children of a node, which are in `buffer`, and what follows them.
    #[inline(always)]
    fn children<'a>(&self, tree: &Tree, index: usize, buffer: &'a [u8]) -> [&'a [u8]; 2] {
        match tree.nodes[index].kind {
            Kind::Merge { right } => {
                [&buffer[self.places[index + 1].at..], &buffer[self.places[usize::from(right)].at..]]
            }
            Kind::MergeSingle { .. } => [&[], &buffer[self.places[index + 2].at..]],
            Kind::Single { .. } | Kind::Packed { .. } => [&[], &[]],
        }
    }
}

/// Makes `len` symbols of a node. How many of them came from the right child comes back. Those of
/// the root do not go to the buffers, which are in the caches.
fn step(
    tree: &Tree,
    index: usize,
    bytes: &[u8],
    len: usize,
    [left, right]: [&[u8]; 2],
    out: &mut [u8],
    steps: &dyn Steps,
) -> usize {
    match tree.nodes[index].kind {
        Kind::Single { .. } => 0,
        Kind::Packed { bits, table } => {
            steps.unpack(out, len, bytes, bits, tree.table(table));
            0
        }
        Kind::Merge { .. } if index == 0 => steps.merge_ahead(out, len, bytes, left, right),
        Kind::Merge { .. } => steps.merge(out, len, bytes, left, right),
        Kind::MergeSingle { symbol } if index == 0 => steps.merge_single_ahead(out, len, bytes, symbol, right),
        Kind::MergeSingle { symbol } => steps.merge_single(out, len, bytes, symbol, right),
    }
}

/// Bytes that a step may read from where a node's bytes begin.
fn readable_len(node: Node, symbols: usize) -> usize {
    match node.kind {
        Kind::Single { .. } => 0,
        Kind::Packed { bits, .. } => symbols * usize::from(bits) / 8 + SLACK,
        Kind::Merge { .. } | Kind::MergeSingle { .. } => strides(symbols) / 8,
    }
}

/// Bits of a node's last byte that no symbol has are 0.
fn verify_spare_bits(node: Node, symbols: usize, bytes: &[u8]) -> Result<(), BitStringError> {
    let bits = match node.kind {
        Kind::Packed { bits, .. } => symbols * usize::from(bits),
        _ => symbols,
    };
    match bytes.last() {
        Some(last) if !bits.is_multiple_of(8) && last >> (bits % 8) != 0 => Err(BitStringError::Padding),
        _ => Ok(()),
    }
}
