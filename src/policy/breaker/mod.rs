//! Circuit breakers: whether tasks of a service may try it now, as a state machine.
//!
//! Pure: what happened, the settings and `now` come in; the next state and what has turned go out.
//! Keeping breakers is `store::breakers`, carrying their word out `engine::breakers`. Not here: which
//! failures speak of a service ([`speaks_of_service`] tells the class; whose attempt it was is the
//! engine's), and how settings are read from a file.
//!
//! # Rules
//!
//! - Closed → open after so many failures within a span with no success among them, or after twice as
//!   many in a row however far apart: attempts that each take minutes to fail would never fill the span.
//!   A peer that says how long it wants to be left alone opens it at once, for that long.
//! - Open → half open when the time of the probe has come: one attempt is let through, and holds a lease
//!   that expires. It fails: open again, twice as long. It succeeds: closed.
//! - A success of anybody closes it. What ends without a word on the service gives the lease back.
//!
//! INVARIANT: nobody is kept back for longer than `max_open` without a probe being due, by the clock and
//! also where the clock was set back ([`Breaker::clock_was_set_back`]).

mod config;
mod facts;

pub use config::{BreakerConfig, BreakerSettings, ServiceSettings};
pub use facts::speaks_of_service;
pub use facts::{
    Admission, BreakerState, CountedFailure, Heard, LastFailure, Lease, Turn, WhyOpened,
};

use std::time::Duration;

use crate::model::ids::AttemptId;
use crate::support::clock::Timestamp;

/// So much of a window is left when an open breaker is tried for the last time.
pub const LAST_TRY: Duration = Duration::from_mins(10);
/// Failed probes in a row at the longest wait after which a plain run waits no more.
pub const GIVES_UP_AFTER: u32 = 3;
/// Successes in a row after which a service that had asked to slow down gets one attempt more at once.
const SUCCESSES_PER_STEP: u32 = 5;
/// A peer that asks for less than this is not worth a pause of the whole service.
const LEAST_ASKED: Duration = Duration::from_secs(1);

/// A breaker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Breaker {
    /// Where it stands.
    pub state: BreakerState,
    /// Failures within the span, with no success among them, newest last.
    pub failures: Vec<CountedFailure>,
    /// Failures in a row, however far apart.
    pub in_a_row: u32,
    /// How often it opened in all, from closed.
    pub opened: u32,
    /// Probes in a row that failed since it opened.
    pub failed_probes: u32,
    /// Probes in a row that succeeded since it is half open.
    pub passed: u32,
    /// Attempts at once, after the service asked us to slow down; none: any number.
    pub most_at_once: Option<u32>,
    /// Successes in a row since `most_at_once` changed.
    pub steady: u32,
    /// The failure that was seen last.
    pub last: Option<LastFailure>,
}

impl Breaker {
    /// Whether a task may try the service.
    pub fn admit(&self, settings: &BreakerSettings, now: Timestamp) -> Admission {
        match self.state {
            BreakerState::Closed => Admission::Free,
            BreakerState::Open { since, probe_at } => {
                let is_due = probe_at <= now || probe_at.since(now) > settings.max_open;
                // Twice: once for a span, once for a clock that was set back meanwhile.
                if is_due || now < since.minus(settings.max_open) {
                    Admission::Probe
                } else {
                    Admission::NotBefore(probe_at)
                }
            }
            BreakerState::HalfOpen { lease, .. } => match lease {
                Some(lease) if now < lease.until && lease.until.since(now) <= settings.max_open => {
                    Admission::NotBefore(lease.until)
                }
                Some(_) | None => Admission::Probe,
            },
        }
    }

    /// Lends the one probe. Ask [`Breaker::admit`] first.
    pub fn lend(&mut self, attempt: Option<AttemptId>, until: Timestamp, now: Timestamp) {
        let since = match self.state {
            BreakerState::Closed => now,
            BreakerState::Open { since, .. } => {
                self.passed = 0;
                since
            }
            BreakerState::HalfOpen { since, .. } => since,
        };
        let lease = Some(Lease { attempt, until });
        self.state = BreakerState::HalfOpen { since, lease };
    }

    /// Takes the probe back from an attempt that ended without a word on the service, or never began;
    /// whether it had it.
    pub fn give_back(&mut self, attempt: AttemptId) -> bool {
        match &mut self.state {
            BreakerState::HalfOpen { lease, .. } => lease
                .take_if(|lease| lease.attempt == Some(attempt))
                .is_some(),
            BreakerState::Closed | BreakerState::Open { .. } => false,
        }
    }

    /// Takes the probe back from the engine; whether it had it.
    pub fn give_back_own(&mut self) -> bool {
        match &mut self.state {
            BreakerState::HalfOpen { lease, .. } => {
                lease.take_if(|lease| lease.attempt.is_none()).is_some()
            }
            BreakerState::Closed | BreakerState::Open { .. } => false,
        }
    }

