//! The configuration file of this machine: one file of this folder for each section.
//!
//! Not here: where the file is looked for ([`crate::cli::settings`]). A section of later work is
//! refused by name and an unknown key is an error: a setting that is silently ignored would be
//! found out at three in the morning. How a section reads its keys is [`section`].

pub mod breaker;
pub mod health;
pub mod notify;
pub mod overnight;
pub mod recover;
pub mod rescue;
pub mod retention;
pub mod run;
pub mod section;
pub mod serve;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use crate::cli::config::overnight::Overnight;
use crate::cli::config::run::Run;
use crate::cli::config::section::{Problem, Section};
use crate::cli::config::serve::Serve;
use crate::cli::failure::{CliError, Ending};
use crate::engine::OnFailure;
use crate::model::recovery::{RecoveryConfig, RescueConfig};
use crate::notify::Target;
use crate::policy::breaker::BreakerConfig;
use crate::policy::classify::PatternSet;
use crate::policy::health::Thresholds;
use crate::policy::retention::Retention;
use crate::support::bytes::OsText;
use crate::support::text;
use crate::support::untrusted::Untrusted;
use crate::taskfile::{Diagnostic, Others, read_patterns};

/// Sections of later versions.
const PLANNED_SECTIONS: &[&str] = &["pool"];

/// The configuration of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// What holds for every run.
    pub run: Run,
    /// The hours of `run --overnight`.
    pub overnight: Overnight,
    /// How far recoveries may go.
    pub recovery: RecoveryConfig,
    /// The slower rounds of attempts.
    pub rescue: RescueConfig,
    /// When services are left alone.
    pub breakers: BreakerConfig,
    /// Who is told what.
    pub notify: Vec<Target>,
    /// How much is kept of what is over.
    pub retention: Retention,
    /// Where the local page is to be had.
    pub serve: Serve,
    /// Where good ends.
    pub health: Thresholds,
    /// The whole file, where it holds `[[pattern]]`.
    patterns: Option<WrittenPatterns>,
}

/// A file with error patterns. They are read when somebody needs them: compiling hundreds of
/// expressions is not for a command that only adds a task.
#[derive(Clone, PartialEq, Eq)]
struct WrittenPatterns {
    path: PathBuf,
    content: String,
}

impl fmt::Debug for WrittenPatterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[[pattern]]")
    }
}

impl Config {
    /// What a run is told about failures.
    pub fn on_failure(&self) -> OnFailure {
        OnFailure {
            recovery: self.recovery.clone(),
            rescue: self.rescue.clone(),
            breakers: self.breakers.clone(),
        }
    }

    /// The error patterns of this machine.
    ///
    /// # Errors
    /// Names everything that is wrong with them, each with line and column.
    pub fn patterns(&self) -> Result<Arc<PatternSet>, CliError> {
        let Some(written) = &self.patterns else {
            return Ok(Arc::default());
        };
        let file = OsText::from(written.path.as_path());
        let shown = file.untrusted().for_terminal();
        read_patterns(&file, &written.content, Others::PassOver)
            .map_err(|found| patterns_wrong(&format!("configuration file `{shown}`"), &found))
            .and_then(|specs| {
                PatternSet::new(specs)
                    .map(Arc::new)
                    .map_err(|error| CliError::of_error(Ending::Usage, "config_wrong", error))
            })
    }
}

/// What is wrong with the patterns of a file.
pub fn patterns_wrong(file: &str, found: &[Diagnostic]) -> CliError {
    let message = format!(
        "the {file} has {} in its patterns",
        text::count(found.len(), "error")
    );
    let failure = CliError::usage("pattern_wrong", message);
    found.iter().fold(failure, |failure, one| {
        let (line, column) = (one.line.unwrap_or(1), one.column.unwrap_or(1));
        let hint = one.hint.as_ref().map(|hint| format!("; {hint}"));
        failure.detail(format!(
            "line {line}, column {column}: {}{}",
            one.message,
            hint.unwrap_or_default()
        ))
    })
}

