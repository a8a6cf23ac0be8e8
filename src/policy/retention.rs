//! How long what is over is kept.
//!
//! Three limits, each enforced at the end of every run: age, number of tasks, bytes of output. What
//! is not finished is never cleared away, whatever its age.

use std::time::Duration;

use crate::support::clock::Timestamp;

const DAY: Duration = Duration::from_hours(24);

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days for which finished tasks, their attempts, output and events are kept.
    pub days: u32,
    /// The most finished tasks that are kept.
    pub max_tasks: u64,
    /// The most bytes of output that are kept.
    pub max_log_bytes: u64,
}

impl Default for Retention {
    /// A quarter of a year, and more tasks than a hundred a night for years.
    fn default() -> Self {
        Self {
            days: 90,
            max_tasks: 500_000,
            max_log_bytes: 2 * 1024 * 1024 * 1024,
        }
    }
}

impl Retention {
    /// What ended before this instant is cleared away.
    pub fn cutoff(&self, now: Timestamp) -> Timestamp {
        let kept = DAY.saturating_mul(self.days);
        Timestamp::from_millis(
            now.as_millis()
                .saturating_sub(i64::try_from(kept.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

/// A file of output, as far as clearing away is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile<F> {
    /// Which one.
    pub file: F,
    /// Its size.
    pub bytes: u64,
    /// An attempt that is still known wrote into it.
    pub is_known: bool,
    /// It is of the present run, or an attempt still writes into it.
    pub in_use: bool,
}

/// Which files of output go: those that nobody knows any more, then the oldest until the rest is no
/// more than `most` bytes. `files` are given with the oldest first.
pub fn spent_output<F>(files: Vec<OutputFile<F>>, most: u64) -> Vec<F> {
    let mut total: u64 = files.iter().map(|file| file.bytes).sum();
    let mut spent = Vec::new();
    let mut kept = Vec::new();
    for file in files {
        if file.is_known || file.in_use {
            kept.push(file);
        } else {
            total -= file.bytes;
            spent.push(file.file);
        }
    }
    for file in kept {
        if total <= most {
            break;
        }
        if !file.in_use {
            total -= file.bytes;
            spent.push(file.file);
        }
    }
    spent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(
        name: &'static str,
        bytes: u64,
        is_known: bool,
        in_use: bool,
    ) -> OutputFile<&'static str> {
        OutputFile {
            file: name,
            bytes,
            is_known,
            in_use,
        }
    }

    #[test]
    fn what_nobody_knows_goes_first_and_then_the_oldest() {
        let files = || {
            vec![
                file("first", 40, true, false),
                file("second", 40, false, false),
                file("third", 40, true, false),
                file("present", 40, true, true),
            ]
        };
        assert_eq!(spent_output(files(), 1000), ["second"]);
        assert_eq!(spent_output(files(), 119), ["second", "first"]);
        assert_eq!(spent_output(files(), 80), ["second", "first"]);
        assert_eq!(spent_output(files(), 0), ["second", "first", "third"]);
    }

    #[test]
    fn the_cutoff_is_whole_days_back_and_never_overflows() {
        let kept = |days| Retention {
            days,
            ..Retention::default()
        };
        let now = Timestamp::from_millis(1_700_000_000_000);
        let day = 24 * 3600 * 1000;
        assert_eq!(kept(90).cutoff(now).as_millis(), now.as_millis() - 90 * day);
        assert_eq!(kept(0).cutoff(now), now);
        assert!(kept(u32::MAX).cutoff(now) < now);
    }
}
