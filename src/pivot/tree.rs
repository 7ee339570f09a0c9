//! The tree of a payload: groups of symbols as leaves, merges above them.

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
    symbols: [u8; 256],
}

impl Default for Groups {
    fn default() -> Self {
        Self { count: 0, shapes: [Shape(0); MAX_GROUPS], starts: [0; MAX_GROUPS + 1], symbols: [0; 256] }
    }
}

impl Groups {
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

    /// Makes room for groups of these `sizes`, to be [filled](Self::fill). `None`: a group has not
    /// as many symbols as its shape asks for.
    pub(crate) fn lay_out(&mut self, shapes: &[Shape], sizes: &[u16; MAX_GROUPS]) -> Option<()> {
        self.count = shapes.len();
        self.shapes[..shapes.len()].copy_from_slice(shapes);
        let mut end = 0;
        for (group, (shape, &size)) in shapes.iter().zip(sizes).enumerate() {
            let most = 1 << shape.bits();
            if size > most || size <= most / 2 {
                return None;
            }
            end += size;
            self.starts[group + 1] = end;
        }
        Some(())
    }

    /// Takes all symbols, in rising order, with their groups. `None`: of two groups of one shape,
    /// the first has not the smaller first symbol.
    pub(crate) fn fill(&mut self, symbols: impl Iterator<Item = (u8, u8)>) -> Option<()> {
        let mut next = self.starts;
        for (symbol, group) in symbols {
            let place = &mut next[usize::from(group)];
            self.symbols[usize::from(*place)] = symbol;
            *place += 1;
        }
        let first = |group| self.symbols[usize::from(self.starts[group])];
        let ordered = |group| self.shapes[group - 1] != self.shapes[group] || first(group - 1) < first(group);
        (1..self.count).all(ordered).then_some(())
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
    pub(crate) fn build(&mut self) {
        self.nodes.clear();
        self.postorder.clear();
        self.tables.clear();
        let (mut group, mut rank) = (0, 0);
        self.build_node(0, &mut group, &mut rank);
        self.tables.resize(self.tables.len() + LOOK_UP_LEN, 0);
    }

    /// Appends the subtree at `depth` that begins with `group`.
    fn build_node(&mut self, depth: u8, group: &mut usize, rank: &mut usize) {
        let index = self.nodes.len();
        let shape = self.groups.shapes[*group];
        let node = Node { kind: Kind::Single { symbol: 0 }, depth, rank: *rank as u8, threshold: 0, level: 0 };
        self.nodes.push(node);
        if shape.depth() <= depth {
            self.nodes[index].kind = self.leaf(*group, shape.bits());
            self.nodes[index].threshold = *rank as u8 + 1;
            *rank += self.groups.symbols_of(*group).len();
            *group += 1;
            if shape.bits() > 0 {
                self.postorder.push(index as u8);
            }
            return;
        }
        self.build_node(depth + 1, group, rank);
        let right = self.nodes.len();
        self.nodes[index].threshold = *rank as u8;
        self.build_node(depth + 1, group, rank);
        self.nodes[index].kind = match self.nodes[index + 1].kind {
            Kind::Single { symbol } => Kind::MergeSingle { symbol },
            _ => Kind::Merge { right: right as u8 },
        };
        self.postorder.push(index as u8);
    }

    fn leaf(&mut self, group: usize, bits: u8) -> Kind {
        let start = usize::from(self.groups.starts[group]);
        let symbols = &self.groups.symbols[start..usize::from(self.groups.starts[group + 1])];
        let last = symbols[symbols.len() - 1];
        if bits == 0 {
            return Kind::Single { symbol: last };
        }
        let table = self.tables.len();
        self.tables.extend_from_slice(symbols);
        self.tables.resize(table + (1 << bits), last);
        while self.tables.len() < table + 16 {
            self.tables.extend_from_within(table..);
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
