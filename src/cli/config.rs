//! The configuration file of this machine, as far as it exists: `[run]` and `[overnight]`.
//!
//! Not here: where the file is looked for ([`crate::cli::settings`]). A section of later work is
//! refused by name and an unknown key is an error: a setting that is silently ignored would be
//! found out at three in the morning.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;
use toml::de::DeValue;

use crate::cli::failure::{CliError, Ending};
use crate::cli::overnight;
use crate::cli::overnight::Overnight;
use crate::policy::classify::PatternSet;
use crate::support::bytes::OsText;
use crate::support::text;
use crate::support::untrusted::Untrusted;
use crate::taskfile::{Diagnostic, Others, read_patterns};

/// Slots of every run where nothing is written.
pub const DEFAULT_PARALLEL: NonZeroUsize = NonZeroUsize::new(2).unwrap();
/// The most slots of a run; each costs a process.
pub const MAX_PARALLEL: usize = 256;

const PLANNED_SECTIONS: [&str; 8] = [
    "recover",
    "rescue",
    "breaker",
    "pool",
    "notify",
    "health",
    "serve",
    "retention",
];

/// The configuration of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Slots of every run.
    pub parallel: NonZeroUsize,
    /// What becomes of running attempts when their runner dies.
    pub when_runner_dies: WhenRunnerDies,
    /// The hours of `run --overnight`.
    pub overnight: Overnight,
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

impl Default for Config {
    fn default() -> Self {
        Self {
            parallel: DEFAULT_PARALLEL,
            when_runner_dies: WhenRunnerDies::Adopt,
            overnight: Overnight::default(),
            patterns: None,
        }
    }
}

/// What becomes of running attempts when their runner dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenRunnerDies {
    /// They go on; the next run takes them over.
    #[default]
    Adopt,
    /// Their supervisors end them at once.
    Kill,
}

/// One thing that is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) at: usize,
    pub(crate) what: String,
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
        read_document(document.get_ref(), &mut config, &mut problems);
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

fn read_document(document: &DeTable<'_>, config: &mut Config, problems: &mut Vec<Problem>) {
    for (key, value) in document {
        let name = key.get_ref().as_ref();
        let at = key.span();
        match (name, value.get_ref()) {
            ("run", DeValue::Table(section)) => read_run(section, config, problems),
            ("overnight", DeValue::Table(section)) => {
                config.overnight = overnight::read(section, &key.span(), problems);
            }
            // Read when somebody needs them.
            ("pattern", _) => {}
            ("run" | "overnight", other) => problems.push(wrong_type(&at, name, "a table", other)),
            (planned, _) if PLANNED_SECTIONS.contains(&planned) => problems.push(Problem {
                at: at.start,
                what: format!("`[{planned}]` is not supported yet"),
            }),
            _ => problems.push(unknown(&at, name, &["run", "overnight", "pattern"])),
        }
    }
}

fn read_run(section: &DeTable<'_>, config: &mut Config, problems: &mut Vec<Problem>) {
    for (key, value) in section {
        let name = key.get_ref().as_ref();
        let at = value.span();
        match (name, value.get_ref()) {
            ("parallel", DeValue::Integer(number)) => {
                let digits = number.as_str().replace('_', "");
                match parse_parallel(&digits) {
                    Ok(parallel) => config.parallel = parallel,
                    Err(why) => problems.push(Problem {
                        at: at.start,
                        what: format!("`parallel` {why}, found `{}`", number.as_str()),
                    }),
                }
            }
            ("parallel", other) => {
                problems.push(wrong_type(&at, name, "a whole number", other));
            }
            ("when_runner_dies", DeValue::String(word)) => match word.as_ref() {
                "adopt" => config.when_runner_dies = WhenRunnerDies::Adopt,
                "kill" => config.when_runner_dies = WhenRunnerDies::Kill,
                other => problems.push(Problem {
                    at: at.start,
                    what: format!(
                        "`when_runner_dies` must be `\"adopt\"` or `\"kill\"`, found `\"{}\"`",
                        Untrusted::from(other).for_terminal()
                    ),
                }),
            },
            ("when_runner_dies", other) => {
                problems.push(wrong_type(&at, name, "a string", other));
            }
            _ => problems.push(unknown(
                &key.span(),
                name,
                &["parallel", "when_runner_dies"],
            )),
        }
    }
}

/// Reads a number of slots, from the command line or from the file.
///
/// # Errors
/// Says in a few words what it must be.
pub fn parse_parallel(digits: &str) -> Result<NonZeroUsize, String> {
    digits
        .parse()
        .ok()
        .and_then(NonZeroUsize::new)
        .filter(|number| number.get() <= MAX_PARALLEL)
        .ok_or_else(|| format!("must be a whole number from 1 to {MAX_PARALLEL}"))
}

pub(crate) fn wrong_type(
    at: &Range<usize>,
    name: &str,
    wanted: &str,
    found: &DeValue<'_>,
) -> Problem {
    Problem {
        at: at.start,
        what: format!(
            "`{}` must be {wanted}, found {}",
            Untrusted::from(name).for_terminal(),
            article(found.type_str())
        ),
    }
}

fn article(kind: &str) -> String {
    match kind {
        "integer" | "array" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

pub(crate) fn unknown(at: &Range<usize>, name: &str, known: &[&str]) -> Problem {
    let shown = Untrusted::from(name).for_terminal();
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let what = match nearest {
        Some((_, candidate)) => format!("unknown key `{shown}`; did you mean `{candidate}`?"),
        None => format!(
            "unknown key `{shown}`; known here: `{}`",
            known.join("`, `")
        ),
    };
    Problem { at: at.start, what }
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
    fn what_is_written_holds() {
        let content = "[run]\nparallel = 1_6\nwhen_runner_dies = \"kill\"\n";
        let config = read(Path::new("c"), content).unwrap();
        assert_eq!(config.parallel.get(), 16);
        assert_eq!(config.when_runner_dies, WhenRunnerDies::Kill);
    }

    #[test]
    fn everything_wrong_is_told_at_once_with_its_place() {
        let content = "[run]\nparalell = 2\nwhen_runner_dies = \"die\"\n[serve]\nx = 1\n";
        assert_eq!(
            failure(content),
            "error: the configuration file `config.toml` has 3 errors\n  \
             line 2, column 1: unknown key `paralell`; did you mean `parallel`?\n  \
             line 3, column 20: `when_runner_dies` must be `\"adopt\"` or `\"kill\"`, found `\"die\"`\n  \
             line 4, column 2: `[serve]` is not supported yet"
        );
    }

    #[test]
    fn a_number_of_slots_has_limits() {
        for wrong in ["0", "-1", "257", "99999999999999999999"] {
            let told = failure(&format!("run.parallel = {wrong}"));
            assert!(told.contains("from 1 to 256"), "{told}");
        }
        let told = failure("run.parallel = \"two\"");
        assert!(
            told.contains("line 1, column 16: `parallel` must be a whole number, found a string"),
            "{told}"
        );
    }

    #[test]
    fn text_that_is_no_toml_is_told_with_its_place() {
        let told = failure("[run\n");
        assert!(told.contains("line 1, column"), "{told}");
    }
}
