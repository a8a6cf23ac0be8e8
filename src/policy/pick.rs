//! Which of the waiting tasks runs next, and why one does not.
//!
//! The store hands over one page of tasks that could run by its columns; the last word is here, in
//! one function for first runs, retries and everything else that is admitted.

use std::cmp::Ordering;
use std::cmp::Reverse;

use crate::model::ids::AttemptId;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::support::clock::Timestamp;

/// A queued task, as far as its turn depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The task.
    pub task: TaskId,
    /// Higher runs first.
    pub priority: i64,
    /// Not before this instant.
    pub due: Option<Timestamp>,
    /// The attempt that it has been claimed for.
    pub claim: Option<AttemptId>,
    /// Attempts that it has had; tells a retry from a task that was to start later.
    pub attempts: u32,
    /// The rescue round that it is in; 0: none.
    pub rescue_round: u32,
    /// A task that must end first.
    pub waiting_for: Option<TaskName>,
}

/// Why a queued task is not running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// Another task must end first.
    WaitingFor {
        /// Its name; the first of several.
        upstream: TaskName,
    },
    /// It waits for its next attempt.
    WaitingRetry {
        /// Not before this instant.
        until: Timestamp,
    },
    /// Its attempts are used up, and it waits for a slower round.
    RescueRound {
        /// Which one, from 1.
        round: u32,
        /// Not before this instant.
        until: Timestamp,
    },
    /// It is not to start before an instant.
    NotBefore {
        /// The instant.
        until: Timestamp,
    },
    /// Nothing new is started: the queue is paused.
    Paused {
        /// Until this instant; none: until somebody ends it.
        until: Option<Timestamp>,
    },
    /// The run waits for its window.
    WindowClosed {
        /// When it opens.
        opens: Timestamp,
    },
    /// It could not come to its end before the window does.
    WouldNotFinish {
        /// A sentence about it.
        detail: String,
    },
    /// A service that it declares did not answer, and is left alone for a while.
    BreakerOpen {
        /// The service; untrusted text.
        service: String,
        /// When it is tried again; none: now.
        next_probe_at: Option<Timestamp>,
    },
    /// A service that it declares asked us to slow down, and enough others use it.
    ServiceFull {
        /// The service; untrusted text.
        service: String,
    },
    /// Many tasks failed as it did; one of them at a time tries whether that is over.
    FailedAlike {
        /// What it failed of, in a few words; untrusted text.
        detail: String,
        /// When the next one tries; none: now.
        next_try: Option<Timestamp>,
    },
    /// An attempt is permitted and will start at once.
    Claimed,
    /// Every slot is taken, or others come first.
    NoSlot,
    /// No run is active.
    NoRun,
}

impl WhyNot {
    /// The stable identifier.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::WaitingFor { .. } => "waiting_for",
            Self::WaitingRetry { .. } => "waiting_retry",
            Self::RescueRound { .. } => "rescue_round",
            Self::NotBefore { .. } => "not_before",
            Self::Paused { .. } => "paused",
            Self::WindowClosed { .. } => "window_closed",
            Self::WouldNotFinish { .. } => "would_not_finish",
            Self::BreakerOpen { .. } => "breaker_open",
            Self::ServiceFull { .. } => "service_full",
            Self::FailedAlike { .. } => "failed_alike",
            Self::Claimed => "claimed",
            Self::NoSlot => "no_slot",
            Self::NoRun => "no_run",
        }
    }
}

/// Whether a run is active on the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPresence {
    /// One is.
    Active,
    /// None is.
    Absent,
}

/// What holds for every task of the queue at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether a run is active.
    pub run: RunPresence,
    /// Whether that run has told its attempts to stop.
    pub stopping: bool,
    /// Whether the queue is paused, and until when.
    pub paused: Option<Option<Timestamp>>,
    /// When the window of that run opens, if that lies ahead.
    pub opens: Option<Timestamp>,
}

impl Standing {
    /// A moment at which nothing but the presence of a run matters.
    pub const fn of(run: RunPresence) -> Self {
        Self {
            run,
            stopping: false,
            paused: None,
            opens: None,
        }
    }
}

/// The tasks that run next, at most `limit`, in the order in which they start.
pub fn pick(candidates: &[Candidate], limit: usize, now: Timestamp) -> Vec<TaskId> {
    let mut ready: Vec<&Candidate> = candidates
        .iter()
        .filter(|candidate| waits_for(candidate, now).is_none())
        .collect();
    if limit < ready.len() {
        if limit == 0 {
            return Vec::new();
        }
        ready.select_nth_unstable_by(limit - 1, |left, right| order(left, right));
        ready.truncate(limit);
    }
    ready.sort_unstable_by(|left, right| order(left, right));
    ready.iter().map(|candidate| candidate.task).collect()
}

