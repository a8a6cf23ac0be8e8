//! What needs somebody's attention: how bad it is, and one thing that was told.
//!
//! Where alerts are kept is `host::alerts`; what a machine's health makes of things is
//! `policy::health`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Good to know.
    Info,
    /// Something will go wrong if nobody looks.
    Warning,
    /// Something went wrong.
    Critical,
}

impl Level {
    /// The stable identifier.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        }
    }

    /// Reads the identifier, in capitals or not.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Critical]
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(word))
    }
}

/// One thing that was told. The file in which it is kept may be written by anybody who may write in
/// the state directory, a task for example, so its texts are untrusted.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// When.
    pub timestamp: Timestamp,
    /// How bad it is.
    pub level: Level,
    /// Which part of the program tells it.
    pub component: Untrusted,
    /// What happened and what to type next.
    pub message: Untrusted,
    /// The same for a script.
    pub details: Value,
}

impl Alert {
    /// The alert as a JSON value.
    pub fn value(&self) -> Value {
        json!({
            "timestamp": self.timestamp.to_rfc3339(),
            "level": self.level.as_str(),
            "component": self.component.for_json(),
            "message": self.message.for_json(),
            "details": self.details,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_read_in_any_case() {
        assert!(Level::Info < Level::Warning && Level::Warning < Level::Critical);
        assert_eq!(Level::parse("warning"), Some(Level::Warning));
        assert_eq!(Level::parse("Critical"), Some(Level::Critical));
        assert_eq!(Level::parse("warn"), None);
    }
}
