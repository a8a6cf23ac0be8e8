//! The end of a run: what it has to tell is delivered, or it is said that it was not.

use std::time::Duration;

use crate::cli::courier::telling;
use crate::cli::settings::Settings;
use crate::model::ids::RunId;
use crate::process::detached;
use crate::store::outbox::{Delivery, Sent};
use crate::store::{Access, Store, StoreError};
use crate::support::clock::monotonic;

/// How long the end of a run waits for its messages: a short fault of a target is over by then, and a
/// dead one shall not keep anybody waiting. A courier at work is not stopped.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// Between two looks into the queue.
const LONG_PAUSE: Duration = Duration::from_millis(200);

/// A message of a run that did not reach its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// The target's harmless name.
    pub target: String,
    /// Why, as far as it is known.
    pub why: String,
    /// Whether it will be tried again.
    pub again: bool,
}

/// Waits a little until the messages of a run are delivered; gives back those that are not.
///
/// # Errors
/// When the queue cannot be read.
pub fn finish(run: RunId, settings: &Settings) -> Result<Vec<Undelivered>, StoreError> {
    let telling = telling(settings);
    if telling.subscribers.is_empty() {
        return Ok(Vec::new());
    }
    let end = monotonic() + PATIENCE;
    loop {
        let now = settings.clock.now();
        let store = Store::open(&settings.state, Access::ReadOnly, now)?;
        let messages = store.messages_of(run, run)?;
        let next = store.next_message()?;
        drop(store);
        let waits = messages.iter().any(|one| one.state == Delivery::Waiting);
        if !waits || monotonic() >= end {
            return Ok(messages.iter().filter_map(undelivered).collect());
        }
        if next.is_some_and(|next| next <= now) {
            deliver(&telling.courier, end);
        }
        // Another courier may be at it, or the next try is still to come.
        std::thread::sleep(LONG_PAUSE);
    }
}

fn deliver(courier: &[std::ffi::OsString], end: Duration) {
    let mut child = match detached::start(courier, b"") {
        Ok(child) => child,
        Err(error) => {
            tracing::warn!(%error, "cannot start a courier for notifications");
            return;
        }
    };
    while monotonic() < end && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(PAUSE);
    }
}

fn undelivered(message: &Sent) -> Option<Undelivered> {
    let again = match message.state {
        Delivery::Waiting => true,
        Delivery::GivenUp => false,
        Delivery::Delivered | Delivery::Expired => return None,
    };
    let why = message.error.clone();
    Some(Undelivered {
        target: message.target_name.clone(),
        why: why.unwrap_or_else(|| "it does not answer in time".to_owned()),
        again,
    })
}
