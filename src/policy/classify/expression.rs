//! Expressions that users write: what one may be, and why one is refused.
//!
//! They work on bytes and run in linear time: there is no looking around and no reference back. `\d`,
//! `\w` and `\b` know ASCII only unless `(?u)` is written. Bounds keep memory and time small, whatever
//! somebody pastes: of the text, of the compiled form, and of all expressions of one source together.

use regex::bytes::Regex;
use regex::bytes::RegexBuilder;
use regex_automata::nfa::thompson;
use regex_automata::nfa::thompson::NFA;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;

/// The most bytes of an expression.
const LONGEST: usize = 2_000;
/// The most bytes that an expression may take once it is compiled; `(?u)\w+` needs some 100 KiB.
const LARGEST: usize = 256 * 1024;
/// The most bytes that all expressions of one source may take together.
const LARGEST_TOGETHER: usize = 1024 * 1024;

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionProblem {
    /// The text is too long.
    #[error("it is {bytes} bytes long, and at most {LONGEST} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The compiled form is too large.
    #[error("it grows larger than {} KiB when it is compiled", LARGEST / 1024)]
    TooLarge,
    /// The compiled forms are too large together.
    #[error(
        "all of them together grow larger than {} MiB when they are compiled",
        LARGEST_TOGETHER / 1024 / 1024
    )]
    TooLargeTogether,
    /// It asks for the edges of words of any language, for which tables of states do not do.
    #[error("`\\b` and `\\B` are for words in ASCII only, also behind `(?u)`")]
    EdgesOfAnyWords,
    /// It is no expression.
    #[error("{words}{}", Place(*character))]
    Malformed {
        /// What is wrong, in a few words.
        words: String,
        /// Where, counted in characters from 1.
        character: Option<usize>,
    },
    /// It says nothing.
    #[error("it matches every line")]
    MatchesEverything,
}

struct Place(Option<usize>);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .map_or(Ok(()), |number| write!(f, " at character {number}"))
    }
}

impl ExpressionProblem {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "match a few telling words instead of a whole message",
            Self::TooLarge | Self::TooLargeTogether => {
                "write smaller numbers of repetitions; `.*` between two words needs none"
            }
            Self::EdgesOfAnyWords => "write `(?-u:\\b)`, or the characters that stand around",
            Self::Malformed { words, .. } if words.contains("look-around") => {
                "look-around does not exist here: match the words themselves"
            }
            Self::Malformed { words, .. } if words.contains("backreference") => {
                "references back do not exist here: write the words out"
            }
            Self::Malformed { words, .. } if words.contains("Unicode") => {
                "put `(?u)` in front for classes of characters beyond ASCII"
            }
            Self::Malformed { .. } => {
                "put a backslash before a character that is meant as it stands, such as `\\(`"
            }
            Self::MatchesEverything => {
                "write words of the line; to go by the exit code alone leave `matches` out"
            }
        }
    }
}

/// Compiles an expression.
///
/// # Errors
/// When it is malformed, too large, or matches everything.
pub fn compile(written: &str) -> Result<Regex, ExpressionProblem> {
    if written.len() > LONGEST {
        let bytes = written.len();
        return Err(ExpressionProblem::TooLong { bytes });
    }
    let expression = RegexBuilder::new(&plain(written))
        .unicode(false)
        .size_limit(LARGEST)
        .build()
        .map_err(|error| refusal(&error))?;
    if expression.is_match(b"") {
        return Err(ExpressionProblem::MatchesEverything);
    }
    compile_together(&[written.to_owned()])?;
    Ok(expression)
}

