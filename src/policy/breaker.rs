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

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::ids::AttemptId;
use crate::model::remedy::Await;
use crate::policy::classify::OWN_TIMEOUT_PATTERN;
use crate::support::clock::Timestamp;

/// So much of a window is left when an open breaker is tried for the last time.
pub const LAST_TRY: Duration = Duration::from_mins(10);
/// Failed probes in a row at the longest wait after which a plain run waits no more.
pub const GIVES_UP_AFTER: u32 = 3;
/// Successes in a row after which a service that had asked to slow down gets one attempt more at once.
const SUCCESSES_PER_STEP: u32 = 5;
/// A peer that asks for less than this is not worth a pause of the whole service.
const LEAST_ASKED: Duration = Duration::from_secs(1);

/// When a breaker opens and closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many failures open it.
    pub failures: u32,
    /// Within this span.
    pub within: Duration,
    /// How long it stays open the first time.
    pub open_for: Duration,
    /// How long it stays open at most; it doubles up to that at each failed probe.
    pub max_open: Duration,
    /// So many probes must succeed, one after the other, to close it.
    pub half_open_calls: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            within: Duration::from_mins(1),
            open_for: Duration::from_secs(30),
            max_open: Duration::from_mins(15),
            half_open_calls: 1,
        }
    }
}

impl BreakerSettings {
    /// How long it stays open after so many failed probes in a row.
    fn span(&self, failed_probes: u32) -> Duration {
        let doubled = self
            .open_for
            .saturating_mul(2_u32.saturating_pow(failed_probes.min(31)));
        doubled.min(self.max_open)
    }

    /// How many probes fail before it stays open for as long as it ever does.
    fn doublings(&self) -> u32 {
        (0..32)
            .find(|failed| self.span(*failed) >= self.max_open)
            .unwrap_or(0)
    }
}

/// A service with settings of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceSettings {
    /// All of its settings, those that it shares with others included.
    pub settings: BreakerSettings,
    /// How the engine itself finds out whether it is back; none: one task tries.
    pub probe: Option<Await>,
}

/// `[breaker]` and `[breaker.service."NAME"]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BreakerConfig {
    /// What holds for every service that has no settings of its own.
    pub default: BreakerSettings,
    /// Services with settings of their own, by name.
    pub services: BTreeMap<String, ServiceSettings>,
}

impl BreakerConfig {
    /// The settings of a service.
    pub fn settings(&self, service: &str) -> &BreakerSettings {
        self.services
            .get(service)
            .map_or(&self.default, |own| &own.settings)
    }

    /// How the engine itself finds out whether a service is back.
    pub fn probe(&self, service: &str) -> Option<&Await> {
        self.services.get(service)?.probe.as_ref()
    }
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BreakerState {
    /// Everybody may try.
    #[default]
    Closed,
    /// Nobody may, until the probe.
    Open {
        /// Since when.
        since: Timestamp,
        /// When somebody may try again.
        probe_at: Timestamp,
    },
    /// One may.
    HalfOpen {
        /// Since when it was open.
        since: Timestamp,
        /// Whose turn it is; none: the next one's.
        lease: Option<Lease>,
    },
}

impl BreakerState {
    /// The stable identifier.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half_open",
        }
    }
}

/// The permission to try a service that may still be down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The attempt that has it; none: a probe of the engine.
    pub attempt: Option<AttemptId>,
    /// Somebody else may try from then on.
    pub until: Timestamp,
}

/// A failure that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedFailure {
    /// When.
    pub at: Timestamp,
    /// Whose: several failures of the same one count once.
    pub of: i64,
}

/// The failure that was seen last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFailure {
    /// Its class.
    pub category: Category,
    /// The pattern that matched.
    pub pattern: String,
    /// The line that decided; untrusted text.
    pub line: Option<String>,
}

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

/// Something that has turned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It opened, or opened again.
    Opened {
        /// For so long.
        span: Duration,
        /// Why.
        why: WhyOpened,
    },
    /// It closed.
    Closed {
        /// It had been open for so long.
        after: Duration,
    },
}

/// Why a breaker opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyOpened {
    /// So many failures, the last one of this class.
    Failures(u32, Category),
    /// The peer asked for it.
    Asked,
    /// The probe failed, this often in a row.
    ProbeFailed(u32),
}

/// What an attempt, or a probe of the engine, says about a service by its failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The attempt; none: a probe of the engine.
    pub attempt: Option<AttemptId>,
    /// Whose failure it counts as.
    pub of: i64,
    /// What it was.
    pub failure: LastFailure,
    /// How long the peer asked to be left alone.
    pub asked: Option<Duration>,
}

/// Whether somebody may try a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Like anybody.
    Free,
    /// As the probe, which is to be lent first.
    Probe,
    /// Not before this instant.
    NotBefore(Timestamp),
}

/// Whether a failure of this kind says something about the service and not about the task.
pub fn speaks_of_service(failure: &Classification) -> bool {
    match failure.category {
        Category::Network | Category::RateLimit | Category::ServerError | Category::Auth => true,
        // The time limit of the task itself, or of a tool, is no word of the peer.
        Category::Timeout => {
            failure.pattern != OWN_TIMEOUT_PATTERN && failure.retryable != Retryable::AfterFix
        }
        Category::NotFound
        | Category::Validation
        | Category::Resource
        | Category::Dependency
        | Category::Browser
        | Category::Logic
        | Category::Corruption
        | Category::Killed
        | Category::Unknown => false,
    }
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
#[path = "breaker_tests.rs"]
mod tests;
