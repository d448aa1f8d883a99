//! Text in columns.

/// Rows of cells under a header.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// Columns before this one are words and start on the left; the others are numbers.
    words: usize,
}

impl Table {
    /// A table whose first `words` columns, and the last, hold words.
    pub fn new(header: &[&str], words: usize) -> Self {
        Self {
            rows: vec![header.iter().map(|cell| (*cell).to_owned()).collect()],
            words,
        }
    }

    /// Adds a row with as many cells as the header.
    pub fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// The text, as Markdown or for a terminal.
    pub fn render(&self, markdown: bool) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let is_word = |column: usize| column < self.words || column + 1 == columns;
        let mut text = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = (row.iter().zip(&widths).enumerate())
                .map(|(column, (cell, width))| match is_word(column) {
                    true => format!("{cell:<width$}"),
                    false => format!("{cell:>width$}"),
                })
                .collect();
            let line = if markdown {
                format!("| {} |", cells.join(" | "))
            } else {
                cells.join("  ")
            };
            text.push_str(line.trim_end());
            text.push('\n');
            if number == 0 && markdown {
                let rules = widths
                    .iter()
                    .enumerate()
                    .map(|(column, width)| match is_word(column) {
                        true => format!("|{}", "-".repeat(width + 2)),
                        false => format!("|{}:", "-".repeat(width + 1)),
                    });
                text.extend(rules);
                text.push_str("|\n");
            }
        }
        text
    }
}

/// A whole number with commas between thousands.
pub fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(0.4), "0");
        assert_eq!(grouped(999.0), "999");
        assert_eq!(grouped(1_234_567.0), "1,234,567");
    }

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["name", "ns", "verdict"], 1);
        table.push(["a", "1,000", "ok"].map(str::to_owned).to_vec());
        assert_eq!(table.render(false), "name     ns  verdict\na     1,000  ok\n");
        let markdown = "| name |    ns | verdict |\n|------|------:|---------|\n| a    | 1,000 | ok      |\n";
        assert_eq!(table.render(true), markdown);
    }
}
