//! What code is told of its attempt, and its caller of how all of them ended.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::model::category::Classification;
use crate::model::recovery::RecoveryState;
use crate::support::text;

/// What an attempt is told of itself.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// How many attempts there are in all, as far as that can be told beforehand.
    pub limit: u32,
    /// The time that it has; it is dropped when that is over.
    pub timeout: Option<Duration>,
    /// What the attempt before it failed with.
    pub last: Option<Classification>,
    pub(super) values: BTreeMap<String, String>,
}

impl Attempt {
    /// The value that holds now of something with alternatives
    /// ([`Policy::endpoints`](crate::recovering::Policy::endpoints)) or with a value to fall back on
    /// ([`Policy::fallback`](crate::recovering::Policy::fallback)); none before the fallback is used.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

/// Something that was done about a failure, or would have been.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tried {
    /// The strategy's stable name, such as `wait_for_reconnection`.
    pub strategy: String,
    /// The strategy and what it is about, such as `wait_for_reconnection (db.internal:5432)`.
    pub what: String,
    /// What became of it.
    pub state: RecoveryState,
    /// What was in its way, or why it was not done.
    pub detail: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// Code that came to its end, and what that took.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered<T> {
    /// What it returned.
    pub value: T,
    /// How many attempts that took; 1 where nothing had to be recovered from.
    pub attempts: u32,
    /// What was done between them.
    pub recoveries: Vec<Tried>,
    /// How long all pauses and waits between attempts were together.
    pub waited: Duration,
}

/// Why there was no other attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// Trying again does not help against such a failure.
    Hopeless,
    /// All attempts are used up.
    UsedUp,
    /// The time for all attempts is over, or would be before the next one.
    TimeIsUp,
    /// A service does not answer and is left alone.
    ServiceOpen,
    /// The state directory cannot be used.
    StateUnusable,
}

/// Code that did not come to its end.
///
/// It is an error whatever `E` is; its text holds that of the last error.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GaveUp<E> {
    /// The last error; none where no attempt returned one: its time was up, or a service is left alone.
    pub error: Option<E>,
    /// What the last attempt died of.
    pub failure: Option<Classification>,
    /// Why there was no other attempt.
    pub end: End,
    /// The same in a sentence; untrusted text.
    pub why: String,
    /// How many attempts there were.
    pub attempts: u32,
    /// What was done between them.
    pub recoveries: Vec<Tried>,
    /// How long all pauses and waits between attempts were together.
    pub waited: Duration,
}

impl<E: fmt::Display> fmt::Display for GaveUp<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempts = usize::try_from(self.attempts).unwrap_or(usize::MAX);
        write!(
            f,
            "gave up after {}: {}",
            text::count(attempts, "attempt"),
            self.why
        )?;
        let line = self.failure.as_ref().and_then(|one| one.line.as_ref());
        match (&self.error, line) {
            (Some(error), _) => write!(f, ": {error}"),
            (None, Some(line)) => write!(f, ": {line}"),
            (None, None) => Ok(()),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for GaveUp<E> {}
