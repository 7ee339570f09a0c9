//! Encoding a chunk: symbols become ranks, and each node parts those that pass through it.

use crate::pivot::{
    levels,
    steps::{SLACK, Steps, strides},
    tree::{Kind, MAX_DEPTH, Node, Tree},
};

/// Memory for encoding chunks, kept from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    ranks: Ranks,
    /// Of the static tree of a bitmap that is coded once more.
    inner_ranks: Ranks,
    bitmap: Vec<u8>,
}

/// Appends the chunk of `symbols`, each of which has a rank, to `out`.
pub(crate) fn chunk(
    tree: &Tree,
    ranks: &[u8; 256],
    symbols: &[u8],
    scratch: &mut Scratch,
    steps: &dyn Steps,
    out: &mut Vec<u8>,
) {
    let Scratch { ranks: buffers, inner_ranks, bitmap } = scratch;
    let mut encode_bitmap = |level, out: &mut Vec<u8>, at: usize| {
        let (tree, ranks) = levels::coder(level);
        bitmap.clear();
        bitmap.extend_from_slice(&out[at..]);
        out.truncate(at);
        let (first, second) = inner_ranks.of(bitmap, ranks, steps);
        let mut nodes = Nodes { tree, steps, out, encode_bitmap: &mut |_, _, _| () };
        nodes.encode(0, first, bitmap.len(), second);
    };
    let (first, second) = buffers.of(symbols, ranks, steps);
    let mut nodes = Nodes { tree, steps, out, encode_bitmap: &mut encode_bitmap };
    nodes.encode(0, first, symbols.len(), second);
}

/// Two buffers, between which the ranks of a chunk are parted.
#[derive(Debug, Default)]
struct Ranks {
    first: Vec<u8>,
    second: Vec<u8>,
}

impl Ranks {
    /// The ranks of `symbols`, and as much free room. Each level of the tree takes [`SLACK`] bytes
    /// of what stands behind them.
    fn of(&mut self, symbols: &[u8], ranks: &[u8; 256], steps: &dyn Steps) -> (&mut [u8], &mut [u8]) {
        let room = strides(symbols.len()) + SLACK * (usize::from(MAX_DEPTH) + 2);
        if self.first.len() < room {
            self.first.resize(room, 0);
            self.second.resize(room, 0);
        }
        steps.rank(symbols, ranks, &mut self.first);
        (&mut self.first, &mut self.second)
    }
}

/// Codes a bitmap once more, in a level's static tree: the bytes of the vector from a place on.
type EncodeBitmap<'a> = &'a mut dyn FnMut(u8, &mut Vec<u8>, usize);

/// What the nodes of one chunk share.
struct Nodes<'a> {
    tree: &'a Tree,
    steps: &'a dyn Steps,
    out: &'a mut Vec<u8>,
    encode_bitmap: EncodeBitmap<'a>,
}

impl Nodes<'_> {
    /// Appends the nodes of the subtree at `index`. The first `len` of `ranks` pass through it;
    /// `free` has room for as many. Both are overwritten.
    fn encode(&mut self, index: usize, ranks: &mut [u8], len: usize, free: &mut [u8]) {
        if len == 0 {
            return;
        }
        let node = self.tree.nodes[index];
        let at = self.out.len();
        match node.kind {
            Kind::Single { .. } => {}
            Kind::Packed { bits, .. } => {
                self.out.resize(at + len * usize::from(bits) / 8 + SLACK, 0);
                self.steps.pack(ranks, len, node.rank, bits, &mut self.out[at..]);
                self.end(node, at, len);
            }
            Kind::Merge { right } => {
                self.out.resize(at + strides(len) / 8, 0);
                let ones = self.steps.part(ranks, len, node.threshold, free, &mut self.out[at..]);
                self.end(node, at, len);
                self.encode(index + 1, ranks, len - ones, &mut free[ones + SLACK..]);
                self.encode(usize::from(right), free, ones, ranks);
            }
            Kind::MergeSingle { .. } => {
                self.out.resize(at + strides(len) / 8, 0);
                let ones = self.steps.part_single(ranks, len, node.threshold, free, &mut self.out[at..]);
                self.end(node, at, len);
                self.encode(index + 2, free, ones, ranks);
            }
        }
    }

    /// Cuts off what stands behind the bytes of a node, which begin at `at`.
    fn end(&mut self, node: Node, at: usize, len: usize) {
        self.out.truncate(at + node.coded_len(len));
        if node.level > 0 {
            (self.encode_bitmap)(node.level, self.out, at);
        }
    }
}
