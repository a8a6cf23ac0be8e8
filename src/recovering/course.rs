//! One call on its way: where its attempts stand, and what follows each failure.
//!
//! The judgement is that of tasks: an error is the end of a command that printed its text, and what
//! follows is `policy::decide`. What is decided is carried out here, inside the future of the call, so
//! that nothing goes on when it is dropped.
//!
//! INVARIANT: the two locks that are taken (breakers, then users of services) are never held while
//! something is awaited.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::breakers::word;
use crate::engine::breakers::word::Said;
use crate::model::category::Classification;
use crate::model::recovery::RecoveryState;
use crate::model::remedy::Adjustment;
use crate::policy::recovery::headline;
use crate::recovering::ending::Attempt;
use crate::recovering::ending::End;
use crate::recovering::ending::GaveUp;
use crate::recovering::ending::Recovered;
use crate::recovering::ending::Tried;
use crate::recovering::failure::Failure;
use crate::recovering::healing::Deed;
use crate::recovering::pass;
use crate::recovering::pass::Entry;
use crate::recovering::pass::Pass;
use crate::recovering::policy::Policy;
use crate::recovering::policy::WhenOpen;
use crate::support::clock::Timestamp;
use crate::support::text;

/// Why a call ends without a value.
pub(super) type Stop = (End, String);

/// Where the attempts of a call stand.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) policy: Policy,
    pub(super) began: Timestamp,
    /// Attempts that were begun, and those that count.
    pub(super) number: u32,
    pub(super) used: u32,
    pub(super) timeout: Option<Duration>,
    pub(super) adjustments: Adjustment,
    pub(super) deeds: Vec<Deed>,
    pub(super) last: Option<Classification>,
    pub(super) limit: u32,
    pub(super) waited: Duration,
}

impl Course {
    pub(super) fn begin(policy: Policy) -> Self {
        Self {
            began: policy.keeper.now(),
            number: 0,
            used: 0,
            timeout: policy.spec.timeout,
            adjustments: Adjustment::default(),
            deeds: Vec::new(),
            last: None,
            limit: policy.spec.retry.announced_limit(),
            waited: Duration::ZERO,
            policy,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.policy.keeper.now()
    }

    /// When the time for all attempts is over.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let total = self.policy.spec.total_timeout?;
        Some(self.began.plus(total))
    }

    /// The time limit of the next attempt: its own, or what is left of the call's time.
    pub(super) fn time(&self) -> Option<Duration> {
        let left = self.deadline().map(|end| end.since(self.now()));
        [self.timeout, left].into_iter().flatten().min()
    }

    /// Waits until the services let an attempt in.
    pub(super) async fn enter(&mut self) -> Result<Pass, Stop> {
        loop {
            let keeper = Arc::clone(&self.policy.keeper);
            // Whoever leaves from now on is heard of.
            let changed = keeper.changed.notified();
            let services = &self.policy.spec.service;
            let entry = pass::enter(&keeper, services, &self.policy.breakers).await;
            let until = match entry.map_err(|error| (End::StateUnusable, chain(&error)))? {
                Entry::In(pass) => return Ok(pass),
                Entry::Later(until, name, is_given_up) => {
                    if is_given_up || self.policy.when_open == WhenOpen::GiveUp {
                        let left = text::span(until.since(self.now()));
                        let why = format!("`{name}` does not answer and is left alone for {left}");
                        return Err((End::ServiceOpen, why));
                    }
                    Some(until)
                }
                Entry::Busy(name) if self.policy.when_open == WhenOpen::GiveUp => {
                    let why = format!("`{name}` asked for fewer attempts at once");
                    return Err((End::ServiceOpen, why));
                }
                Entry::Busy(_) => None,
            };
            self.in_time(until.unwrap_or_else(|| self.now()))?;
            let now = self.now();
            let soonest = until.or_else(|| self.deadline());
            let mut rest = soonest.map(|at| at.since(now).max(Duration::from_millis(1)));
            if keeper.is_shared_with_others() {
                rest = Some(rest.unwrap_or(pass::LOOKS_AGAIN).min(pass::LOOKS_AGAIN));
            }
            let before = Instant::now();
            match rest {
                // Whether somebody left or time passed: ask again.
                Some(rest) => drop(tokio::time::timeout(rest, changed).await),
                None => changed.await,
            }
            self.waited += before.elapsed();
        }
    }

