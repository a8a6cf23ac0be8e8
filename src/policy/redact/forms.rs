//! The forms in which a secret appears in output: as it is, and as programs write it down.
//!
//! A form is what a common encoding makes of the secret wherever it stands in what is encoded. What a
//! program does with a secret beyond that (compressing, encrypting, reversing, one character per line)
//! cannot be foreseen.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A secret of fewer bytes is not looked for: it would be found everywhere.
pub const LEAST: usize = 6;
/// A longer secret is looked for in pieces, so that little output has to be held back.
const PIECE: usize = 256;
/// Lines of base64, as `base64` and as PEM files have them.
const BASE64_LINES: [usize; 2] = [76, 64];

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// All forms of a secret, none of them short.
pub(super) fn of(secret: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::new();
    if !is_long_enough(secret) {
        return forms;
    }
    // Files end with a newline, and what reads them takes it off.
    for whole in [secret, secret.trim_ascii()] {
        for piece in pieces(whole) {
            add(&mut forms, piece);
        }
        // A key of several lines is often printed indented.
        for line in whole.split(|byte| *byte == b'\n') {
            for piece in pieces(line.trim_ascii()) {
                add(&mut forms, piece);
            }
        }
    }
    forms
}

/// Whether a value can be looked for at all.
pub fn is_long_enough(value: &[u8]) -> bool {
    value.trim_ascii().len() >= LEAST
}

/// A text in pieces of a bounded length that leave nothing out.
fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let last = text.len().saturating_sub(PIECE);
    (0..=last)
        .step_by(PIECE)
        .chain((!last.is_multiple_of(PIECE)).then_some(last))
        .filter_map(move |from| text.get(from..text.len().min(from + PIECE)))
}

fn add(forms: &mut BTreeSet<Vec<u8>>, piece: &[u8]) {
    if piece.len() < LEAST {
        return;
    }
    let mut all = vec![piece.to_vec(), hex(piece, false), hex(piece, true)];
    for alphabet in [STANDARD, URL_SAFE] {
        all.extend((0..3).map(|offset| base64(piece, offset, alphabet)));
        let whole = base64(piece, 0, alphabet);
        for length in BASE64_LINES.into_iter().filter(|most| whole.len() > *most) {
            all.extend(whole.chunks(length).map(<[u8]>::to_vec));
        }
    }
    for upper in [true, false] {
        all.extend([
            percent(piece, upper, b"-._~", false),
            percent(piece, upper, b"-._~/", false),
            percent(piece, upper, b"-._~!'()*", false),
            percent(piece, upper, b"-._*", true),
        ]);
    }
    if let Ok(text) = std::str::from_utf8(piece) {
        all.extend(json(text));
        all.extend([html(text, "&#39;"), html(text, "&#x27;")]);
    }
    all.extend(shell(piece));
    forms.extend(all.into_iter().filter(|form| form.len() >= LEAST));
}

fn hex(bytes: &[u8], upper: bool) -> Vec<u8> {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _in_memory = if upper {
            write!(text, "{byte:02X}")
        } else {
            write!(text, "{byte:02x}")
        };
    }
    text.into_bytes()
}

/// What is the same in the base64 of every text that holds these bytes `offset` bytes (of three) behind
/// the beginning of a group: without the characters that their neighbours share.
fn base64(bytes: &[u8], offset: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let padded: Vec<u8> = std::iter::repeat_n(0, offset)
        .chain(bytes.iter().copied())
        .collect();
    let shared = match offset {
        0 => 0,
        1 => 2,
        _ => 3,
    };
    let whole = padded.len() * 8 / 6;
    let sextet = |index: usize| {
        let at = |index: usize| u32::from(padded.get(index).copied().unwrap_or(0));
        let group = index / 4 * 3;
        let bits = at(group) << 16 | at(group + 1) << 8 | at(group + 2);
        let value = (bits >> (18 - 6 * (index % 4))) & 63;
        usize::try_from(value)
            .ok()
            .and_then(|value| alphabet.get(value))
            .copied()
            .unwrap_or(b'A')
    };
    (shared..whole).map(sextet).collect()
}

/// Percent encoding of everything but letters, digits and `kept`.
fn percent(bytes: &[u8], upper: bool, kept: &[u8], plus: bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || kept.contains(byte) {
            text.push(*byte);
        } else if plus && *byte == b' ' {
            text.push(b'+');
        } else {
            text.push(b'%');
            text.extend(hex(&[*byte], upper));
        }
    }
    text
}

/// As it stands in a string of JSON (or of a program that writes strings like it), by whoever wrote it.
fn json(text: &str) -> Vec<Vec<u8>> {
    let escape = |is_escaped: &dyn Fn(char) -> bool, slash: bool| {
        let mut escaped = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '"' => escaped.push_str("\\\""),
                '\\' => escaped.push_str("\\\\"),
                '\n' => escaped.push_str("\\n"),
                '\r' => escaped.push_str("\\r"),
                '\t' => escaped.push_str("\\t"),
                '/' if slash => escaped.push_str("\\/"),
                other if is_escaped(other) => {
                    let mut units = [0; 2];
                    for unit in other.encode_utf16(&mut units) {
                        let _in_memory = write!(escaped, "\\u{unit:04x}");
                    }
                }
                other => escaped.push(other),
            }
        }
        escaped.into_bytes()
    };
    let control = |character: char| character.is_control();
    let ascii = |character: char| character.is_control() || !character.is_ascii();
    let careful = |character: char| {
        character.is_control() || matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}')
    };
    vec![
        escape(&control, false),
        escape(&control, true),
        escape(&ascii, false),
        escape(&ascii, true),
        escape(&careful, false),
        text.replace('\\', "\\\\").replace('\'', "\\'").into_bytes(),
    ]
}

