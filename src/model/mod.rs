//! Floor 1: the nouns of the product and their legal changes.
//!
//! Nothing here does I/O or knows the time. A task is what somebody wants done ([`spec`]) and its
//! life in the queue ([`state`]); an attempt is one start of it ([`attempt`]); an outcome is how the
//! attempt ended, a fact ([`outcome`]); category and pattern are our judgement of a failed outcome
//! ([`category`]); a recovery is what is done about it ([`recovery`], [`remedy`]). [`message`] and [`slot`] are what a runner and its supervisors tell each other,
//! over a pipe and through a file that outlives them.

pub mod alert;
pub mod attempt;
pub mod category;
pub mod cause_words;
pub mod checks;
pub mod dependency;
mod hash;
pub mod ids;
pub mod layout;
pub mod message;
pub mod notice;
pub mod outcome;
pub mod pattern;
pub mod recovery;
pub mod remedy;
pub mod retry;
pub mod signal;
pub mod slot;
pub mod spans;
pub mod spec;
pub mod state;
pub mod timing;
pub mod verdict;
