//! Lines that are wider than the terminal: broken between words, and what follows is set in a little, so
//! that a time at the beginning of a line always begins an event.

use console::Term;

use crate::support::table::wrap;

/// What the lines after the first are set in by.
const INDENT: &str = "  ";
/// Below this nothing is gained.
const NARROWEST: usize = 40;

/// The columns of the terminal on standard error, if it is one.
pub(crate) fn terminal() -> Option<usize> {
    let (_, columns) = Term::stderr().size_checked()?;
    Some(usize::from(columns))
}

/// The line over as many lines as it needs.
pub(crate) fn hang(line: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width.filter(|width| *width >= NARROWEST) else {
        return vec![line.to_owned()];
    };
    let mut lines = wrap(line, width).into_iter();
    let first = lines.next().unwrap_or_default();
    let rest: Vec<String> = lines.collect();
    let rest = wrap(&rest.join(" "), width - INDENT.len());
    let rest = rest.into_iter().filter(|line| !line.is_empty());
    std::iter::once(first)
        .chain(rest.map(|line| format!("{INDENT}{line}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_line_breaks_between_words_and_hangs() {
        let line =
            "[02:00:00] fetch: attempt 2 of 2 failed after 0.0s: network (connection refused)";
        assert_eq!(
            hang(line, Some(60)),
            [
                "[02:00:00] fetch: attempt 2 of 2 failed after 0.0s: network",
                "  (connection refused)",
            ]
        );
        for width in [None, Some(10), Some(200)] {
            assert_eq!(hang(line, width), [line]);
        }
        for line in hang(&"word ".repeat(60), Some(50)) {
            assert!(line.len() <= 50, "{line}");
        }
    }
}
