//! Output as it comes, in pieces of any size.

use std::borrow::Cow;

use crate::policy::redact::Found;
use crate::policy::redact::HIDDEN;
use crate::policy::redact::Redactor;
use crate::policy::redact::Rest;
use crate::policy::redact::shapes::Shape;

/// One stream of output.
#[derive(Debug, Default)]
pub struct Stream {
    /// What may be the beginning of something.
    held: Vec<u8>,
    /// How much of it is hidden already: it belongs to something before it, too.
    covered: usize,
    /// The byte before that.
    before: Option<u8>,
    /// A token that is hidden and goes on.
    open: Option<Shape>,
}

impl Stream {
    /// Takes more; gives what may be shown of all that came.
    pub fn push<'a>(&mut self, redactor: &Redactor, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let bytes = self.skip(bytes);
        if bytes.is_empty() {
            return Cow::Borrowed(bytes);
        }
        if self.held.is_empty() {
            let found = redactor.find(bytes, 0, self.before, Rest::MayFollow);
            let shown = if found.hidden.is_empty() {
                Cow::Borrowed(bytes.get(..found.known_to).unwrap_or_default())
            } else {
                Cow::Owned(shown(bytes, 0, &found))
            };
            self.keep(bytes, &found);
            return shown;
        }
        self.held.extend_from_slice(bytes);
        Cow::Owned(self.look(redactor, Rest::MayFollow))
    }

    /// Nothing follows: gives what was held back.
    pub fn finish(&mut self, redactor: &Redactor) -> Vec<u8> {
        let rest = self.look(redactor, Rest::Nothing);
        *self = Self::default();
        rest
    }

    /// Whether something is held back.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Looks at what is held.
    fn look(&mut self, redactor: &Redactor, rest: Rest) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        let found = redactor.find(&held, self.covered, self.before, rest);
        let shown = shown(&held, self.covered, &found);
        self.keep(&held, &found);
        shown
    }

    /// Passes over the rest of a token that was hidden.
    fn skip<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(shape) = self.open else {
            return bytes;
        };
        let end = bytes.iter().position(|byte| !shape.takes(*byte));
        if end.is_some() {
            self.open = None;
        }
        let (skipped, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        self.before = skipped.last().copied().or(self.before);
        rest
    }

    /// Keeps what is not known yet.
    fn keep(&mut self, buffer: &[u8], found: &Found) {
        let known = buffer.get(..found.known_to).unwrap_or_default();
        let held = buffer.get(found.known_to..).unwrap_or_default();
        self.before = known.last().copied().or(self.before);
        self.covered = found
            .hidden
            .iter()
            .filter(|hidden| {
                hidden.start < found.known_to || (hidden.start == 0 && self.covered > 0)
            })
            .map(|hidden| hidden.end.saturating_sub(found.known_to))
            .max()
            .unwrap_or(0);
        self.open = found.open;
        self.held.clear();
        self.held.extend_from_slice(held);
    }
}

/// What is shown of a buffer, as far as it is known.
fn shown(buffer: &[u8], covered: usize, found: &Found) -> Vec<u8> {
    let mut shown = Vec::with_capacity(found.known_to);
    let mut from = 0;
    for hidden in &found.hidden {
        if hidden.start >= found.known_to {
            break;
        }
        shown.extend_from_slice(buffer.get(from..hidden.start).unwrap_or_default());
        // What begins with what was hidden before was marked there.
        if covered == 0 || hidden.start > 0 {
            shown.extend_from_slice(HIDDEN.as_bytes());
        }
        from = hidden.end;
    }
    shown.extend_from_slice(buffer.get(from..found.known_to).unwrap_or_default());
    shown
}
