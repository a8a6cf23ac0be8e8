//! What is different about a task tonight against earlier nights, as far as it is worth a reader's time.

use std::time::Duration;

use crate::support::clock::Timestamp;

/// So many successes of one definition make something usual.
const USUAL: usize = 5;
/// A task is slower, busier or bigger from so many times the usual on.
const TIMES: u32 = 2;
/// What a slower or busier task must take longer at least.
const LONGER: Duration = Duration::from_mins(1);
/// What a bigger task must need more at least.
const MORE_BYTES: u64 = 256 * 1024 * 1024;

/// An earlier task of the same name, in one night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Night {
    /// Whether it succeeded; otherwise it failed.
    pub succeeded: bool,
    /// When it was done with.
    pub at: Timestamp,
    /// Whether it was defined as tonight's is.
    pub same_definition: bool,
    /// How long its last attempt took.
    pub took: Duration,
    /// CPU time of its last attempt.
    pub cpu: Duration,
    /// Peak memory of the largest process of its last attempt.
    pub max_rss_bytes: u64,
}

/// The task tonight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tonight {
    /// Whether it succeeded; otherwise it failed for good.
    pub succeeded: bool,
    /// How long its last attempt took.
    pub took: Duration,
    /// CPU time of its last attempt.
    pub cpu: Duration,
    /// Peak memory of the largest process of its last attempt.
    pub max_rss_bytes: u64,
}

/// What is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It fails, and worked before.
    Broke {
        /// When it worked last.
        worked: Timestamp,
        /// In how many nights before tonight it failed since then.
        failures: usize,
        /// Whether its definition was changed since it worked.
        redefined: bool,
    },
    /// It works, and failed before.
    Mended {
        /// In how many nights in a row it had failed.
        failures: usize,
        /// Whether its definition was changed since it failed.
        redefined: bool,
    },
    /// It took far longer than usual.
    Slower {
        /// What it took.
        took: Duration,
        /// The median.
        usual: Duration,
    },
    /// It used far more of the processor than usual.
    Busier {
        /// What it used.
        used: Duration,
        /// The median.
        usual: Duration,
    },
    /// It needed far more memory than usual.
    Bigger {
        /// What it needed.
        used: u64,
        /// The median.
        usual: u64,
    },
}

impl Change {
    /// The stable identifier.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Broke { .. } => "broke",
            Self::Mended { .. } => "mended",
            Self::Slower { .. } => "slower",
            Self::Busier { .. } => "busier",
            Self::Bigger { .. } => "bigger",
        }
    }
}

/// What is different tonight; `earlier` has the newest night first.
pub fn changes(tonight: Tonight, earlier: &[Night]) -> Vec<Change> {
    let mut found = Vec::new();
    let failures = earlier.iter().take_while(|night| !night.succeeded).count();
    if !tonight.succeeded {
        if let Some(worked) = earlier.get(failures) {
            found.push(Change::Broke {
                worked: worked.at,
                failures,
                redefined: !worked.same_definition,
            });
        }
        return found;
    }
    if failures > 0 {
        found.push(Change::Mended {
            failures,
            redefined: earlier.first().is_some_and(|night| !night.same_definition),
        });
    }
    let alike = || {
        earlier
            .iter()
            .filter(|night| night.succeeded && night.same_definition)
    };
    if let Some((usual, most)) = spread(alike().map(|night| night.took)) {
        let took = tonight.took;
        if took >= usual * TIMES && took > most && took.saturating_sub(usual) >= LONGER {
            found.push(Change::Slower { took, usual });
        }
    }
    if let Some((usual, most)) = spread(alike().map(|night| night.cpu)) {
        let used = tonight.cpu;
        if used >= usual * TIMES && used > most && used.saturating_sub(usual) >= LONGER {
            found.push(Change::Busier { used, usual });
        }
    }
    if let Some((usual, most)) = spread(alike().map(|night| night.max_rss_bytes)) {
        let used = tonight.max_rss_bytes;
        if used >= usual * u64::from(TIMES) && used > most && used - usual >= MORE_BYTES {
            found.push(Change::Bigger { used, usual });
        }
    }
    found
}