/// Higher priority, then what was due first (no due time: at once), then what was added first.
pub fn order(left: &Candidate, right: &Candidate) -> Ordering {
    let key = |candidate: &Candidate| (Reverse(candidate.priority), candidate.due, candidate.task);
    key(left).cmp(&key(right))
}

/// Why a queued task is not running.
pub fn why_not(candidate: &Candidate, standing: Standing, now: Timestamp) -> WhyNot {
    let own = waits_for(candidate, now).filter(|why| *why != WhyNot::Claimed);
    if let Some(own) = own {
        return own;
    }
    if let Some(until) = standing.paused {
        return WhyNot::Paused { until };
    }
    // A claim of a run that starts nothing more, or that died, is worth nothing.
    if standing.run == RunPresence::Absent || standing.stopping {
        return WhyNot::NoRun;
    }
    match standing.opens.filter(|opens| *opens > now) {
        Some(opens) => WhyNot::WindowClosed { opens },
        None if candidate.claim.is_some() => WhyNot::Claimed,
        None => WhyNot::NoSlot,
    }
}

/// What keeps a task from being picked, if anything does.
fn waits_for(candidate: &Candidate, now: Timestamp) -> Option<WhyNot> {
    if candidate.claim.is_some() {
        return Some(WhyNot::Claimed);
    }
    if let Some(upstream) = &candidate.waiting_for {
        let upstream = upstream.clone();
        return Some(WhyNot::WaitingFor { upstream });
    }
    let until = candidate.due.filter(|due| *due > now)?;
    Some(if candidate.rescue_round > 0 {
        let round = candidate.rescue_round;
        WhyNot::RescueRound { round, until }
    } else if candidate.attempts > 0 {
        WhyNot::WaitingRetry { until }
    } else {
        WhyNot::NotBefore { until }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(10_000);

    fn candidate(task: i64, priority: i64, due: Option<i64>) -> Candidate {
        Candidate {
            task: TaskId::new(task),
            priority,
            due: due.map(Timestamp::from_millis),
            claim: None,
            attempts: 0,
            rescue_round: 0,
            waiting_for: None,
        }
    }

    fn picked(candidates: &[Candidate], limit: usize) -> Vec<i64> {
        pick(candidates, limit, NOW)
            .into_iter()
            .map(TaskId::get)
            .collect()
    }

    #[test]
    fn priority_then_due_then_age_decide() {
        let candidates = [
            candidate(1, 0, Some(9_000)),
            candidate(2, 0, Some(8_000)),
            candidate(3, 0, None),
            candidate(4, 5, Some(9_999)),
            candidate(5, 0, None),
        ];
        assert_eq!(picked(&candidates, 9), [4, 3, 5, 2, 1]);
        assert_eq!(picked(&candidates, 2), [4, 3]);
        assert!(picked(&candidates, 0).is_empty());
    }

    #[test]
    fn what_waits_or_is_claimed_is_not_picked_and_says_why() {
        let mut claimed = candidate(1, 0, None);
        claimed.claim = Some(AttemptId::new(9));
        let mut retry = candidate(2, 0, Some(10_001));
        retry.attempts = 1;
        let mut round = candidate(6, 0, Some(10_001));
        (round.attempts, round.rescue_round) = (5, 1);
        let later = candidate(3, 0, Some(10_001));
        let ready = candidate(4, 0, Some(10_000));
        let mut behind = candidate(5, 9, Some(10_001));
        behind.waiting_for = TaskName::new("first").ok();
        let all = [claimed, retry, round, later, ready.clone(), behind];
        assert_eq!(picked(&all, 9), [4]);
        let words = all.map(|one| why_not(&one, Standing::of(RunPresence::Active), NOW).as_str());
        assert_eq!(
            words,
            [
                "claimed",
                "waiting_retry",
                "rescue_round",
                "not_before",
                "no_slot",
                "waiting_for"
            ]
        );
        let alone = Standing::of(RunPresence::Absent);
        assert_eq!(why_not(&ready, alone, NOW), WhyNot::NoRun);
    }

    proptest! {
        #[test]
        fn a_limit_only_cuts_the_end_off(
            rows in proptest::collection::vec((0_i64..4, proptest::option::of(0_i64..20_000)), 0..40),
            limit in 0_usize..50,
        ) {
            let all: Vec<Candidate> = (1..)
                .zip(&rows)
                .map(|(id, (priority, due))| candidate(id, *priority, *due))
                .collect();
            let mut whole = picked(&all, usize::MAX);
            whole.truncate(limit);
            prop_assert_eq!(picked(&all, limit), whole);
        }
    }
}
