//! Successes that are hard to believe. The exit code said that all is well; two things say otherwise.
//!
//! A false alarm makes an exit code 1 and a person look for nothing, so every rule here would rather
//! stay silent:
//!
//! 1. **Far too short.** At least [`SUCCESSES`] earlier successes of the same definition, the shortest
//!    of them at least [`LEAST`], and this one took less than a [`SHARE`]th of it. Only for a first
//!    attempt without a checkpoint: whatever goes on from somewhere is shorter by right. A task that
//!    declares `success.min_duration` has said itself what is too short.
//! 2. **An error as its last word.** The last line that it printed names the cause of a failure beyond
//!    doubt, or on standard error says in so many words that something failed ([`last_word`]), and it
//!    ended right behind it: `pg_dump: error: connection refused` in front of a pipe. Not when the task
//!    declares a success check, not when anything was printed or the task went on for a while after it
//!    (then it was a retry that worked, or an error that was caught), not when the line warns, speaks of
//!    a retry, says that all is well (`refuses a bad password ... ok`) or comes from a command whose
//!    complaints mean little (`rm: cannot remove`), and on standard output only where the line says
//!    itself that it is an error: what is printed there is mostly data.
//!
//! `tests/suspicion.rs` measures both sides of it.

use std::time::Duration;

use crate::model::category::Category;
use crate::model::spec::TaskSpec;
use crate::policy::classify::CommandEnd;
use crate::policy::classify::classify_end;
use crate::policy::classify::is_said;
use crate::policy::last_word;
use crate::support::text::span;

/// So many earlier successes make a habit.
pub const SUCCESSES: u32 = 5;
/// A task whose shortest success took less may vary by more than a share of it.
pub const LEAST: Duration = Duration::from_mins(1);
/// This part of the shortest success is far too short.
pub const SHARE: u32 = 10;
/// How long a command may go on behind its last word.
pub const BEHIND: Duration = Duration::from_secs(2);
/// The most bytes of the end of the output that are looked at.
pub const LAST_WORDS: usize = 4096;
/// So many hints may stand behind the last word, and the word itself.
const TRAILING: usize = 4;
/// How sure a judgement of the line must be: it names an error by its own name.
const SURE: f64 = 0.69;

/// What earlier successes of the same definition took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Habit {
    /// How many there were.
    pub successes: u32,
    /// The shortest of them.
    pub least: Duration,
}

/// The stream on which a line was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Printed {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Whether a task that took so long could be far too short for any habit that makes one: if not, nobody
/// need look the habit up.
pub fn may_be_too_short(spec: &TaskSpec, goes_on: bool) -> bool {
    spec.success.min_duration.is_none() && !goes_on
}

/// The doubt about a success that took far less than ever.
pub fn too_short(took: Duration, habit: Habit) -> Option<String> {
    let is_habit = habit.successes >= SUCCESSES && habit.least >= LEAST;
    let is_short = took.saturating_mul(SHARE) < habit.least;
    (is_habit && is_short).then(|| {
        format!(
            "it took {}, and never less than {} in {} successes before",
            span(took),
            span(habit.least),
            habit.successes
        )
    })
}

/// Whether the end of an output is worth reading: `behind` is how long the command went on after its
/// last word, where that is known.
pub fn may_have_last_words(spec: &TaskSpec, printed: bool, behind: Option<Duration>) -> bool {
    printed
        && !spec.success.looks_beyond_the_exit_code()
        && behind.is_none_or(|behind| behind <= BEHIND)
}

/// The line that makes a success doubtful, given the end of the output of the stream that it printed
/// on last; untrusted text.
pub fn error_as_last_word(stream: Printed, end: &[u8]) -> Option<String> {
    let end = end
        .get(end.len().saturating_sub(LAST_WORDS)..)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(end);
    let last = last_line(&text)?;
    // What a program prints as data is not judged at all.
    let is_data = stream == Printed::Out && !calls_itself_an_error(last);
    if is_data || last_word::speaks_well(last) {
        return None;
    }
    let judgement = classify_end(&CommandEnd {
        command: b"",
        exit: None,
        stdout: b"",
        stderr: end,
    });
    let line = judgement.line.filter(|line| !line.is_empty());
    let Some(line) = line else {
        return said_to_have_failed(stream, last);
    };
    let is_vague = matches!(judgement.category, Category::Unknown | Category::Killed);
    let told = !is_vague && judgement.confidence > SURE;
    let is_said = match stream {
        Printed::Err => !is_housekeeping(&line),
        Printed::Out => calls_itself_an_error(&line),
    };
    let is_last = last.contains(&line) || line.contains(last);
    if told && is_said && is_last {
        return Some(line);
    }
    said_to_have_failed(stream, last)
}

/// The last line, where it says of itself that something failed and nobody knows of what.
fn said_to_have_failed(stream: Printed, last: &str) -> Option<String> {
    let is_plain = stream == Printed::Err
        && last_word::says_it_failed(last)
        && !is_housekeeping(last)
        && is_said(last.as_bytes());
    is_plain.then(|| last.to_owned())
}

/// The last line behind which nothing but stack frames, blank lines and a few hints stand.
fn last_line(text: &str) -> Option<&str> {
    text.lines()
        .rev()
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && !line.starts_with(char::is_whitespace))
        .take(TRAILING)
        .find(|line| !last_word::is_trailer(line))
}

/// Commands that complain on the way while nothing is wrong.
fn is_housekeeping(line: &str) -> bool {
    const NAMES: &[&str] = &[
        "chmod", "chown", "cmp", "diff", "du", "fgrep", "egrep", "find", "grep", "kill", "killall",
        "ln", "ls", "mkdir", "mount", "pkill", "rm", "rmdir", "stat", "test", "touch", "umount",
        "unlink", "which",
    ];
    // `rm: x`, `/bin/rm: x`, `./run.sh: line 3: rm: x`.
    line.split(": ").any(|part| {
        let name = part.rsplit('/').next().unwrap_or_default();
        NAMES.contains(&name)
    })
}

/// Whether a line of standard output says that it is an error of the program itself.
fn calls_itself_an_error(line: &str) -> bool {
    let first = line
        .split(|one: char| one.is_whitespace() || one == ':')
        .next()
        .unwrap_or_default();
    let word = first.to_ascii_lowercase();
    matches!(word.as_str(), "error" | "fatal" | "panic" | "critical")
        || first.ends_with("Error")
        || first.ends_with("Exception")
}

#[cfg(test)]
#[path = "suspicion_tests.rs"]
mod tests;
