//! Circuit breakers in a run: which tasks wait for a service, who tries it, and what is heard of it.
//!
//! What follows for a breaker is `policy::breaker`; the breakers themselves live in the queue
//! (`store::breakers`) and are read, changed and written in the transaction of the beat that learns
//! something about them, so that no crash leaves a run and its breakers at odds. In memory is only what
//! the loop must know between two beats: when the next probe is due, and which claims to take back.
//!
//! # Two kinds
//!
//! A *service* is declared by tasks (`service = "api.example.com"`); hosts in output never make one. An
//! open one parks its tasks before they use up an attempt. A *cause* is what many tasks without a declared
//! service failed of alike: their first attempts are not kept back, since nobody can know that they would
//! fail too, but their next ones come one at a time until one of them succeeds.
//!
//! # Crash safety
//!
//! A probe is lent to an attempt in the transaction that claims it. An attempt that never began gives it
//! back with its claim; should nobody ever say anything, the lease runs out.

pub(crate) mod gate;
mod ledger;
pub(crate) mod news;
pub(crate) mod probing;
pub(crate) mod word;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::breakers::gate::Gate;
use crate::engine::dispatcher::Dispatcher;
use crate::engine::events::RunEvent;
use crate::engine::message::Effects;
use crate::engine::message::Write;
use crate::engine::state::Live;
use crate::engine::state::RunState;
use crate::model::ids::AttemptId;
use crate::model::remedy::Await;
use crate::policy::breaker::BreakerConfig;
use crate::policy::breaker::BreakerState;
use crate::store::StoreError;
use crate::store::Transaction;
use crate::store::breakers;
use crate::store::breakers::Kind;
use crate::store::parking;
use crate::support::clock::Timestamp;

/// A clock that is set back by less is being trimmed, not set.
const TRIMMED: Duration = Duration::from_secs(1);

/// How long is kept what became of breakers.
const KEPT: Duration = Duration::from_hours(24 * 90);

/// What a run knows of breakers between two beats.
#[derive(Debug)]
pub(crate) struct Breakers {
    config: Arc<BreakerConfig>,
    /// Whether the run goes on for as long as a probe may still succeed: a night does.
    patient: bool,
    /// The latest instant that was seen, and by how much the clock was set back since the last commit.
    seen: Timestamp,
    set_back: Duration,
    /// When the next task or probe may try a service that tasks wait for.
    next_turn: Option<Timestamp>,
    /// The same without services that are not waited for any more.
    awaited_turn: Option<Timestamp>,
    /// Claims whose service is left alone since; they go back with the next commit.
    withdrawn: Vec<AttemptId>,
}

impl Breakers {
    pub(crate) fn new(config: Arc<BreakerConfig>, patient: bool, now: Timestamp) -> Self {
        Self {
            config,
            patient,
            seen: now,
            set_back: Duration::ZERO,
            next_turn: None,
            awaited_turn: None,
            withdrawn: Vec::new(),
        }
    }

    /// Notices a clock that was set back.
    fn look_at_clock(&mut self, now: Timestamp) {
        let by = self.seen.since(now);
        if by > TRIMMED {
            self.set_back += by;
        }
        if by > TRIMMED || now > self.seen {
            self.seen = now;
        }
    }

    /// What the transaction of a beat asks before it claims something.
    pub(crate) fn gate(
        &self,
        state: &RunState,
        window_end: Option<Timestamp>,
        may_start: bool,
        now: Timestamp,
    ) -> Gate {
        let mut gate = Gate::new(Arc::clone(&self.config), window_end, may_start, now);
        gate.set_back = self.set_back;
        for live in state.live.values() {
            for service in &live.task.spec.service {
                gate.uses(service);
            }
        }
        gate
    }