    /// The next attempt.
    pub(super) fn attempt(&mut self) -> Attempt {
        self.number = self.number.saturating_add(1);
        let declared = self.policy.spec.endpoints.iter();
        let first = declared.filter_map(|(name, addresses)| Some((name, addresses.first()?)));
        let changed = self.adjustments.env.iter();
        let values: BTreeMap<String, String> = first
            .chain(changed)
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
        Attempt {
            number: self.number,
            limit: self.limit,
            timeout: self.time(),
            last: self.last.clone(),
            values,
        }
    }

    /// The attempt succeeded.
    pub(super) async fn succeed(&mut self, pass: Pass) {
        let now = self.now();
        for deed in self.open_deeds() {
            deed.past.state = RecoveryState::Helped;
            deed.past.ended_at.get_or_insert(now);
        }
        self.hear(pass, Said::Served).await;
    }

    /// Others learn from what was done. What cannot be kept is lost; the call is not.
    pub(super) async fn teach(&self) {
        let is_known = |deed: &&Deed| deed.past.state.verdict().is_some();
        let known = self.deeds.iter().filter(is_known).cloned().collect();
        if let Err(error) = self.policy.keeper.teach(known).await {
            let why = chain(&error);
            tracing::warn!("what helped a call was not kept: {why}");
        }
    }

    /// What is heard of services is lost where the queue cannot be written; the call is not.
    async fn hear(&self, pass: Pass, said: Said) {
        if let Err(error) = pass.hear(said, &self.policy.breakers).await {
            let why = chain(&error);
            tracing::warn!("a circuit breaker was not told how an attempt ended: {why}");
        }
    }

    /// The attempt failed (none: its time was up). Returns when the next one is due.
    pub(super) async fn fail(
        &mut self,
        failure: Option<Failure>,
        (limit, took): (Option<Duration>, Duration),
        pass: Pass,
    ) -> Result<(), Stop> {
        let failed = self.judge(failure, (limit, took), &pass);
        let said = if failed.is_refused {
            word::refused(&failed.failure, &self.policy.spec.service, self.now())
        } else {
            Said::Nothing
        };
        self.hear(pass, said).await;
        self.credit(&failed.failure);
        self.last = Some(failed.failure.clone());
        self.in_time(self.now())?;
        self.go_on(&failed).await
    }

    /// Whether an attempt at `at` is still within the time for all of them.
    pub(super) fn in_time(&self, at: Timestamp) -> Result<(), Stop> {
        match (self.deadline(), self.policy.spec.total_timeout) {
            (Some(end), Some(total)) if end <= at => {
                let total = text::span(total);
                Err((
                    End::TimeIsUp,
                    format!("{total} are all the time that it has"),
                ))
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn pause(&mut self, until: Timestamp) -> Result<(), Stop> {
        self.in_time(until)?;
        let rest = until.since(self.now());
        tokio::time::sleep(rest).await;
        self.waited += rest;
        Ok(())
    }

    pub(super) fn recovered<T>(self, value: T) -> Recovered<T> {
        Recovered {
            value,
            attempts: self.number,
            waited: self.waited,
            recoveries: self.tried(),
        }
    }

    pub(super) fn gave_up<E>(self, error: Option<E>, (end, why): Stop) -> GaveUp<E> {
        GaveUp {
            error,
            end,
            why,
            attempts: self.number,
            waited: self.waited,
            failure: self.last.clone(),
            recoveries: self.tried(),
        }
    }

    fn tried(self) -> Vec<Tried> {
        let deeds = self.deeds.into_iter();
        let tried = deeds.map(|Deed { past, detail, .. }| Tried {
            what: match &past.plan {
                Some(plan) => headline(plan),
                None => past.strategy.clone(),
            },
            strategy: past.strategy,
            state: past.state,
            detail,
            took: past
                .ended_at
                .map_or(Duration::ZERO, |end| end.since(past.started_at)),
        });
        tried.collect()
    }
}

/// An error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let causes = causes.map(|cause| format!(": {cause}"));
    std::iter::once(error.to_string()).chain(causes).collect()
}
