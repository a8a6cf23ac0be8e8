//! The door through which tasks come in: TOML files and the command line.
//!
//! Both are checked by one walk over one table of keys ([`keys`]), so that they agree in names,
//! values and words. All that is wrong is told at once, each with its place; if anything is wrong,
//! there are no tasks at all. Adding tasks to the queue is `store`; what a definition means is
//! [`crate::model::spec`].
//!
//! # The way of a value
//!
//! text → `reading` (trust) → TOML or options → `node` (one form) → `walk` (keys) → `values` (kinds)
//! → `assemble` (defaults, definition) → `doubts` (warnings) → [`ParsedTask`].

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a written value is taken in the forms that are named and refused in every other"
)]

mod advising;
mod assemble;
mod checks;
mod diagnostic;
mod doubts;
mod explain;
mod flags;
mod foreign;
mod installing;
pub mod keys;
mod load;
mod names;
mod node;
mod order;
mod origin;
mod patterns;
mod program_name;
mod quantities;
mod reading;
mod recovering;
mod reference;
mod render;
mod scalars;
mod secrets;
mod source;
mod steps;
mod table;
mod values;
mod veil;
mod walk;

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::spec::TaskSpec;
use crate::support::bytes::OsText;

pub use checks::host_and_port as parse_host_and_port;
pub use diagnostic::{Diagnostic, Severity};
pub use explain::explain;
pub use flags::{CommandLine, Flag, from_flags, from_lines, load_lines};
pub use load::load;
pub use origin::{Origin, Place};
pub use patterns::{Others, check_pattern, read_patterns};
pub use quantities::{bytes as parse_size, duration as parse_duration};
pub use reading::read_trusted;
pub use recovering::check_guarded;
pub use reference::reference;
pub use render::render;
pub use secrets::{kept_values, written_values};
pub use table::KEYS;

/// What paths are relative to.
#[derive(Debug, Clone)]
pub struct Context {
    /// What `~` stands for.
    pub home: Option<PathBuf>,
    /// The working directory; absolute.
    pub base: PathBuf,
}

/// A task that can be added.
#[derive(Debug, Clone)]
pub struct ParsedTask {
    /// Its definition; apart, because there may be many tasks, and they are moved about.
    pub spec: Box<TaskSpec>,
    /// Where its name is written; `None` if it came from the command line.
    pub place: Option<Place>,
    /// What was written, its own and the defaults of its file.
    pub(crate) settings: Vec<Arc<walk::Setting>>,
}

impl ParsedTask {
    /// A doubt about the value of a key that whoever knows this machine has.
    pub fn doubt(&self, key: &str, message: String, hint: &str) -> Diagnostic {
        self.note(Severity::Warning, key, message, hint)
    }

    /// What is wrong with the value of a key, as whoever knows the other tasks can tell.
    pub fn wrong(&self, key: &str, message: String, hint: &str) -> Diagnostic {
        self.note(Severity::Error, key, message, hint)
    }

    fn note(&self, severity: Severity, key: &str, message: String, hint: &str) -> Diagnostic {
        let written = assemble::find(&self.settings, key).map(|setting| &setting.origin);
        let place = match written {
            Some(Origin::Task(place) | Origin::Defaults(place)) => Some(place),
            Some(Origin::Flag(_) | Origin::CommandLine) | None => self.place.as_ref(),
        };
        Diagnostic {
            severity,
            message,
            hint: Some(hint.to_owned()),
            file: place.map(|place| OsText::clone(&place.file)),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            excerpt: None,
        }
    }
}

/// What files or a command line hold.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The tasks, in the order in which they are written; none if anything is wrong.
    pub tasks: Vec<ParsedTask>,
    /// Errors and warnings, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// What could be read of the tasks if anything is wrong: for looking for more that is wrong.
    pub unfit: Vec<ParsedTask>,
    /// Whether every task has been read that is written, and none is missing above.
    pub names_are_known: bool,
}

impl Loaded {
    /// Whether anything is wrong; warnings are not.
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// All or nothing: half of a file that is wrong is not what anybody wants.
    fn complete(mut self) -> Self {
        if self.has_errors() {
            self.unfit = std::mem::take(&mut self.tasks);
        }
        self
    }
}
