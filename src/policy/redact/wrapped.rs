//! Secrets in base64 and hexadecimal that are wrapped into lines, at whatever width (`base64`,
//! `openssl base64`, `xxd -p`, PEM, indented in YAML).
//!
//! Where a line ends depends on all that was encoded before the secret, so no list of forms can hold
//! it. What stands around the ends of lines is put together instead and searched for the same forms;
//! lines of other text are not looked at but for their last and first words.

use std::collections::BTreeSet;
use std::ops::Range;

use aho_corasick::Input;

use crate::policy::redact::TELLING;
use crate::policy::redact::forms;
use crate::policy::redact::needles::Needles;

/// So much of a secret at the end of a line makes the line wait for the next one. Of less, which many
/// lines end with, nothing is hidden ([`forms`] knows what is then on the next line).
const WAITED_FOR: usize = 2;
/// The widest indentation of a line.
const INDENTED: usize = 16;

/// The encodings that are wrapped.
pub(super) struct Wrapped(Needles);

/// What is found of them.
#[derive(Debug, Default)]
pub(super) struct Hits {
    /// Places in the buffer, in no order.
    pub(super) hidden: Vec<Range<usize>>,
    /// From where on the end of the buffer may be the beginning of one.
    pub(super) begun: Option<usize>,
    /// And gives it away.
    pub(super) is_telling: bool,
}

/// Encoded text over several lines, without their ends.
#[derive(Debug, Default)]
struct Chain {
    text: Vec<u8>,
    /// Where each byte of it stands in the buffer.
    places: Vec<usize>,
    /// It may go on behind the buffer.
    is_open: bool,
    /// It ends within a line.
    is_within_line: bool,
}

impl Wrapped {
    /// Of these secrets; `None` if there are none.
    pub(super) fn of(secrets: &[&[u8]]) -> Option<Self> {
        let needles: BTreeSet<Vec<u8>> =
            secrets.iter().flat_map(|one| forms::encoded(one)).collect();
        (!needles.is_empty()).then(|| Self(Needles::new(needles.into_iter().collect())))
    }

    /// Finds them in a buffer.
    pub(super) fn find(&self, buffer: &[u8]) -> Hits {
        let mut hits = Hits::default();
        let mut from = 0;
        while let Some(at) = position(buffer, from, |byte| byte == b'\n') {
            let (chain, end) = self.chain(buffer, from, at);
            from = end;
            self.look(&chain, &mut hits);
        }
        // The end of a line that has come by half.
        if buffer.last() == Some(&b'\r') && hits.begun.is_none() {
            let (chain, _) = self.chain(buffer, from, buffer.len());
            self.look(&chain, &mut hits);
        }
        hits
    }

    fn look(&self, chain: &Chain, hits: &mut Hits) {
        let Some(search) = &self.0.search else {
            return;
        };
        let mut from = 0;
        while let Some(hit) = search.find(Input::new(&chain.text).span(from..chain.text.len())) {
            from = hit.start() + 1;
            let first = chain.places.get(hit.start()).copied();
            let last = chain.places.get(hit.end() - 1).copied();
            // What stands on one line has been found already.
            if let (Some(first), Some(last)) = (first, last)
                && last - first >= hit.len()
            {
                hits.hidden.push(first..last + 1);
            }
        }
        if chain.is_open {
            let begun = self.0.begun(&chain.text);
            let length = chain.text.len() - begun;
            if let Some(place) = chain.places.get(begun)
                && (length >= WAITED_FOR || chain.is_within_line)
            {
                hits.begun = Some(*place);
                hits.is_telling = length >= TELLING;
            }
        }
    }

    /// The encoded text around the end of a line at `at`, as far as it goes; and where to look on.
    fn chain(&self, buffer: &[u8], from: usize, at: usize) -> (Chain, usize) {
        let mut chain = Chain::default();
        let before = buffer.get(from..at).unwrap_or_default();
        let before = before.strip_suffix(b"\r").unwrap_or(before);
        let most = self.0.longest.saturating_sub(1);
        let length = before.iter().rev().take(most);
        let length = length.take_while(|byte| is_encoded(**byte)).count();
        if length == 0 {
            return (chain, at + 1);
        }
        chain.add(buffer, from + before.len() - length..from + before.len());
        let mut line_end = at;
        loop {
            let next = position(buffer, line_end + 1, |byte| !b" \t".contains(&byte));
            let start = next.unwrap_or(buffer.len());
            if start > line_end + 1 + INDENTED {
                return (chain, line_end + 1);
            }
            let end = position(buffer, start, |byte| !is_encoded(byte)).unwrap_or(buffer.len());
            chain.add(buffer, start..end);
            let behind = buffer.get(end..).unwrap_or_default();
            if behind.is_empty() || behind == b"\r" {
                chain.is_open = true;
                chain.is_within_line = start < end && behind.is_empty();
                return (chain, buffer.len());
            }
            if start == end {
                return (chain, line_end + 1);
            }
            line_end = match behind {
                [b'\n', ..] => end,
                [b'\r', b'\n', ..] => end + 1,
                _ => return (chain, end),
            };
        }
    }
}

impl Chain {
    fn add(&mut self, buffer: &[u8], range: Range<usize>) {
        self.text
            .extend_from_slice(buffer.get(range.clone()).unwrap_or_default());
        self.places.extend(range);
    }
}

fn position(buffer: &[u8], from: usize, is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let rest = buffer.get(from..)?;
    let at = rest.iter().position(|byte| is_wanted(*byte))?;
    Some(from + at)
}

fn is_encoded(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}
