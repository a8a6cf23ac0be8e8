//! Regular expressions that users write, to be held against the output of tasks.
//!
//! They match bytes, line by line, in linear time and bounded memory, whatever the output is.

use regex::bytes::Regex;
use regex::bytes::RegexBuilder;

/// The longest expression.
pub const LONGEST: usize = 4096;
/// The most memory that a compiled one takes.
const MOST_MEMORY: usize = 2 << 20;

/// Compiles an expression.
///
/// # Errors
/// What is wrong with it, in a few words that can follow "it".
pub fn compile(text: &str) -> Result<Regex, String> {
    if text.is_empty() {
        return Err("is empty and matches everything".to_owned());
    }
    if text.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    RegexBuilder::new(text)
        .size_limit(MOST_MEMORY)
        .dfa_size_limit(MOST_MEMORY)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                "is too large; use smaller numbers of repetitions".to_owned()
            }
            other @ (regex::Error::Syntax(_) | _) => {
                format!("cannot be read: {}", reason(&other.to_string()))
            }
        })
}

/// The last line of a message of the parser, which says what is wrong.
fn reason(message: &str) -> &str {
    let last = message.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_says_why() {
        for (text, why) in [
            ("", "is empty and matches everything"),
            ("(", "cannot be read: unclosed group"),
            (
                "a(?=b)",
                "cannot be read: look-around, including look-ahead and look-behind, is not supported",
            ),
            (
                r"(\w{500}){500}",
                "is too large; use smaller numbers of repetitions",
            ),
        ] {
            assert_eq!(compile(text).unwrap_err(), why, "{text}");
        }
        assert!(compile(&"x".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn letters_of_any_language_are_letters() {
        assert!(
            compile(r"(?i)größe")
                .unwrap()
                .is_match("GRÖSSE GRÖßE".as_bytes())
        );
    }
}
