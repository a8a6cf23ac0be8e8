//! Floor 7: what happened, as one value and its renderings.
//!
//! [`load`] reads the queue, [`facts`] is what is known, [`summary`] the one value that is made of it by pure functions, and
//! [`text`], [`markdown`], [`json`] and [`mod@html`] render that value, so that two renderings cannot
//! disagree; only the last one shows more ([`charts`]), in pictures. [`why`] answers for a single task; [`range`] says which part of the past a report is about.
//!
//! A report of a person reads in this order: did it run and why did it end · what needs you, each
//! with the command to type · what healed itself and how · what did not run and why · what is different
//! from earlier nights · figures. The first fifteen lines of a page hold the first two. What needs you
//! is told by cause ([`needs`]), and everything below it is the same for every rendering
//! ([`sections`]).
//!
//! Not here: what is seen while a run goes on (`ui`).

mod again;
pub mod alerted;
mod attempt_lines;
pub mod capabilities;
pub mod causes;
pub mod charts;
mod cleared;
mod dealt_with;
mod declared;
mod died_of;
mod different;
pub mod evening;
mod evening_page;
pub mod facts;
mod figures;
pub mod headline;
pub mod health;
pub mod health_nights;
pub mod health_page;
pub mod health_tasks;
pub mod html;
pub mod json;
mod json_healed;
pub mod kept;
pub mod load;
pub mod log_text;
pub mod markdown;
mod masked;
mod needs;
mod next;
pub mod not_run;
mod not_run_words;
pub mod order_words;
pub mod outcome_words;
mod page;
mod parked;
pub mod plan;
mod plan_order;
pub mod plan_page;
pub mod present_needs;
pub mod queue_table;
pub mod range;
mod recovery_lines;
mod sections;
pub mod services;
mod since_words;
mod spoken;
mod stages;
pub mod standstill;
pub mod status_page;
pub mod strategies;
mod stretch;
pub mod summary;
pub mod task_page;
pub mod text;
pub mod told;
pub mod usual;
pub mod why;
mod why_again;
mod why_attempts;
mod why_page;
mod why_under_way;

pub use cleared::cleared_words;

#[cfg(test)]
mod nights;
