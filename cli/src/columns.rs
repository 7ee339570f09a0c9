//! Tables on standard output.

use comfy_table::{CellAlignment, Table, presets};

/// A table without lines. Figures stand to the right of their columns, words to the left.
pub(crate) struct Columns(Table);

impl Columns {
    /// The columns with figures come first.
    pub(crate) fn new(figures: &[&str], words: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(figures.iter().chain(words));
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if index < figures.len() {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self(table)
    }

    pub(crate) fn add(&mut self, cells: Vec<String>) {
        self.0.add_row(cells);
    }

    pub(crate) fn finish(&self) -> String {
        self.0.trim_fmt() + "\n"
    }
}
