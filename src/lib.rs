//! autoexec: a batch runner for overnight queues that knows why a command failed.
//!
//! This page is the map of the house; `docs/architecture.md` tells the reasons.
//!
//! # Floors
//!
//! A module imports only from lower floors, never sideways; `tests/floors.rs` fails otherwise.
//!
//! | floor | modules | what lives there |
//! |---|---|---|
//! | 9 | [`cli`] | arguments, settings, one file per command, failure to exit code |
//! | 8 | [`web`], [`mod@recovering`] | the local page and its API; the same recovery for Rust code |
//! | 7 | [`report`], [`ui`] | one summary value and its renderings; progress and plain lines |
//! | 6 | [`engine`] | the run: one loop, a pure step, recovery after a crash |
//! | 5 | [`backend`], [`supervisor`] | where attempts live; the hidden process around an attempt |
//! | 4 | [`taskfile`], [`store`], [`host`], [`notify`] | the doors: TOML, SQLite, this machine, people elsewhere |
//! | 3 | [`process`] | spawn, identity, slot files, locks, sweep, helper programs |
//! | 2 | [`policy`] | judgement: pure functions of facts and `now` |
//! | 1 | [`model`] | nouns and their legal changes |
//! | 0 | [`support`] | time, words, untrusted text |
//!
//! # The way of a task
//!
//! TOML → [`taskfile`] → [`model::spec::TaskSpec`] → [`store`] → `policy::pick` → `store::journal`
//! (claimed) → [`backend`] → [`supervisor`] → [`model::outcome::Outcome`] → `policy::classify` →
//! `policy::decide` → `store::journal` (decision) → [`report`].
//!
//! Facts are stored once, judgements are pure functions, one loop acts, one function changes a status.

pub mod backend;
pub mod cli;
pub mod engine;
pub mod host;
pub mod model;
pub mod notify;
pub mod policy;
pub mod process;
pub mod recovering;
pub mod report;
pub mod store;
pub mod supervisor;
pub mod support;
pub mod taskfile;
pub mod ui;
#[cfg(feature = "web")]
pub mod web;

pub use recovering::recovering;
