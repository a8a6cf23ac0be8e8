//! What may follow on a command line: the answers to the scripts of `autoexec completions`.
//!
//! A script hands over the words that were typed and the number of the one at the cursor, and gets
//! one candidate per line, with a tab and a description behind it where there is one. A line that
//! begins with a colon asks the shell itself: `:files`, `:folders`, or `:command` for a command of its
//! own. What the commands and options are is taken from the parser; which tasks there are from the queue.
//!
//! INVARIANT: somebody is typing: nothing here writes anything but candidates, says what is wrong, or takes
//! longer because the queue is long.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::{Str, StyledStr};
use clap::{Arg, Command, CommandFactory as _};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};

use crate::cli::args::Cli;
use crate::cli::commands::breakers;
use crate::cli::commands::patterns;
use crate::cli::global_args::GlobalArgs;
use crate::cli::output::Output;
use crate::cli::settings::Settings;
use crate::host::state_dir::{self, SharedFileSystem};
use crate::model::category::Category;
use crate::model::category::Retryable;
use crate::model::signal::Signal;
use crate::model::state::TaskStatus;
use crate::store::Filter;
use crate::store::NamedTask;
use crate::store::{Access, Store};
use crate::taskfile::KEYS;
use crate::taskfile::keys::Kind;

/// The hidden subcommand, looked for before any argument is parsed.
pub const COMPLETE: &str = "__complete";

/// The shell completes files.
const FILES: &str = ":files";
/// The shell completes folders.
const FOLDERS: &str = ":folders";
/// The shell completes a command behind `--`.
const OWN_COMMAND: &str = ":command";

/// The most names that are offered; more cannot be chosen from.
const MOST_NAMES: usize = 500;

/// Prints what may stand at the cursor. `asked` is its number and the words, the program first.
pub fn answer(asked: &[OsString], output: &mut Output) {
    let Some((number, words)) = asked.split_first() else {
        return;
    };
    let Some(index) = number.to_str().and_then(|text| text.parse().ok()) else {
        return;
    };
    for candidate in candidates(words, index) {
        output.bytes(&candidate);
    }
}

/// The lines for the word with this number.
fn candidates(words: &[OsString], index: usize) -> Vec<Vec<u8>> {
    let before = words.get(1..index).unwrap_or_default();
    if before.iter().any(|word| word == "--") {
        return vec![line(OWN_COMMAND.as_ref(), None)];
    }
    let mut words = words.to_vec();
    // A shell may leave out the word that is still empty.
    words.resize(words.len().max(index + 1), OsString::new());
    let current = words.get(index).cloned().unwrap_or_default();
    let asked = Asked {
        state_dir: option_value(before, "--state-dir").map(PathBuf::from),
        config: option_value(before, "--config").map(PathBuf::from),
    };
    let mut tree = dress(Cli::command(), "", &asked);
    // What cannot be understood has no candidates.
    let found = complete(&mut tree, words, index, None).unwrap_or_default();
    let is_option = |candidate: &CompletionCandidate| starts_with(candidate.get_value(), b"-");
    let wants_option = starts_with(&current, b"-") || found.iter().all(is_option);
    found
        .iter()
        .filter(|candidate| !candidate.is_hide_set())
        // Options are shown to those who ask for them, or where nothing else can follow.
        .filter(|candidate| wants_option || !is_option(candidate))
        .map(|candidate| {
            let help = candidate.get_help().map(ToString::to_string);
            line(candidate.get_value(), help.as_deref())
        })
        .collect()
}

fn starts_with(text: &OsStr, beginning: &[u8]) -> bool {
    text.as_encoded_bytes().starts_with(beginning)
}

