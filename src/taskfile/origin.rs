//! Where the values of a task came from.

use std::fmt;
use std::sync::Arc;

use crate::support::bytes::OsText;
use crate::taskfile::source::Source;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was given.
    pub file: Arc<OsText>,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

impl Place {
    /// The place of a byte of a file.
    pub(crate) fn of(source: Option<&Source>, offset: usize) -> Self {
        match source {
            Some(source) => {
                let (line, column) = source.position(offset);
                Self {
                    file: Arc::clone(&source.file),
                    line,
                    column,
                }
            }
            None => Self {
                file: Arc::default(),
                line: 0,
                column: 0,
            },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.untrusted().for_terminal(), self.line)
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The task's own table.
    Task(Place),
    /// `[defaults]` of its file.
    Defaults(Place),
    /// An option.
    Flag(&'static str),
    /// What stood behind the options, or a line of a list of commands.
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(place) => write!(f, "{place}"),
            Self::Defaults(place) => write!(f, "{place} [defaults]"),
            Self::Flag(flag) => f.write_str(flag),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}