    /// Whether a probe is due.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.next_turn.is_some_and(|turn| turn <= now)
    }

    /// When something may be tried next.
    pub(crate) const fn next_turn(&self) -> Option<Timestamp> {
        self.next_turn
    }

    /// Whether the run waits for a probe, or has a claim to give back.
    pub(crate) fn waits(&self, end: Option<Timestamp>) -> bool {
        let in_time = |turn: Timestamp| end.is_none_or(|end| turn < end);
        !self.withdrawn.is_empty() || self.awaited_turn.is_some_and(in_time)
    }

    /// What a committed beat means: what is to be told, and what the engine itself is to probe.
    pub(crate) fn settle(
        &mut self,
        gate: Gate,
        state: &mut RunState,
    ) -> (Vec<RunEvent>, Vec<(String, Await)>) {
        let passed = gate.passed();
        self.set_back = Duration::ZERO;
        self.next_turn = passed.next_turn;
        self.awaited_turn = if self.patient {
            passed.awaited_turn
        } else {
            passed.impatient_turn
        };
        state.probing.extend(passed.lent);
        if !passed.opened.is_empty() {
            self.withdraw(&passed.opened, state);
        }
        (passed.told, passed.probes)
    }

    /// Takes claims out of the stock whose service is left alone from now on.
    fn withdraw(&mut self, opened: &[String], state: &mut RunState) {
        let is_barred = |attempt: &AttemptId| {
            let live = state.live.get(attempt);
            let uses = |live: &Live| {
                let services = &live.task.spec.service;
                services.iter().any(|service| opened.contains(service))
            };
            !state.probing.contains(attempt) && live.is_some_and(uses)
        };
        let (barred, ready): (Vec<_>, Vec<_>) = state.ready.iter().copied().partition(is_barred);
        state.ready = ready;
        for attempt in &barred {
            // CRASH: the claim stands in the database, and the next run gives it back.
            state.live.remove(attempt);
        }
        self.withdrawn.extend(barred);
    }

    /// The claims that go back since their service is left alone; looks at the clock as well.
    pub(crate) fn take_back(&mut self, now: Timestamp) -> Vec<Write> {
        self.look_at_clock(now);
        std::mem::take(&mut self.withdrawn)
            .into_iter()
            .map(|attempt| Write::ReturnClaim { attempt })
            .collect()
    }

    /// Whether a claim is to be given back at once.
    pub(crate) fn is_restless(&self) -> bool {
        !self.withdrawn.is_empty()
    }
}

/// A run begins: which tasks wait for a service is judged anew, by breakers that are as old as they are.
pub(crate) fn begin(tx: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    for by in [parking::BY_BREAKER, parking::BY_SERVICE, parking::BY_CAUSE] {
        parking::unpark_all(tx, by)?;
    }
    for kind in [Kind::Service, Kind::Cause] {
        for mut kept in tx.strict_breakers(kind)? {
            // Nobody is left of whom a lease could be, and nobody counts how many are at work.
            let lease = match kept.breaker.state {
                BreakerState::HalfOpen { lease, .. } => lease,
                BreakerState::Closed | BreakerState::Open { .. } => None,
            };
            let by = kept.changed_at.since(now);
            if by > TRIMMED {
                kept.breaker.clock_was_set_back(by);
            }
            let is_given_back = lease.is_some_and(|lease| match lease.attempt {
                Some(attempt) => kept.breaker.give_back(attempt),
                None => kept.breaker.give_back_own(),
            });
            if is_given_back || by > TRIMMED {
                breakers::save(tx, kind, &kept.name, &kept.breaker, now)?;
            }
        }
    }
    breakers::forget(tx, now.minus(KEPT))
}

impl Dispatcher<'_> {
    /// The gate of the transaction that is about to begin.
    pub(crate) fn gate(&self, now: Timestamp) -> Gate {
        let may_start = self.state.halt.is_none() && self.hours.is_open(now);
        let end = self.hours.end();
        self.breakers.gate(&self.state, end, may_start, now)
    }

    /// Gives back the claims whose service is left alone since they were made.
    pub(crate) fn take_back_barred(&mut self, now: Timestamp, effects: &mut Effects) {
        effects.writes.extend(self.breakers.take_back(now));
    }

    /// What a committed beat means for the loop; gives what is to be told.
    pub(crate) fn passed_gate(&mut self, gate: Gate) -> Vec<RunEvent> {
        let (told, probes) = self.breakers.settle(gate, &mut self.state);
        for (service, probe) in probes {
            self.inbox.probe(service, probe);
        }
        told
    }
}

#[cfg(test)]
mod simulation_tests;
