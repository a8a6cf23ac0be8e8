//! The gate before claims: inside the transaction of a beat, who may try a service, who waits for it,
//! and whose turn it is to try one that did not answer.
//!
//! INVARIANT: a probe is lent only while a slot is free for it; else nobody would try for as long as it
//! stands in line.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::events::BreakerNews;
use crate::engine::events::RunEvent;
use crate::engine::state::ClaimedTask;
use crate::model::ids::AttemptId;
use crate::model::ids::TaskId;
use crate::model::remedy::Await;
use crate::policy::breaker::Admission;
use crate::policy::breaker::Breaker;
use crate::policy::breaker::BreakerConfig;
use crate::policy::breaker::BreakerSettings;
use crate::policy::breaker::BreakerState;
use crate::store::StoreError;
use crate::store::Transaction;
use crate::store::breakers;
use crate::store::breakers::Kind;
use crate::store::parking;
use crate::store::parking::BY_BREAKER;
use crate::store::parking::BY_CAUSE;
use crate::store::parking::BY_SERVICE;
use crate::support::clock::Timestamp;

/// How long a probe of the engine may take before it counts as lost.
const OWN_PROBE: Duration = Duration::from_mins(1);

/// What is asked and noted in one transaction.
#[derive(Debug)]
pub(crate) struct Gate {
    config: Arc<BreakerConfig>,
    pub(super) window_end: Option<Timestamp>,
    may_start: bool,
    pub(super) now: Timestamp,
    /// By how much the clock was set back since the last commit.
    pub(crate) set_back: Duration,
    /// Attempts that use a service.
    pub(super) in_use: BTreeMap<String, u32>,
    /// Breakers that the task that was let through last is to be the probe of.
    lending: Vec<(Kind, String)>,
    /// Tasks that were parked.
    pub(crate) parked: usize,
    /// No breaker keeps anybody back, as nearly always. Claims change none of those that do not.
    is_calm: bool,
    pub(super) passed: Passed,
}

/// What follows for the loop.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// What is to be told.
    pub(crate) told: Vec<RunEvent>,
    /// Services that are left alone from now on.
    pub(crate) opened: Vec<String>,
    /// Attempts that a probe was lent to.
    pub(crate) lent: Vec<AttemptId>,
    /// Probes that the engine is to make.
    pub(crate) probes: Vec<(String, Await)>,
    /// When the next turn of anybody comes.
    pub(crate) next_turn: Option<Timestamp>,
    /// The same, of what a night waits for.
    pub(crate) awaited_turn: Option<Timestamp>,
    /// The same, of what a plain run waits for.
    pub(crate) impatient_turn: Option<Timestamp>,
}

impl Gate {
    pub(crate) fn new(
        config: Arc<BreakerConfig>,
        window_end: Option<Timestamp>,
        may_start: bool,
        now: Timestamp,
    ) -> Self {
        Self {
            config,
            window_end,
            may_start,
            now,
            set_back: Duration::ZERO,
            in_use: BTreeMap::new(),
            lending: Vec::new(),
            parked: 0,
            is_calm: false,
            passed: Passed::default(),
        }
    }

    /// One attempt more uses a service.
    pub(crate) fn uses(&mut self, service: &str) {
        *self.in_use.entry(service.to_owned()).or_default() += 1;
    }

    pub(crate) fn passed(self) -> Passed {
        self.passed
    }

    pub(super) fn settings(&self, kind: Kind, name: &str) -> BreakerSettings {
        match kind {
            Kind::Service => self.config.settings(name).clone(),
            Kind::Cause => cause_settings(),
        }
    }

    fn own_probe(&self, kind: Kind, name: &str) -> Option<&Await> {
        match kind {
            Kind::Service => self.config.probe(name),
            Kind::Cause => None,
        }
    }

