//! The limits of a task that no attempt starts anew: its deadline, and its time from the first start.
//!
//! Pure. They shorten the time limit of an attempt, end a task that waits, and forbid a retry behind
//! them. Whether an attempt was stopped by them or by its own `timeout` is told apart here.

use std::time::Duration;

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::outcome::Ended;
use crate::model::outcome::Outcome;
use crate::policy::classify::Judgement;
use crate::policy::decide::Decision;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::text;

/// What a supervisor's clock and the wall's may differ by.
const SLACK: Duration = Duration::from_secs(2);

/// The limits of a task over all its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// When it must have come to its end.
    pub deadline: Option<Timestamp>,
    /// How long it may take from its first start.
    pub total: Option<Duration>,
    /// When it was first started; `None` if it never was.
    pub first_started: Option<Timestamp>,
}

/// Which limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The deadline.
    Deadline(Timestamp),
    /// The time from the first start.
    Total(Duration),
}

impl Limit {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Deadline(_) => "deadline_passed",
            Self::Total(_) => "total_timeout",
        }
    }

    /// What it means that it was reached, in a few words.
    pub fn words(self, zone: Zone, now: Timestamp) -> String {
        match self {
            Self::Deadline(at) => format!("its deadline passed, {}", zone.short(at, now)),
            Self::Total(span) => format!(
                "its time from the first start is over, {} in all",
                text::span(span)
            ),
        }
    }
}

impl Limits {
    /// The first instant at which the task is given up, if it is to start at `start` unless it has
    /// started before; and which limit that is.
    pub fn end(&self, start: Timestamp) -> Option<(Timestamp, Limit)> {
        let first = self.first_started.unwrap_or(start);
        let total = self
            .total
            .map(|span| (first.plus(span), Limit::Total(span)));
        let deadline = self.deadline.map(|at| (at, Limit::Deadline(at)));
        [deadline, total]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    /// The limit that keeps a task which waits from ever starting again.
    pub fn passed(&self, now: Timestamp) -> Option<Limit> {
        self.end(now)
            .filter(|(at, _)| *at <= now)
            .map(|(_, limit)| limit)
    }

    /// The time limit of an attempt that starts now: its own, or what is left.
    pub fn shorten(&self, timeout: Option<Duration>, now: Timestamp) -> Option<Duration> {
        let left = self
            .end(now)
            .map(|(at, _)| at.since(now).max(Duration::from_millis(1)));
        [timeout, left].into_iter().flatten().min()
    }

    /// The limit by which an attempt was stopped, where that was not the attempt's own.
    pub fn stopped(&self, outcome: &Outcome, timeout: Option<Duration>) -> Option<Limit> {
        let Ended::TimedOut { limit, .. } = outcome.ended else {
            return None;
        };
        if timeout == Some(limit) {
            return None;
        }
        let start = outcome.started_at?;
        let (at, which) = self.end(start)?;
        (start.plus(limit).plus(SLACK) >= at).then_some(which)
    }
}

/// The judgement of an attempt that one of these limits has stopped, or the one that there is.
pub fn judged(
    judgement: Judgement,
    stopped: Option<Limit>,
    zone: Zone,
    now: Timestamp,
) -> Judgement {
    let (Some(limit), Judgement::Failure(own)) = (stopped, &judgement) else {
        return judgement;
    };
    Judgement::Failure(Classification {
        category: Category::Timeout,
        pattern: limit.code().to_owned(),
        retryable: Retryable::No,
        line: Some(format!("stopped because {}", limit.words(zone, now))),
        ..own.clone()
    })
}

/// What was decided, unless a retry would come too late.
pub fn in_time(
    decision: Decision,
    limits: &Limits,
    stopped: Option<Limit>,
    zone: Zone,
    now: Timestamp,
) -> Decision {
    if let (Some(limit), Decision::Fail { .. }) = (stopped, &decision) {
        let reason = limit.words(zone, now);
        return Decision::Fail { reason };
    }
    let until = match &decision {
        Decision::RetryAt { until, .. }
        | Decision::Recover { until, .. }
        | Decision::Rescue { until, .. } => *until,
        Decision::Interrupt { until } => until.unwrap_or(now),
        Decision::Succeed | Decision::Fail { .. } | Decision::Hold(_) => return decision,
    };
    if let Some(limit) = stopped {
        let reason = limit.words(zone, now);
        return Decision::Fail { reason };
    }
    match limits.end(now) {
        Some((at, limit)) if at <= until => Decision::Fail {
            reason: if at <= now {
                limit.words(zone, now)
            } else {
                match limit {
                    Limit::Deadline(at) => format!(
                        "another attempt would come after its deadline, {}",
                        zone.short(at, now)
                    ),
                    Limit::Total(span) => format!(
                        "another attempt would come after its {} in all",
                        text::span(span)
                    ),
                }
            },
        },
        Some(_) | None => decision,
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
