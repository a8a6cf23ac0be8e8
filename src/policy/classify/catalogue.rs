//! The names of built-in patterns, one entry each, as tables and pages list them.
//!
//! Several patterns of the output, exit codes and signals may share one name; what they have in common
//! is gathered here. The patterns of the output themselves are [`super::families`], the sentences are
//! [`super::reasons`].

use std::collections::BTreeMap;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::model::category::Category;
use crate::model::category::Category as C;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::category::Retryable as R;
use crate::policy::classify::reasons::built_in;
use crate::policy::classify::reasons::reason_of;
use crate::policy::strategy;
use crate::support::bytes::to_hex;

/// A name that a judgement may carry without a pattern of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: &'static str,
    /// The category that most failures of the name have.
    pub category: Category,
    /// Whether another attempt usually helps.
    pub retryable: Retryable,
    /// Why, in one sentence.
    pub reason: &'static str,
    /// Lines that it judges.
    pub examples: Vec<&'static str>,
    /// What is usually tried.
    pub strategies: Vec<&'static str>,
    /// How failures of the name are known.
    pub known_by: KnownBy,
}

/// How failures of a name are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    /// By what was printed, so that somebody may see it otherwise.
    Output,
    /// By what the supervisor saw or did.
    Fact,
    /// It is another word for this name.
    Alias(&'static str),
}

/// Words of other tools for the browser family, each with ours and why.
const ALIASES: &[(&str, &str, &str)] = &[
    (
        "page_load_failure",
        "page_load",
        "another word for `page_load`: the page did not come",
    ),
    (
        "action_execution_failure",
        "action_failed",
        "another word for `action_failed`: the element was there and could not be used",
    ),
    (
        "timeout",
        "element_not_found",
        "another word for `element_not_found`: what the script waited for did not come in time",
    ),
    (
        "network_error",
        "page_load",
        "another word for `page_load`: the browser could not reach the page",
    ),
];

/// Names that only a fact gives, or a refinement of another pattern: no pattern of the output bears them.
#[rustfmt::skip]
const OTHERS: &[(&str, Category, Retryable, KnownBy)] = {
    const OUTPUT: KnownBy = KnownBy::Output;
    const FACT: KnownBy = KnownBy::Fact;
    &[
        ("arguments_too_long", C::Validation, R::No, FACT),
        ("arithmetic", C::Logic, R::No, FACT),
        ("bad_system_call", C::Logic, R::No, FACT),
        ("bus_error", C::Logic, R::No, FACT),
        ("cancelled", C::Killed, R::Yes, FACT),
        ("cannot_create", C::Resource, R::No, OUTPUT),
        ("cannot_start", C::Resource, R::No, FACT),
        ("checkpoint_unusable", C::Resource, R::Yes, FACT),
        ("clock_skew", C::Auth, R::AfterFix, OUTPUT),
        ("env_file", C::Validation, R::No, FACT),
        ("generic", C::Unknown, R::No, FACT),
        ("host_busy", C::Resource, R::Yes, FACT),
        ("http_400", C::Validation, R::No, OUTPUT),
        ("http_401", C::Auth, R::AfterFix, OUTPUT),
        ("http_403", C::Auth, R::No, OUTPUT),
        ("http_403_rate_limit", C::RateLimit, R::Yes, OUTPUT),
        ("http_408", C::Timeout, R::Yes, OUTPUT),
        ("http_409", C::Validation, R::No, OUTPUT),
        ("http_410", C::NotFound, R::No, OUTPUT),
        ("http_422", C::Validation, R::No, OUTPUT),
        ("http_500", C::ServerError, R::Yes, OUTPUT),
        ("http_501", C::ServerError, R::No, OUTPUT),
        ("http_502", C::ServerError, R::Yes, OUTPUT),
        ("http_504", C::ServerError, R::Yes, OUTPUT),
        ("http_52x", C::ServerError, R::Yes, OUTPUT),
        ("http_5xx", C::ServerError, R::Yes, OUTPUT),
        ("illegal_instruction", C::Logic, R::No, FACT),
        ("internal_error", C::Logic, R::No, OUTPUT),
        ("leftover_processes", C::Unknown, R::No, FACT),
        ("limit_refused", C::Validation, R::No, FACT),
        ("maintenance", C::ServerError, R::Yes, OUTPUT),
        ("merge_conflict", C::Validation, R::No, OUTPUT),
        ("missing_interpreter", C::Dependency, R::AfterFix, FACT),
        ("network_blocked", C::Network, R::No, OUTPUT),
        ("no_tests", C::Unknown, R::No, OUTPUT),
        ("nul_byte", C::Validation, R::No, FACT),
        ("overloaded", C::ServerError, R::Yes, OUTPUT),
        ("own_idle_timeout", C::Timeout, R::Yes, FACT),
        ("own_timeout", C::Timeout, R::AfterFix, FACT),
        ("protocol", C::ServerError, R::Yes, OUTPUT),
        ("proxy_auth", C::Auth, R::AfterFix, OUTPUT),
        ("pull_limit", C::RateLimit, R::Yes, OUTPUT),
        ("quota_exceeded", C::RateLimit, R::No, OUTPUT),
        ("reboot", C::Killed, R::Yes, FACT),
        ("redirect_loop", C::Network, R::No, OUTPUT),
        ("rejected", C::Validation, R::No, OUTPUT),
        ("requirement_missing", C::Dependency, R::AfterFix, FACT),
        ("requirement_unreachable", C::Network, R::Yes, FACT),
        ("run_stopped", C::Killed, R::Yes, FACT),
        ("runner_gone", C::Killed, R::Yes, FACT),
        ("secondary_limit", C::RateLimit, R::Yes, OUTPUT),
        ("signal", C::Killed, R::Yes, FACT),
        ("sigpipe", C::Killed, R::Yes, FACT),
        ("sigquit", C::Killed, R::Yes, FACT),
        ("silent", C::Unknown, R::No, FACT),
        ("start_again", C::Unknown, R::Yes, FACT),
        ("success_check_failed", C::Validation, R::No, FACT),
        ("supervisor_died", C::Killed, R::Yes, FACT),
        ("system_error", C::Resource, R::Yes, OUTPUT),
        ("throttled", C::RateLimit, R::Yes, OUTPUT),
        ("too_early", C::ServerError, R::Yes, OUTPUT),
        ("trap", C::Logic, R::No, FACT),
        ("try_later", C::Unknown, R::Yes, FACT),
        ("unavailable", C::ServerError, R::Yes, OUTPUT),
        ("window_ended", C::Killed, R::Yes, FACT),
    ]
};