fn html(text: &str, apostrophe: &str) -> Vec<u8> {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', apostrophe)
        .into_bytes()
}

/// As shells and those who write for them quote it, without the outer quotes.
fn shell(bytes: &[u8]) -> Vec<Vec<u8>> {
    let replace = |wanted: &dyn Fn(u8) -> bool, with: &dyn Fn(u8) -> Vec<u8>| -> Vec<u8> {
        bytes
            .iter()
            .flat_map(|byte| {
                if wanted(*byte) {
                    with(*byte)
                } else {
                    vec![*byte]
                }
            })
            .collect()
    };
    let quote = |byte: u8| byte == b'\'';
    let special = |byte: u8| {
        byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"-._/:=@%+,".contains(&byte)
    };
    // `printf %q` of bash leaves other characters alone than that of zsh.
    let most_special = |byte: u8| byte.is_ascii() && !byte.is_ascii_alphanumeric() && byte != b'_';
    let double = |byte: u8| b"$`\"\\".contains(&byte);
    let backslash = |byte: u8| vec![b'\\', byte];
    vec![
        replace(&quote, &|_| b"'\\''".to_vec()),
        replace(&quote, &|_| b"'\"'\"'".to_vec()),
        replace(&quote, &|_| b"\\'".to_vec()),
        replace(&special, &backslash),
        replace(&most_special, &backslash),
        replace(&double, &backslash),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn has(secret: &str, form: &str) {
        let forms = of(secret.as_bytes());
        assert!(
            forms.contains(form.as_bytes()),
            "{secret:?} has no form {form:?}: {:?}",
            forms.iter().map(|form| text(form)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_plain_token_has_few_forms() {
        // Raw, hexadecimal twice, base64 at three places.
        assert_eq!(of(b"tok3nvalue").len(), 6);
    }

    #[test]
    fn what_programs_make_of_a_secret_is_known() {
        for form in [
            "p\u{e4}ss w'o\"r/d",
            "70c3a473732077276f22722f64",
            "p%C3%A4ss%20w%27o%22r%2Fd",
            "p%c3%a4ss%20w%27o%22r%2fd",
            "p%C3%A4ss+w%27o%22r%2Fd",
            "p%C3%A4ss%20w%27o%22r/d",
            "p%C3%A4ss%20w'o%22r%2Fd",
            "p\u{e4}ss w'o\\\"r/d",
            "p\u{e4}ss w'o\\\"r\\/d",
            "p\\u00e4ss w'o\\\"r/d",
            "p\u{e4}ss w'\\''o\"r/d",
            "p\u{e4}ss w'\"'\"'o\"r/d",
            "p\u{e4}ss\\ w\\'o\\\"r/d",
            "p\u{e4}ss w&#39;o&quot;r/d",
            "p\u{e4}ss w&#x27;o&quot;r/d",
        ] {
            has("p\u{e4}ss w'o\"r/d", form);
        }
        has("line one\nline two", "line one\\nline two");
        has("line one\nline two", "line two");
        has("with a newline\n", "with a newline");
    }

    #[test]
    fn base64_is_known_wherever_the_secret_stands() {
        // Made with coreutils: `printf '%s' Secret-Value | base64`, with one and two bytes before it.
        has("Secret-Value", "U2VjcmV0LVZhbHVl");
        has("Secret-Value", "NlY3JldC1WYWx1Z");
        has("Secret-Value", "TZWNyZXQtVmFsdW");
    }

    #[test]
    fn a_long_secret_is_looked_for_in_pieces_that_cover_it() {
        let long: Vec<u8> = (0..1000_u32).flat_map(u32::to_le_bytes).collect();
        let mut covered = 0;
        for piece in pieces(&long) {
            assert!(piece.len() <= PIECE);
            let at = long
                .windows(piece.len())
                .position(|part| part == piece)
                .unwrap();
            assert!(at <= covered);
            covered = covered.max(at + piece.len());
        }
        assert_eq!(covered, long.len());
    }

    #[test]
    fn what_is_too_short_has_no_form() {
        assert!(of(b"12345").is_empty() && of(b"").is_empty() && of(b" 12345 ").is_empty());
        assert!(is_long_enough(b"123456") && !is_long_enough(b"12345\n"));
    }

    proptest! {
        #[test]
        fn base64_of_anything_around_a_secret_holds_one_of_its_forms(
            before in proptest::collection::vec(any::<u8>(), 0..20),
            secret in proptest::collection::vec(any::<u8>(), LEAST..40),
            after in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let whole = [before.as_slice(), &secret, &after].concat();
            for alphabet in [STANDARD, URL_SAFE] {
                let encoded = base64(&whole, 0, alphabet);
                let offset = before.len() % 3;
                let form = base64(&secret, offset, alphabet);
                prop_assert!(encoded.windows(form.len()).any(|part| part == form));
            }
        }
    }
}
