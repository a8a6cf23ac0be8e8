//! What went wrong, as a person reads it and as a shell counts it.
//!
//! The layers below have typed errors; here they become one shape: what failed, why, what to type
//! next. [`Ending::code`] is the only place that knows the numbers of the exit codes; only a run knows
//! its own.

use std::error::Error;
use std::fmt::Write as _;

use serde_json::json;

use crate::cli::output::Output;
use crate::process::runlock;
use crate::support::paint::Paint;
use crate::support::text::without_number;

/// How the program ends; each kind has one exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All well, or nothing to do.
    Well,
    /// Something needs a person.
    NeedsPerson,
    /// The command line or a definition is wrong, or an id is unknown; nothing was started.
    Usage,
    /// The queue cannot be used: damaged, from a newer version, the disk full.
    QueueUnusable,
    /// There was work, and none of it was started.
    NothingStarted,
    /// A bug in autoexec.
    Bug,
    /// Another run is active on this queue.
    QueueInUse,
    /// As a run judged itself, other than well.
    OfRun(u8),
    /// As the command of `exec` ended, other than well.
    OfCommand(u8),
}

impl Ending {
    /// The end of a run, which alone knows what became of its tasks and what stopped it.
    pub fn of_run(exit_code: i32) -> Self {
        match u8::try_from(exit_code) {
            Ok(0) => Self::Well,
            Ok(code) => Self::OfRun(code),
            Err(_) => Self::Bug,
        }
    }

    /// The end of `exec`, which is that of its command.
    pub const fn of_command(exit_code: u8) -> Self {
        match exit_code {
            0 => Self::Well,
            code => Self::OfCommand(code),
        }
    }

    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::NeedsPerson => 1,
            Self::Usage => 2,
            Self::QueueUnusable => 3,
            Self::NothingStarted => 4,
            Self::Bug => 70,
            Self::QueueInUse => 75,
            Self::OfRun(code) | Self::OfCommand(code) => code,
        }
    }
}

/// A failure of a command.
#[derive(Debug)]
pub struct CliError(Box<Parts>);

#[derive(Debug)]
struct Parts {
    ending: Ending,
    code: &'static str,
    message: String,
    details: Vec<String>,
    cause: Option<anyhow::Error>,
    hint: Option<String>,
    data: Option<(&'static str, serde_json::Value)>,
}

/// What a command gives back.
pub type Answer = Result<Ending, CliError>;

impl CliError {
    /// A failure with its exit code, its stable code for scripts, and what failed.
    pub fn new(ending: Ending, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            ending,
            code,
            message: message.into(),
            details: Vec::new(),
            cause: None,
            hint: None,
            data: None,
        }))
    }

    /// A failure that a layer below has put into words: its text says what failed, its sources why.
    pub fn of_error(
        ending: Ending,
        code: &'static str,
        error: impl Error + Send + Sync + 'static,
    ) -> Self {
        Self::new(ending, code, error.to_string()).because(error)
    }

    /// The command line is wrong.
    pub fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Ending::Usage, code, message)
    }

    /// Adds why: an error of a layer below, with all its sources.
    #[must_use]
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Adds why: a line of text, which may hold several lines.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.0.details.push(line.into());
        self
    }

    /// Adds what to type next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds something that only scripts are told: its name and its value.
    #[must_use]
    pub fn data(mut self, name: &'static str, value: serde_json::Value) -> Self {
        self.0.data = Some((name, value));
        self
    }

    /// How the program ends with it.
    pub fn ending(&self) -> Ending {
        self.0.ending
    }

    /// What failed, in one line.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What it is called for scripts.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// Shows it; the program ends as it says.
    pub fn show(&self, output: &mut Output) -> Ending {
        output.failure(self);
        self.0.ending
    }

    /// For a person: `error: …`, indented reasons, `hint: …`.
    pub fn as_text(&self, paint: Paint) -> String {
        let word = paint.bad("error:");
        let mut text = format!("{word} {}", self.0.message);
        for reason in self.reasons() {
            for line in reason.lines() {
                // Writing into a String cannot fail.
                let _infallible = write!(text, "\n  {line}");
            }
        }
        if let Some(hint) = &self.0.hint {
            let word = paint.command("hint:");
            let _infallible = write!(text, "\n  {word} {hint}");
        }
        text
    }

    /// As the reason of a warning, where something else goes on: what is wrong, and why.
    pub fn as_reason(&self) -> String {
        let reasons = self.reasons();
        let lines = reasons.iter().flat_map(|reason| reason.lines());
        lines.fold(self.0.message.clone(), |mut text, line| {
            text.push_str("\n  ");
            text.push_str(line);
            text
        })
    }

    /// For a script.
    pub fn as_json(&self) -> serde_json::Value {
        let mut answer = json!({
            "schema": "autoexec.error/1",
            "code": self.0.code,
            "message": self.0.message,
            "details": self.reasons(),
            "hint": self.0.hint,
            "exit_code": self.0.ending.code(),
        });
        if let (Some((name, value)), Some(object)) = (&self.0.data, answer.as_object_mut()) {
            object.insert((*name).to_owned(), value.clone());
        }
        answer
    }

    fn reasons(&self) -> Vec<String> {
        let mut reasons = self.0.details.clone();
        if let Some(cause) = &self.0.cause {
            let cause: &(dyn Error + 'static) = cause.as_ref();
            let mut next = Some(cause);
            while let Some(error) = next {
                let words = without_number(&error.to_string());
                // Some foreign errors repeat their source in their own text.
                let told = self.0.message.contains(&words)
                    || reasons.iter().any(|reason| reason.contains(&words));
                if !told {
                    reasons.push(words);
                }
                next = error.source();
            }
        }
        reasons
    }
}

