//! Error patterns that a user writes: what they match, and what they say of a failure.

use serde::{Deserialize, Serialize};

use crate::model::category::Category;
use crate::model::category::Retryable;

/// The most patterns of one source: a task file, the configuration, or the queue.
pub const MAX_PATTERNS: usize = 200;

/// An error pattern of a user's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatternSpec {
    /// Its name.
    pub name: String,
    /// An expression that a line of the output matches; named groups are extracted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// Exit codes that it is about; any where none is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit_codes: Vec<i32>,
    /// The program that it is about; any where none is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The category of such failures.
    pub category: Category,
    /// Whether running again can work; as the category usually has it where nothing is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<Retryable>,
    /// What to try, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strategies: Vec<String>,
}

impl PatternSpec {
    /// Whether running again can work: as written, else as the category usually has it.
    pub fn retryable(&self) -> Retryable {
        self.retryable
            .unwrap_or_else(|| usually_retryable(self.category))
    }
}

/// Whether running again can work for failures of a category of which nothing more is known.
pub const fn usually_retryable(category: Category) -> Retryable {
    match category {
        Category::Network
        | Category::Timeout
        | Category::RateLimit
        | Category::ServerError
        | Category::Browser
        | Category::Killed => Retryable::Yes,
        Category::Resource | Category::Dependency => Retryable::AfterFix,
        Category::Auth
        | Category::NotFound
        | Category::Validation
        | Category::Logic
        | Category::Corruption
        | Category::Unknown => Retryable::No,
    }
}
