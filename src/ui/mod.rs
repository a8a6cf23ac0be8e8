//! Floor 7: what is seen while it runs.
//!
//! [`lines`] words the events of a run, [`progress`] shows them as bars on a terminal or as plain
//! lines anywhere else, [`printer`] is the way to standard error that does not tear the bars.
//!
//! Not here: answers of commands on standard output (`cli`), and what happened, told afterwards
//! (`report`).

mod aside;
mod breaker;
mod far;
mod hanging;
mod healing;
pub mod lines;
mod night;
mod plain;
pub mod printer;
pub mod progress;
mod stopping;
mod terminal;
mod ticker;
