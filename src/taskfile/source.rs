//! The text of a file, and positions in it.
//!
//! Reading and distrusting files is `taskfile::reading`; showing excerpts is `taskfile::render`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

use crate::policy::mask::HIDDEN;
use crate::support::bytes::OsText;
use crate::support::untrusted::Untrusted;
use crate::taskfile::veil::Veil;

/// The most characters of a line that are shown.
const SHOWN: usize = 100;
/// The most characters that are underlined.
const SHOWN_WITHIN: usize = 60;

/// The bytes of a line within which columns are counted in characters.
const COUNTED: usize = 16 * 1024;

/// A task file in memory.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its path, as it was given.
    pub(crate) file: Arc<OsText>,
    /// The folder that paths in it are relative to; absolute.
    pub(crate) folder: PathBuf,
    /// Its text.
    pub(crate) text: String,
    /// Where each line begins.
    starts: Vec<usize>,
    /// What of it is not shown; looked for when something is.
    veil: OnceLock<Veil>,
}

/// A line of a file with a part underlined, fit for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// The line, or the part of it around what is underlined.
    pub(crate) text: String,
    /// What is underlined, in bytes of `text`.
    pub(crate) underlined: Range<usize>,
}

impl Source {
    /// Takes over the text of a file.
    pub(crate) fn new(file: Arc<OsText>, folder: PathBuf, text: String) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            file,
            folder,
            text,
            starts,
            veil: OnceLock::new(),
        }
    }

    /// The line, counted from 1, in which a byte lies.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).max(1)
    }

    /// Where line `number`, counted from 1, begins and where it ends.
    fn bounds(&self, number: usize) -> (usize, usize) {
        let start = self.starts.get(number - 1).copied().unwrap_or_default();
        let next = self.starts.get(number).copied();
        let end = next.map_or(self.text.len(), |next| next - 1);
        (start, end)
    }

    /// The line and the column, both counted from 1, columns in characters (in bytes far out on an
    /// endless line, where counting for each value would take for ever).
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let offset = self.boundary(offset);
        let line = self.line(offset);
        let (start, _) = self.bounds(line);
        if offset - start > COUNTED {
            return (line, offset - start + 1);
        }
        let before = self.slice(&(start..offset));
        (line, before.chars().count() + 1)
    }

    /// The text of a span; empty when the span does not lie on characters.
    pub(crate) fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    fn veil(&self) -> &Veil {
        self.veil.get_or_init(|| Veil::of(&self.text))
    }

    /// The text of a span as it may be repeated: without values that may be secrets.
    pub(crate) fn shown(&self, span: &Range<usize>) -> String {
        let mut shown = String::new();
        let mut from = span.start;
        for hidden in self.veil().over(span) {
            shown.push_str(self.slice(&(from..hidden.start.max(from))));
            shown.push_str(HIDDEN);
            from = hidden.end.min(span.end);
        }
        shown.push_str(self.slice(&(from..span.end)));
        shown
    }

    /// The nearest start of a character at or before an offset.
    fn boundary(&self, offset: usize) -> usize {
        (0..=offset.min(self.text.len()))
            .rev()
            .find(|at| self.text.is_char_boundary(*at))
            .unwrap_or_default()
    }

    /// The line in which a span begins, made fit for a terminal.
    pub(crate) fn excerpt(&self, span: &Range<usize>) -> Excerpt {
        let from = self.boundary(span.start);
        let (start, end) = self.bounds(self.line(from));
        let from = from.min(end);
        let until = self.boundary(span.end).clamp(from, end);
        // What is hidden is pointed at as a whole.
        let place = if from == until {
            from.saturating_sub(1)..from + 1
        } else {
            from..until
        };
        let over = self.veil().over(&place);
        let from = over
            .first()
            .map_or(from, |first| first.start.clamp(start, from));
        let until = over.last().map_or(until, |last| last.end.clamp(until, end));

        let before = self.shown(&(start..from));
        let within = self.shown(&(from..until));
        let after = self.shown(&(until..end));
        let after = after.trim_end_matches('\r');
        // As much on both sides, and what one side does not need is for the other.
        let left = SHOWN - within.chars().take(SHOWN_WITHIN).count();
        let (room_before, room_after) = (
            (left / 2).max(left.saturating_sub(after.chars().count())),
            (left / 2).max(left.saturating_sub(before.chars().count())),
        );
        let cut = before
            .char_indices()
            .rev()
            .nth(room_before)
            .map(|(at, character)| at + character.len_utf8());
        let mut text = String::new();
        if cut.is_some() {
            text.push('…');
        }
        text.push_str(&visible(
            before
                .get(cut.unwrap_or_default()..)
                .unwrap_or_default()
                .chars(),
        ));
        let underlined_from = text.len();
        text.push_str(&visible(within.chars().take(SHOWN_WITHIN)));
        let underlined = underlined_from..text.len();
        let is_whole = within.chars().nth(SHOWN_WITHIN).is_none();
        if is_whole {
            text.push_str(&visible(after.chars().take(room_after)));
        }
        if !is_whole || after.chars().nth(room_after).is_some() {
            text.push('…');
        }
        Excerpt { text, underlined }
    }
}

