//! Category and pattern of a failure in words for a person, the same in every message and page.
//!
//! Not here: the stable identifiers, which JSON and scripts see ([`crate::model::category`]).

use crate::model::category::Category;
use crate::support::untrusted::Untrusted;

/// The words: `network (connection refused)`, `asked to be tried later`.
pub fn cause_words(category: Category, pattern: &str) -> String {
    if let Some(words) = sentence(category, pattern) {
        return words.to_owned();
    }
    let pattern = match (category, pattern) {
        (Category::Timeout, "own_timeout") => "its time limit".to_owned(),
        (Category::Timeout, "own_idle_timeout") => "its idle timeout".to_owned(),
        (Category::Timeout, "deadline_passed") => "its deadline".to_owned(),
        (Category::Timeout, "total_timeout") => "its time in all".to_owned(),
        (Category::Unknown, "silent") => "no output".to_owned(),
        (Category::Unknown, "generic") => String::new(),
        _ => Untrusted::from(pattern.replace('_', " ")).for_terminal(),
    };
    let category = category.as_str();
    if pattern.is_empty() || pattern == category.replace('_', " ") {
        category.to_owned()
    } else {
        format!("{category} ({pattern})")
    }
}

/// The same, fit to follow what a task waits for: `after network`, `interrupted: the run was stopped`.
pub fn after_words(category: Category, pattern: &str) -> String {
    sentence(category, pattern).map_or_else(
        || format!("after {}", cause_words(category, pattern)),
        str::to_owned,
    )
}

/// What was not a failure, or says all by itself.
fn sentence(category: Category, pattern: &str) -> Option<&'static str> {
    match (category, pattern) {
        (Category::Unknown, "try_later") => Some("asked to be tried later"),
        (Category::Unknown, "start_again") => Some("asked to be started again"),
        (Category::Killed, "run_stopped") => Some("interrupted: the run was stopped"),
        (Category::Killed, "window_ended") => Some("interrupted: the window ended"),
        (Category::Killed, "runner_gone") => Some("interrupted: its run died"),
        (Category::Killed, "put_aside") => Some("interrupted: it was put aside"),
        (Category::Killed, "completed") => Some("interrupted: it was declared done"),
        (Category::Killed, "cancelled") => Some("interrupted: it was called off"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_in_words() {
        let table = [
            (
                Category::Network,
                "connection_refused",
                "network (connection refused)",
            ),
            (Category::RateLimit, "rate_limit", "rate_limit"),
            (Category::Network, "", "network"),
            (Category::Unknown, "try_later", "asked to be tried later"),
            (Category::Timeout, "own_timeout", "timeout (its time limit)"),
            (Category::Unknown, "silent", "unknown (no output)"),
            (Category::Unknown, "generic", "unknown"),
            (Category::Unknown, "unknown", "unknown"),
            (
                Category::Killed,
                "run_stopped",
                "interrupted: the run was stopped",
            ),
            (Category::Unknown, "a\u{1b}b", "unknown (a\\eb)"),
        ];
        for (category, pattern, words) in table {
            assert_eq!(cause_words(category, pattern), words);
        }
        assert_eq!(after_words(Category::Network, ""), "after network");
        let stopped = after_words(Category::Killed, "run_stopped");
        assert_eq!(stopped, "interrupted: the run was stopped");
    }
}
