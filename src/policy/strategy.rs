//! Which remedies suit a failure, in the order in which they would be tried.
//!
//! Names only: whether a remedy is allowed, declared and worth trying is decided where it is carried out.

use crate::model::category::Category as C;
use crate::model::category::Classification;
use crate::model::category::Retryable as R;
use crate::support::similar::closest;

/// Every strategy, from those that only wait to those that need a person.
pub const ALL: &[&str] = &[
    "wait_and_retry",
    "wait_retry_after",
    "wait_for_reconnection",
    "check_dns",
    "wait_for_lock",
    "wait_for_disk",
    "wait_for_memory",
    "run_alone",
    "reduce_concurrency",
    "retry_with_longer_timeout",
    "rotate_endpoint",
    "rotate_lease",
    "use_defaults",
    "use_fallback_command",
    "create_missing_path",
    "clean_temp",
    "raise_open_files",
    "raise_memory",
    "use_free_port",
    "restart_from_checkpoint",
    "restart_from_scratch",
    "restart_browser",
    "run_command",
    "refresh_credentials",
    "install_dependency",
    "make_executable",
    "remove_stale_lock",
    "fetch_again",
    "wait_for_manual_intervention",
];

/// Those that change what a task did not declare, or change it for good: they need the word of the
/// machine and of the task.
pub const GUARDED: &[&str] = &[
    "install_dependency",
    "make_executable",
    "remove_stale_lock",
    "fetch_again",
];

/// Names that are kept for what later versions bring; nobody carries them out, so nobody may ask for them.
pub const NOT_BUILT: &[&str] = &["rotate_lease", "restart_browser"];

/// Every strategy that this version carries out.
pub fn built() -> impl Iterator<Item = &'static str> {
    let all = ALL.iter().copied();
    all.filter(|name| !NOT_BUILT.contains(name))
}

/// Whether a strategy may be asked for; otherwise why not, and what there is instead.
///
/// # Errors
/// A sentence for whoever wrote the name, without the name.
pub fn known(name: &str) -> Result<(), String> {
    if built().any(|built| built == name) {
        return Ok(());
    }
    if NOT_BUILT.contains(&name) {
        return Err("it is not part of this version yet".to_owned());
    }
    Err(closest(name, built()).map_or_else(
        || {
            format!(
                "the strategies are {}",
                built().collect::<Vec<_>>().join(", ")
            )
        },
        |meant| format!("did you mean `{meant}`?"),
    ))
}

/// The usual remedies for a failure.
pub fn usual(failure: &Classification) -> Vec<&'static str> {
    let waits = failure.retryable == R::Yes;
    match (failure.category, failure.pattern.as_str()) {
        (_, "own_timeout" | "operation_timeout") => vec!["retry_with_longer_timeout"],
        // Nobody refused it: it was silent, here.
        (C::Timeout, "own_idle_timeout") => vec!["wait_and_retry"],
        // Whoever declared another address wants it tried at once, not after a wait for the dead one.
        (C::Network, "dns_failure") if waits => {
            vec!["rotate_endpoint", "check_dns", "wait_and_retry"]
        }
        (C::Network | C::Timeout, _) if waits => {
            vec!["rotate_endpoint", "wait_for_reconnection", "wait_and_retry"]
        }
        (C::RateLimit, _) if waits => {
            vec!["wait_retry_after", "wait_and_retry", "reduce_concurrency"]
        }
        (C::ServerError, _) if waits => {
            vec!["wait_retry_after", "wait_and_retry", "rotate_endpoint"]
        }
        (C::Auth, _) if failure.retryable == R::AfterFix => {
            vec!["refresh_credentials"]
        }
        // Alone only when it failed before, beside others.
        (C::Unknown, _) | (C::Validation, "success_check_failed") => {
            vec!["wait_and_retry", "run_alone"]
        }
        (C::Validation, _) => vec!["use_defaults"],
        (C::Resource, "disk_full") => vec!["clean_temp", "wait_for_disk", "wait_and_retry"],
        (C::Resource, "out_of_memory") => vec![
            "raise_memory",
            "wait_for_memory",
            "run_alone",
            "wait_and_retry",
        ],
        (C::Resource, "too_many_files") => vec!["raise_open_files"],
        (C::Resource, "too_many_processes") => {
            vec!["wait_and_retry", "run_alone", "reduce_concurrency"]
        }
        // An input is only made up where `ensure` declares it.
        (C::Resource, "missing_path") => {
            vec!["create_missing_path", "wait_for_manual_intervention"]
        }
        (C::Resource, "permission") if failure.retryable == R::AfterFix => {
            vec!["make_executable", "wait_for_manual_intervention"]
        }
        (C::Resource, "busy") if waits => vec![
            "wait_for_lock",
            "wait_and_retry",
            "remove_stale_lock",
            "run_alone",
        ],
        (C::Resource, "busy") => vec!["use_free_port", "run_alone"],
        (C::Resource, _) if waits => vec!["wait_and_retry"],
        (C::Dependency, _) if failure.retryable == R::AfterFix => {
            vec!["install_dependency", "wait_for_manual_intervention"]
        }
        (C::Browser, "security_challenge") => vec!["wait_for_manual_intervention"],
        (C::Browser, _) if failure.retryable != R::No => vec![
            "retry_with_longer_timeout",
            "reduce_concurrency",
            "wait_and_retry",
        ],
        (C::Corruption, _) if failure.retryable != R::No => vec![
            "fetch_again",
            "restart_from_scratch",
            "wait_for_manual_intervention",
        ],
        (C::Corruption, _) => vec!["restart_from_scratch", "wait_for_manual_intervention"],
        (C::Killed, _) if waits => vec!["restart_from_checkpoint", "wait_and_retry"],
        _ => vec!["wait_for_manual_intervention"],
    }
}
