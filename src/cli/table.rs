//! Listings in columns, and values as they are written in them.

use super::message::visible;
use super::output::DIM;
use crate::model::Value;
use std::io::Write;
use unicode_width::UnicodeWidthStr;

/// Rows that are collected and then aligned; the last column is as wide as it likes.
pub struct Table<const N: usize> {
    head: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with these headings.
    pub fn new(head: &[&'static str; N]) -> Self {
        Self { head: *head, rows: Vec::new() }
    }

    /// Adds a row. Nothing of it reaches the terminal raw.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| visible(&cell)));
    }

    /// Writes the headings and the rows; columns of numbers are aligned on the right.
    pub fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        let numeric =
            |at: usize| self.rows.iter().all(|row| row[at].bytes().all(|byte| byte.is_ascii_digit()));
        let widths: [usize; N] = std::array::from_fn(|at| {
            self.rows.iter().map(|row| row[at].width()).chain([self.head[at].len()]).max().unwrap_or(0)
        });
        let right: [bool; N] = std::array::from_fn(numeric);
        writeln!(out, "{DIM}{}{DIM:#}", join(&self.head, &widths, &right))?;
        self.rows.iter().try_for_each(|row| {
            writeln!(out, "{}", join(&row.each_ref().map(String::as_str), &widths, &right))
        })
    }
}

fn join<const N: usize>(cells: &[&str; N], widths: &[usize; N], right: &[bool; N]) -> String {
    let mut line = String::new();
    for at in 0..N {
        let pad = " ".repeat(widths[at].saturating_sub(cells[at].width()));
        let gap = if at == 0 { "" } else { "  " };
        line +=
            &if right[at] { format!("{gap}{pad}{}", cells[at]) } else { format!("{gap}{}{pad}", cells[at]) };
    }
    line.truncate(line.trim_end().len());
    line
}

/// A test value as it stands in a specification.
pub fn value(value: &Value) -> String {
    match value {
        Value::Cell(cell) => cell.to_string(),
        Value::Str(text) => format!("{text:?}"),
        Value::Cells(cells) => format!("{cells:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["NAME", "N", "WHAT"]);
        table.row(["a".to_owned(), "1".to_owned(), "first".to_owned()]);
        table.row(["漢字語".to_owned(), "100".to_owned(), "with\x1b escape".to_owned()]);
        let mut out = Vec::new();
        table.write(&mut out).expect("memory");
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).expect("UTF-8")).to_string();
        assert_eq!(text, "NAME      N  WHAT\na         1  first\n漢字語  100  with␛ escape\n");
    }
}
