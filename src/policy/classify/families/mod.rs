//! The built-in patterns, one family per file.
//!
//! To add one: find its family, write the words that its line always holds, an expression for the
//! line and what it means, and a line of real output as example. The rank says how it stands against
//! other patterns that match in the same output. Patterns describe the grammar of messages (texts of
//! the system's errors, a status in its context, an ecosystem's way to name what is missing), never
//! single cases.

mod browser;
mod cloud;
mod code;
mod corruption;
mod credentials;
mod data;
mod database;
mod dependency;
mod ends;
pub(super) mod http;
mod missing;
mod network;
mod packages;
mod system;
mod timeout;
mod tls;
mod usage;
mod versions;

use crate::policy::classify::pattern::Pattern;

/// Every built-in pattern.
pub(super) fn all() -> impl Iterator<Item = Pattern> {
    [
        browser::PATTERNS,
        cloud::PATTERNS,
        code::PATTERNS,
        corruption::PATTERNS,
        credentials::PATTERNS,
        data::PATTERNS,
        database::PATTERNS,
        dependency::PATTERNS,
        ends::PATTERNS,
        http::PATTERNS,
        missing::PATTERNS,
        network::PATTERNS,
        packages::PATTERNS,
        system::PATTERNS,
        timeout::PATTERNS,
        tls::PATTERNS,
        usage::PATTERNS,
        versions::PATTERNS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
