//! What is known of an error of Rust code, fit to be judged like the end of a command.
//!
//! Judging itself is `policy::classify`, over the same texts that programs print. Whoever knows better
//! says so with a [`Failure`]; one that stands anywhere in the chain of an error holds for all of it.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::model::category::Category;
use crate::model::category::Retryable;
use crate::model::outcome::Said;

/// The most causes of an error that are read: a chain that is a circle has an end, too.
const MOST_CAUSES: usize = 64;

/// What is known of an error: its text, and what somebody who knows says of it.
///
/// It is an error itself, so that code may return it, alone or inside another one:
///
/// ```
/// use std::time::Duration;
/// use autoexec::recovering::{Category, Failure};
///
/// fn answered(status: u16) -> Result<(), Failure> {
///     match status {
///         429 => Err(Failure::of(Category::RateLimit)
///             .because("the shop says 429")
///             .retry_after(Duration::from_secs(30))),
///         _ => Ok(()),
///     }
/// }
/// # assert!(answered(429).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    text: String,
    said: Said,
}

impl Failure {
    /// A failure of this category, whatever its text says.
    pub fn of(category: Category) -> Self {
        Self {
            text: String::new(),
            said: Said {
                category: Some(category),
                ..Said::default()
            },
        }
    }

    /// A failure that is judged by a text, such as the output of a program or the body of an answer.
    pub fn of_text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            said: Said::default(),
        }
    }

    /// A failure that is judged by an error and all its causes. The root cause counts; a [`Failure`]
    /// among them says what it is.
    pub fn of_error(error: &(dyn Error + 'static)) -> Self {
        let mut lines = Vec::new();
        let mut said = Said::default();
        let mut next = Some(error);
        while let Some(error) = next.filter(|_| lines.len() < MOST_CAUSES) {
            if let Some(own) = own_word(error) {
                said = own.said.clone();
            }
            lines.push(line(error));
            next = error.source();
        }
        Self {
            text: as_chain(&lines),
            said,
        }
    }

    /// How long to wait before the next attempt, instead of the usual pause.
    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.said.retry_after = Some(wait);
        self
    }

    /// Whether trying again can help; holds instead of what is usual for the category.
    #[must_use]
    pub const fn retryable(mut self, retryable: Retryable) -> Self {
        self.said.retryable = Some(retryable);
        self
    }

    /// Why, in a sentence.
    #[must_use]
    pub fn because(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.said.message = Some(text.clone());
        self.text = text;
        self
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What somebody said of it; none where only its text speaks.
    pub(super) fn said(&self) -> Option<Said> {
        (self.said != Said::default()).then(|| self.said.clone())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.text.as_str(), self.said.category) {
            ("", Some(category)) => write!(f, "a failure of the category `{category}`"),
            ("", None) => f.write_str("it failed"),
            (text, _) => f.write_str(text),
        }
    }
}

impl Error for Failure {}

/// An error that can be judged; `Way` tells the compiler how, and is never written.
///
/// Everything that is a [`std::error::Error`] is one, and so is what only hands one out, such as
/// `Box<dyn Error + Send + Sync>` or `anyhow::Error`. For anything else there is
/// [`Recovering::run_judged`](crate::recovering::Recovering::run_judged).
pub trait Judged<Way> {
    /// What is known of it.
    fn failure(&self) -> Failure;
}

/// It is an error.
#[derive(Debug)]
pub enum AsError {}

/// It hands out an error.
#[derive(Debug)]
pub enum AsReference {}

impl<E: Error + 'static> Judged<AsError> for E {
    fn failure(&self) -> Failure {
        Failure::of_error(self)
    }
}

impl<E: AsRef<dyn Error + Send + Sync + 'static>> Judged<AsReference> for E {
    fn failure(&self) -> Failure {
        Failure::of_error(self.as_ref())
    }
}

/// What the author of the code says, in the error itself or wrapped into one of input and output.
fn own_word<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Failure> {
    let inside = |error: &'a io::Error| error.get_ref()?.downcast_ref::<Failure>();
    error
        .downcast_ref::<Failure>()
        .or_else(|| error.downcast_ref::<io::Error>().and_then(inside))
}

/// The text of one error of a chain. What the kind of an error of input and output means is added in
/// the system's words where the text need not hold them.
fn line(error: &(dyn Error + 'static)) -> String {
    let text = error.to_string();
    let io = error.downcast_ref::<io::Error>();
    let words = io
        .filter(|io| io.raw_os_error().is_none())
        .and_then(|io| words_of(io.kind()));
    match words {
        Some(words) => format!("{text}: {words}"),
        None => text,
    }
}

fn words_of(kind: io::ErrorKind) -> Option<&'static str> {
    use io::ErrorKind as K;
    let known = [
        (K::ConnectionRefused, "Connection refused (os error 111)"),
        (
            K::ConnectionReset,
            "Connection reset by peer (os error 104)",
        ),
        (
            K::ConnectionAborted,
            "Software caused connection abort (os error 103)",
        ),
        (K::HostUnreachable, "No route to host (os error 113)"),
        (
            K::NetworkUnreachable,
            "Network is unreachable (os error 101)",
        ),
        (K::NetworkDown, "Network is down (os error 100)"),
        (K::BrokenPipe, "Broken pipe (os error 32)"),
        (K::AddrInUse, "Address already in use (os error 98)"),
        (K::TimedOut, "Connection timed out (os error 110)"),
        (K::NotFound, "No such file or directory (os error 2)"),
        (K::PermissionDenied, "Permission denied (os error 13)"),
        (K::StorageFull, "No space left on device (os error 28)"),
        (K::QuotaExceeded, "Disk quota exceeded (os error 122)"),
        (K::ReadOnlyFilesystem, "Read-only file system (os error 30)"),
        (K::OutOfMemory, "Cannot allocate memory (os error 12)"),
    ];
    let found = known.iter().find(|(one, _)| *one == kind);
    found.map(|(_, words)| *words)
}

/// The causes as programs print them, the root cause last.
fn as_chain(lines: &[String]) -> String {
    match lines {
        [] => String::new(),
        [only] => only.clone(),
        [first, causes @ ..] => {
            let causes = causes.iter().enumerate();
            let causes: Vec<String> = causes
                .map(|(number, cause)| format!("    {number}: {cause}"))
                .collect();
            format!("Error: {first}\n\nCaused by:\n{}", causes.join("\n"))
        }
    }
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