    /// What has turned by time alone, once per transaction and before anything is claimed.
    pub(crate) fn look(&mut self, tx: &Transaction<'_>) -> Result<(), StoreError> {
        self.is_calm = !tx.has_strict_breakers()?;
        if self.is_calm {
            return Ok(());
        }
        for kind in [Kind::Service, Kind::Cause] {
            for kept in tx.strict_breakers(kind)? {
                let (name, mut breaker) = (kept.name, kept.breaker);
                if !self.set_back.is_zero() {
                    breaker.clock_was_set_back(self.set_back);
                    breakers::save(tx, kind, &name, &breaker, self.now)?;
                }
                if let (Kind::Service, Some(most)) = (kind, breaker.most_at_once) {
                    let used = self.in_use.get(&name).copied().unwrap_or_default();
                    let room = usize::try_from(most.saturating_sub(used)).unwrap_or(usize::MAX);
                    if room > 0 {
                        parking::unpark_on(tx, BY_SERVICE, &name, Some(room))?;
                    }
                }
                self.probe_itself(tx, kind, &name, breaker)?;
            }
        }
        Ok(())
    }

    /// Has the engine itself try a service, where that is configured and somebody waits for it.
    fn probe_itself(
        &mut self,
        tx: &Transaction<'_>,
        kind: Kind,
        name: &str,
        mut breaker: Breaker,
    ) -> Result<(), StoreError> {
        let Some(probe) = self.own_probe(kind, name).cloned() else {
            return Ok(());
        };
        let is_due = breaker.admit(&self.settings(kind, name), self.now) == Admission::Probe;
        if !self.may_start || !is_due || tx.parked_on(BY_BREAKER, name, 1, self.now)?.is_empty() {
            return Ok(());
        }
        breaker.lend(None, self.now.plus(OWN_PROBE), self.now);
        self.changed(tx, kind, name, &breaker)?;
        self.tell(tx, kind, name, &breaker, BreakerNews::Tries { task: None })?;
        self.passed.probes.push((name.to_owned(), probe));
        Ok(())
    }

    /// The parked tasks whose turn it is to try, at most one per service, and at most `free`.
    pub(crate) fn probes(
        &self,
        tx: &Transaction<'_>,
        free: usize,
    ) -> Result<Vec<TaskId>, StoreError> {
        let mut probes = Vec::new();
        if self.is_calm {
            return Ok(probes);
        }
        for kind in [Kind::Service, Kind::Cause] {
            for kept in tx.strict_breakers(kind)? {
                let settings = self.settings(kind, &kept.name);
                let is_due = kept.breaker.admit(&settings, self.now) == Admission::Probe;
                if !is_due || self.own_probe(kind, &kept.name).is_some() {
                    continue;
                }
                let next = tx.parked_on(parked_by(kind), &kept.name, 1, self.now)?;
                probes.extend(next);
            }
        }
        probes.truncate(free);
        Ok(probes)
    }