/// Reads the text of a configuration file.
///
/// # Errors
/// Names everything that is wrong, each with line and column.
pub fn read(path: &Path, content: &str) -> Result<Config, CliError> {
    let mut problems = Vec::new();
    let mut config = Config::default();
    let (document, errors) = DeTable::parse_recoverable(content);
    for error in errors {
        problems.push(Problem {
            at: error.span().map_or(0, |span| span.start),
            what: error.message().to_owned(),
        });
    }
    if problems.is_empty() {
        config = Section::document(document.get_ref(), &mut problems, read_document);
    }
    if problems.is_empty() {
        if document.get_ref().contains_key("pattern") {
            config.patterns = Some(WrittenPatterns {
                path: path.to_owned(),
                content: content.to_owned(),
            });
        }
        return Ok(config);
    }
    problems.sort_by_key(|problem| problem.at);
    let shown = Untrusted::new(path.as_os_str().as_encoded_bytes()).for_terminal();
    let message = format!(
        "the configuration file `{shown}` has {}",
        text::count(problems.len(), "error")
    );
    Err(problems.iter().fold(
        CliError::usage("config_wrong", message),
        |failure, problem| {
            let (line, column) = place(content, problem.at);
            failure.detail(format!("line {line}, column {column}: {}", problem.what))
        },
    ))
}

/// The sections, each read by a file of its own.
fn read_document(document: &mut Section<'_, '_>) -> Config {
    let breakers = document.table("breaker", breaker::read).unwrap_or_default();
    let mut recovery = document.table("recover", recover::read).unwrap_or_default();
    recovery.probes = breaker::probes(&breakers);
    let config = Config {
        run: document.table("run", run::read).unwrap_or_default(),
        overnight: document
            .table("overnight", overnight::read)
            .unwrap_or_default(),
        recovery,
        rescue: document.table("rescue", rescue::read).unwrap_or_default(),
        breakers,
        retention: document
            .table("retention", retention::read)
            .unwrap_or_default(),
        serve: document.table("serve", serve::read).unwrap_or_default(),
        health: document.table("health", health::read).unwrap_or_default(),
        notify: notify::read(document),
        patterns: None,
    };
    // Read when somebody needs them.
    document.pass_over("pattern");
    document.planned(PLANNED_SECTIONS);
    config
}

fn place(content: &str, at: usize) -> (usize, usize) {
    let before = content.get(..at).unwrap_or(content);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::paint::Paint;

    fn failure(content: &str) -> String {
        read(Path::new("config.toml"), content)
            .unwrap_err()
            .as_text(Paint::PLAIN)
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        assert_eq!(read(Path::new("c"), "").unwrap(), Config::default());
        assert_eq!(read(Path::new("c"), "[run]\n").unwrap(), Config::default());
    }

    #[test]
    fn everything_wrong_is_told_at_once_with_its_place() {
        let content = "[run]\nparalell = 2\nwhen_runner_dies = \"die\"\n[pool]\nx = 1\n";
        assert_eq!(
            failure(content),
            "error: the configuration file `config.toml` has 3 errors\n  \
             line 2, column 1: unknown key `paralell`; did you mean `parallel`?\n  \
             line 3, column 20: `when_runner_dies` must be `\"adopt\"` or `\"kill\"`, found `\"die\"`\n  \
             line 4, column 2: `[pool]` is not supported yet"
        );
    }

    #[test]
    fn a_section_must_be_a_table() {
        let told = failure("run = 2\n[[overnight]]\n");
        assert!(
            told.contains("line 1, column 7: `run` must be a table, found an integer"),
            "{told}"
        );
        assert!(
            told.contains("`overnight` must be a table, found an array"),
            "{told}"
        );
    }

    #[test]
    fn text_that_is_no_toml_is_told_with_its_place() {
        let told = failure("[run\n");
        assert!(told.contains("line 1, column"), "{told}");
    }
}
