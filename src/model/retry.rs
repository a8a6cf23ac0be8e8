//! When and how often a task is tried again, as its definition says it.
//!
//! Whether a failure is tried again at all is `policy::decide`, how long the waits are is
//! `policy::backoff`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::category::Category;
use crate::model::spans::millis;
use crate::model::spans::optional_millis;

/// Attempts in all where nothing is written.
pub const DEFAULT_MAX_ATTEMPTS: u32 = 5;
/// Attempts in all for failures of category `unknown`, where nothing is written.
pub const DEFAULT_MAX_ATTEMPTS_UNKNOWN: u32 = 2;

/// When and how often to try again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetrySpec {
    /// Attempts in all, as the user wrote it; see [`RetrySpec::limit`] for what holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// How the waits grow.
    #[serde(default)]
    pub backoff: Backoff,
    /// The first wait.
    #[serde(with = "millis")]
    pub base: Duration,
    /// By how much each wait is longer than the one before.
    pub factor: f64,
    /// The longest wait.
    #[serde(with = "millis")]
    pub cap: Duration,
    /// The share of a wait that is left to chance, from 0 to 1.
    pub jitter: f64,
    /// What holds for single categories instead.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub on: BTreeMap<Category, CategoryRetry>,
}

impl Default for RetrySpec {
    fn default() -> Self {
        Self {
            max_attempts: None,
            backoff: Backoff::Exponential,
            base: Duration::from_secs(2),
            factor: 2.0,
            cap: Duration::from_mins(1),
            jitter: 0.2,
            on: BTreeMap::new(),
        }
    }
}

impl RetrySpec {
    /// Attempts in all for a failure of `category`.
    pub fn limit(&self, category: Category) -> u32 {
        self.on
            .get(&category)
            .and_then(|on| on.max_attempts)
            .or(self.max_attempts)
            .unwrap_or(if category == Category::Unknown {
                DEFAULT_MAX_ATTEMPTS_UNKNOWN
            } else {
                DEFAULT_MAX_ATTEMPTS
            })
    }

    /// What a task is told as `AUTOEXEC_MAX_ATTEMPTS`.
    pub fn announced_limit(&self) -> u32 {
        self.max_attempts.unwrap_or(DEFAULT_MAX_ATTEMPTS)
    }
}

/// How the waits between attempts grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    /// By a factor each time.
    #[default]
    Exponential,
    /// Not at all.
    Fixed,
}

/// What holds for one category instead of the general rule.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct CategoryRetry {
    /// Attempts in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// The longest wait.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub cap: Option<Duration>,
}
