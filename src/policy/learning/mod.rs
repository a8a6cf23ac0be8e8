//! What helps against a failure, learned from what was tried.
//!
//! Pure: evidence, `now` and a seed come in; an order, expectations and comparisons come out. Evidence
//! is kept by `store::learning`; which strategies suit a failure at all is [`crate::policy::strategy`].
//!
//! # How it learns
//!
//! For each pair of a pattern and a strategy the share of successes is unknown; what is known of it is a
//! beta distribution. It begins with what the built-in order says: [`PRIOR_STRENGTH`] pretended
//! recoveries, of which the more helped the earlier the strategy stands ([`posterior::prior`]). Each
//! recovery of which it is known whether it helped is added, worth less the older it is: it loses half of
//! its worth in [`HALF_LIFE`] and with every [`HALF_LIFE_COUNT`] newer ones of the same strategy, so that
//! a world that has changed is noticed after some nights or after some failures.
//!
//! Once [`LEAST_SAMPLES`] recoveries are known, the order is drawn (Thompson sampling): a number is drawn
//! from each distribution and the largest comes first. What is probably best comes first most often; what
//! is little known comes first now and then, and so becomes known. The draws are made from a seed that
//! is stored with the choice, so that it can be made again.
//!
//! Evidence of the same program and category is used alone as soon as there is enough of it: the
//! remedy for a refused connection of `psql` need not be that of `curl`.
//!
//! A person is right: a pinned strategy comes first or never, and two that are compared on purpose
//! ([`experiment`]) come first in turn.

pub mod chance;
pub mod evidence;
pub mod experiment;
pub mod posterior;

use std::time::Duration;

pub use evidence::{Context, Evidence, Figures, Imported, learned};
pub use experiment::{Arm, Experiment, Finding, Side};
pub use posterior::{Posterior, wilson};

/// Recoveries that must be known before the built-in order is left, and before those of one program are
/// enough by themselves.
pub const LEAST_SAMPLES: u32 = 5;
/// How many pretended recoveries the built-in order is worth.
pub const PRIOR_STRENGTH: f64 = 4.0;
/// After so long a recovery is worth half.
pub const HALF_LIFE: Duration = Duration::from_hours(30 * 24);
/// After so many newer ones of the same strategy a recovery is worth half.
pub const HALF_LIFE_COUNT: u32 = 50;
/// Older recoveries of a strategy than this many are worth next to nothing and are not read.
pub const MOST_EVIDENCE: u32 = 300;
/// Figures of another machine are worth no more than this many recoveries of one's own.
pub const MOST_IMPORTED: f64 = 20.0;

/// What a person says of a strategy for a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pin {
    /// It is tried before all others.
    First,
    /// It is not tried.
    Never,
}

impl Pin {
    /// The stable identifier.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Never => "never",
        }
    }

    /// Reads a stable identifier.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::First, Self::Never]
            .into_iter()
            .find(|pin| pin.as_str() == text)
    }
}

#[cfg(test)]
#[path = "simulation_tests.rs"]
mod simulation;
