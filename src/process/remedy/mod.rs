//! Remedies that work on files and environments, carried out in a child of a supervisor.
//!
//! A child, because a file system that does not answer or an installation that hangs must not keep
//! timers and orders waiting: the supervisor watches it like a command of the task and kills it with
//! all that it started. Commands of the task's own are started by the supervisor itself.
//!
//! Everything here comes from the task's definition. What it did is looked at afterwards, and only
//! that look says whether it succeeded.
//!
//! INVARIANT: no path of a remedy is followed through a link below the folder that the definition
//! names, none leads upwards, and nothing below the state directory is deleted.

mod create;
mod delete;
mod executable;
mod held;
mod install;
mod names;
mod walk;

pub use install::tidy as tidy_environments;

use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use crate::model::remedy::Action;
use crate::process::environment::Environment;
use crate::support::bytes::OsText;
use crate::support::wildcard::WildcardError;

/// The hidden subcommand that carries out a remedy: its argument is an [`Errand`] as JSON, its answer on
/// standard output is [`Done`] as JSON. What programs print goes to its standard error.
pub const REMEDY: &str = "__remedy";

/// What is to be done, in the folder and with the variables of the process that does it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Errand {
    /// What.
    pub action: Action,
    /// Folders in which nothing is deleted: the state directory and the task's checkpoint.
    pub protected: Vec<OsText>,
    /// Where environments of tasks lie.
    pub environments: OsText,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Whether the look afterwards says that it is done.
    pub succeeded: bool,
    /// What was done or was in the way, in a sentence; untrusted text.
    pub detail: String,
}

/// Why a remedy could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(in crate::process) enum RemedyError {
    /// What it names is nothing that it may be used for.
    #[error("`{}` {why}", .path.untrusted().for_terminal())]
    Refused {
        /// What.
        path: OsText,
        /// Why not.
        why: &'static str,
    },
    /// A pattern means nothing.
    #[error("the pattern `{pattern}` of `temp` cannot be used")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why not.
        #[source]
        source: WildcardError,
    },
    /// The operating system refused.
    #[error("cannot {doing} `{}`", .path.untrusted().for_terminal())]
    System {
        /// What was to be done.
        doing: &'static str,
        /// To what.
        path: OsText,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It was done and the look afterwards does not find what was to be reached.
    #[error("{0}")]
    InVain(String),
}

impl RemedyError {
    fn refused(path: impl Into<OsText>, why: &'static str) -> Self {
        Self::Refused {
            path: path.into(),
            why,
        }
    }

    fn system(doing: &'static str, path: impl Into<OsText>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::System {
            doing,
            path,
            source,
        }
    }
}

/// What the hidden subcommand answers to its arguments; `None` for arguments that are not ours.
pub fn answer(
    mut arguments: impl Iterator<Item = OsString>,
    environment: &Environment,
) -> Option<Vec<u8>> {
    let errand: Errand = serde_json::from_slice(arguments.next()?.as_encoded_bytes()).ok()?;
    let workdir = std::env::current_dir().ok()?;
    serde_json::to_vec(&carry_out(&errand, &workdir, environment)).ok()
}

/// Carries out a remedy in a folder.
pub fn carry_out(errand: &Errand, workdir: &Path, environment: &Environment) -> Done {
    let done = match &errand.action {
        Action::CreateDirectory { path, declared } => create::directory(workdir, path, *declared),
        Action::Clean { patterns } => delete::clean(workdir, patterns, &errand.protected),
        Action::Delete {
            patterns,
            path,
            unless_held,
        } => delete::one(workdir, patterns, path, *unless_held, &errand.protected),
        Action::MakeExecutable { program } => executable::make(workdir, program),
        Action::Install {
            environment: target,
            list,
        } => install::install(
            target,
            list,
            &install::Site {
                workdir,
                environment,
                all: errand.environments.as_path(),
            },
        ),
        Action::Run { .. } | Action::MoveCheckpointAside => Err(RemedyError::InVain(
            "it is not for this process to do".to_owned(),
        )),
    };
    match done {
        Ok(detail) => Done {
            succeeded: true,
            detail,
        },
        Err(error) => Done {
            succeeded: false,
            detail: sentence(&error),
        },
    }
}

/// An error with all its causes.
fn sentence(error: &RemedyError) -> String {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        sentence.push_str(": ");
        sentence.push_str(&error.to_string());
        cause = error.source();
    }
    sentence
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
