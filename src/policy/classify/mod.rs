//! What a failed attempt died of: category, pattern, and whether a retry can help.
//!
//! [`classify`] judges an attempt of ours, [`classify_end`] any ended command with its output. Whether
//! to try again is `policy::decide`; nothing here knows of attempts used or time.
//!
//! # Order of trust
//!
//! 0. What the task's own file says of its exit code, in a `[[pattern]]` without an expression ([`user`]).
//! 1. What the supervisor knows: it could not start, its time was up, we stopped it, nobody saw the
//!    end, the kernel counted an out-of-memory kill ([`start`], [`ended`]).
//! 2. Patterns of users, by what was printed or by the exit code ([`user`]). A signal from outside is
//!    believed before a pattern that does not name its exit code: it is how the attempt ended, whatever
//!    was printed before.
//! 3. A signal, or the 128+n that a shell made of one ([`signals`]).
//! 4. What the command printed ([`families`]; weighed against the exit in [`weigh`]).
//! 5. Exit codes with a meaning by convention ([`codes`]) or for a known program ([`tools`]).
//! 6. Nothing to tell: `unknown`.
//!
//! Output is untrusted: it may select a judgement and fill in `extracted` and `line`, nothing more.

pub mod batch;
mod book;
pub mod catalogue;
pub mod codes;
mod command;
mod draft;
mod ended;
mod evidence;
pub mod expression;
mod families;
mod languages;
mod named_path;
mod noise;
mod paths;
mod pattern;
mod pattern_set;
mod peers;
mod reasons;
pub mod said;
mod search;
pub mod signals;
mod spans;
mod start;
mod text;
mod tools;
pub mod user;
mod weigh;
mod words;

pub use ended::OWN_IDLE_TIMEOUT_PATTERN;
pub use ended::OWN_TIMEOUT_PATTERN;
pub use ended::SUCCESS_CHECK_FAILED_PATTERN;
pub use ended::we_stopped;
pub use noise::is_said;
pub use pattern_set::PatternSet;
pub use reasons::BuiltIn;
pub use reasons::built_in;
pub use reasons::reason_of;
pub use start::HOST_BUSY_PATTERN;
pub use start::REMEDY_FAILED_PATTERN;

use std::collections::BTreeMap;

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::Outcome;
use crate::model::spec::Command;
use crate::model::spec::Leftovers;
use crate::model::spec::TaskSpec;
use crate::policy::classify::book::Book;
use crate::policy::classify::command::CommandLine;
use crate::policy::classify::evidence::Evidence;
use crate::policy::classify::user::Met;
use crate::policy::classify::user::UserPatterns;

/// The most bytes at the end of each stream that are looked at; callers need not read more.
pub const TAIL: usize = 256 * 1024;

/// Everything that is known about an attempt of ours that is over.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The task's definition: its success codes, its rule for left-over processes, its command.
    pub spec: &'a TaskSpec,
    /// How it ended.
    pub outcome: &'a Outcome,
    /// The end of standard output, at most [`TAIL`] bytes of it.
    pub stdout: &'a [u8],
    /// The end of standard error, at most [`TAIL`] bytes of it.
    pub stderr: &'a [u8],
}

/// Whether an attempt did what was wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// It did.
    Success,
    /// It did not, and this is why.
    Failure(Classification),
}

/// A command that ended by itself, and what it printed.
#[derive(Debug, Clone, Copy)]
pub struct CommandEnd<'a> {
    /// The command line as a person would type it; empty where it is not known.
    pub command: &'a [u8],
    /// How its process ended; `None` where nobody knows.
    pub exit: Option<Exit>,
    /// The end of standard output.
    pub stdout: &'a [u8],
    /// The end of standard error.
    pub stderr: &'a [u8],
}

/// Judges an attempt by what is built in alone.
pub fn classify(facts: &Facts<'_>) -> Judgement {
    classify_with(facts, &UserPatterns::default())
}

/// Judges an attempt.
pub fn classify_with(facts: &Facts<'_>, user: &UserPatterns) -> Judgement {
    match (
        by_facts(facts, user),
        &facts.outcome.ended,
        &facts.outcome.account.said,
    ) {
        // Whatever else ended it, we know better than the task.
        (Judgement::Failure(usual), Ended::ByItself(_), Some(said)) => {
            Judgement::Failure(said::over(said, usual))
        }
        (judgement, ..) => judgement,
    }
}

