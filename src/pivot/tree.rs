//! The tree of a payload: groups of symbols as leaves, merges above them.

use crate::pivot::{steps::Steps, table::ROWS};

/// The most groups of a tree.
pub(crate) const MAX_GROUPS: usize = 64;

/// The deepest a group may stand.
pub(crate) const MAX_DEPTH: u8 = 15;

/// The most low bits that a group's codes have.
pub(crate) const MAX_BITS: u8 = 8;

/// The most nodes of a tree.
pub(crate) const MAX_NODES: usize = 2 * MAX_GROUPS - 1;

/// Bytes of a look-up table that vectors may load: one that begins at a group's table.
pub(crate) const LOOK_UP_LEN: usize = 256;

/// Bytes that the symbols of all groups stand in: behind any of them is room for a table, and for a
/// vector.
pub(crate) const SYMBOLS_ROOM: usize = 512;

/// Where a group stands and how large it is: `depth << 4 | bits`, as on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Shape(pub(crate) u8);

impl Shape {
    pub(crate) fn new(depth: u8, bits: u8) -> Self {
        Self(depth << 4 | bits)
    }

    /// Bits of the code that all symbols of the group share.
    pub(crate) fn depth(self) -> u8 {
        self.0 >> 4
    }

    /// Bits of the code that tell the symbols of the group apart.
    pub(crate) fn bits(self) -> u8 {
        self.0 & 15
    }
}

/// Groups of symbols, in the order of the leaves.
#[derive(Debug, Clone)]
pub(crate) struct Groups {
    count: usize,
    shapes: [Shape; MAX_GROUPS],
    /// Where in `symbols` each group begins. The last one ends where the next begins.
    starts: [u16; MAX_GROUPS + 1],
    symbols: [u8; SYMBOLS_ROOM],
}

impl Default for Groups {
    fn default() -> Self {
        Self { count: 0, shapes: [Shape(0); MAX_GROUPS], starts: [0; MAX_GROUPS + 1], symbols: [0; SYMBOLS_ROOM] }
    }
}

impl Groups {
    pub(crate) fn clear(&mut self) {
        self.count = 0;
    }

    /// Appends a group. At most [`MAX_GROUPS`], and 256 symbols in all.
    pub(crate) fn push(&mut self, shape: Shape, symbols: impl IntoIterator<Item = u8>) {
        let mut end = usize::from(self.starts[self.count]);
        for symbol in symbols {
            self.symbols[end] = symbol;
            end += 1;
        }
        self.shapes[self.count] = shape;
        self.count += 1;
        self.starts[self.count] = end as u16;
    }

    /// Takes groups of these shapes, and the `used` symbols with the `numbers` of their groups, in
    /// rising order. How many of them have a group comes back.
    pub(crate) fn sort(
        &mut self,
        shapes: &[Shape],
        used: &[u32; ROWS],
        numbers: &[u8; 256],
        steps: &dyn Steps,
    ) -> usize {
        self.count = shapes.len();
        self.shapes[..shapes.len()].copy_from_slice(shapes);
        steps.sort(used, numbers, &mut self.starts[..=shapes.len()], &mut self.symbols);
        self.starts[shapes.len()].into()
    }

    /// Whether each group has as many symbols as its shape asks for.
    pub(crate) fn have_sizes_of_shapes(&self) -> bool {
        let fits = |group: usize| {
            let (size, most) = (self.starts[group + 1] - self.starts[group], 1 << self.shapes[group].bits());
            size <= most && size > most / 2
        };
        (0..self.count).all(fits)
    }

    /// Whether of two groups of one shape the first has the smaller first symbol. None is empty.
    pub(crate) fn are_ordered(&self) -> bool {
        let first = |group| self.symbols[usize::from(self.starts[group])];
        (1..self.count).all(|group| self.shapes[group - 1] != self.shapes[group] || first(group - 1) < first(group))
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn shapes(&self) -> &[Shape] {
        &self.shapes[..self.count]
    }

    /// The symbols of a group, in rising order.
    pub(crate) fn symbols_of(&self, group: usize) -> &[u8] {
        &self.symbols[usize::from(self.starts[group])..usize::from(self.starts[group + 1])]
    }

    /// All used symbols. A symbol's place here is its *rank*.
    pub(crate) fn symbols(&self) -> &[u8] {
        &self.symbols[..usize::from(self.starts[self.count])]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Shape, &[u8])> {
        (0..self.count).map(|group| (self.shapes[group], self.symbols_of(group)))
    }
}

/// Bytes of the table of a group with so many bits.
fn table_room(bits: u8) -> usize {
    match bits {
        0 => 0,
        _ => 16.max(1 << bits),
    }
}

/// What a node does with the symbols that pass through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A group with one symbol: no bits.
    Single { symbol: u8 },
    /// A group with several symbols: a number of so many bits each.
    Packed { bits: u8, table: u16 },
    /// A bit for each symbol, and two children. The left one is the next node.
    Merge { right: u8 },
    /// A merge whose left child is a `Single`. The right one is the node behind that.
    MergeSingle { symbol: u8 },
}

/// A node of the tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) depth: u8,
    /// Rank of the first symbol below it.
    pub(crate) rank: u8,
    /// Rank of the first symbol whose decision is 1, if it has a bitmap.
    pub(crate) threshold: u8,
    /// The level of the static tree that its bitmap is coded with; 0: it is not coded.
    pub(crate) level: u8,
}

impl Node {
    /// Whether it is one that has a bit for each symbol, and so may be coded once more.
    pub(crate) fn is_bitmap(self) -> bool {
        !matches!(self.kind, Kind::Single { .. } | Kind::Packed { bits: 2.., .. })
    }