/// A candidate as the scripts read it.
fn line(value: &OsStr, help: Option<&str>) -> Vec<u8> {
    let mut line = value.as_encoded_bytes().to_vec();
    // A description is one line of plain text; whatever else stands in it would end the candidate.
    let help = help.and_then(|help| help.lines().next());
    if let Some(help) = help.filter(|help| !help.is_empty()) {
        line.push(b'\t');
        line.extend(help.bytes().filter(|byte| !byte.is_ascii_control()));
    }
    line.push(b'\n');
    line
}

/// The value of an option among the words that were typed, however it was written.
fn option_value(words: &[OsString], option: &str) -> Option<OsString> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == option {
            return words.next().cloned();
        }
        let joined = word.to_str().and_then(|word| word.strip_prefix(option));
        if let Some(value) = joined.and_then(|rest| rest.strip_prefix('=')) {
            return Some(value.into());
        }
    }
    None
}

/// Gives every argument of a command and of those below it its candidates.
fn dress(command: Command, path: &str, asked: &Asked) -> Command {
    let below: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let command = below.into_iter().fold(command, |command, name| {
        let path = format!("{path} {name}");
        command.mut_subcommand(name, |command| dress(command, path.trim_start(), asked))
    });
    command.mut_args(|arg| dress_arg(arg, path, asked))
}

fn dress_arg(arg: Arg, path: &str, asked: &Asked) -> Arg {
    let choice = arg.get_long().and_then(choices_of_key);
    if let Some(choices) = choice {
        return arg.add(words_of(choices));
    }
    let name = arg.get_value_names().and_then(|names| names.first());
    match name.map(Str::as_str) {
        Some("ID|NAME" | "NAME[:WHEN]") => {
            let (asked, statuses) = (asked.clone(), changeable(path));
            arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
                asked.tasks(typed, statuses)
            }))
        }
        Some("NAME") if !arg.is_positional() => arg,
        Some("NAME") if path == "breakers reset" => {
            let asked = asked.clone();
            arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
                asked.services(typed)
            }))
        }
        Some("NAME") => match path.strip_prefix("patterns ") {
            Some(command @ ("show" | "remove" | "enable" | "disable")) => {
                let (asked, command) = (asked.clone(), command.to_owned());
                arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
                    asked.patterns(typed, &command)
                }))
            }
            Some(_) | None => arg,
        },
        Some("FILE") => arg.add(words_of(&[FILES])),
        Some("DIR") => arg.add(words_of(&[FOLDERS])),
        Some("CMD") => arg.add(words_of(&[OWN_COMMAND])),
        Some("STATUS") => arg.add(words_of(&TaskStatus::ALL.map(TaskStatus::as_str))),
        Some("CATEGORY") => arg.add(words_of(&Category::ALL.map(Category::as_str))),
        Some("R") => arg.add(words_of(
            &[Retryable::Yes, Retryable::No, Retryable::AfterFix].map(Retryable::as_str),
        )),
        Some("SIGNAL" | "S") => arg.add(words_of(&Signal::names().collect::<Vec<_>>())),
        Some("ID") if arg.get_long() == Some("run") => arg.add(words_of(&["last"])),
        _ => arg,
    }
}

/// The words that a key of a task takes whose option this is.
fn choices_of_key(long: &str) -> Option<&'static [&'static str]> {
    KEYS.iter()
        .filter(|key| {
            key.flag
                .is_some_and(|flag| flag.trim_start_matches('-') == long)
        })
        .find_map(|key| {
            let Kind::Choice(words) = key.kind else {
                return None;
            };
            Some(words)
        })
}

/// A completer that knows a few words.
fn words_of(words: &[&str]) -> ArgValueCompleter {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    ArgValueCompleter::new(move |typed: &OsStr| {
        words
            .iter()
            .filter(|word| word.starts_with(':') || begins(word, typed))
            .map(CompletionCandidate::new)
            .collect()
    })
}

fn begins(word: &str, typed: &OsStr) -> bool {
    word.as_bytes().starts_with(typed.as_encoded_bytes())
}

