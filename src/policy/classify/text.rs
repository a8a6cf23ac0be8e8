//! Output of a program as lines that can be judged.
//!
//! Escape sequences go, carriage returns end a line (each state of a progress bar is one), typographic
//! quotes become plain ones, so that no pattern needs to know them. Bytes that are no UTF-8 stay as
//! they are: patterns work on bytes.

use std::borrow::Cow;
use std::ops::Range;

use crate::policy::classify::languages;

/// The most bytes of a line that are kept; the middle of a longer one is dropped.
const LONGEST_LINE: usize = 8 * 1024;

/// Cleaned text and where its lines are.
#[derive(Debug, Default)]
pub(super) struct Lines {
    text: Vec<u8>,
    spans: Vec<Range<usize>>,
    /// The first line of standard error.
    errors_from: usize,
}

impl Lines {
    /// Cleans both streams; standard error comes last, because causes are told there.
    pub(super) fn new(stdout: &[u8], stderr: &[u8]) -> Self {
        let mut lines = Self {
            text: Vec::with_capacity(stdout.len() + stderr.len() + 2),
            ..Self::default()
        };
        lines.push_stream(stdout);
        lines.errors_from = lines.spans.len();
        lines.push_stream(stderr);
        lines
    }

    /// All lines as one text, each ended by a newline.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The number of the first line of standard error.
    pub(super) fn errors_from(&self) -> usize {
        self.errors_from
    }

    /// A line without its newline; empty where there is none.
    pub(super) fn line(&self, number: usize) -> &[u8] {
        self.spans
            .get(number)
            .and_then(|span| self.text.get(span.clone()))
            .unwrap_or_default()
    }

    /// The number of the line in which the byte at `offset` stands.
    pub(super) fn line_at(&self, offset: usize) -> usize {
        self.spans
            .partition_point(|span| span.end <= offset)
            .min(self.spans.len().saturating_sub(1))
    }

    /// The offset behind a line.
    pub(super) fn end_of(&self, number: usize) -> usize {
        self.spans.get(number).map_or(usize::MAX, |span| span.end)
    }

    /// Whether the text holds these words, in this case.
    pub(super) fn holds(&self, words: &str) -> bool {
        holds(&self.text, words)
    }

    /// Whether there is nothing but white space.
    pub(super) fn is_blank(&self) -> bool {
        self.text.iter().all(u8::is_ascii_whitespace)
    }

    /// The same lines in English, where they hold messages in other languages.
    pub(super) fn in_english(&self) -> Option<Self> {
        let Cow::Owned(text) = languages::in_english(&self.text) else {
            return None;
        };
        let mut start = 0;
        let spans = text
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| {
                let span = start..start + line.len().saturating_sub(1);
                start += line.len();
                span
            })
            .collect();
        Some(Self {
            text,
            spans,
            errors_from: self.errors_from,
        })
    }

    fn push_stream(&mut self, stream: &[u8]) {
        for raw in stream.split(|byte| matches!(byte, b'\n' | b'\r')) {
            let start = self.text.len();
            if raw.len() > LONGEST_LINE {
                let (head, rest) = raw.split_at(LONGEST_LINE / 2);
                let tail = rest
                    .len()
                    .checked_sub(LONGEST_LINE / 2)
                    .and_then(|from| rest.get(from..));
                push_clean(&mut self.text, head);
                push_clean(&mut self.text, b" ");
                push_clean(&mut self.text, tail.unwrap_or_default());
            } else {
                push_clean(&mut self.text, raw);
            }
            let blank = self
                .text
                .get(start..)
                .is_none_or(|line| line.iter().all(u8::is_ascii_whitespace));
            if blank {
                self.text.truncate(start);
            } else {
                self.spans.push(start..self.text.len());
                self.text.push(b'\n');
            }
        }
    }
}

/// Whether a text holds these words, in this case.
pub(super) fn holds(text: &[u8], words: &str) -> bool {
    aho_corasick::packed::Searcher::new([words]).map_or_else(
        || {
            text.windows(words.len().max(1))
                .any(|window| window == words.as_bytes())
        },
        |searcher| searcher.find(text).is_some(),
    )
}