    /// Bytes that it has for so many symbols.
    pub(crate) fn coded_len(self, symbols: usize) -> usize {
        match self.kind {
            Kind::Single { .. } => 0,
            Kind::Packed { bits, .. } => (symbols * usize::from(bits)).div_ceil(8),
            Kind::Merge { .. } | Kind::MergeSingle { .. } => symbols.div_ceil(8),
        }
    }
}

/// The tree over some groups. Made anew for each payload, in the same memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    pub(crate) groups: Groups,
    /// In preorder.
    pub(crate) nodes: Vec<Node>,
    /// The nodes that are no `Single`, each behind its children.
    pub(crate) postorder: Vec<u8>,
    /// The symbols of each `Packed` group, one for each of its numbers; tables of less than 16
    /// numbers are repeated up to 16. [`LOOK_UP_LEN`] bytes can be read from the start of each.
    tables: Vec<u8>,
}

impl Tree {
    /// Makes the nodes over `self.groups`, whose shapes do not fall, fill the code space exactly,
    /// and have one group without bits a depth at most.
    #[inline(never)]
    pub(crate) fn build(&mut self) {
        self.nodes.clear();
        self.postorder.clear();
        let tables_len = self.groups.shapes().iter().map(|shape| table_room(shape.bits())).sum::<usize>();
        if self.tables.len() < tables_len + LOOK_UP_LEN {
            self.tables.resize(tables_len + LOOK_UP_LEN, 0);
        }
        // The merges above the next leaf, and a bit for each of which the right child is at hand.
        let (mut above, mut rights) = ([0_u8; MAX_DEPTH as usize + 1], 0_u32);
        let (mut depth, mut table) = (0, 0);
        for group in 0..self.groups.len() {
            let (shape, rank) = (self.groups.shapes[group], self.groups.starts[group] as u8);
            let node = |kind, depth| Node { kind, depth, rank, threshold: 0, level: 0 };
            while depth < shape.depth() {
                above[usize::from(depth)] = self.nodes.len() as u8;
                self.nodes.push(node(Kind::Merge { right: 0 }, depth));
                rights <<= 1;
                depth += 1;
            }
            if shape.bits() > 0 {
                self.postorder.push(self.nodes.len() as u8);
            }
            let kind = self.leaf(group, shape.bits(), table);
            self.nodes.push(Node { threshold: rank.wrapping_add(1), ..node(kind, depth) });
            table += table_room(shape.bits());
            while rights & 1 == 1 {
                depth -= 1;
                rights >>= 1;
                self.postorder.push(above[usize::from(depth)]);
            }
            // The last group's leaf is the end of the root.
            if let Some(at) = depth.checked_sub(1) {
                rights |= 1;
                self.set_right(above[usize::from(at)].into(), self.groups.starts[group + 1] as u8);
            }
        }
    }

    /// The right child of a merge is the next node; it begins with the symbol of rank `threshold`.
    fn set_right(&mut self, merge: usize, threshold: u8) {
        let right = self.nodes.len() as u8;
        self.nodes[merge].threshold = threshold;
        self.nodes[merge].kind = match self.nodes[merge + 1].kind {
            Kind::Single { symbol } => Kind::MergeSingle { symbol },
            _ => Kind::Merge { right },
        };
    }

    /// The leaf of a group. Its table is made at `table`.
    fn leaf(&mut self, group: usize, bits: u8, table: usize) -> Kind {
        let [start, end] = [group, group + 1].map(|group| usize::from(self.groups.starts[group]));
        let symbols = &self.groups.symbols[start..];
        let (size, last) = (end - start, self.groups.symbols[end - 1]);
        let out = &mut self.tables[table..][..table_room(bits)];
        match bits {
            0 => return Kind::Single { symbol: last },
            1..=3 => {
                let word = symbols.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
                let symbols = u64::MAX >> (64 - 8 * size);
                let word = word & symbols | u64::from_le_bytes([last; 8]) & !symbols;
                let word = match bits {
                    1 => (word & 0xFFFF) * 0x0001_0001_0001_0001,
                    2 => (word & 0xFFFF_FFFF) * 0x0000_0001_0000_0001,
                    _ => word,
                };
                for half in out.as_chunks_mut().0 {
                    *half = word.to_le_bytes();
                }
            }
            _ => {
                out.copy_from_slice(&symbols[..out.len()]);
                out[size..].fill(last);
            }
        }
        Kind::Packed { bits, table: table as u16 }
    }

    /// The symbols of a packed group by their numbers, and what stands behind them.
    pub(crate) fn table(&self, table: u16) -> &[u8; LOOK_UP_LEN] {
        let rest = &self.tables[usize::from(table)..];
        rest.first_chunk().unwrap_or(&[0; LOOK_UP_LEN])
    }

    /// For each node the rank behind those of all symbols below it.
    pub(crate) fn ends(&self) -> [u16; MAX_NODES] {
        let mut ends = [0; MAX_NODES];
        let mut group = self.groups.len();
        for (index, node) in self.nodes.iter().enumerate().rev() {
            ends[index] = match node.kind {
                Kind::Single { .. } | Kind::Packed { .. } => {
                    group -= 1;
                    self.groups.starts[group + 1]
                }
                Kind::Merge { right } => ends[usize::from(right)],
                Kind::MergeSingle { .. } => ends[index + 2],
            };
        }
        ends
    }

    /// The rank of each used symbol.
    pub(crate) fn ranks(&self) -> [u8; 256] {
        let mut ranks = [0; 256];
        for (rank, &symbol) in self.groups.symbols().iter().enumerate() {
            ranks[usize::from(symbol)] = rank as u8;
        }
        ranks
    }
}
