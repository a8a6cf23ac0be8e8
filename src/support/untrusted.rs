//! Text that somebody else wrote: what a child printed, a file name, a name from a generated file.
//!
//! It has no `Display`: whoever shows it chooses a sink, and the sink's escaper decides what may
//! pass.

use std::fmt::{self, Write as _};

use console::measure_text_width;

use crate::support::table::cut;

/// Bytes from outside that cannot be printed without choosing a sink.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Untrusted(Vec<u8>);

impl Untrusted {
    /// Wraps bytes from outside.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// For a terminal, a log line or an error message: one line, in which control characters,
    /// escape sequences and marks of text direction are shown instead of obeyed.
    pub fn for_terminal(&self) -> String {
        let mut shown = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                push_visible(&mut shown, character);
            }
            for byte in chunk.invalid() {
                // Writing into a String cannot fail.
                let _infallible = write!(shown, "\\x{byte:02x}");
            }
        }
        shown
    }

    /// Like [`Untrusted::for_terminal`], cut to at most `width` columns with an ellipsis: within a name in
    /// backticks if that is enough, so that what is said of a long path stays, otherwise at the end.
    pub fn for_terminal_within(&self, width: usize) -> String {
        let shown = self.for_terminal();
        let excess = measure_text_width(&shown).saturating_sub(width);
        match excess {
            0 => shown,
            _ => cut(&with_a_shorter_name(&shown, excess).unwrap_or(shown), width),
        }
    }

    /// Inline text for Markdown, on one line: nothing in it is markup, and no renderer makes a link, a
    /// mention or a reference of it. Whoever puts it at the beginning of a line asks [`line_begin`].
    pub fn for_markdown(&self) -> String {
        let shown = self.for_terminal();
        let mut escaped = String::with_capacity(shown.len());
        for word in shown.split_inclusive(' ') {
            let (word, space) = word
                .strip_suffix(' ')
                .map_or((word, ""), |word| (word, " "));
            if would_be_linked(word) {
                escaped.push_str(&code_spans(word));
            } else {
                for character in word.chars() {
                    if MARKUP.contains(character) {
                        escaped.push('\\');
                    }
                    escaped.push(character);
                }
            }
            escaped.push_str(space);
        }
        escaped
    }

    /// Text for HTML and SVG, as content and between quotes of an attribute: nothing in it is markup, and
    /// what is invisible or turns the direction of text is shown as on a terminal.
    pub fn for_html(&self) -> String {
        let shown = self.for_terminal();
        let mut escaped = String::with_capacity(shown.len());
        for character in shown.chars() {
            match character {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                _ => escaped.push(character),
            }
        }
        escaped
    }

    /// The text for JSON, where the encoder does the escaping; broken UTF-8 becomes U+FFFD.
    pub fn for_json(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// The raw bytes, for judging them; never for showing them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What is left of a name at least when its middle is left out, in characters.
const LEAST_NAME: usize = 16;

/// The text with the middle of its longest name in backticks left out, at least `excess` characters of
/// it; `None` if no name is long enough. Of a path the end tells most.
fn with_a_shorter_name(text: &str, excess: usize) -> Option<String> {
    let pieces: Vec<&str> = text.split('`').collect();
    let length = |piece: &str| piece.chars().count();
    // Every second piece stands between two backticks; the last one has none behind it.
    let names = (1..pieces.len().saturating_sub(1)).step_by(2);
    let longest = names.max_by_key(|index| pieces.get(*index).map_or(0, |name| length(name)))?;
    let name = pieces.get(longest)?;
    let left = length(name).checked_sub(excess + 1)?;
    if left < LEAST_NAME {
        return None;
    }
    let begin: String = name.chars().take(left / 3).collect();
    let end: String = name
        .chars()
        .skip(length(name) - (left - left / 3))
        .collect();
    let shorter = format!("{begin}…{end}");
    let pieces = pieces.iter().enumerate();
    let pieces = pieces.map(|(index, piece)| {
        if index == longest {
            shorter.as_str()
        } else {
            piece
        }
    });
    Some(pieces.collect::<Vec<_>>().join("`"))
}

/// What Markdown and its usual extensions act on within a line.
const MARKUP: &str = "\\`*_[]<>&~|#!$^";

/// Whether a renderer would make a link, a mention or a reference of a word.
fn would_be_linked(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    lower.contains("://") || lower.contains("www.") || word.contains('@') || word.contains('#')
}

/// A word as code, its backticks as text.
fn code_spans(word: &str) -> String {
    let pieces: Vec<String> = word
        .split('`')
        .map(|piece| match piece {
            "" => String::new(),
            piece => format!("`{piece}`"),
        })
        .collect();
    pieces.join("\\`")
}

/// Lines for Markdown as a block of code that its content cannot end, each line behind `indent`. The
/// text must have been made safe for a terminal.
pub fn fenced(text: &str, indent: &str) -> String {
    let fence = "`".repeat((longest_run_of_backticks(text) + 1).max(3));
    let mut block = format!("{indent}{fence}\n");
    for line in text.lines() {
        block.extend([indent, line, "\n"]);
    }
    block.extend([indent, &fence, "\n"]);
    block
}

fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or_default()
}