/// Characters as a terminal may show them, tabs as blanks.
fn visible(characters: impl Iterator<Item = char>) -> String {
    let text: String = characters.collect();
    Untrusted::from(text.replace('\t', "    ")).for_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new(Arc::new("x.toml".into()), "/".into(), text.to_owned())
    }

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = source("a = 1\n\"ü\" = 2\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(5), (1, 6));
        assert_eq!(source.position(6), (2, 1));
        assert_eq!(source.position(9), (2, 3));
        assert_eq!(source.position(99), (3, 1));
    }

    #[test]
    fn an_excerpt_shows_one_line_and_obeys_no_escape() {
        let source = source("\tname = \"\u{1b}[2J\"  # x\nnext");
        let excerpt = source.excerpt(&(8..14));
        assert_eq!(excerpt.text, "    name = \"\\e[2J\"  # x");
        assert_eq!(&excerpt.text[excerpt.underlined], "\"\\e[2J\"");
    }

    #[test]
    fn what_is_hidden_is_underlined_as_a_whole() {
        let source = source("[task.env]\nTOKEN = \"hunter2\nA = \"x\"");
        for span in [27..27, 19..27, 22..24] {
            let excerpt = source.excerpt(&span);
            assert_eq!(excerpt.text, "TOKEN = ***", "{span:?}");
            assert_eq!(&excerpt.text[excerpt.underlined], "***", "{span:?}");
        }
        assert_eq!(source.shown(&(21..24)), "***");
        assert_eq!(source.shown(&(11..24)), "TOKEN = ***");
    }

    #[test]
    fn an_excerpt_of_an_endless_line_stays_short() {
        let text = format!("{}X{}", "a".repeat(100_000), "b".repeat(100_000));
        let excerpt = source(&text).excerpt(&(100_000..100_001));
        let around = "a".repeat(49);
        assert_eq!(excerpt.text, format!("…{around}X{}…", "b".repeat(49)));
        assert_eq!(&excerpt.text[excerpt.underlined], "X");

        let text = format!("key = \"{}\"", "v".repeat(300));
        let excerpt = source(&text).excerpt(&(0..3));
        let shown = excerpt.text.chars().count();
        assert_eq!((shown, excerpt.underlined), (101, 0..3));
        assert!(excerpt.text.ends_with("v…"), "{}", excerpt.text);
        let excerpt = source(&text).excerpt(&(6..308));
        assert_eq!(excerpt.text, format!("key = \"{}…", "v".repeat(59)));
        let text = format!("{} = X # {}", "k".repeat(80), "c".repeat(12));
        assert_eq!(source(&text).excerpt(&(83..84)).text, text);
    }
}
