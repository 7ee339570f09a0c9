//! The table of a payload (FORMAT.md, 13.1).

use crate::{
    error::Corruption,
    format::{bits::BitWriter, fields::Fields},
    pivot::{
        levels::LEVELS,
        sort::symbols_of,
        steps::{SLACK, Steps},
        tree::{Groups, MAX_BITS, MAX_DEPTH, MAX_GROUPS, Shape, Tree},
    },
};

/// Bit of the first byte: coded bitmaps are listed.
const CODED_BITMAPS: u8 = 0x80;

/// Symbols that share a row of the bitmap of used symbols.
const ROW: usize = 32;

/// All rows.
pub(crate) const ROWS: usize = 256 / ROW;

/// Appends the table of a tree.
pub(crate) fn write(tree: &Tree, out: &mut Vec<u8>) {
    let coded = tree.nodes.iter().filter(|node| node.level > 0).count() as u8;
    let groups = &tree.groups;
    out.push(groups.len() as u8 | if coded > 0 { CODED_BITMAPS } else { 0 });
    out.extend(groups.shapes().iter().map(|shape| shape.0));
    let (mut used, mut group_of) = ([0_u32; ROWS], [0; 256]);
    for (group, (_, symbols)) in groups.iter().enumerate() {
        for symbol in symbols.iter().copied().map(usize::from) {
            used[symbol / ROW] |= 1 << (symbol % ROW);
            group_of[symbol] = group as u32;
        }
    }
    out.push((0..used.len()).map(|row| u8::from(used[row] != 0) << row).sum());
    out.extend(used.iter().filter(|&&row| row != 0).flat_map(|row| row.to_le_bytes()));
    let width = group_width(groups.len());
    let mut bits = BitWriter::new(out);
    let (symbols, count) = symbols_of(&used);
    const { assert!(MAX_GROUPS <= 1 << (56 / TOGETHER), "so many bits are put together") };
    for symbols in symbols[..count].chunks(TOGETHER) {
        let groups = symbols.iter().rev();
        let groups = groups.fold(0, |bits, &symbol| bits << width | u64::from(group_of[usize::from(symbol)]));
        bits.put(groups, width * symbols.len() as u32);
    }
    bits.finish();
    if coded > 0 {
        out.push(coded);
        let listed = tree.nodes.iter().enumerate().filter(|(_, node)| node.level > 0);
        out.extend(listed.flat_map(|(index, node)| [index as u8, node.level]));
    }
}

/// Groups that are written together.
const TOGETHER: usize = 8;

/// Reads a table, and makes the tree of it.
pub(crate) fn parse(fields: &mut Fields, tree: &mut Tree, steps: &dyn Steps) -> Result<(), Corruption> {
    let first = fields.u8("groups")?;
    let count = usize::from(first & !CODED_BITMAPS);
    if !(1..=MAX_GROUPS).contains(&count) {
        return Err(Corruption::Field { field: "groups", found: count as u64 });
    }
    let shapes = parse_shapes(fields, count)?;
    parse_symbols(fields, &shapes[..count], &mut tree.groups, steps)?;
    tree.build();
    if first & CODED_BITMAPS != 0 {
        parse_coded_bitmaps(fields, tree)?;
    }
    Ok(())
}

fn parse_shapes(fields: &mut Fields, count: usize) -> Result<[Shape; MAX_GROUPS], Corruption> {
    let mut shapes = [Shape(0); MAX_GROUPS];
    let (mut code_space, mut before) = (0, None);
    for (shape, &byte) in shapes.iter_mut().zip(fields.bytes(count, "shapes")?) {
        *shape = Shape(byte);
        let repeated = before == Some(*shape) && shape.bits() == 0;
        if before > Some(*shape) || repeated || shape.bits() > MAX_BITS {
            return Err(Corruption::Field { field: "shape of a group", found: byte.into() });
        }
        code_space += 1 << (MAX_DEPTH - shape.depth());
        before = Some(*shape);
    }
    if code_space != 1_u64 << MAX_DEPTH {
        return Err(Corruption::Field { field: "code space of the groups", found: code_space });
    }
    Ok(shapes)
}