    /// Whether a task may be claimed now; else it is parked.
    pub(crate) fn admit(
        &mut self,
        tx: &Transaction<'_>,
        task: &ClaimedTask,
        slot_is_free: bool,
    ) -> Result<bool, StoreError> {
        self.lending.clear();
        let mut latest: Option<(Timestamp, Kind, String, Breaker)> = None;
        for (kind, name) in breakers_of(tx, task)? {
            let breaker = tx.breaker(kind, &name)?;
            let settings = self.settings(kind, &name);
            let not_before = match breaker.admit(&settings, self.now) {
                Admission::Free => continue,
                Admission::Probe if slot_is_free && self.own_probe(kind, &name).is_none() => {
                    self.lending.push((kind, name));
                    continue;
                }
                Admission::Probe => self.now,
                Admission::NotBefore(until) => until,
            };
            if latest.as_ref().is_none_or(|(at, ..)| *at < not_before) {
                latest = Some((not_before, kind, name, breaker));
            }
        }
        if let Some((_, kind, name, breaker)) = latest {
            let detail = detail(kind, &name, &breaker);
            parking::park_on(tx, task.id, parked_by(kind), &name, &detail)?;
            self.parked += 1;
            return Ok(false);
        }
        for name in &task.spec.service {
            let Some(most) = tx.breaker(Kind::Service, name)?.most_at_once else {
                continue;
            };
            if self.in_use.get(name).copied().unwrap_or_default() >= most {
                let detail = format!("{most} at once at most, as it asked us to slow down");
                parking::park_on(tx, task.id, BY_SERVICE, name, &detail)?;
                self.parked += 1;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The task that was let through last was claimed.
    pub(crate) fn claimed(
        &mut self,
        tx: &Transaction<'_>,
        attempt: AttemptId,
        task: &ClaimedTask,
    ) -> Result<(), StoreError> {
        for service in &task.spec.service {
            self.uses(service);
        }
        let lending = std::mem::take(&mut self.lending);
        if !lending.is_empty() {
            self.passed.lent.push(attempt);
        }
        for (kind, name) in lending {
            let mut breaker = tx.breaker(kind, &name)?;
            let until = self.now.plus(self.settings(kind, &name).max_open);
            breaker.lend(Some(attempt), until, self.now);
            self.changed(tx, kind, &name, &breaker)?;
            let task = Some(task.reference());
            self.tell(tx, kind, &name, &breaker, BreakerNews::Tries { task })?;
        }
        Ok(())
    }

    /// When the next turn comes, once per transaction and after everything else.
    pub(crate) fn look_ahead(&mut self, tx: &Transaction<'_>) -> Result<(), StoreError> {
        if self.is_calm {
            return Ok(());
        }
        let earlier = |turn: &mut Option<Timestamp>, at: Timestamp| {
            *turn = Some(turn.map_or(at, |known| known.min(at)));
        };
        for kind in [Kind::Service, Kind::Cause] {
            for kept in tx.strict_breakers(kind)? {
                let is_closed = kept.breaker.state == BreakerState::Closed;
                let waiting = parked_by(kind);
                if is_closed || tx.parked_on(waiting, &kept.name, 1, self.now)?.is_empty() {
                    continue;
                }
                let settings = self.settings(kind, &kept.name);
                let at = match kept.breaker.admit(&settings, self.now) {
                    Admission::NotBefore(until) => until,
                    Admission::Free | Admission::Probe => self.now,
                };
                earlier(&mut self.passed.next_turn, at);
                earlier(&mut self.passed.awaited_turn, at);
                if !kept.breaker.is_given_up(&settings) {
                    earlier(&mut self.passed.impatient_turn, at);
                }
            }
        }
        Ok(())
    }
}

/// The settings of a cause: it takes many different tasks, and the first attempts of others add to it.
fn cause_settings() -> BreakerSettings {
    BreakerSettings {
        failures: 20,
        within: Duration::from_hours(24),
        open_for: Duration::from_secs(30),
        max_open: Duration::from_mins(30),
        half_open_calls: 1,
    }
}

/// The breakers that hold for a task.
fn breakers_of(
    tx: &Transaction<'_>,
    task: &ClaimedTask,
) -> Result<Vec<(Kind, String)>, StoreError> {
    if !task.spec.service.is_empty() {
        let services = task.spec.service.iter();
        return Ok(services
            .map(|service| (Kind::Service, service.clone()))
            .collect());
    }
    // Who was never started has not failed of anything.
    if task.number == 0 {
        return Ok(Vec::new());
    }
    let cause = tx.last_cause(task.id)?;
    Ok(Vec::from_iter(cause.map(|cause| (Kind::Cause, cause))))
}

pub(super) const fn parked_by(kind: Kind) -> &'static str {
    match kind {
        Kind::Service => BY_BREAKER,
        Kind::Cause => BY_CAUSE,
    }
}

/// What a parked task waits for, in words.
fn detail(kind: Kind, name: &str, breaker: &Breaker) -> String {
    let last = breaker.last.as_ref();
    match kind {
        Kind::Service => last.map_or_else(
            || format!("{name} does not answer"),
            |last| format!("{name} does not answer ({})", last.category),
        ),
        Kind::Cause => last.map_or_else(
            || "many tasks failed alike".to_owned(),
            |last| format!("many tasks failed alike ({})", last.pattern),
        ),
    }
}
