//! What may be typed: global options and the tree of commands.
//!
//! The options of one command stand in its own file below [`crate::cli::commands`]; those that
//! mirror the keys of a task come from the table of keys in `taskfile`. What is planned and does
//! not exist yet is refused by name, so that nobody searches for a misspelling.

use std::ffi::{OsStr, OsString};

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::commands::Command;
use crate::cli::failure::{CliError, Ending};
use crate::cli::global_args::GlobalArgs;
use crate::cli::output::Output;
use crate::policy::mask::mask;
use crate::support::paint::Paint;
use crate::support::untrusted::Untrusted;

/// What `--version` says.
pub const VERSION_LINE: &str = concat!("autoexec ", env!("CARGO_PKG_VERSION"));

const PLANNED_COMMANDS: &[&str] = &["template", "top", "watch"];

const PLANNED_OPTIONS: &[&str] = &["--backend", "--set", "--template"];

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "autoexec",
    version,
    about = "Runs a queue of commands overnight, knows why one failed, and tells it in one page.",
    after_help = "Without a command: what is queued, what needs you, and where to start.\n\
                  The manual is README.md; a task file is described in docs/task-files.md.",
    max_term_width = 100
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A command line that asks for help, or is wrong.
#[derive(Debug)]
pub enum Refusal {
    /// Help was asked for.
    Help(clap::Error),
    /// The command line is wrong.
    Wrong(CliError),
}

impl Refusal {
    /// Shows it; the program ends as it says.
    pub fn show(&self, output: &mut Output) -> Ending {
        match self {
            Self::Help(text) => {
                let text = text.render();
                let text = if output.paint() == Paint::COLOURED {
                    text.ansi().to_string()
                } else {
                    text.to_string()
                };
                output.text(&text);
                output.finish(Ending::Well)
            }
            Self::Wrong(failure) => {
                let ending = failure.show(output);
                output.finish(ending)
            }
        }
    }
}

/// Reads the command line.
///
/// # Errors
/// When help was asked for, or something cannot be understood.
pub fn parse(arguments: &[OsString]) -> Result<Cli, Box<Refusal>> {
    Cli::try_parse_from(arguments).map_err(|error| {
        let asked = matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        );
        Box::new(if asked {
            Refusal::Help(error)
        } else {
            Refusal::Wrong(explain(&visible(error)))
        })
    })
}

/// Whether failures shall be told as JSON too: `--json` stands before any `--`.
pub fn wants_json(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == "--json")
}

/// Whether the version is all that is wanted. It is asked for by scripts and in shell prompts, and
/// building the tree of commands would take longer than the rest of the start.
pub fn asks_only_for_version(arguments: &[OsString]) -> bool {
    let is_version = |argument: &OsString| {
        let argument: &OsStr = argument;
        argument == "--version" || argument == "-V"
    };
    matches!(arguments, [_program, only] if is_version(only))
}

/// What was typed, as it can be shown: the parser repeats it as it is.
fn visible(mut error: clap::Error) -> clap::Error {
    let shown = |text: &str| mask(&Untrusted::from(text).for_terminal());
    let mut typed = Vec::new();
    for (kind, value) in error.context() {
        if let ContextValue::String(text) = value {
            typed.push((kind, ContextValue::String(shown(text))));
        } else if let ContextValue::Strings(texts) = value {
            let texts = texts.iter().map(|text| shown(text)).collect();
            typed.push((kind, ContextValue::Strings(texts)));
        }
    }
    for (kind, value) in typed {
        let _as_it_was_typed = error.insert(kind, value);
    }
    error
}

