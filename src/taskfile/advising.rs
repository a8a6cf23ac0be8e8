//! How messages name a key, and what they advise to write instead.

use crate::support::untrusted::Untrusted;
use crate::taskfile::diagnostic::At;
use crate::taskfile::keys::Key;
use crate::taskfile::keys::Kind;
use crate::taskfile::node::Node;
use crate::taskfile::node::Raw;

/// A key as messages name it: by its option where the value came from the command line.
pub(crate) fn subject(key: &Key, part: &str, at: &At) -> String {
    match at {
        At::Flag(flag) => format!("`{flag}`"),
        At::Arguments => "the command".to_owned(),
        At::Line(_) => "the line".to_owned(),
        At::Text(_) => format!(
            "`{}`",
            Untrusted::from(key.path(part).as_str()).for_terminal()
        ),
    }
}

/// What to write instead, by the key's example.
pub(crate) fn example(key: &Key, part: &str, node: &Node) -> Option<String> {
    if matches!(node.at, At::Arguments | At::Line(_)) || key.example.is_empty() {
        return None;
    }
    if let At::Flag(flag) = node.at {
        return Some(format!("for example `{flag} {}`", key.example_of_flag()));
    }
    if key.kind == Kind::Variables && !part.is_empty() {
        let part = Untrusted::from(part).for_terminal();
        return Some(format!(
            "write `{part} = \"…\"`: values of variables are texts"
        ));
    }
    let meant = match (&node.raw, key.kind) {
        (Raw::Text(text), Kind::Whole(low, high)) => text
            .as_str()
            .and_then(|text| words_to_number(text.trim()))
            .filter(|number| (low..=high).contains(number))
            .map(|number| number.to_string()),
        _ => None,
    };
    let value = meant.as_deref().unwrap_or(key.example);
    Some(format!("write `{} = {value}`", key.name))
}

/// A number that somebody wrote as a text.
fn words_to_number(text: &str) -> Option<i64> {
    const WORDS: [&str; 11] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    ];
    let by_word = WORDS
        .iter()
        .position(|word| text.eq_ignore_ascii_case(word))
        .and_then(|number| i64::try_from(number).ok());
    by_word.or_else(|| text.parse().ok())
}