fn by_facts(facts: &Facts<'_>, user: &UserPatterns) -> Judgement {
    let outcome = facts.outcome;
    if let Ended::ByItself(Exit::Code(code)) = outcome.ended
        && facts.spec.success.exit_codes.contains(&code)
    {
        return if facts.spec.leftovers == Leftovers::Fail && outcome.leftover_count > 0 {
            Judgement::Failure(ended::left_processes_behind(outcome.leftover_count))
        } else if let Some(unmet) = &outcome.account.unmet {
            Judgement::Failure(ended::success_check_failed(unmet))
        } else {
            Judgement::Success
        };
    }
    if let Ended::ByItself(exit) = outcome.ended {
        // The output does not matter here, so it is not even cleaned.
        let command = command_text(facts.spec);
        let end = CommandEnd {
            command: &command,
            exit: Some(exit),
            stdout: b"",
            stderr: b"",
        };
        if let Some(own) = user.own_word(&Evidence::new(end)) {
            return Judgement::Failure(own);
        }
    }
    Judgement::Failure(match &outcome.ended {
        Ended::CouldNotStart(failure) => start::judge(failure, outcome.account.unmet.as_deref()),
        Ended::TimedOut { limit, .. } => ended::own_timeout(*limit),
        Ended::WentSilent { limit, .. } => ended::own_idle_timeout(*limit),
        Ended::Stopped { reason, .. } => ended::we_stopped(*reason),
        Ended::Lost(cause) => ended::lost(*cause),
        Ended::ByItself(_) if outcome.out_of_memory => ended::out_of_memory(),
        Ended::ByItself(Exit::Code(0)) => ended::success_check_failed(
            "it ended with exit code 0, which `success.exit_codes` does not name",
        ),
        Ended::ByItself(Exit::Code(codes::START_AGAIN)) if !is_claimed(facts.spec) => {
            codes::start_again(outcome.account.checkpoint_changed)
        }
        Ended::ByItself(exit) => {
            let command = command_text(facts.spec);
            let end = CommandEnd {
                command: &command,
                exit: Some(*exit),
                stdout: facts.stdout,
                stderr: facts.stderr,
            };
            classify_end_with(&end, user)
        }
    })
}

/// The program that a command runs last, by its base name; `None` where that cannot be told.
pub fn program(command: &Command) -> Option<String> {
    let text = match command {
        Command::Direct(argv) => argv
            .iter()
            .flat_map(|word| [word.as_bytes(), b" "].concat())
            .collect(),
        Command::Shell { script, .. } => script.as_bytes().to_vec(),
    };
    let line = CommandLine::read(&text);
    line.programs().last().map(|name| (*name).to_owned())
}

/// Judges a command that failed, by its end and what it printed.
///
/// The exit code is taken for a failure, whatever it is: which codes mean success is the caller's to say.
pub fn classify_end(end: &CommandEnd<'_>) -> Classification {
    classify_end_with(end, &UserPatterns::default())
}

/// The same, where patterns of users count too.
pub fn classify_end_with(end: &CommandEnd<'_>, user: &UserPatterns) -> Classification {
    weigh::judge(end, user)
}

/// Every pattern that an end meets, of users and built in, in the order of lines within each source.
pub fn met_patterns(end: &CommandEnd<'_>, user: &UserPatterns) -> Vec<Met> {
    let mut evidence = Evidence::new(*end);
    let mut met = user.met(&evidence);
    evidence.put_into_english();
    met.extend(Book::built_in().met(&evidence, user));
    met
}

/// Whether a pattern of the task's own file gives exit code 85 another meaning.
fn is_claimed(spec: &TaskSpec) -> bool {
    spec.patterns
        .iter()
        .any(|pattern| pattern.exit_codes.contains(&codes::START_AGAIN))
}

/// The commands of a task as one text, one line per step.
fn command_text(spec: &TaskSpec) -> Vec<u8> {
    let mut text = Vec::new();
    for step in &spec.steps {
        if !text.is_empty() {
            text.push(b'\n');
        }
        for (number, argument) in step.command.argv().iter().enumerate() {
            if number > 0 {
                text.push(b' ');
            }
            text.extend_from_slice(argument.as_bytes());
        }
    }
    text
}

/// A classification that rests on a fact instead of a line of output.
fn judged(
    category: Category,
    pattern: &str,
    retryable: Retryable,
    confidence: f64,
    line: impl Into<String>,
) -> Classification {
    Classification {
        category,
        pattern: pattern.to_owned(),
        retryable,
        told: false,
        confidence,
        extracted: BTreeMap::new(),
        line: Some(line.into()),
    }
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "hostile_tests.rs"]
mod hostile_tests;