/// Appends a line without escape sequences and with plain quotes.
fn push_clean(text: &mut Vec<u8>, mut raw: &[u8]) {
    // Nearly everything stays as it is, so it is copied in pieces.
    while let Some(plain) = raw.iter().position(|byte| may_change(*byte)) {
        let (before, from) = raw.split_at(plain);
        text.extend_from_slice(before);
        let Some((first, rest)) = from.split_first() else {
            return;
        };
        match first {
            0x1b => raw = after_escape(rest),
            // Typographic quotes: three bytes E2 80 xx, two bytes C2 AB and C2 BB.
            0xe2 if matches!(rest, [0x80, 0x98..=0x9b, ..]) => {
                text.push(b'\'');
                raw = rest.get(2..).unwrap_or_default();
            }
            0xe2 if matches!(rest, [0x80, 0x9c..=0x9f, ..]) => {
                text.push(b'"');
                raw = rest.get(2..).unwrap_or_default();
            }
            0xc2 if matches!(rest, [0xab | 0xbb, ..]) => {
                text.push(b'"');
                raw = rest.get(1..).unwrap_or_default();
            }
            0xc2 if matches!(rest, [0xa0, ..]) => {
                text.push(b' ');
                raw = rest.get(1..).unwrap_or_default();
            }
            0x08 | 0x07 | 0x00 => raw = rest,
            byte => {
                text.push(*byte);
                raw = rest;
            }
        }
    }
    text.extend_from_slice(raw);
}

/// Whether a byte begins anything that [`push_clean`] takes out or replaces.
const fn may_change(byte: u8) -> bool {
    matches!(byte, 0x1b | 0xe2 | 0xc2 | 0x08 | 0x07 | 0x00)
}

/// What follows an escape sequence whose first byte was just read.
fn after_escape(rest: &[u8]) -> &[u8] {
    let Some((kind, body)) = rest.split_first() else {
        return rest;
    };
    let end = match kind {
        // CSI: parameters, then one byte from @ to ~.
        b'[' => body.iter().position(|byte| matches!(byte, b'@'..=b'~')),
        // OSC: up to BEL or ESC (of ESC \).
        b']' => body.iter().position(|byte| matches!(byte, 0x07 | 0x1b)),
        b'(' | b')' => Some(0),
        _ => return body,
    };
    // A sequence that does not end swallows nothing but its introducer.
    end.and_then(|end| body.get(end + 1..)).unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cleaned(raw: &[u8]) -> Vec<String> {
        let lines = Lines::new(b"", raw);
        (0..lines.len())
            .map(|number| String::from_utf8_lossy(lines.line(number)).into_owned())
            .collect()
    }

    #[test]
    fn colours_progress_and_quotes_do_not_hide_words() {
        assert_eq!(
            cleaned(b"\x1b[1;31merror\x1b[0m: x\r 10%\r 20%\n\n\x1b]0;title\x07done\xe2\x80\x98a\xe2\x80\x99"),
            ["error: x", " 10%", " 20%", "done'a'"]
        );
    }

    #[test]
    fn an_offset_leads_to_its_line() {
        let lines = Lines::new(b"one\ntwo", b"three");
        assert_eq!(lines.len(), 3);
        assert_eq!(lines.line_at(0), 0);
        assert_eq!(lines.line_at(5), 1);
        assert_eq!(lines.line_at(8), 2);
    }

    #[test]
    fn a_line_without_end_keeps_its_head_and_tail() {
        let mut raw = b"head".to_vec();
        raw.extend(vec![b'x'; 100_000]);
        raw.extend(b"tail");
        let only = cleaned(&raw).remove(0);
        assert!(only.len() < 9_000 && only.starts_with("head") && only.ends_with("tail"));
    }

    proptest! {
        #[test]
        fn any_bytes_become_lines(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
            let lines = Lines::new(&raw, &raw);
            for number in 0..lines.len() {
                prop_assert!(!lines.line(number).contains(&b'\n'));
            }
        }
    }
}
