//! What an attempt of a command without a queue waits for: breakers of a queue that are open, and what
//! a recovery wants to see first. A signal ends either at once.

use std::time::Duration;

use crate::engine::direct::DirectError;
use crate::engine::direct::Tell;
use crate::engine::direct::Told;
use crate::engine::direct::look::Look;
use crate::engine::direct::round::Round;
use crate::engine::direct::watch::Watch;
use crate::engine::events::Next;
use crate::engine::events::RunEvent;
use crate::engine::healing::probe;
use crate::model::recovery::RecoveryPlan;
use crate::model::recovery::RecoveryState;
use crate::model::remedy::Await;
use crate::policy::breaker::Admission;
use crate::store::breakers::Kind;
use crate::support::clock::Timestamp;
use crate::support::text;

/// How often it is looked whether somebody has reset the breaker that an attempt waits for.
const LOOKS_AGAIN: Duration = Duration::from_secs(1);

/// How a wait for something ended.
pub(super) enum Waited {
    Seen,
    /// Not seen in time; a sentence.
    InVain(String),
    /// Somebody does not want the command any more.
    CalledOff,
}

impl Round<'_> {
    /// Waits until no breaker is in the way; `false` if somebody does not want it any more.
    pub(super) fn enter(
        &self,
        watch: &mut Watch<'_>,
        tell: &mut Tell<'_>,
    ) -> Result<bool, DirectError> {
        let mut told = None;
        while let Some((until, service)) = self.left_alone() {
            let left = until.since(self.direct.clock.now());
            if self.deadline().is_some_and(|end| end <= until) {
                let left = text::span(left);
                return Err(DirectError::LeftAlone { service, left });
            }
            if told.replace(until) != Some(until) {
                let name = self.direct.spec.name.clone();
                watch.say(
                    &Told::LeftAlone {
                        name,
                        service,
                        until,
                    },
                    tell,
                );
            }
            let rest = left.clamp(Duration::from_millis(1), LOOKS_AGAIN);
            if !watch.wait(rest, tell)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The service that is left alone for longest; what cannot be read is in nobody's way.
    fn left_alone(&self) -> Option<(Timestamp, String)> {
        let services = &self.direct.spec.service;
        if services.is_empty() {
            return None;
        }
        let now = self.direct.clock.now();
        let strict = (self.direct.queue)()?.strict_breakers(Kind::Service).ok()?;
        let mut shut = Vec::new();
        for kept in strict {
            let settings = self.direct.on_failure.breakers.settings(&kept.name);
            if services.contains(&kept.name)
                && let Admission::NotBefore(until) = kept.breaker.admit(settings, now)
            {
                shut.push((until, kept.name));
            }
        }
        shut.into_iter().max()
    }

    /// Waits until something is seen, as long as the plan and the time of the command let it.
    pub(super) fn look_for(
        &mut self,
        what: &Await,
        plan: &RecoveryPlan,
        not_before: Timestamp,
        watch: &mut Watch<'_>,
        tell: &mut Tell<'_>,
    ) -> Result<Waited, DirectError> {
        let clock = &self.direct.clock;
        let since = clock.now();
        let left = self.deadline().map(|end| end.since(since));
        let longest = left.map_or(plan.timeout, |left| left.min(plan.timeout));
        let look = Look::begin(what).map_err(|source| DirectError::Machinery {
            doing: "look for what the command waits for",
            source,
        })?;
        if !watch.wait_or(longest, Some(&|| look.is_seen()), tell)? {
            return Ok(Waited::CalledOff);
        }
        let now = clock.now();
        let (name, waited) = (probe::name(what), text::span(now.since(since)));
        if !look.is_seen() {
            let missing = look.missing();
            let why = if missing.is_empty() {
                missing
            } else {
                format!(": {missing}")
            };
            let limit = match left {
                Some(left) if left < plan.timeout => ", all that `--total-timeout` left",
                Some(_) | None => "",
            };
            let detail = format!("{name}: not seen within {waited}{limit}{why}");
            self.healed
                .wait_is_over(RecoveryState::Failed, &detail, now);
            return Ok(Waited::InVain(detail));
        }
        let detail = format!("{name} {} after {waited}", probe::seen(what));
        self.healed
            .wait_is_over(RecoveryState::Applied, &detail, now);
        let event = RunEvent::RecoveryEnded {
            task: self.task(),
            strategy: plan.strategy.clone(),
            state: RecoveryState::Applied,
            detail: Some(detail),
            next: Some(Next::Retry(now.max(not_before))),
        };
        watch.say(&Told::Healing(event), tell);
        Ok(Waited::Seen)
    }
}