/// Makes a panic one line that asks for a report, instead of a page of trace.
pub fn shorten_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // The next run must know that this death was of our own making.
        runlock::mark_crashed();
        let place = panic.location().map_or_else(
            || "an unknown place".to_owned(),
            |place| format!("{}:{}", place.file(), place.line()),
        );
        let what = panic.payload_as_str().unwrap_or("no message");
        let bug = CliError::new(
            Ending::Bug,
            "bug",
            format!("a bug in autoexec stopped it at {place}: {what}"),
        )
        .hint("the queue is kept; report this line with what you did");
        let mut err = std::io::stderr();
        let _nobody_to_tell =
            std::io::Write::write_all(&mut err, (bug.as_text(Paint::PLAIN) + "\n").as_bytes());
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the database")]
    struct Outer(#[source] std::io::Error);

    fn failure() -> CliError {
        CliError::new(
            Ending::QueueInUse,
            "queue_in_use",
            "another run is using this queue",
        )
        .because(Outer(std::io::Error::other("it is locked")))
        .hint("stop it with `autoexec stop`")
    }

    #[test]
    fn a_failure_reads_what_why_and_what_to_type_next() {
        assert_eq!(
            failure().as_text(Paint::PLAIN),
            "error: another run is using this queue\n  cannot open the database\n  it is locked\n  \
             hint: stop it with `autoexec stop`"
        );
    }

    #[test]
    fn a_script_gets_a_stable_code() {
        let json = failure().as_json();
        assert_eq!(json["schema"], "autoexec.error/1");
        assert_eq!(json["code"], "queue_in_use");
        assert_eq!(json["exit_code"], 75);
    }

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let table = [
            (Ending::Well, 0),
            (Ending::NeedsPerson, 1),
            (Ending::Usage, 2),
            (Ending::QueueUnusable, 3),
            (Ending::NothingStarted, 4),
            (Ending::Bug, 70),
            (Ending::QueueInUse, 75),
        ];
        for (ending, code) in table {
            assert_eq!(ending.code(), code);
        }
        for code in [0, 1, 3, 4, 130, 143] {
            assert_eq!(i32::from(Ending::of_run(code).code()), code);
        }
        assert_eq!(Ending::of_run(0), Ending::Well);
    }
}
