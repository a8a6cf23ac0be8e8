//! What a target is sent: words, made already, and the facts behind them.
//!
//! Which words is not decided here. All texts are one that a terminal could show: whoever made them
//! has chosen a sink for what came from outside. Each way of sending escapes them once more for its
//! own format.

use serde_json::Value;

use crate::model::ids::RunId;
use crate::model::notice::Occasion;
use crate::support::clock::Timestamp;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// All is well.
    Routine,
    /// Somebody has to look, some time.
    NeedsPerson,
    /// Somebody has to look now.
    Critical,
}

/// A message to somebody.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The same in every try to send it.
    pub id: String,
    /// What it is about.
    pub occasion: Occasion,
    /// How much it matters.
    pub urgency: Urgency,
    /// One line, the verdict in it.
    pub subject: String,
    /// All of it as text.
    pub text: String,
    /// All of it as a page.
    pub html: Option<String>,
    /// The facts, for a program.
    pub details: Value,
    /// The run that it tells of.
    pub run: Option<RunId>,
    /// An id of that run that no other queue has.
    pub run_uuid: Option<String>,
    /// When what it tells of happened.
    pub at: Timestamp,
}

impl Letter {
    /// The subject, on one line whatever is in it.
    pub fn title(&self) -> String {
        let flat: String = self
            .subject
            .chars()
            .map(|character| {
                if character.is_control() {
                    ' '
                } else {
                    character
                }
            })
            .collect();
        within(&flat, MOST_TITLE).to_owned()
    }
}

/// The longest subject, in bytes.
const MOST_TITLE: usize = 200;

/// The beginning of a text, at most so many bytes of it, not cut within a character.
pub(crate) fn within(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// The beginning of a text, with a mark where something is missing; at most so many bytes.
pub(crate) fn cut(text: &str, bytes: usize) -> String {
    const MARK: &str = "\n…";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let room = bytes.saturating_sub(MARK.len());
    format!("{}{MARK}", within(text, room))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn letter(occasion: Occasion) -> Letter {
        Letter {
            id: "0b51e7a0-6a4c-4b5e-9b0b-6e5f0e3d5a11".to_owned(),
            occasion,
            urgency: Urgency::Routine,
            subject: "autoexec on host: all 3 tasks are done".to_owned(),
            text: "All is well.\n".to_owned(),
            html: None,
            details: serde_json::json!({ "run": 7 }),
            run: Some(RunId::new(7)),
            run_uuid: Some("3f0c1d5e-1111-8222-9333-444455556666".to_owned()),
            at: Timestamp::from_millis(1_700_000_000_000),
        }
    }

    #[test]
    fn a_title_is_one_line_and_not_endless() {
        let mut letter = letter(Occasion::Report);
        letter.subject = format!("a\r\nBcc: everybody\u{0}{}", "é".repeat(300));
        let title = letter.title();
        assert!(!title.contains(['\r', '\n', '\0']), "{title:?}");
        assert!(title.len() <= MOST_TITLE);
        assert!(title.starts_with("a  Bcc: everybody é"));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(within("aé", 2), "a");
        assert_eq!(within("aé", 3), "aé");
        assert_eq!(cut("ééééé", 8), "éé\n…");
        assert_eq!(cut("short", 8), "short");
    }
}
