//! What of a task file is not shown, in whatever is said of it: values of variables and of `secrets`,
//! of keys with the name of a secret, and what looks like one by itself.
//!
//! A file with errors in it has no values yet, so this reads the text and not what the parser made of
//! it, and hides rather too much: where the end of a value cannot be told, the rest of its line.
//!
//! Not here: showing lines (`taskfile::source`), and what looks like a secret ([`crate::policy::mask`]).

use std::ops::Range;

use crate::policy::mask;

/// Lists and tables within each other; nobody writes more.
const DEEPEST: usize = 64;
/// Tables of variables, as they are called and as they are miscalled.
const VARIABLES: &[&str] = &[
    "env",
    "envs",
    "environment",
    "enviroment",
    "variables",
    "vars",
];

/// The places of a text that are not shown.
#[derive(Debug, Default)]
pub(crate) struct Veil {
    /// In order, apart from each other, on borders of characters.
    hidden: Vec<Range<usize>>,
}

impl Veil {
    /// Of a task file.
    pub(crate) fn of(text: &str) -> Self {
        let mut scan = Scan {
            text,
            at: 0,
            found: Vec::new(),
        };
        scan.file();
        let mut found = scan.found;
        found.extend(mask::places(text));
        found.sort_by_key(|range| (range.start, range.end));
        let mut hidden: Vec<Range<usize>> = Vec::new();
        for range in found.into_iter().filter(|range| !range.is_empty()) {
            match hidden.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => hidden.push(range),
            }
        }
        Self { hidden }
    }

    /// What is hidden of a span, in order; not cut to it.
    pub(crate) fn over(&self, span: &Range<usize>) -> &[Range<usize>] {
        let from = self.hidden.partition_point(|range| range.end <= span.start);
        let rest = self.hidden.get(from..).unwrap_or_default();
        let count = rest.partition_point(|range| range.start < span.end);
        rest.get(..count).unwrap_or_default()
    }
}

/// Whether the values below a key are not shown.
fn is_hiding(name: &str) -> bool {
    let plain = name.trim().trim_matches(['"', '\'']);
    VARIABLES.contains(&plain) || mask::is_secret_name(plain)
}

/// Whether a key with dots hides what is below it.
fn any_hiding(path: &str) -> bool {
    path.split('.').any(is_hiding)
}

/// A walk through the text that never stands still.
struct Scan<'t> {
    text: &'t str,
    at: usize,
    found: Vec<Range<usize>>,
}

impl<'t> Scan<'t> {
    fn file(&mut self) {
        let mut below = false;
        loop {
            self.pass(|byte| byte.is_ascii_whitespace());
            let start = self.at;
            match self.peek() {
                None => return,
                Some(b'#') => self.pass_line(),
                Some(b'[') => {
                    let line = self.line();
                    let path = line.trim_start_matches('[');
                    let (path, behind) = path.split_once(']').unwrap_or((path, ""));
                    below = any_hiding(path);
                    self.pass_line();
                    if below {
                        let behind = behind.trim_start_matches(']');
                        self.found.push(self.at - behind.len()..self.at);
                    }
                }
                Some(_) => self.entry(below, true, 0),
            }
            self.advance_from(start);
        }
    }

    /// A key and its value.
    fn entry(&mut self, below: bool, is_line: bool, depth: usize) {
        let start = self.at;
        self.key();
        let key = self.text.get(start..self.at).unwrap_or_default();
        let hides = below || any_hiding(key);
        self.pass(|byte| b" \t=:".contains(&byte));
        let from = self.at;
        self.value(depth);
        if !hides {
            return;
        }
        // Behind a sound value stands nothing on a line of its own, and a comma in a table.
        let end = self.at;
        self.pass(|byte| b" \t".contains(&byte));
        let is_over = matches!(self.peek(), None | Some(b',' | b'}' | b']' | b'\n' | b'\r'));
        if self.peek() == Some(b'[') && self.is_header() || is_over && !is_line {
            self.at = end;
        } else {
            self.pass_line();
        }
        self.found.push(from..self.at);
    }

    /// Passes over a key: words and quoted words with dots between them.
    fn key(&mut self) {
        loop {
            self.pass(|byte| b" \t".contains(&byte));
            match self.peek() {
                Some(b'"' | b'\'') => self.quoted(),
                _ => self
                    .pass(|byte| !byte.is_ascii_whitespace() && !b".=:,{}[]#\"'".contains(&byte)),
            }
            let end = self.at;
            self.pass(|byte| b" \t".contains(&byte));
            if self.peek() != Some(b'.') {
                self.at = end;
                return;
            }
            self.at += 1;
        }
    }

    /// Passes over a value; what is hidden below it is noted.
    fn value(&mut self, depth: usize) {
        match self.peek() {
            Some(b'"' | b'\'') => self.quoted(),
            Some(b'[' | b'{') if depth < DEEPEST => {
                self.at += 1;
                self.items(depth + 1);
            }
            _ => self.pass(|byte| !b",]}#\r\n".contains(&byte)),
        }
    }

    /// Passes over what stands in brackets, and the closing one.
    fn items(&mut self, depth: usize) {
        loop {
            self.pass(|byte| byte.is_ascii_whitespace() || byte == b',');
            let start = self.at;
            match self.peek() {
                None => return,
                Some(b']' | b'}') => {
                    self.at += 1;
                    return;
                }
                Some(b'#') => self.pass_line(),
                // The brackets were never closed.
                Some(b'[') if self.is_header() => return,
                Some(b'[' | b'{') => self.value(depth),
                Some(b'"' | b'\'') if !self.is_key() => self.quoted(),
                Some(_) => self.entry(false, false, depth),
            }
            self.advance_from(start);
        }
    }