/// The states in which a task can be meant by a command; any state where it is empty.
fn changeable(path: &str) -> &'static [TaskStatus] {
    match path {
        "queue cancel" => &[
            TaskStatus::Queued,
            TaskStatus::Running,
            TaskStatus::Recovering,
            TaskStatus::Held,
        ],
        "queue hold" => &[
            TaskStatus::Queued,
            TaskStatus::Running,
            TaskStatus::Recovering,
        ],
        "queue release" => &[TaskStatus::Held],
        "queue reprioritize" => &[TaskStatus::Queued, TaskStatus::Held],
        "queue retry" => &[
            TaskStatus::Failed,
            TaskStatus::Skipped,
            TaskStatus::Cancelled,
            TaskStatus::Held,
        ],
        _ => &[],
    }
}

/// What was typed already that says which queue is meant.
#[derive(Debug, Clone)]
struct Asked {
    state_dir: Option<PathBuf>,
    config: Option<PathBuf>,
}

impl Asked {
    /// The tasks whose name begins as it was typed, or whose id does; none where there is no queue.
    fn tasks(&self, typed: &OsStr, statuses: &[TaskStatus]) -> Vec<CompletionCandidate> {
        let Some((typed, store)) = typed.to_str().zip(self.open()) else {
            return Vec::new();
        };
        let filter = Filter {
            statuses: statuses.to_vec(),
            limit: Some(MOST_NAMES),
            ..Filter::default()
        };
        let mut found = Vec::new();
        for task in store.names(&filter, typed).unwrap_or_default() {
            let known = found.iter().any(|(name, _)| *name == task.name);
            if is_plain(&task.name) && !known {
                found.push((task.name, task.status.to_string()));
            }
        }
        if typed.starts_with(|first: char| first.is_ascii_digit()) {
            let of_id = |task: NamedTask| {
                let id = task.id.to_string();
                let told = id.starts_with(typed) && is_plain(&task.name);
                told.then(|| (id, format!("{}, {}", task.name, task.status)))
            };
            let tasks = store.names(&filter, "").unwrap_or_default();
            found.extend(tasks.into_iter().filter_map(of_id));
        }
        found
            .into_iter()
            .enumerate()
            .map(|(place, (name, help))| {
                CompletionCandidate::new(name)
                    .help(Some(StyledStr::from(help)))
                    .display_order(Some(place))
            })
            .collect()
    }

    /// The services that tasks declare, whose name begins as it was typed.
    fn services(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let known = self.open().map(|store| breakers::names(&store));
        known
            .into_iter()
            .flatten()
            .filter(|(name, _)| begins(name, typed) && is_plain(name))
            .map(|(name, state)| CompletionCandidate::new(name).help(Some(StyledStr::from(state))))
            .collect()
    }

    /// The patterns that a command is for, whose name begins as it was typed.
    fn patterns(&self, typed: &OsStr, command: &str) -> Vec<CompletionCandidate> {
        let named = self
            .settings()
            .map(|settings| patterns::names_for(command, &settings));
        named
            .into_iter()
            .flatten()
            .filter(|(name, _)| begins(name, typed) && is_plain(name))
            .map(|(name, category)| {
                CompletionCandidate::new(name).help(Some(StyledStr::from(category)))
            })
            .collect()
    }

    fn settings(&self) -> Option<Settings> {
        Settings::load(&GlobalArgs {
            state_dir: self.state_dir.clone(),
            config: self.config.clone(),
            ..GlobalArgs::default()
        })
        .ok()
    }

    fn open(&self) -> Option<Store> {
        let settings = self.settings()?;
        state_dir::check(&settings.state, SharedFileSystem::Refuse).ok()?;
        Store::open(&settings.state, Access::ReadOnly, settings.clock.now()).ok()
    }
}

/// Whether a shell takes a name for one word without any quoting. The database is a file that
/// somebody else may have written.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.bytes().all(plain)
}

#[cfg(test)]
#[path = "completing_tests.rs"]
mod tests;
