//! Which remedies suit a failure, in the order in which they would be tried.
//!
//! Names only: whether a remedy is allowed, declared and worth trying is decided where it is carried out.

use crate::model::category::Category as C;
use crate::model::category::Classification;
use crate::model::category::Retryable as R;

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

/// The usual remedies for a failure.
pub fn usual(failure: &Classification) -> Vec<&'static str> {
    let waits = failure.retryable == R::Yes;
    match (failure.category, failure.pattern.as_str()) {
        (_, "own_timeout" | "operation_timeout") => vec!["retry_with_longer_timeout"],
        (C::Network | C::Timeout, _) if waits => {
            vec!["wait_for_reconnection", "rotate_endpoint", "wait_and_retry"]
        }
        (C::RateLimit, _) if waits => {
            vec!["wait_retry_after", "reduce_concurrency", "rotate_lease"]
        }
        (C::ServerError, _) if waits => vec!["wait_and_retry", "rotate_endpoint"],
        (C::Auth, _) if failure.retryable == R::AfterFix => {
            vec!["refresh_credentials", "rotate_lease"]
        }
        (C::Unknown, _) | (C::Validation, "success_check_failed") => vec!["wait_and_retry"],
        (C::Validation, _) => vec!["use_defaults"],
        (C::Resource, "disk_full") => vec!["clean_temp", "wait_for_disk"],
        (C::Resource, "out_of_memory") => vec!["wait_for_memory", "run_alone", "raise_memory"],
        (C::Resource, "too_many_files") => vec!["raise_open_files"],
        (C::Resource, "too_many_processes") => vec!["wait_and_retry", "reduce_concurrency"],
        (C::Resource, "missing_path") if failure.retryable == R::AfterFix => {
            vec!["create_missing_path"]
        }
        (C::Resource, "permission") if failure.retryable == R::AfterFix => {
            vec!["make_executable", "wait_for_manual_intervention"]
        }
        (C::Resource, "busy") if waits => vec!["wait_for_lock", "remove_stale_lock"],
        (C::Resource, "busy") => vec!["use_free_port"],
        (C::Resource, _) if waits => vec!["wait_and_retry"],
        (C::Dependency, _) if failure.retryable == R::AfterFix => {
            vec!["install_dependency", "wait_for_manual_intervention"]
        }
        (C::Browser, "security_challenge") => vec!["wait_for_manual_intervention"],
        (C::Browser, _) if failure.retryable != R::No => vec![
            "restart_browser",
            "retry_with_longer_timeout",
            "reduce_concurrency",
        ],
        (C::Corruption, _) if failure.retryable != R::No => {
            vec!["fetch_again", "wait_for_manual_intervention"]
        }
        (C::Killed, _) if waits => vec!["restart_from_checkpoint", "wait_and_retry"],
        _ => vec!["wait_for_manual_intervention"],
    }
}
