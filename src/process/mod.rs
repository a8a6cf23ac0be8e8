//! Floor 3: processes of the operating system and the files by which they find each other.
//!
//! The only place with `unsafe`. What lives here knows slot records, attempts and outcomes as
//! nouns, but decides nothing about them: that is the engine's and the supervisor's business.
//!
//! # Who is who
//!
//! A process is its boot, its pid and its start time, never a bare pid ([`identity`]). Whether a
//! supervisor lives is a question to the kernel's lock on its slot file ([`slotfile`]), never to a
//! clock. Whatever an attempt left behind is found by its marker or its session ([`sweep`]), and in a
//! run by having come back to it as an orphan ([`children`]).
//!
//! # Crash safety
//!
//! [`epoch`] fences off supervisors of earlier runs, [`runlock`] lets one process at a time change
//! the queue and remembers which attempt it was busy with when it died, [`slotfile`] keeps what a
//! supervisor knows until its runner has committed it.

pub mod activity;
pub mod cgroup;
pub mod checkpoint;
pub mod children;
pub mod clock_sync;
pub mod cores;
pub mod detached;
mod diagnosis;
pub mod environment;
pub mod epoch;
pub mod glance;
pub mod guard;
pub mod hang;
pub mod helper;
pub mod identity;
pub mod launch;
mod limits;
pub mod logfile;
pub mod logfollow;
mod logframe;
pub mod logread;
pub mod logtidy;
pub mod preflight;
pub mod reap;
pub mod remedy;
pub mod requires;
pub mod resultfile;
pub mod runlock;
mod shell_word;
pub mod signals;
pub mod slotfile;
pub mod spawn;
pub mod sweep;
pub mod table;
pub mod telling;
pub mod tools;
pub mod wake;

pub use logframe::Stream;
