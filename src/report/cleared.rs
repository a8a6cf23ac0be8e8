//! Words for what was cleared away, for the report and for `db prune`.

use crate::store::retention::Cleared;
use crate::support::text::{count, size};

/// What was cleared away, without the verb: `3 tasks with 7 attempts, 12 events and 4 files of output
/// (1.5 MiB)`.
pub fn cleared_words(cleared: &Cleared) -> String {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    if cleared.tasks > 0 {
        let tasks = count(number(cleared.tasks), "finished task");
        let attempts = count(number(cleared.attempts), "attempt");
        parts.push(format!("{tasks} with {attempts}"));
    }
    if cleared.events > 0 {
        parts.push(count(number(cleared.events), "old event"));
    }
    if cleared.log_files > 0 {
        let files = count(number(cleared.log_files), "output file");
        parts.push(format!("{files} ({})", size(cleared.log_bytes)));
    }
    match parts.pop() {
        None => "nothing".to_owned(),
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_there_is_named() {
        let mut cleared = Cleared::default();
        assert_eq!(cleared_words(&cleared), "nothing");
        cleared.log_files = 1;
        cleared.log_bytes = 4096;
        assert_eq!(cleared_words(&cleared), "1 output file (4.0 KiB)");
        cleared.tasks = 3;
        cleared.attempts = 7;
        cleared.events = 1;
        assert_eq!(
            cleared_words(&cleared),
            "3 finished tasks with 7 attempts, 1 old event and 1 output file (4.0 KiB)"
        );
    }
}