    /// Passes over a text in quotes, as far as it goes.
    fn quoted(&mut self) {
        let rest = self.rest();
        let Some(quote) = rest.bytes().next() else {
            return;
        };
        let triple = [quote; 3];
        let is_long = rest.as_bytes().starts_with(&triple);
        let skipped = if is_long { 3 } else { 1 };
        let mut escaped = false;
        for (at, byte) in rest.bytes().enumerate().skip(skipped) {
            let behind = rest.as_bytes().get(at..).unwrap_or_default();
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quote == b'"' => escaped = true,
                b'\n' if !is_long => {
                    self.at += at;
                    return;
                }
                _ if is_long && behind.starts_with(&triple) => {
                    // Up to two more quotes belong to the text.
                    let more = behind.iter().take(5).take_while(|byte| **byte == quote);
                    self.at += at + more.count();
                    return;
                }
                _ if !is_long && byte == quote => {
                    self.at += at + 1;
                    return;
                }
                _ => {}
            }
        }
        self.at = self.text.len();
    }

    /// Whether what stands in quotes here is a key.
    fn is_key(&mut self) -> bool {
        let start = self.at;
        self.key();
        self.pass(|byte| b" \t".contains(&byte));
        let is_key = self.peek() == Some(b'=');
        self.at = start;
        is_key
    }

    /// Whether a line begins here that can only be the header of a table.
    fn is_header(&self) -> bool {
        let before = self.text.get(..self.at).unwrap_or_default();
        if !before.trim_end_matches([' ', '\t']).ends_with('\n') {
            return false;
        }
        let line = self.line().trim_end();
        let name = line.trim_start_matches('[').trim_end_matches(']');
        let is_name =
            |character: char| character.is_ascii_alphanumeric() || "._- ".contains(character);
        line.ends_with(']') && !name.is_empty() && name.chars().all(is_name)
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn line(&self) -> &'t str {
        self.rest().split('\n').next().unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn pass(&mut self, passed: impl Fn(u8) -> bool) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.iter().position(|byte| !passed(*byte));
        self.at += count.unwrap_or(rest.len());
    }

    fn pass_line(&mut self) {
        self.at += self.line().len();
    }

    /// Passes over one character where nothing else was passed over.
    fn advance_from(&mut self, start: usize) {
        if self.at <= start {
            let width = self.rest().chars().next().map_or(1, char::len_utf8);
            self.at = start + width;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn veiled(text: &str) -> String {
        let mut shown = String::new();
        let mut from = 0;
        for range in &Veil::of(text).hidden {
            shown.push_str(&text[from..range.start]);
            shown.push_str("***");
            from = range.end;
        }
        shown.push_str(&text[from..]);
        shown
    }

    #[test]
    fn values_of_variables_are_hidden_wherever_they_are_written() {
        for (text, expected) in [
            ("env.A = \"v\" # x\nretries = 3", "env.A = ***\nretries = 3"),
            (
                "[task.env]\nA = 5\n\"B c\" = 'v'\n[[task]]\nname = \"x\"",
                "[task.env]\nA = ***\n\"B c\" = ***\n[[task]]\nname = \"x\"",
            ),
            (
                "env = { A = \"v\", B = w }\nname = \"x\"",
                "env = ***\nname = \"x\"",
            ),
            (
                "step = [{ env = { A = \"v\" }, name = \"x\" }]",
                "step = [{ env = ***, name = \"x\" }]",
            ),
            (
                "step = [\n{ name = \"x\",\nenv = { A = v\"w }\n[[task]]\nname = \"y\"",
                "step = [\n{ name = \"x\",\nenv = ***\n[[task]]\nname = \"y\"",
            ),
            (
                "env = { KEY = \"\"\"one\ntwo\"\"\" }\nname = \"x\"",
                "env = ***\nname = \"x\"",
            ),
            ("[task.env]\nA: v\nB v w", "[task.env]\nA: ***\nB ***"),
            (
                "[task.env]\nA = \"v\\\"w\nname = 1",
                "[task.env]\nA = ***\nname = ***",
            ),
            (
                "secrets = [\n\"a b\",\n]\nname = \"x\"",
                "secrets = ***\nname = \"x\"",
            ),
            (
                "secrets = [\"a\"\n[[task]]\nname = \"x\"",
                "secrets = ***[[task]]\nname = \"x\"",
            ),
            ("api_token = \"v\"", "api_token = ***"),
            ("[defaults.env] A = 1", "[defaults.env]***"),
            ("name = \"x\" env = { A = 1 }", "name = \"x\" env = ***"),
            (
                "command = \"x --password hunter2\"",
                "command = \"x --password ***\"",
            ),
        ] {
            assert_eq!(veiled(text), expected, "{text}");
        }
    }

    #[test]
    fn the_rest_of_a_file_is_shown() {
        let text = include_str!("../../tasks.example.toml");
        let shown = veiled(text);
        for (line, shown) in text.lines().zip(shown.lines()) {
            if line != shown {
                assert!(shown.contains("***"), "{line}");
            }
        }
        assert!(shown.matches("***").count() < 12, "{shown}");
    }

    #[test]
    fn brackets_without_end_are_no_trouble() {
        let _done = Veil::of(&"[".repeat(100_000));
        let _done = Veil::of(&"{a=[".repeat(50_000));
        let _done = Veil::of(&"\"a\"".repeat(20_000));
    }

    proptest! {
        #[test]
        fn no_text_stops_the_scan(text in "[\\[\\]{}=\"'#. \na-cé\\\\env]{0,60}") {
            let _done = veiled(&text);
        }
    }
}