/// Compiles expressions, each of which is sound by itself, for a search for all of them at once.
///
/// # Errors
/// When they are too large together.
pub(super) fn compile_together(written: &[String]) -> Result<NFA, ExpressionProblem> {
    let plain: Vec<String> = written.iter().map(|one| plain(one)).collect();
    let nfa = NFA::compiler()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(
            thompson::Config::new()
                .utf8(false)
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(LARGEST_TOGETHER)),
        )
        .build_many(&plain)
        .map_err(|error| match error.size_limit() {
            Some(_) => ExpressionProblem::TooLargeTogether,
            None => malformed(&error.to_string()),
        })?;
    if nfa.look_set_any().contains_word_unicode() {
        return Err(ExpressionProblem::EdgesOfAnyWords);
    }
    Ok(nfa)
}

/// The expression with plain quotes, which output has when it is judged.
fn plain(written: &str) -> String {
    written
        .chars()
        .map(|character| match character {
            '\u{2018}'..='\u{201b}' => '\'',
            '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' => '"',
            '\u{a0}' => ' ',
            other => other,
        })
        .collect()
}

fn refusal(error: &regex::Error) -> ExpressionProblem {
    if matches!(error, regex::Error::CompiledTooBig(_)) {
        ExpressionProblem::TooLarge
    } else {
        malformed(&error.to_string())
    }
}

/// The library's page of an error, on which a caret stands below the place, as a few words.
fn malformed(page: &str) -> ExpressionProblem {
    const MARGIN: usize = 4;
    let words = page
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("error: "))
        .unwrap_or("it is no regular expression");
    let caret = page
        .lines()
        .find(|line| line.contains('^') && line.trim_matches([' ', '^']).is_empty());
    let character = caret
        .and_then(|line| line.find('^')?.checked_sub(MARGIN))
        .map(|before| before + 1);
    ExpressionProblem::Malformed {
        words: words.to_owned(),
        character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(written: &str) -> String {
        compile(written).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_with_an_expression_is_told_with_its_place() {
        assert_eq!(words("ab(c"), "unclosed group at character 3");
        assert!(words("(?=a)").starts_with("look-around"));
        assert!(words(r"(a)\1").starts_with("backreferences"));
        assert!(
            compile("(?=a)")
                .unwrap_err()
                .hint()
                .starts_with("look-around does not")
        );
    }

    #[test]
    fn bombs_are_refused_before_they_take_memory() {
        for bomb in [
            "(a{1000}){1000}",
            "((((a{90}){90}){90}){90})",
            "(?u)\\w{1000}",
        ] {
            assert_eq!(compile(bomb).unwrap_err(), ExpressionProblem::TooLarge);
        }
        assert_eq!(
            compile(&"a".repeat(2001)).unwrap_err(),
            ExpressionProblem::TooLong { bytes: 2001 }
        );
        let many: Vec<String> = (0..200).map(|n| format!("{n}(ab|cd){{500}}")).collect();
        assert_eq!(
            compile_together(&many).unwrap_err(),
            ExpressionProblem::TooLargeTogether
        );
    }

    #[test]
    fn an_expression_that_says_nothing_is_refused() {
        for written in ["", ".*", "^", "a?", "x|"] {
            assert_eq!(
                compile(written).unwrap_err(),
                ExpressionProblem::MatchesEverything,
                "{written}"
            );
        }
    }

    #[test]
    fn words_of_any_language_and_broken_text_are_matched() {
        let expression = compile("Größe.*überschritten").unwrap();
        assert!(expression.is_match("Größe \u{fffd} überschritten".as_bytes()));
        assert!(expression.is_match(b"Gr\xc3\xb6\xc3\x9fe \xff\xfe \xc3\xbcberschritten"));
        assert!(compile("[äöü]").unwrap_err().hint().contains("(?u)"));
        assert!(compile("(?u)[äöü]").is_ok());
        assert_eq!(
            compile(r"(?u)\bgröße").unwrap_err(),
            ExpressionProblem::EdgesOfAnyWords
        );
        assert!(compile(r"(?u)(?-u:\b)größe").is_ok());
        assert!(compile("“quoted”").unwrap().is_match(b"\"quoted\""));
    }
}