/// Which symbols are used, and the group of each.
fn parse_symbols(
    fields: &mut Fields,
    shapes: &[Shape],
    groups: &mut Groups,
    steps: &dyn Steps,
) -> Result<(), Corruption> {
    let used = parse_used(fields)?;
    let symbols = used.iter().map(|row| row.count_ones() as usize).sum::<usize>();
    let bits = symbols * group_width(shapes.len()) as usize;
    let behind = fields.rest();
    let packed = fields.bytes(bits.div_ceil(8), "groups of the symbols")?;
    let mut padded = [0; 192 + SLACK];
    let readable = if bits / 8 + SLACK <= behind.len() {
        behind
    } else {
        padded[..packed.len()].copy_from_slice(packed);
        &padded
    };
    let numbers = unpack(readable, symbols, shapes.len(), steps);
    if groups.sort(shapes, &used, &numbers, steps) != symbols {
        let outside = numbers[..symbols].iter().find(|number| usize::from(**number) >= shapes.len());
        let found = outside.copied().unwrap_or_default().into();
        return Err(Corruption::Field { field: "group of a symbol", found });
    }
    if !bits.is_multiple_of(8) && packed.last().is_some_and(|last| last >> (bits % 8) != 0) {
        return Err(Corruption::Padding);
    }
    if !groups.have_sizes_of_shapes() {
        return Err(Corruption::Field { field: "symbols", found: symbols as u64 });
    }
    if groups.are_ordered() { Ok(()) } else { Err(Corruption::GroupOrder) }
}

/// The used symbols: a bit for each.
fn parse_used(fields: &mut Fields) -> Result<[u32; ROWS], Corruption> {
    let rows = fields.u8("rows")?;
    let mut used = [0; ROWS];
    for (index, row) in used.iter_mut().enumerate().filter(|(index, _)| rows >> index & 1 == 1) {
        *row = fields.u32("used symbols")?;
        if *row == 0 {
            return Err(Corruption::Field { field: "rows", found: 1 << index });
        }
    }
    Ok(used)
}

/// The group of each used symbol. `packed` has [`SLACK`] bytes more than it needs.
fn unpack(packed: &[u8], symbols: usize, groups: usize, steps: &dyn Steps) -> [u8; 256] {
    let mut numbers = [0; 256];
    let width = group_width(groups) as u8;
    if width > 0 {
        let mut table: [u8; 256] = std::array::from_fn(|number| number as u8);
        for number in &mut table {
            *number &= (1 << width) - 1;
        }
        steps.unpack(&mut numbers, symbols, packed, width, &table);
    }
    numbers
}

fn parse_coded_bitmaps(fields: &mut Fields, tree: &mut Tree) -> Result<(), Corruption> {
    let count = fields.u8("coded bitmaps")?;
    if !(1..=127).contains(&count) {
        return Err(Corruption::Field { field: "coded bitmaps", found: count.into() });
    }
    let mut next = 0;
    for &[index, level] in fields.bytes(2 * usize::from(count), "coded bitmaps")?.as_chunks().0 {
        let bitmap = tree.nodes.get_mut(usize::from(index)).filter(|node| index >= next && node.is_bitmap());
        let Some(node) = bitmap else {
            return Err(Corruption::Field { field: "node of a coded bitmap", found: index.into() });
        };
        if !(1..=LEVELS).contains(&usize::from(level)) {
            return Err(Corruption::Field { field: "level of a coded bitmap", found: level.into() });
        }
        node.level = level;
        next = index + 1;
    }
    Ok(())
}

/// Bits of a group's number, `groups` not 0.
fn group_width(groups: usize) -> u32 {
    usize::BITS - (groups - 1).leading_zeros()
}