fn explain(error: &clap::Error) -> CliError {
    if let Some(planned) = planned_name(error) {
        return CliError::usage(
            "not_supported_yet",
            format!("`{planned}` is not supported yet"),
        )
        .hint("see what is with `autoexec --help`");
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return CliError::usage("usage", "a command is missing").detail(error.render().to_string());
    }
    let text = error.render().to_string();
    // The shape is ours, the words are the parser's: its own first line starts with `error: `.
    let (message, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let message = reword(
        &message
            .strip_prefix("error: ")
            .unwrap_or(message)
            .replace('\'', "`"),
    );
    let rest = rest
        .lines()
        .map(str::trim_end)
        .map(str::trim_start)
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
        // The parser advises to write an unknown option behind `--`, which is never what was meant.
        .filter(|line| !line.starts_with("tip: to pass "))
        .collect::<Vec<_>>()
        .join("\n");
    let failure = CliError::usage("usage", message);
    let failure = if rest.is_empty() {
        failure
    } else {
        failure.detail(rest.replace('\'', "`"))
    };
    failure.hint("`--help` behind any command explains it")
}

/// ``invalid value `0` for `-j`: why`` blames; the same facts in our words.
fn reword(message: &str) -> String {
    message
        .strip_prefix("invalid value ")
        .and_then(|rest| rest.split_once(" for "))
        .map_or_else(
            || message.to_owned(),
            |(value, option)| format!("{value} does not fit {option}"),
        )
}

fn planned_name(error: &clap::Error) -> Option<String> {
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(name)) => Some(name.clone()),
        _ => None,
    };
    if error.kind() == ErrorKind::InvalidSubcommand {
        return named(ContextKind::InvalidSubcommand)
            .filter(|name| PLANNED_COMMANDS.contains(&name.as_str()));
    }
    let argument = named(ContextKind::InvalidArg)?;
    let option = argument.split(['=', ' ']).next()?;
    (error.kind() == ErrorKind::UnknownArgument && PLANNED_OPTIONS.contains(&option))
        .then(|| option.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn words(line: &[&str]) -> Vec<OsString> {
        line.iter().map(OsString::from).collect()
    }

    #[test]
    fn the_tree_of_commands_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn json_behind_a_double_dash_belongs_to_the_command_that_is_added() {
        assert!(wants_json(&words(&["autoexec", "queue", "list", "--json"])));
        assert!(!wants_json(&words(&[
            "autoexec", "queue", "add", "--", "gh", "--json"
        ])));
    }

    #[test]
    fn later_work_is_refused_by_name() {
        for line in [["autoexec", "template"], ["autoexec", "top"]] {
            let refusal = parse(&words(&line)).unwrap_err();
            let Refusal::Wrong(failure) = *refusal else {
                panic!("{line:?} is help")
            };
            assert!(
                failure
                    .as_text(Paint::PLAIN)
                    .contains("is not supported yet")
            );
        }
    }

    #[test]
    fn what_was_typed_is_shown_on_one_line_and_commands_no_terminal() {
        for line in [
            ["autoexec", "\u{1b}[2Jqueue\nerror: x"],
            ["autoexec", "--x\u{1b}[2J\r=1"],
        ] {
            let refusal = parse(&words(&line)).unwrap_err();
            let Refusal::Wrong(failure) = *refusal else {
                panic!("{line:?} is help")
            };
            let text = failure.as_text(Paint::PLAIN);
            assert!(text.contains("\\e[2J"), "{text}");
            assert!(
                text.chars().all(|c| c == '\n' || !c.is_control()),
                "{text:?}"
            );
            assert!(!text.contains("\nerror"), "{text}");
        }
    }

    #[test]
    fn a_misspelt_option_is_explained_in_our_own_shape() {
        let refusal = parse(&words(&["autoexec", "--stat-dir", "x"])).unwrap_err();
        let Refusal::Wrong(failure) = *refusal else {
            panic!("it is wrong")
        };
        let text = failure.as_text(Paint::PLAIN);
        assert!(
            text.starts_with("error: unexpected argument `--stat-dir` found\n"),
            "{text}"
        );
        assert!(text.contains("`--state-dir`"), "{text}");
    }
}
