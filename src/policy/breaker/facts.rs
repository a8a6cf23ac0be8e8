//! What breakers are made of: where one stands, what is heard of a service, and what follows.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::ids::AttemptId;
use crate::policy::classify::OWN_TIMEOUT_PATTERN;
use crate::support::clock::Timestamp;

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BreakerState {
    /// Everybody may try.
    #[default]
    Closed,
    /// Nobody may, until the probe.
    Open {
        /// Since when.
        since: Timestamp,
        /// When somebody may try again.
        probe_at: Timestamp,
    },
    /// One may.
    HalfOpen {
        /// Since when it was open.
        since: Timestamp,
        /// Whose turn it is; none: the next one's.
        lease: Option<Lease>,
    },
}

impl BreakerState {
    /// The stable identifier.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half_open",
        }
    }
}

/// The permission to try a service that may still be down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The attempt that has it; none: a probe of the engine.
    pub attempt: Option<AttemptId>,
    /// Somebody else may try from then on.
    pub until: Timestamp,
}

/// A failure that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedFailure {
    /// When.
    pub at: Timestamp,
    /// Whose: several failures of the same one count once.
    pub of: i64,
}

/// The failure that was seen last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFailure {
    /// Its class.
    pub category: Category,
    /// The pattern that matched.
    pub pattern: String,
    /// The line that decided; untrusted text.
    pub line: Option<String>,
}

/// Something that has turned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It opened, or opened again.
    Opened {
        /// For so long.
        span: Duration,
        /// Why.
        why: WhyOpened,
    },
    /// It closed.
    Closed {
        /// It had been open for so long.
        after: Duration,
    },
}

/// Why a breaker opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyOpened {
    /// So many failures, the last one of this class.
    Failures(u32, Category),
    /// The peer asked for it.
    Asked,
    /// The probe failed, this often in a row.
    ProbeFailed(u32),
}

impl WhyOpened {
    /// Why it opened, in a few words.
    pub fn words(&self) -> String {
        match self {
            Self::Failures(count, category) => format!("{count} failures ({category})"),
            Self::Asked => "it asked for a pause".to_owned(),
            Self::ProbeFailed(1) => "the probe failed".to_owned(),
            Self::ProbeFailed(times) => format!("the probe failed, {times} times in a row"),
        }
    }
}

/// What an attempt, or a probe of the engine, says about a service by its failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The attempt; none: a probe of the engine.
    pub attempt: Option<AttemptId>,
    /// Whose failure it counts as.
    pub of: i64,
    /// What it was.
    pub failure: LastFailure,
    /// How long the peer asked to be left alone.
    pub asked: Option<Duration>,
}

/// Whether somebody may try a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Like anybody.
    Free,
    /// As the probe, which is to be lent first.
    Probe,
    /// Not before this instant.
    NotBefore(Timestamp),
}

/// Whether a failure of this kind says something about the service and not about the task.
pub fn speaks_of_service(failure: &Classification) -> bool {
    match failure.category {
        Category::Network | Category::RateLimit | Category::ServerError | Category::Auth => true,
        // The time limit of the task itself, or of a tool, is no word of the peer.
        Category::Timeout => {
            failure.pattern != OWN_TIMEOUT_PATTERN && failure.retryable != Retryable::AfterFix
        }
        Category::NotFound
        | Category::Validation
        | Category::Resource
        | Category::Dependency
        | Category::Browser
        | Category::Logic
        | Category::Corruption
        | Category::Killed
        | Category::Unknown => false,
    }
}
