//! Columns of text.

use crate::commands::top::tame;
use std::io::{self, Write};

/// A table with a line of titles.
pub(in crate::commands) struct Table<const N: usize> {
    titles: [&'static str; N],
    rows: Vec<[String; N]>,
}

/// The widest that a column becomes because of one row.
const WIDEST: usize = 64;

impl<const N: usize> Table<N> {
    /// Columns of numbers have a title that begins with `>`: they stand at the right.
    pub(in crate::commands) fn new(titles: [&'static str; N]) -> Self {
        Self {
            titles,
            rows: Vec::new(),
        }
    }

    /// What servers say is shown without what terminals obey.
    pub(in crate::commands) fn row(&mut self, row: [String; N]) {
        self.rows.push(row.map(|field| tame(&field)));
    }

    pub(in crate::commands) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let titles = self.titles.map(|title| title.trim_start_matches('>').to_owned());
        let mut widths = [0; N];
        for row in [&titles].into_iter().chain(&self.rows) {
            for (width, field) in widths.iter_mut().zip(row) {
                *width = (*width).max(field.chars().count().min(WIDEST));
            }
        }
        for row in [&titles].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for ((field, title), width) in row.iter().zip(self.titles).zip(widths) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                line += &match title.starts_with('>') {
                    true => format!("{field:>width$}"),
                    false => format!("{field:<width$}"),
                };
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut table = Table::new(["NAME", ">SIZE", "NOTE"]);
        table.row(["a".to_owned(), "12345".to_owned(), "x\u{1b}[2J".to_owned()]);
        table.row(["long name".to_owned(), "1".to_owned(), String::new()]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let expected = "NAME        SIZE  NOTE\na          12345  x?[2J\nlong name      1\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