    /// A failure that speaks of the service.
    pub fn on_failure(
        &mut self,
        heard: &Heard,
        settings: &BreakerSettings,
        window_end: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Turn> {
        self.last = Some(heard.failure.clone());
        self.steady = 0;
        let asked = heard.asked.filter(|asked| *asked >= LEAST_ASKED);
        match self.state {
            BreakerState::Closed => {
                self.count(heard, settings, now);
                let counted = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
                let is_many = counted >= settings.failures.max(1)
                    || self.in_a_row >= settings.failures.max(1).saturating_mul(2);
                if asked.is_none() && !is_many {
                    return None;
                }
                let why = if is_many {
                    WhyOpened::Failures(self.in_a_row.max(counted), heard.failure.category)
                } else {
                    WhyOpened::Asked
                };
                self.opened = self.opened.saturating_add(1);
                self.failed_probes = 0;
                let span = asked.map_or(settings.span(0), |asked| {
                    if is_many {
                        asked.max(settings.span(0))
                    } else {
                        asked
                    }
                });
                Some(self.open(span, why, (settings, window_end), now))
            }
            BreakerState::Open { since, probe_at } => {
                // The words of those that were under way: one may ask for more patience.
                let latest = since.plus(settings.max_open);
                let later = asked.map_or(probe_at, |asked| now.plus(asked).min(latest));
                self.state = BreakerState::Open {
                    since,
                    probe_at: pulled_forward(probe_at.max(later), window_end, now),
                };
                None
            }
            BreakerState::HalfOpen { lease, .. } => {
                // Whoever began before the probe says nothing new.
                if lease.is_none_or(|lease| lease.attempt != heard.attempt) {
                    return None;
                }
                self.failed_probes = self.failed_probes.saturating_add(1);
                let span = settings.span(self.failed_probes);
                let span = asked.map_or(span, |asked| asked.max(span));
                let why = WhyOpened::ProbeFailed(self.failed_probes);
                Some(self.open(span, why, (settings, window_end), now))
            }
        }
    }

    /// Somebody was served.
    pub fn on_success(&mut self, settings: &BreakerSettings, now: Timestamp) -> Option<Turn> {
        self.failures.clear();
        self.in_a_row = 0;
        match self.state {
            BreakerState::Closed => {
                self.grow();
                None
            }
            BreakerState::Open { since, .. } => Some(self.close(since, now)),
            BreakerState::HalfOpen { since, .. } => {
                self.passed = self.passed.saturating_add(1);
                if self.passed >= settings.half_open_calls {
                    return Some(self.close(since, now));
                }
                self.state = BreakerState::HalfOpen { since, lease: None };
                None
            }
        }
    }

    /// A person says that the service is back.
    pub fn reset(&mut self) {
        *self = Self {
            opened: self.opened,
            ..Self::default()
        };
    }

    /// The service asked us to slow down while so many attempts used it: half of them.
    pub fn slow_down(&mut self, at_once: u32) {
        let most = self.most_at_once.unwrap_or(u32::MAX).min(at_once.max(1));
        self.most_at_once = Some((most / 2).max(1));
        self.steady = 0;
    }

    /// The clock was set back by so much: spans stay as long as they were.
    pub fn clock_was_set_back(&mut self, by: Duration) {
        for failure in &mut self.failures {
            failure.at = failure.at.minus(by);
        }
        match &mut self.state {
            BreakerState::Closed => {}
            BreakerState::Open { since, probe_at } => {
                *since = since.minus(by);
                *probe_at = probe_at.minus(by);
            }
            BreakerState::HalfOpen { since, lease } => {
                *since = since.minus(by);
                if let Some(lease) = lease {
                    lease.until = lease.until.minus(by);
                }
            }
        }
    }

    /// When somebody may try next; none: now, or it is closed.
    pub fn next_probe_at(&self) -> Option<Timestamp> {
        match self.state {
            BreakerState::Closed => None,
            BreakerState::Open { probe_at, .. } => Some(probe_at),
            BreakerState::HalfOpen { lease, .. } => lease.map(|lease| lease.until),
        }
    }

    /// Whether a run that has nothing else to do waits no longer for it.
    pub fn is_given_up(&self, settings: &BreakerSettings) -> bool {
        let at_longest = self.failed_probes.saturating_sub(settings.doublings());
        matches!(self.state, BreakerState::Open { .. }) && at_longest >= GIVES_UP_AFTER
    }

    fn count(&mut self, heard: &Heard, settings: &BreakerSettings, now: Timestamp) {
        let is_known = self.failures.iter().any(|one| one.of == heard.of);
        self.failures.retain(|one| {
            one.of != heard.of && one.at <= now && now.since(one.at) <= settings.within
        });
        self.failures.push(CountedFailure {
            at: now,
            of: heard.of,
        });
        if !is_known {
            self.in_a_row = self.in_a_row.saturating_add(1);
        }
    }

    fn open(
        &mut self,
        span: Duration,
        why: WhyOpened,
        (settings, window_end): (&BreakerSettings, Option<Timestamp>),
        now: Timestamp,
    ) -> Turn {
        let probe_at = now.plus(span.min(settings.max_open));
        let probe_at = pulled_forward(probe_at, window_end, now);
        self.failures.clear();
        self.in_a_row = 0;
        self.passed = 0;
        self.state = BreakerState::Open {
            since: now,
            probe_at,
        };
        Turn::Opened {
            span: probe_at.since(now),
            why,
        }
    }

    fn close(&mut self, since: Timestamp, now: Timestamp) -> Turn {
        self.state = BreakerState::Closed;
        self.failed_probes = 0;
        self.passed = 0;
        Turn::Closed {
            after: now.since(since),
        }
    }

    fn grow(&mut self) {
        let Some(most) = self.most_at_once else {
            return;
        };
        self.steady = self.steady.saturating_add(1);
        if self.steady >= SUCCESSES_PER_STEP {
            self.steady = 0;
            self.most_at_once = Some(most.saturating_add(1));
        }
    }
}

/// What would be tried only when the window is nearly over, or behind its end, is tried while there is
/// still time for it.
fn pulled_forward(probe_at: Timestamp, window_end: Option<Timestamp>, now: Timestamp) -> Timestamp {
    match window_end.map(|end| end.minus(LAST_TRY)) {
        Some(last_try) if now < last_try && last_try < probe_at => last_try,
        Some(_) | None => probe_at,
    }
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
