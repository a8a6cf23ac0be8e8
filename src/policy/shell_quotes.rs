//! Where a word of the shell ends that stands somewhere in a line.
//!
//! For hiding only (`policy::mask`): the line may be anything that a program printed, so where it is in
//! doubt the word is longer rather than shorter. Every function goes through its text once.

/// How quotes of a text open and close, from its begin on.
#[derive(Debug, Default)]
pub(super) struct Quoting {
    at: usize,
    open: Option<u8>,
    escaped: bool,
}

impl Quoting {
    /// The quote that is open at a place, which is not before the last one that was asked for.
    pub(super) fn at(&mut self, text: &str, place: usize) -> Option<u8> {
        for &byte in text.as_bytes().get(self.at..place).unwrap_or_default() {
            match byte {
                b'\n' => {
                    self.open = None;
                    self.escaped = false;
                }
                _ if self.escaped => self.escaped = false,
                b'\\' if self.open != Some(b'\'') => self.escaped = true,
                b'"' | b'\'' if self.open.is_none() => self.open = Some(byte),
                _ if self.open == Some(byte) => self.open = None,
                _ => {}
            }
        }
        self.at = self.at.max(place);
        self.open
    }
}

/// How many bytes of a text its first word takes, quotes and what they hold included. A quote that was
/// `open` before ends the word.
pub(super) fn word_length(text: &str, open: Option<u8>) -> usize {
    let bytes = text.as_bytes();
    // Quotes within quotes are written so.
    for nested in ["\\\"", "\\'", "'\\''"] {
        if let Some(end) = text.strip_prefix(nested).and_then(|rest| rest.find(nested)) {
            return end + 2 * nested.len();
        }
    }
    let mut at = 0;
    let mut quote: Option<u8> = None;
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (_, b'\n') | (None, b' ' | b'\t' | b'\r') => return at,
            (Some(one), _) if one == byte => quote = None,
            (Some(b'\''), _) => {}
            (_, b'\\') if bytes.get(at + 1).is_some_and(|next| *next != b'\n') => at += 1,
            (None, b'"' | b'\'') if open == Some(byte) && at > 0 => return at,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b';' | b'|' | b')') if is_followed_by_end(bytes, at) => return at,
            _ => {}
        }
        at += 1;
    }
    // A backslash is followed by a whole character.
    let mut end = at.min(bytes.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    end
}

fn is_followed_by_end(bytes: &[u8], at: usize) -> bool {
    let next = bytes.get(at + 1);
    next.is_none_or(|next| next.is_ascii_whitespace() || b"'\"".contains(next))
}

/// How many bytes stand in the quotes with which a text begins, up to the end of the line where they
/// are never closed.
pub(super) fn inside_quotes(text: &str) -> usize {
    let mut bytes = text.bytes();
    let quote = bytes.next();
    let mut escaped = false;
    let mut length = 0;
    for byte in bytes {
        match byte {
            b'\n' => break,
            _ if escaped => escaped = false,
            b'\\' if quote == Some(b'"') => escaped = true,
            _ if quote == Some(byte) => break,
            _ => {}
        }
        length += 1;
    }
    length
}