/// Names that patterns bear until the rest of the line has given them a better one.
const PROVISIONAL: &[&str] = &["http", "cloud"];

/// Every name, in order.
pub fn catalogue() -> &'static [Named] {
    static CATALOGUE: OnceLock<Vec<Named>> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let mut named: BTreeMap<&'static str, Named> = BTreeMap::new();
        for pattern in built_in() {
            if PROVISIONAL.contains(&pattern.name) {
                continue;
            }
            named
                .entry(pattern.name)
                .or_insert_with(|| {
                    entry(
                        pattern.name,
                        pattern.category,
                        pattern.retryable,
                        KnownBy::Output,
                    )
                })
                .examples
                .extend(pattern.examples);
        }
        for (name, category, retryable, known_by) in OTHERS {
            named
                .entry(name)
                .or_insert_with(|| entry(name, *category, *retryable, *known_by));
        }
        for (name, ours, reason) in ALIASES {
            if let Some(meant) = named.get(ours) {
                let alias = Named {
                    name,
                    reason,
                    known_by: KnownBy::Alias(ours),
                    ..meant.clone()
                };
                named.insert(name, alias);
            }
        }
        named.into_values().collect()
    })
}

/// The entry of a name.
pub fn named(name: &str) -> Option<&'static Named> {
    let catalogue = catalogue();
    let at = catalogue.binary_search_by_key(&name, |named| named.name);
    catalogue.get(at.ok()?)
}

/// Changes with everything that a table of the catalogue holds.
pub fn version() -> String {
    let mut hasher = Sha256::new();
    for named in catalogue() {
        hasher.update(format!("{named:?}\n"));
    }
    let mut digits = to_hex(&hasher.finalize());
    digits.truncate(12);
    format!("{} {digits}", env!("CARGO_PKG_VERSION"))
}

fn entry(name: &'static str, category: Category, retryable: Retryable, known_by: KnownBy) -> Named {
    let usual = strategy::usual(&Classification {
        category,
        pattern: name.to_owned(),
        retryable,
        told: false,
        confidence: 1.0,
        extracted: BTreeMap::new(),
        line: None,
    });
    Named {
        name,
        category,
        retryable,
        reason: reason_of(name).unwrap_or_default(),
        examples: Vec::new(),
        strategies: usual,
        known_by,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_says_why_and_stands_once() {
        assert!(catalogue().is_sorted_by(|one, other| one.name < other.name));
        for named in catalogue() {
            assert!(!named.reason.is_empty(), "{}", named.name);
            assert!(!named.strategies.is_empty(), "{}", named.name);
        }
        for (name, ..) in OTHERS {
            let is_borne = built_in().any(|pattern| pattern.name == *name);
            assert!(!is_borne, "`{name}` is borne by a pattern of the output");
        }
    }

    #[test]
    fn the_browser_family_goes_by_all_its_names() {
        for name in [
            "element_not_found",
            "timeout",
            "security_challenge",
            "page_load_failure",
            "action_execution_failure",
            "network_error",
        ] {
            assert_eq!(named(name).unwrap().category, C::Browser, "{name}");
        }
        assert_eq!(named("banana"), None);
    }
}
