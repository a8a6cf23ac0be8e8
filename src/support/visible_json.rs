//! JSON that may end up on a terminal: the same value, with everything in its texts escaped that a
//! terminal would obey or that hides.
//!
//! The usual encoder escapes the controls below U+0020 alone; U+009B begins a command of a terminal as
//! well as ESC does, and marks of direction turn what stands behind them.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;
use serde_json::ser::Serializer;

use crate::support::untrusted::is_visible;

/// Writes a value on one line, without a line feed.
///
/// # Errors
/// When the value has no JSON, or the writer fails.
pub fn write(out: impl io::Write, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Visible))
}

/// A value as text.
///
/// # Errors
/// When the value has no JSON.
pub fn to_string(value: &impl Serialize) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    write(&mut bytes, value)?;
    // It was made of text.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W>(&mut self, out: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some(at) = rest.find(|character| !is_visible(character)) {
            let (plain, behind) = rest.split_at(at);
            out.write_all(plain.as_bytes())?;
            let mut characters = behind.chars();
            if let Some(character) = characters.next() {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_the_value_is_the_same() {
        let text = "a\u{9b}2J\u{7f}\u{202e}\u{e0041}\n\"é東\\";
        let json = to_string(&text).unwrap();
        assert_eq!(
            json,
            "\"a\\u009b2J\\u007f\\u202e\\udb40\\udc41\\n\\\"é東\\\\\""
        );
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
