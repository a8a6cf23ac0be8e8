//! What is doubtful about the secrets of a task on this machine: one that is not set, one that is too short
//! to be hidden, and a file of them that others may read.
//!
//! Not here: what a task file alone tells (`taskfile::secrets`). Values are looked at and never shown.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;

use crate::cli::output::Output;
use crate::model::spec::Surroundings;
use crate::model::spec::TaskSpec;
use crate::policy::redact::LEAST;
use crate::policy::redact::Redactor;
use crate::policy::redact::is_long_enough;
use crate::process::environment::Inherited;
use crate::process::environment::of_task;
use crate::process::environment::parse_env_file;
use crate::process::environment::read_env_file;
use crate::support::bytes::OsText;
use crate::support::untrusted::Untrusted;
use crate::taskfile::written_values;

/// Something doubtful, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretDoubt {
    /// The key of the task that it is about.
    pub key: &'static str,
    /// What is doubtful.
    pub message: String,
    /// What helps.
    pub hint: String,
}

/// What is doubtful about the secrets of a task that would start in this environment.
pub fn secret_doubts(
    spec: &TaskSpec,
    surroundings: &Surroundings,
    inherited: &Inherited,
) -> Vec<SecretDoubt> {
    if spec.secrets.is_empty() && spec.env_file.is_none() {
        return Vec::new();
    }
    let mut doubts = Vec::new();
    let mut file = Vec::new();
    // A file that is not there, or cannot be understood, is told by others.
    let mut is_readable = true;
    if let Some(path) = &spec.env_file {
        let read = read_env_file(path.as_path()).ok();
        let read = read.and_then(|text| parse_env_file(&text).ok());
        is_readable = read.is_some();
        file = read.unwrap_or_default();
        let mode = path.as_path().metadata().map_or(0, |about| about.mode());
        let is_secret = |(name, value): &(OsText, OsText)| {
            let is_named = |one: &String| one.as_bytes() == name.as_bytes();
            spec.secrets.iter().any(is_named) || Redactor::is_token(value.as_bytes())
        };
        if mode & 0o077 != 0 && file.iter().any(is_secret) {
            let shown = path.untrusted().for_terminal();
            doubts.push(SecretDoubt {
                key: "env_file",
                message: format!("others may read `{shown}`, which holds secrets"),
                hint: format!("type `chmod 600 {shown}`"),
            });
        }
    }
    match written_values(spec) {
        Ok(written) => file.extend(written),
        Err(_) => is_readable = false,
    }
    let environment = of_task(spec, surroundings, inherited, &file);
    for name in &spec.secrets {
        let value = environment.get(&OsText::from(name.as_str()));
        let shown = Untrusted::from(name.as_str()).for_terminal_within(40);
        match value {
            None if is_readable => doubts.push(SecretDoubt {
                key: "secrets",
                message: format!("`{shown}` is declared as a secret, and is not set"),
                hint: "set it where the run is started, or write it into the task's `env_file`"
                    .to_owned(),
            }),
            Some(value) if !is_long_enough(value.as_bytes()) => doubts.push(SecretDoubt {
                key: "secrets",
                message: format!(
                    "the value of `{shown}` is too short to be hidden: less than {LEAST} bytes are \
                     found everywhere"
                ),
                hint: "use a longer secret".to_owned(),
            }),
            None | Some(_) => {}
        }
    }
    doubts
}

/// What is doubtful about the secrets of several tasks, of each thing once.
#[derive(Debug, Default)]
pub struct SecretDoubts(BTreeSet<SecretDoubt>, Vec<String>);

impl SecretDoubts {
    /// Looks at one more task.
    pub fn add(&mut self, spec: &TaskSpec, surroundings: &Surroundings, inherited: &Inherited) {
        for doubt in secret_doubts(spec, surroundings, inherited) {
            let SecretDoubt { message, hint, .. } = &doubt;
            let text = format!("`{}`: {message}\n  hint: {hint}", spec.name);
            if self.0.insert(doubt) {
                self.1.push(text);
            }
        }
    }

    /// Warns of all of it.
    pub fn tell(&self, output: &mut Output) {
        for text in &self.1 {
            output.warning(text);
        }
    }
}
