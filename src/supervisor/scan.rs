//! Holding an expression against output while it streams, line by line.
//!
//! Bounded memory, whatever the output is: a line longer than [`PIECE`] is looked at in pieces that
//! overlap by [`OVERLAP`]. `^` and `$` are the ends of a line, a carriage return before its end is no part
//! of it, and bytes that are no text count as U+FFFD. Nothing matches across lines.

use std::borrow::Cow;

use regex::bytes::Regex;

use crate::supervisor::requires::within;

/// The most of a line that is looked at in one go.
const PIECE: usize = 64 * 1024;
/// How much of one piece of a line is looked at again with the next.
const OVERLAP: usize = 4 * 1024;
/// The longest match that is repeated.
const LONGEST: usize = 120;

/// A line that matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    /// Its number, from 1.
    pub(super) line: u64,
    /// What matched; untrusted text.
    pub(super) text: String,
}

/// An expression and how far the output was held against it.
#[derive(Debug)]
pub(super) struct Scan {
    expression: Regex,
    line: u64,
    /// The part of the present line that was not looked at, with what overlaps before it.
    rest: Vec<u8>,
    /// The beginning of the present line was given up.
    is_cut: bool,
    hit: Option<Hit>,
}

impl Scan {
    pub(super) fn new(expression: Regex) -> Self {
        Self {
            expression,
            line: 1,
            rest: Vec::new(),
            is_cut: false,
            hit: None,
        }
    }

    /// Takes more output.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while self.hit.is_none() && !bytes.is_empty() {
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                self.rest.extend_from_slice(bytes);
                self.look_at_pieces();
                return;
            };
            let (line, behind) = bytes.split_at(end);
            bytes = behind.get(1..).unwrap_or_default();
            if self.rest.is_empty() {
                self.look(line, Place::WholeLine);
            } else {
                self.rest.extend_from_slice(line);
                self.look_at_pieces();
                self.look_at_rest();
            }
            self.line += 1;
        }
    }

    /// The output is over: the first line that matched.
    pub(super) fn finish(mut self) -> Option<Hit> {
        if self.hit.is_none() && !self.rest.is_empty() {
            self.look_at_rest();
        }
        self.hit
    }

    fn look_at_pieces(&mut self) {
        while self.hit.is_none() && self.rest.len() > PIECE {
            let rest = std::mem::take(&mut self.rest);
            let place = if self.is_cut {
                Place::Middle
            } else {
                Place::Beginning
            };
            self.look(rest.get(..PIECE).unwrap_or_default(), place);
            self.rest = rest;
            self.rest.drain(..PIECE - OVERLAP);
            self.is_cut = true;
        }
    }

    fn look_at_rest(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        if self.hit.is_none() {
            let place = if self.is_cut {
                Place::End
            } else {
                Place::WholeLine
            };
            self.look(&rest, place);
        }
        self.is_cut = false;
    }

    fn look(&mut self, bytes: &[u8], place: Place) {
        let is_end = matches!(place, Place::WholeLine | Place::End);
        let bytes = match bytes.strip_suffix(b"\r") {
            Some(line) if is_end => line,
            _ => bytes,
        };
        let text = match String::from_utf8_lossy(bytes) {
            Cow::Borrowed(_) => Cow::Borrowed(bytes),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        // In the middle of a line its beginning must not be taken for one.
        let from = match place {
            Place::WholeLine | Place::Beginning => 0,
            Place::Middle | Place::End => text.len().min(1),
        };
        let matched = if is_end {
            self.expression.is_match_at(&text, from)
        } else {
            // What reaches to the end of the piece may only seem to match there; it is seen again.
            let end = self.expression.shortest_match_at(&text, from);
            end.is_some_and(|end| end < text.len())
        };
        if matched {
            let found = self.expression.find_at(&text, from);
            let found = found.map(|found| found.as_bytes()).unwrap_or_default();
            self.hit = Some(Hit {
                line: self.line,
                text: within(&String::from_utf8_lossy(found), LONGEST),
            });
        }
    }
}

/// Which part of a line is looked at.
#[derive(Debug, Clone, Copy)]
enum Place {
    WholeLine,
    Beginning,
    Middle,
    End,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::expression::compile;
    use proptest::prelude::*;

    fn hit(expression: &str, pieces: &[&[u8]]) -> Option<Hit> {
        let mut scan = Scan::new(compile(expression).unwrap());
        for piece in pieces {
            scan.feed(piece);
        }
        scan.finish()
    }

    fn line(expression: &str, pieces: &[&[u8]]) -> Option<u64> {
        hit(expression, pieces).map(|hit| hit.line)
    }

    #[test]
    fn lines_are_looked_at_one_by_one_however_they_arrive() {
        let whole: &[u8] = b"one\r\ntwo ERROR 7\n\nlast";
        assert_eq!(line("^one$", &[whole]), Some(1));
        assert_eq!(line("ERROR", &[whole]), Some(2));
        assert_eq!(line("^$", &[whole]), Some(3));
        assert_eq!(line("^last$", &[whole]), Some(4));
        assert_eq!(line("two.*last", &[whole]), None);
        assert_eq!(line("^last$", &[b"la", b"s", b"t\n"]), Some(1));
        assert_eq!(line("^$", &[b"a\n"]), None);
        assert_eq!(hit(r"\d+", &[whole]).unwrap().text, "7");
    }

    #[test]
    fn bytes_that_are_no_text_are_no_wall() {
        assert_eq!(line("^ERROR.*end$", &[b"ERROR \xff\xfe end\n"]), Some(1));
        assert_eq!(line("x", &[b"\0\0x"]), Some(1));
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory_and_keeps_its_ends() {
        let mut scan = Scan::new(compile("^needle$|needle-end$|^middle").unwrap());
        for _ in 0..64 {
            scan.feed(&[b'x'; 10_000]);
            scan.feed(b"middle needle");
            assert!(scan.rest.len() <= PIECE);
        }
        scan.feed(b" needle-end\n");
        let hit = scan.finish().unwrap();
        assert_eq!((hit.line, hit.text.as_str()), (1, "needle-end"));
    }

    #[test]
    fn a_match_across_two_pieces_of_a_long_line_is_found() {
        for before in PIECE - 8..PIECE + 8 {
            let mut text = vec![b'x'; before];
            text.extend_from_slice(b"ERROR 42");
            text.extend(vec![b'y'; PIECE]);
            assert_eq!(line("ERROR 42", &[&text]), Some(1), "{before}");
            assert_eq!(line("ERROR.*", &[&text]), Some(1), "{before}");
        }
    }

    proptest! {
        #[test]
        fn how_output_is_cut_makes_no_difference(
            text in proptest::collection::vec(proptest::sample::select(b"abE\n\r\xff".to_vec()), 0..60),
            cut in 0..60usize,
        ) {
            let cut = cut.min(text.len());
            let whole = hit("(?i)a?be$", &[&text]);
            prop_assert_eq!(hit("(?i)a?be$", &[&text[..cut], &text[cut..]]), whole);
        }
    }
}
