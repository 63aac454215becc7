//! Tables for people: columns aligned by what is shown, no lines drawn, shortened to the terminal's width.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::output::{Role, paint};

/// One piece of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What is shown; without control characters.
    pub text: String,
    /// What it means.
    pub role: Role,
}

impl Cell {
    /// A cell with a meaning.
    pub fn new(text: impl AsRef<str>, role: Role) -> Self {
        Self { text: clean(text.as_ref()), role }
    }

    /// A cell whose colour follows from the status that it shows.
    pub fn status(status: &str) -> Self {
        Self::new(status, Role::of_status(status))
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Role::Plain)
    }
}

/// Replaces control characters, line ends among them, by blanks, and leaves out what turns the direction of writing.
pub fn clean(text: &str) -> String {
    text.chars().filter(|c| !turns(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether a character is not seen but turns the direction in which others are written: what stands on a line would no
/// longer be what is read there.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How a column behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Figures.
    Right,
    /// Text that gives way first when the terminal is narrow.
    Elastic,
}

/// Rows under headings.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
}

/// What stands between two columns.
const GAP: &str = "  ";
/// Elastic columns are not shortened below this many columns of the terminal.
const ELASTIC_MIN: usize = 8;

impl Table {
    /// A table without rows.
    pub fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: vec![] }
    }

    /// Adds a row; cells beyond the columns are not shown.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Draws the table, at most `width` columns wide when there is a terminal.
    pub fn write(&self, out: &mut impl Write, width: Option<usize>, color: bool) -> io::Result<()> {
        let widths = self.widths(width);
        let headings: Vec<Cell> =
            self.columns.iter().map(|(title, _)| Cell { text: (*title).to_owned(), role: Role::Heading }).collect();
        for row in std::iter::once(&headings).chain(&self.rows) {
            let mut pending = 0;
            let mut line = String::new();
            for ((cell, width), (_, align)) in row.iter().zip(&widths).zip(&self.columns) {
                let text = shorten(&cell.text, *width);
                let blank = width.saturating_sub(text.width());
                let (before, after) = if *align == Align::Right { (blank, 0) } else { (0, blank) };
                // Blanks at a line's end are never written.
                line.extend(std::iter::repeat_n(' ', pending + before));
                line.push_str(&paint(color, cell.role, &text));
                pending = after + GAP.len();
            }
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    /// How wide each column is: as wide as its widest cell, then elastic ones give way, then the others from the right.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let natural = |place: usize, title: &str| {
            let cells = self.rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.text.width());
            cells.chain([title.width()]).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(place, (title, _))| natural(place, title)).collect();
        let Some(limit) = limit else { return widths };
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        let mut excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(limit);
        for elastic in [true, false] {
            for place in (0..widths.len()).rev().filter(|place| (self.columns[*place].1 == Align::Elastic) == elastic) {
                let floor = if elastic { ELASTIC_MIN } else { 4 };
                let give = excess.min(widths[place].saturating_sub(floor));
                widths[place] -= give;
                excess -= give;
            }
        }
        widths
    }
}

/// Cuts a text to `width` columns of the terminal; a cut is shown by an ellipsis.
pub fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    // Measured as a whole each time: the width of a sequence is not the sum of its parts.
    let mut short = String::new();
    for c in text.chars() {
        short.push(c);
        if short.width() + 1 > width {
            short.pop();
            break;
        }
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn draw(table: &Table, width: Option<usize>) -> String {
        let mut out = Vec::new();
        table.write(&mut out, width, false).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn sample() -> Table {
        let mut table = Table::new(&[("NAME", Align::Left), ("N", Align::Right), ("NOTE", Align::Elastic)]);
        table.row(vec!["a".into(), "1".into(), "short".into()]);
        table.row(vec!["日本".into(), "100".into(), "a longer\nremark about it".into()]);
        table
    }

    #[test]
    fn nothing_turns_the_direction_of_writing() {
        assert_eq!(clean("a\u{202e}b\u{2066}c\x1bd\ne"), "abc d e");
    }

    #[test]
    fn columns_stand_below_each_other() {
        assert_eq!(draw(&sample(), None), "NAME    N  NOTE\na       1  short\n日本  100  a longer remark about it\n");
    }

    #[test]
    fn a_narrow_terminal_shortens_elastic_columns_first() {
        assert_eq!(draw(&sample(), Some(22)), "NAME    N  NOTE\na       1  short\n日本  100  a longer r…\n");
    }

    proptest! {
        #[test]
        fn never_wider_than_the_terminal(texts in proptest::collection::vec("\\PC{0,40}", 6), width in 30usize..120) {
            let mut table = Table::new(&[("A", Align::Left), ("B", Align::Right), ("C", Align::Elastic)]);
            for row in texts.chunks(3) {
                table.row(row.iter().map(Cell::from).collect());
            }
            for line in draw(&table, Some(width)).lines() {
                prop_assert!(line.width() <= width, "{line}");
            }
        }
    }
}
