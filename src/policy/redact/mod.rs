//! Hiding of secrets in what commands print and say, byte by byte and while it streams.
//!
//! A [`Redactor`] knows the values that a task declares as secret, in the forms that programs make of
//! them ([`forms`]), and the tokens of well-known issuers ([`shapes`]). Where one stands, [`HIDDEN`]
//! stands instead. Output is taken piece by piece ([`Stream`]), and what could be the beginning of a secret
//! is held back until it is known.
//!
//! It is a help and no border: a command that wants to tell a secret can always write it so that
//! nobody recognises it.
//!
//! Not here: what is hidden in quoted lines because of the words before it ([`crate::policy::mask`]), and
//! where values come from (the supervisor and `exec`, which make the environment of commands).
//!
//! INVARIANT: output without a secret passes unchanged, byte for byte.

mod forms;
mod needles;
mod shapes;
mod stream;
mod wrapped;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::Input;

pub use forms::LEAST;
pub use forms::is_long_enough;
pub use stream::Stream;

pub use crate::policy::mask::HIDDEN;
use crate::policy::redact::needles::Needles;
use crate::policy::redact::shapes::Extent;
use crate::policy::redact::shapes::SHAPES;
use crate::policy::redact::shapes::Shape;
use crate::policy::redact::wrapped::Wrapped;

/// A token that is longer is not held back whole: it is hidden as far as it goes.
const LONGEST_TOKEN: usize = 4096;
/// So much of the beginning of a secret is hidden where the text ends within it.
const TELLING: usize = 8;

/// What is looked for.
pub struct Redactor {
    /// The forms of secrets, then the prefixes of tokens.
    needles: Needles,
    /// How many are forms of secrets.
    secrets: usize,
    wrapped: Option<Wrapped>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

/// What is found in a buffer.
#[derive(Debug, Default)]
struct Found {
    /// What is to be hidden: in order, apart from each other.
    hidden: Vec<Range<usize>>,
    /// From here on nothing is known yet.
    known_to: usize,
    /// A token that goes on behind the end.
    open: Option<Shape>,
}

/// Whether more may follow a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// It may.
    MayFollow,
    /// This was all.
    Nothing,
}

impl Redactor {
    /// Looks for these values, where they are long enough, and for tokens.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let values: Vec<&[u8]> = values.into_iter().collect();
        let forms: BTreeSet<Vec<u8>> = values.iter().flat_map(|value| forms::of(value)).collect();
        let secrets = forms.len();
        let prefixes = SHAPES.iter().map(|shape| shape.prefix.as_bytes().to_vec());
        Self {
            needles: Needles::new(forms.into_iter().chain(prefixes).collect()),
            secrets,
            wrapped: Wrapped::of(&values),
        }
    }

    /// Looks for tokens alone.
    pub fn of_tokens() -> &'static Self {
        static TOKENS: LazyLock<Redactor> = LazyLock::new(|| Redactor::new([]));
        &TOKENS
    }

    /// Whether a value is nothing but a token.
    pub fn is_token(value: &[u8]) -> bool {
        SHAPES.iter().any(|shape| {
            value.starts_with(shape.prefix.as_bytes())
                && match shape.extent(value) {
                    Extent::None => false,
                    Extent::Whole(length) => length == value.len(),
                    Extent::Open { enough } => enough,
                }
        })
    }

    /// Whether it knows values and not only tokens.
    pub fn has_secrets(&self) -> bool {
        self.secrets > 0
    }

    /// A text with everything hidden that is found, also where it ends within a secret.
    pub fn text(&self, text: &str) -> String {
        let (body, ellipsis) = match text.strip_suffix('…') {
            Some(body) => (body, "…"),
            None => (text, ""),
        };
        let mut stream = Stream::default();
        let mut shown = stream.push(self, body.as_bytes()).into_owned();
        shown.extend(stream.finish(self));
        // Hiding takes whole characters away; a secret that is no text itself may take half of one.
        let mut shown = String::from_utf8_lossy(&shown).into_owned();
        shown.push_str(ellipsis);
        shown
    }

    /// Finds everything in a buffer of which the first `covered` bytes are hidden already; `before` is
    /// the byte before it.
    fn find(&self, buffer: &[u8], covered: usize, before: Option<u8>, rest: Rest) -> Found {
        let mut found = Found {
            known_to: buffer.len(),
            ..Found::default()
        };
        if covered > 0 {
            found.hidden.push(0..covered);
        }
        let Some(search) = &self.needles.search else {
            return found;
        };
        let mut from = 0;
        while let Some(hit) = search.find(Input::new(buffer).span(from..buffer.len())) {
            // What overlaps is found too: every place is asked for the longest that begins there.
            from = hit.start() + 1;
            let Some(index) = hit.pattern().as_usize().checked_sub(self.secrets) else {
                hide(&mut found.hidden, hit.range());
                continue;
            };
            let Some(shape) = SHAPES.get(index) else {
                continue;
            };
            let previous = match hit.start().checked_sub(1) {
                Some(previous) => buffer.get(previous).copied(),
                None => before,
            };
            if previous.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                continue;
            }
            let token = buffer.get(hit.start()..).unwrap_or_default();
            match shape.extent(token) {
                Extent::None => {}
                Extent::Whole(length) => {
                    hide(&mut found.hidden, hit.start()..hit.start() + length);
                }
                Extent::Open { enough } if rest == Rest::Nothing || token.len() > LONGEST_TOKEN => {
                    if enough {
                        hide(&mut found.hidden, hit.start()..buffer.len());
                        found.open = Some(*shape);
                    }
                }
                Extent::Open { .. } => found.known_to = found.known_to.min(hit.start()),
            }
        }
        let begun = self.needles.begun(buffer);
        match rest {
            Rest::MayFollow => found.known_to = found.known_to.min(begun),
            // The rest of it was not written, or was cut off.
            Rest::Nothing if self.is_telling(buffer.get(begun..).unwrap_or_default()) => {
                hide(&mut found.hidden, begun..buffer.len());
            }
            Rest::Nothing => {}
        }
        if let Some(wrapped) = &self.wrapped {
            find_wrapped(wrapped, buffer, rest, &mut found);
        }
        found
    }

    /// Whether the beginning of something gives a secret away.
    fn is_telling(&self, text: &[u8]) -> bool {
        let is_prefix = |shape: &Shape| shape.prefix.as_bytes().starts_with(text);
        text.len() >= TELLING && !SHAPES.iter().any(is_prefix) && self.needles.begins_one(text)
    }
}

/// Finds what ends of lines stand in.
fn find_wrapped(wrapped: &Wrapped, buffer: &[u8], rest: Rest, found: &mut Found) {
    let mut hits = wrapped.find(buffer);
    match (rest, hits.begun) {
        (Rest::MayFollow, Some(begun)) => found.known_to = found.known_to.min(begun),
        (Rest::Nothing, Some(begun)) if hits.is_telling => hits.hidden.push(begun..buffer.len()),
        _ => {}
    }
    if hits.hidden.is_empty() {
        return;
    }
    hits.hidden.append(&mut found.hidden);
    hits.hidden
        .sort_unstable_by_key(|range| (range.start, range.end));
    for range in hits.hidden {
        hide(&mut found.hidden, range);
    }
}

/// Notes what is to be hidden; what is found comes in the order of its beginnings.
fn hide(hidden: &mut Vec<Range<usize>>, more: Range<usize>) {
    match hidden.last_mut() {
        Some(last) if more.start < last.end => last.end = last.end.max(more.end),
        _ => hidden.push(more),
    }
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