/// The median, and what nine of ten do not exceed; `None` for too few values.
fn spread<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<(T, T)> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    let last = values.len().checked_sub(1)?;
    if values.len() < USUAL {
        return None;
    }
    let at = |share: usize| {
        values.get(
            (values.len() * share)
                .div_ceil(100)
                .saturating_sub(1)
                .min(last),
        )
    };
    Some((*at(50)?, *at(90)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn night(succeeded: bool, day: i64, minutes: u64) -> Night {
        Night {
            succeeded,
            at: Timestamp::from_millis(day),
            same_definition: true,
            took: Duration::from_mins(minutes),
            cpu: Duration::from_mins(10),
            max_rss_bytes: 100 * MIB,
        }
    }

    fn tonight(succeeded: bool, minutes: u64) -> Tonight {
        Tonight {
            succeeded,
            took: Duration::from_mins(minutes),
            cpu: Duration::from_mins(10),
            max_rss_bytes: 100 * MIB,
        }
    }

    #[test]
    fn a_failure_says_since_when_and_whether_the_definition_changed() {
        let worked = night(true, 1, 25);
        let earlier = [night(false, 3, 1), night(false, 2, 1), worked];
        let broke = |failures, redefined| Change::Broke {
            worked: worked.at,
            failures,
            redefined,
        };
        assert_eq!(changes(tonight(false, 1), &earlier), [broke(2, false)]);
        assert_eq!(changes(tonight(false, 1), &[worked]), [broke(0, false)]);
        let other = Night {
            same_definition: false,
            ..worked
        };
        assert_eq!(changes(tonight(false, 1), &[other]), [broke(0, true)]);
        assert_eq!(changes(tonight(false, 1), &[night(false, 1, 1)]), []);
        assert_eq!(changes(tonight(false, 1), &[]), []);
    }

    #[test]
    fn a_success_after_failures_is_told() {
        let earlier = [night(false, 3, 1), night(false, 2, 1), night(true, 1, 1)];
        let mended = Change::Mended {
            failures: 2,
            redefined: false,
        };
        assert_eq!(changes(tonight(true, 1), &earlier), [mended]);
        assert_eq!(changes(tonight(true, 1), &[night(true, 1, 1)]), []);
    }

    #[test]
    fn only_what_is_far_from_usual_is_slower_busier_or_bigger() {
        let usual = [24, 25, 25, 26, 27].map(|minutes| night(true, 1, minutes));
        let slower = |minutes| Change::Slower {
            took: Duration::from_mins(minutes),
            usual: Duration::from_mins(25),
        };
        assert_eq!(changes(tonight(true, 130), &usual), [slower(130)]);
        assert_eq!(changes(tonight(true, 49), &usual), []);
        assert_eq!(changes(tonight(true, 130), &usual[..4]), []);
        // Twice as long as a second is nothing.
        let quick = [night(true, 1, 0); 9];
        assert_eq!(changes(tonight(true, 0), &quick), []);
        let big = Tonight {
            max_rss_bytes: 900 * MIB,
            ..tonight(true, 25)
        };
        let bigger = Change::Bigger {
            used: 900 * MIB,
            usual: 100 * MIB,
        };
        assert_eq!(changes(big, &usual), [bigger]);
        let busy = Tonight {
            cpu: Duration::from_mins(21),
            ..tonight(true, 25)
        };
        let busier = Change::Busier {
            used: Duration::from_mins(21),
            usual: Duration::from_mins(10),
        };
        assert_eq!(changes(busy, &usual), [busier]);
        // What varies anyway is no change.
        let wild = [5, 5, 5, 120, 140].map(|minutes| night(true, 1, minutes));
        assert_eq!(changes(tonight(true, 130), &wild), []);
    }
}
