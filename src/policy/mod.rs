//! Floor 2: choices as pure functions of facts and `now`: classify, backoff, decide, pick.
//!
//! Nothing here reads a clock, a file or a random number: the caller hands in `now` and a share of
//! chance, so every judgement can be repeated and explained later. [`classify`] says what a failure
//! is, [`decide`] what happens next, [`backoff`] how long to wait, [`pick`] what runs first and why
//! something does not run, [`poison`] which task kills its runner, [`strategy`] which remedies suit a
//! failure, [`trace`] where an attempt spent its time, [`verdict`] what the report says of a task,
//! [`version`] which version is enough.
//! failure, [`trace`] where an attempt spent its time, [`verdict`] what the report says of a task.
//! In words for a person: [`advice`] says what a failure means and what helps,
//! [`fingerprint`] which failures are one cause.

pub mod advice;
pub mod backoff;
pub mod classify;
pub mod decide;
pub mod fingerprint;
pub mod pick;
pub mod poison;
pub mod strategy;
pub mod trace;
pub mod verdict;
pub mod version;
