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

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// All forms of a secret, none of them short.
pub(super) fn of(secret: &[u8]) -> BTreeSet<Vec<u8>> {
    forms_of(secret, add)
}

/// Those that are often wrapped into lines: hexadecimal and base64.
pub(super) fn encoded(secret: &[u8]) -> BTreeSet<Vec<u8>> {
    forms_of(secret, |forms, piece| {
        if piece.len() >= LEAST {
            forms.extend(encodings(piece).filter(|form| form.len() >= LEAST));
        }
    })
}

fn forms_of(secret: &[u8], add: fn(&mut BTreeSet<Vec<u8>>, &[u8])) -> BTreeSet<Vec<u8>> {
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

/// A piece in hexadecimal, and in base64 wherever it stands in what is encoded.
fn encodings(piece: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let hexadecimal = [hex(piece, false), hex(piece, true)].into_iter();
    let base64 = [STANDARD, URL_SAFE]
        .into_iter()
        .flat_map(move |alphabet| (0..3).map(move |offset| base64(piece, offset, alphabet)));
    // The first character may stand at the end of a line that nobody holds back for it.
    hexadecimal.chain(base64).flat_map(|form| {
        let behind = form.get(1..).unwrap_or_default().to_vec();
        [form, behind]
    })
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
    let mut all = vec![piece.to_vec()];
    all.extend(encodings(piece));
    for upper in [true, false] {
        all.extend([
            percent(piece, upper, b"-._~", false),
            percent(piece, upper, b"-._~/", false),
            percent(piece, upper, b"-._~!'()*", false),
            percent(piece, upper, b"-._*", true),
        ]);
    }
    if let Ok(text) = std::str::from_utf8(piece) {
        // What logs carry is often JSON in a text of JSON.
        for once in json(text).into_iter().collect::<BTreeSet<_>>() {
            if let Ok(once) = std::str::from_utf8(&once) {
                all.extend(json(once));
            }
            all.push(once);
        }
        all.extend(html(text));
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

/// As it stands in a page or in XML, by whoever wrote it.
fn html(text: &str) -> Vec<Vec<u8>> {
    type Escape<'e> = &'e dyn Fn(char) -> Option<String>;
    let escape = |others: Escape<'_>| {
        let mut escaped = String::with_capacity(text.len());
        for character in text.chars() {
            match (others(character), character) {
                (Some(entity), _) => escaped.push_str(&entity),
                (None, '&') => escaped.push_str("&amp;"),
                (None, '<') => escaped.push_str("&lt;"),
                (None, '>') => escaped.push_str("&gt;"),
                (None, other) => escaped.push(other),
            }
        }
        escaped.into_bytes()
    };
    let decimal = |character: char| Some(format!("&#{};", u32::from(character)));
    let lower = |character: char| Some(format!("&#x{:x};", u32::from(character)));
    let upper = |character: char| Some(format!("&#x{:X};", u32::from(character)));
    let is_special = |character: char| "&<>\"'".contains(character);
    let mut all = vec![
        escape(&|_| None),
        escape(&|character| (character == '"').then(|| "&quot;".to_owned())),
    ];
    let quotes = ["&quot;", "&#34;", "&#x22;"];
    let apostrophes = ["'", "&#39;", "&#x27;", "&#039;", "&apos;"];
    for (quote, apostrophe) in quotes
        .into_iter()
        .flat_map(|quote| apostrophes.map(|apostrophe| (quote, apostrophe)))
    {
        let named = |character: char| match character {
            '"' => Some(quote.to_owned()),
            '\'' => Some(apostrophe.to_owned()),
            _ => None,
        };
        all.push(escape(&named));
        // Go escapes the plus, Mustache what ends a value without quotes, and Python what is not ASCII.
        all.push(escape(&|character| match character {
            '+' => decimal(character),
            _ => named(character),
        }));
        all.push(escape(&|character| match character {
            '/' | '`' | '=' => upper(character),
            _ => named(character),
        }));
        all.push(escape(&|character| {
            named(character).or_else(|| {
                let is_far = !character.is_ascii();
                is_far.then(|| decimal(character)).flatten()
            })
        }));
    }
    for number in [decimal, lower, upper] as [fn(char) -> Option<String>; 3] {
        for is_written in [
            is_special,
            |character: char| "&<>\"'".contains(character) || !character.is_ascii(),
            |character: char| !character.is_ascii_alphanumeric(),
        ] as [fn(char) -> bool; 3]
        {
            all.push(escape(&|character| {
                is_written(character).then(|| number(character)).flatten()
            }));
        }
    }
    all
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
#[path = "forms_tests.rs"]
mod tests;
