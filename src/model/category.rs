//! Our judgement of a failure: its broad class, the named pattern, and whether a retry can help.
//!
//! The judging itself is `policy::classify`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The broad class of a failure. The identifiers are stable: scripts compare them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Refused, reset, unreachable, DNS, TLS: the way to a peer.
    Network,
    /// Time ran out, ours or the tool's own.
    Timeout,
    /// Told to slow down.
    RateLimit,
    /// The peer answered that it is broken or overloaded.
    ServerError,
    /// A credential or a right is missing.
    Auth,
    /// The peer does not have what was asked for.
    NotFound,
    /// The input, the usage or the configuration is wrong.
    Validation,
    /// This machine: paths, space, memory, permissions, locks.
    Resource,
    /// A command, module, library or package is not installed.
    Dependency,
    /// Driving a browser went wrong.
    Browser,
    /// The program itself is wrong.
    Logic,
    /// Data is damaged.
    Corruption,
    /// A signal from outside with no other cause.
    Killed,
    /// Nothing to tell.
    Unknown,
}

impl Category {
    /// All categories, in the order in which the documentation lists them.
    pub const ALL: [Self; 14] = [
        Self::Network,
        Self::Timeout,
        Self::RateLimit,
        Self::ServerError,
        Self::Auth,
        Self::NotFound,
        Self::Validation,
        Self::Resource,
        Self::Dependency,
        Self::Browser,
        Self::Logic,
        Self::Corruption,
        Self::Killed,
        Self::Unknown,
    ];

    /// The stable identifier.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::RateLimit => "rate_limit",
            Self::ServerError => "server_error",
            Self::Auth => "auth",
            Self::NotFound => "not_found",
            Self::Validation => "validation",
            Self::Resource => "resource",
            Self::Dependency => "dependency",
            Self::Browser => "browser",
            Self::Logic => "logic",
            Self::Corruption => "corruption",
            Self::Killed => "killed",
            Self::Unknown => "unknown",
        }
    }

    /// Reads a stable identifier.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether running the same thing again can work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retryable {
    /// Waiting and running again unchanged can work.
    Yes,
    /// A person has to decide or change something.
    No,
    /// A mechanical fix can make it work.
    AfterFix,
}

impl Retryable {
    /// The stable identifier.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::AfterFix => "after_fix",
        }
    }

    /// Reads a stable identifier.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Yes, Self::No, Self::AfterFix]
            .into_iter()
            .find(|known| known.as_str() == text)
    }
}

/// What we make of a failed outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// The broad class.
    pub category: Category,
    /// The named pattern that matched, such as `connection_refused`.
    pub pattern: String,
    /// Whether running again can work.
    pub retryable: Retryable,
    /// Whether `retryable` was told by somebody who knows, such as a pattern of the user's, and not
    /// guessed: then it counts for more than what the category usually means.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
    /// How sure we are, from 0 to 1.
    pub confidence: f64,
    /// Values found in the output: `host`, `port`, `path`, `module`, ….
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extracted: BTreeMap<String, String>,
    /// The line that decided, or a sentence about the fact that did; untrusted text.
    pub line: Option<String>,
}
