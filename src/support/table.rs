//! Tables for a terminal: aligned columns that fit a width.
//!
//! Cells are text that may be shown: whatever came from outside went through its sink
//! (`support::untrusted`) before. Widths are columns of the terminal, not bytes or characters, and
//! do not count the escapes of colours.

use console::measure_text_width;
use console::truncate_str;

/// Between two columns.
const GAP: usize = 2;

/// One column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// What stands above it.
    pub title: &'static str,
    /// On which side its cells are filled up.
    pub align: Align,
    /// The width below which it is never cut; `usize::MAX` for a column that is never cut.
    pub least: usize,
}

/// The side on which a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

impl Column {
    /// A column of words that is never cut.
    pub const fn words(title: &'static str) -> Self {
        Self {
            title,
            align: Align::Left,
            least: usize::MAX,
        }
    }

    /// A column of numbers that is never cut.
    pub const fn numbers(title: &'static str) -> Self {
        Self {
            title,
            align: Align::Right,
            least: usize::MAX,
        }
    }

    /// A column of words that is cut to as little as `least` when the table is too wide.
    pub const fn cut_to(title: &'static str, least: usize) -> Self {
        Self {
            title,
            align: Align::Left,
            least,
        }
    }
}

/// Lays out a table without its title line; each line ends with a line feed.
pub fn rows(columns: &[Column], cells: &[Vec<String>], width: usize) -> String {
    lay_out(columns, cells, &widths(columns, cells, width, 0))
}

/// Lays out a table with a title line.
pub fn titled(
    columns: &[Column],
    cells: &[Vec<String>],
    width: usize,
    title: impl Fn(&str) -> String,
) -> String {
    let widths = widths(columns, cells, width, 1);
    let titles: Vec<String> = columns.iter().map(|column| title(column.title)).collect();
    let mut text = lay_out(columns, &[titles], &widths);
    text.push_str(&lay_out(columns, cells, &widths));
    text
}

/// Words broken into lines of at most `width` columns; a longer word has a line of its own. What
/// stands in backticks is a command to copy, and counts as one word.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    let mut in_command = false;
    let words = text.split(|character: char| {
        in_command ^= character == '`';
        character.is_whitespace() && !in_command
    });
    for word in words.filter(|word| !word.is_empty()) {
        let length = measure_text_width(word);
        match lines.last_mut() {
            Some(line) if used + 1 + length <= width => {
                line.push(' ');
                line.push_str(word);
                used += 1 + length;
            }
            _ => {
                lines.push(word.to_owned());
                used = length;
            }
        }
    }
    lines
}

/// The text cut to `width` columns, with an ellipsis if something is missing.
pub fn cut(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    // Characters are cut off one by one, and what is joined to its neighbour is wider than alone.
    let cut = |room| truncate_str(text, room, "…").into_owned();
    let mut rooms = (0..=width).rev().map(cut);
    rooms
        .find(|cut| measure_text_width(cut) <= width)
        .unwrap_or_default()
}

/// The text filled up with spaces to `width` columns on the right; never cut.
pub fn pad(text: &str, width: usize) -> String {
    let mut padded = text.to_owned();
    let missing = width.saturating_sub(measure_text_width(text));
    padded.extend(std::iter::repeat_n(' ', missing));
    padded
}

fn widths(columns: &[Column], cells: &[Vec<String>], width: usize, titles: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = columns
        .iter()
        .map(|column| {
            if titles == 0 {
                0
            } else {
                measure_text_width(column.title)
            }
        })
        .collect();
    for row in cells {
        for (known, cell) in widths.iter_mut().zip(row) {
            *known = (*known).max(measure_text_width(cell));
        }
    }
    let gaps = GAP * columns.len().saturating_sub(1);
    let mut excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
    // The widest column that may be cut gives way first, one column of the terminal at a time.
    while excess > 0 {
        let widest = widths
            .iter_mut()
            .zip(columns)
            .filter(|(known, column)| **known > column.least.max(1))
            .max_by_key(|(known, _)| **known);
        let Some((known, _)) = widest else { break };
        *known -= 1;
        excess -= 1;
    }
    widths
}

fn lay_out(columns: &[Column], cells: &[Vec<String>], widths: &[usize]) -> String {
    let mut text = String::new();
    for row in cells {
        let mut line = String::new();
        for ((cell, column), width) in row.iter().zip(columns).zip(widths) {
            if !line.is_empty() {
                line.push_str(&" ".repeat(GAP));
            }
            let shown = cut(cell, *width);
            let missing = " ".repeat(width.saturating_sub(measure_text_width(&shown)));
            match column.align {
                Align::Left => line.extend([shown, missing]),
                Align::Right => line.extend([missing, shown]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COLUMNS: [Column; 3] = [
        Column::numbers("ID"),
        Column::cut_to("NAME", 4),
        Column::words("STATUS"),
    ];

    fn cells(rows: &[[&str; 3]]) -> Vec<Vec<String>> {
        rows.iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect()
    }

    #[test]
    fn columns_stand_below_their_titles() {
        let cells = cells(&[["7", "東京-dump", "ok"], ["12", "b", "failed"]]);
        assert_eq!(
            titled(&COLUMNS, &cells, 80, str::to_owned),
            "ID  NAME       STATUS\n 7  東京-dump  ok\n12  b          failed\n"
        );
    }

    #[test]
    fn a_table_that_is_too_wide_is_cut_where_it_may_be() {
        let cells = cells(&[["7", "a-very-long-name-of-a-task", "failed"]]);
        assert_eq!(rows(&COLUMNS, &cells, 20), "7  a-very-l…  failed\n");
        assert_eq!(rows(&COLUMNS, &cells, 3), "7  a-v…  failed\n");
    }

    #[test]
    fn what_is_joined_to_its_neighbour_is_cut_by_the_width_of_both() {
        for width in 0..12 {
            let cut = cut("ab🏳\u{fe0f}☁\u{fe0f}🏳\u{fe0f}cdefgh", width);
            assert!(measure_text_width(&cut) <= width, "{width}: {cut}");
        }
    }

    #[test]
    fn wrapping_loses_no_word() {
        assert_eq!(
            wrap("one two  three incomprehensible four", 9),
            ["one two", "three", "incomprehensible", "four"]
        );
        assert_eq!(
            wrap("type `queue add FILE`, then go", 12),
            ["type", "`queue add FILE`,", "then go"]
        );
    }

    proptest! {
        #[test]
        fn no_row_is_wider_than_asked_if_every_column_may_be_cut(
            row in proptest::collection::vec("[a-z東é🚀 ]{0,30}", 3),
            width in 8..60_usize,
        ) {
            let columns = [Column::cut_to("A", 1); 3];
            let text = rows(&columns, &[row], width);
            prop_assert!(measure_text_width(text.trim_end()) <= width);
        }
    }
}
