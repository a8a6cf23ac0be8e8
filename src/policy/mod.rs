//! Floor 2: choices as pure functions of facts and `now`.
//!
//! Nothing here reads a clock, a file or a random number: the caller hands in `now` and a share of
//! chance, so every judgement can be repeated and explained later.
//!
//! - [`advice`]: what a failure means and what helps, in words.
//! - [`backoff`]: how long to wait.
//! - [`breaker`]: whether tasks of a service may try it now.
//! - [`classify`]: what a failure is.
//! - [`compare`]: what is different about a task tonight.
//! - [`decide`]: what happens next.
//! - [`expression`]: which regular expressions of users are used.
//! - [`fingerprint`]: which failures are one cause.
//! - [`fit`]: whether a task is worth starting in what is left of a window.
//! - [`forecast`]: how long a task will take.
//! - [`guard`]: what follows when a run has died.
//! - [`learning`]: what helps, from what was tried.
//! - [`health`]: what is to be thought of machine and queue.
//! - [`limits`]: deadlines, and the time over all attempts.
//! - `line_words`: a line taken apart.
//! - [`mask`]: what is hidden in a quoted line.
//! - [`pick`]: what runs first, and why something does not run.
//! - [`plain_retry`]: for which failures another attempt is worth it.
//! - [`poison`]: which task kills its runner.
//! - [`recovery`]: which recovery suits a failure.
//! - [`redact`]: what is hidden in output, and how while it streams.
//! - [`schedule`]: when queued tasks would run.
//! - [`strategy`]: which remedies suit a failure.
//! - [`last_word`]: whether a line says that something failed, or that all is well.
//! - [`suspicion`]: which successes are hard to believe.
//! - [`trace`]: where an attempt spent its time.
//! - [`verdict`]: what the report says of a task.
//! - [`version`]: which version is enough.
//! - [`when`]: what instant a written time means.
//! - [`window`]: when a night begins and ends.

pub mod advice;
pub mod backoff;
pub mod breaker;
pub mod classify;
pub mod compare;
pub mod decide;
pub mod expression;
pub mod fingerprint;
pub mod fit;
pub mod forecast;
pub mod guard;
pub mod health;
pub mod last_word;
pub mod learning;
pub mod limits;
mod line_words;
pub mod mask;
pub mod pick;
pub mod plain_retry;
pub mod poison;
pub mod recovery;
pub mod redact;
pub mod rescue;
pub mod retention;
pub mod schedule;
mod shell_quotes;
pub mod since;
pub mod strategy;
pub mod suspicion;
pub mod time_limit;
pub mod trace;
pub mod verdict;
pub mod version;
pub mod when;
pub mod window;
