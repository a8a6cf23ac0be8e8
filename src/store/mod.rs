//! Floor 4, a door: the queue in SQLite.
//!
//! Synchronous, one connection per process, no thread of its own. [`Store::open`] opens or makes the
//! database, [`Store::write`] carries out a change as a whole, reading is done by the methods of
//! [`Reader`] (which [`Store`] and [`Transaction`] are, too).
//!
//! # Why it is built like this
//!
//! - WAL with `synchronous=FULL`: `NORMAL` survives a kill, but not the loss of power.
//! - Every write begins with `BEGIN IMMEDIATE`: a transaction that reads first and writes later can
//!   be refused without waiting.
//! - [`journal`] is the only writer of a task's status. Each event goes into `execution_logs`, a
//!   chain of checksums, and replaying it gives the stored columns ([`Reader::check`]).
//! - What may start next is found through partial indexes ([`pick`]), so that the length of the
//!   queue does not matter.
//!
//! # Crash safety
//!
//! A change is there as a whole or not at all. After a failed sync nothing more is written. Only
//! SQLite ever opens the database file: closing any other handle would drop its locks.
//!
//! # Compatibility
//!
//! See `migrate`: formats are numbered, older ones are brought up to date after a copy was made,
//! newer ones are refused, damaged ones are never replaced.

mod adding;
pub mod attempts;
mod backup;
pub mod breakers;
mod chart;
mod check;
pub mod checkpoints;
mod connection;
mod consequences;
pub mod cut_off;
pub mod deaths;
mod dependencies;
pub mod doubts;
mod epoch;
mod error;
mod export;
mod file;
mod filter;
mod healed;
pub mod health;
mod history;
pub mod journal;
pub mod learning;
mod list;
mod log;
mod lone;
mod migrate;
mod namesakes;
mod needing;
mod open_attempts;
mod order;
pub mod outbox;
pub mod parking;
mod past;
pub mod patterns;
pub mod pause;
mod period;
pub mod pick;
pub mod recoveries;
mod recovery_rows;
mod replay;
pub mod requests;
pub mod rescue;
pub mod retention;
mod rows;
pub mod runs;
pub mod tasks;
pub mod teaching;

pub use crate::store::chart::BarBrief;
pub use crate::store::chart::ShareBrief;
pub use crate::store::check::Extent;
pub use crate::store::check::Soundness;
pub use crate::store::connection::Access;
pub use crate::store::connection::Reader;
pub use crate::store::connection::Store;
pub use crate::store::connection::Transaction;
pub use crate::store::consequences::Follow;
pub use crate::store::consequences::Followed;
pub use crate::store::dependencies::Dependency;
pub use crate::store::error::StoreError;
pub use crate::store::export::ExportError;
pub use crate::store::filter::Filter;
pub use crate::store::healed::BreakerBrief;
pub use crate::store::healed::RateBrief;
pub use crate::store::healed::RecoveryBrief;
pub use crate::store::history::AttemptRecord;
pub use crate::store::history::LoggedEvent;
pub use crate::store::list::BlockedBy;
pub use crate::store::list::Counts;
pub use crate::store::list::NamedTask;
pub use crate::store::list::TaskLine;
pub use crate::store::log::Actor;
pub use crate::store::log::Event;
pub use crate::store::log::Rescheduled;
pub use crate::store::lone::Lone;
pub use crate::store::open_attempts::OpenAttempt;
pub use crate::store::period::AttemptBrief;
pub use crate::store::period::TaskBrief;
pub use crate::store::period::Touched;

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
#[cfg(test)]
mod upgrade_tests;
