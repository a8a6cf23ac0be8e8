//! Floor 6: the run.
//!
//! One loop ([`dispatcher`]) owns the store and everything a run knows. Its judgement is a pure
//! [`step`]; what it writes is one transaction per beat ([`ledger`]); what it learns comes through one
//! [`inbox`]. Whoever changes a queue comes in through [`entry`], which fences off earlier runs and
//! finds out what became of their attempts ([`recover`]). Commands change tasks through [`change`].
//!
//! # Crash safety
//!
//! A claim is durable before its attempt is handed out; a claim that was handed out is never taken
//! back by the runner; an outcome is acknowledged after its commit. So whatever line the runner dies
//! on, the next one finds every attempt in the database, in a slot file, or in both.

mod acting;
mod adopted;
mod alarm;
pub(crate) mod breakers;
pub mod change;
mod claiming;
mod clearing;
pub mod direct;
mod dispatcher;
mod doubt;
mod entry;
pub mod error;
pub mod events;
#[cfg(test)]
mod fixture;
mod follow;
mod gather;
mod granting;
mod ground;
mod halting;
mod hand_out;
pub(crate) mod healing;
mod hearing;
pub mod hours;
mod inbox;
mod ledger;
mod message;
mod night;
mod on_failure;
mod overdue;
mod pacing;
pub mod patterns;
mod progress;
mod recover;
mod requests;
pub mod rescue;
mod restored;
pub mod run;
mod spare;
mod stale_stops;
mod state;
mod step;
mod stillborn;
mod stopped;
mod takeover;
mod tally;
pub mod telling;
mod tidy;
mod totals;
mod wishes;

pub use alarm::tell_of_storage;
pub use clearing::{prune, would_prune};
pub use entry::settle_later_life;
pub use error::EngineError;
pub use hours::Schedule;
pub use hours::Until;
pub use on_failure::OnFailure;
pub use run::{RunOutcome, RunRequest, run};