/// A line of escaped Markdown text, so that its beginning makes no list, heading or rule of it.
pub fn line_begin(line: &str) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = line.split_at(digits);
    if line.starts_with(['-', '+', '=', ':']) {
        format!("\\{line}")
    } else if digits > 0 && rest.starts_with(['.', ')']) {
        format!("{number}\\{rest}")
    } else {
        line.to_owned()
    }
}

/// Whether a terminal shows a character, instead of acting on it or hiding something.
pub fn is_visible(character: char) -> bool {
    !character.is_control() && !is_mark(character)
}

/// Whether it turns the direction of text, joins or hides characters, or ends a line elsewhere.
const fn is_mark(character: char) -> bool {
    matches!(
        character,
        '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{061c}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Appends a character, in a visible form when a terminal would act on it.
fn push_visible(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        '\u{1b}' => shown.push_str("\\e"),
        _ if is_mark(character) => {
            let _infallible = write!(shown, "\\u{{{:x}}}", u32::from(character));
        }
        _ if character.is_control() => {
            let _infallible = write!(shown, "\\x{:02x}", u32::from(character));
        }
        _ => shown.push(character),
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({})", self.for_terminal())
    }
}

impl From<&str> for Untrusted {
    fn from(value: &str) -> Self {
        Self(value.as_bytes().to_vec())
    }
}

impl From<String> for Untrusted {
    fn from(value: String) -> Self {
        Self(value.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_terminal_sees_escapes_and_does_not_obey_them() {
        let text = Untrusted::new(*b"\x1b[2Jcleared\x07\r\n\xff\xe2\x80\xaeevil");
        assert_eq!(
            text.for_terminal(),
            "\\e[2Jcleared\\x07\\r\\n\\xff\\u{202e}evil"
        );
    }

    #[test]
    fn html_shows_markup_and_marks_of_direction_as_text() {
        let text = Untrusted::from("<img src=x onerror='a'>&\"\u{202e}\u{1b}[1m\n");
        assert_eq!(
            text.for_html(),
            "&lt;img src=x onerror=&#39;a&#39;&gt;&amp;&quot;\\u{202e}\\e[1m\\n"
        );
    }

    #[test]
    fn ordinary_text_of_any_language_is_left_alone() {
        assert_eq!(
            Untrusted::from("Übergröße 東京 🚀").for_terminal(),
            "Übergröße 東京 🚀"
        );
    }

    #[test]
    fn a_long_line_loses_the_middle_of_a_path_before_what_is_said_of_it() {
        let within = |text: &str, width| Untrusted::from(text).for_terminal_within(width);
        let path = "`/srv/projects/backup/nightly/scripts/dump-shop.sh` may not be executed";
        assert_eq!(
            within(path, 50),
            "`/srv/proj…ripts/dump-shop.sh` may not be executed"
        );
        assert_eq!(within(path, 200), path);
        // Too little would be left of the name.
        let short = "`dump-shop.sh` may not be executed by who runs it";
        assert_eq!(within(short, 30), "`dump-shop.sh` may not be exe…");
        assert_eq!(within("no `name in it", 9), "no `name…");
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_asked(text in "[a`é東\u{301} ]{0,80}", width in 0_usize..60) {
            let shown = Untrusted::from(text.as_str()).for_terminal_within(width);
            prop_assert!(measure_text_width(&shown) <= width, "{shown:?}");
        }

        #[test]
        fn nothing_that_a_terminal_obeys_passes(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let shown = Untrusted::new(bytes).for_terminal();
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
