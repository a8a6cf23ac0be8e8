//! What follows a failure, and doing it: waits, hooks, other values, pauses.
//!
//! Deciding is `policy::decide`. Everything is done inside the future of the call, so that nothing goes
//! on when it is dropped.

use tokio::time::Instant;

use crate::engine::breakers::word;
use crate::engine::healing::credit::after_a_failure;
use crate::engine::healing::watch::until_seen;
use crate::model::category::Classification;
use crate::model::ids::RecoveryId;
use crate::model::recovery::PastRecovery;
use crate::model::recovery::RecoveryNote;
use crate::model::recovery::RecoveryPlan;
use crate::model::recovery::RecoveryState;
use crate::model::remedy::Action;
use crate::model::remedy::Remedy;
use crate::model::spec::Command;
use crate::policy::decide::DecideFacts;
use crate::policy::decide::Decided;
use crate::policy::decide::Decision;
use crate::policy::decide::decide;
use crate::policy::recovery::RecoveryFacts;
use crate::recovering::course::Course;
use crate::recovering::course::Stop;
use crate::recovering::ending::End;
use crate::recovering::hook::Hook;
use crate::recovering::judging::Failed;
use crate::support::text;

/// A recovery of the call.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    pub(super) past: PastRecovery,
    pub(super) failure: Classification,
    pub(super) detail: Option<String>,
}

impl Course {
    /// What was done, and is neither known to have helped nor to have been in vain.
    pub(super) fn open_deeds(&mut self) -> impl Iterator<Item = &mut Deed> {
        let open = |deed: &&mut Deed| deed.past.state == RecoveryState::Applied;
        self.deeds.iter_mut().filter(open)
    }

    /// What a failure says of what was done before it.
    pub(super) fn credit(&mut self, failure: &Classification) {
        let now = self.now();
        for deed in self.open_deeds() {
            let is_the_same =
                deed.failure.category == failure.category && deed.past.pattern == failure.pattern;
            let remedy = deed.past.plan.as_ref().map(|plan| &plan.remedy);
            deed.past.state = after_a_failure(remedy, is_the_same);
            deed.past.ended_at.get_or_insert(now);
        }
    }

    /// Decides what follows, and does it; again where it could not be done.
    pub(super) async fn go_on(&mut self, failed: &Failed) -> Result<(), Stop> {
        let used_before = self.used;
        loop {
            let facts = self.facts(failed).await;
            let decided = self.decide(failed, used_before, &facts);
            self.used = used_before.saturating_add(u32::from(decided.used));
            self.limit = decided.limit;
            for note in decided.notes {
                self.note(note, failed, &facts.fingerprint);
            }
            let (until, timeout) = match decided.decision {
                Decision::RetryAt { until, timeout, .. } => (until, timeout),
                Decision::Recover {
                    chosen,
                    until,
                    timeout,
                    ..
                } => {
                    if !self
                        .carry_out(&chosen.plan, failed, &facts.fingerprint)
                        .await
                    {
                        self.in_time(self.now())?;
                        continue;
                    }
                    (until, timeout)
                }
                Decision::Fail { reason } if decided.used_in_all >= decided.limit => {
                    return Err((End::UsedUp, reason));
                }
                Decision::Fail { reason } => return Err((End::Hopeless, reason)),
                Decision::Hold(hold) => return Err((End::Hopeless, hold.reason)),
                // Nobody stops or loses code from outside, no failure is a success, and no rounds are asked for.
                Decision::Interrupt { .. } | Decision::Succeed | Decision::Rescue { .. } => {
                    return Err((End::Hopeless, "nothing more can be done".to_owned()));
                }
            };
            self.timeout = timeout.or(self.policy.spec.timeout);
            return self.pause(until).await;
        }
    }

    fn decide(&self, failed: &Failed, used_before: u32, facts: &RecoveryFacts) -> Decided {
        let now = self.now();
        let mut decided = decide(&DecideFacts {
            spec: &self.policy.spec,
            outcome: &failed.outcome,
            judgement: &failed.judgement,
            used_before,
            failures_before: self.number.saturating_sub(1),
            timeout: self.timeout,
            checkpoint_changed: false,
            chance: fastrand::f64(),
            window_end: self.deadline(),
            cut_short: 0,
            recovery: Some(facts),
            // Slow rounds are for those who have a night.
            rescue: None,
            now,
        });
        if failed.is_probe && failed.is_refused {
            word::spare(&mut decided, now);
        }
        decided
    }

    /// Something that is only told.
    fn note(&mut self, note: RecoveryNote, failed: &Failed, fingerprint: &str) {
        let now = self.now();
        self.keep(
            PastRecovery {
                id: self.next_id(),
                strategy: note.strategy,
                pattern: failed.failure.pattern.clone(),
                fingerprint: fingerprint.to_owned(),
                plan: note.plan,
                state: note.state,
                started_at: now,
                ended_at: Some(now),
            },
            failed,
            Some(note.why),
        );
    }

    fn keep(&mut self, past: PastRecovery, failed: &Failed, detail: Option<String>) {
        self.deeds.push(Deed {
            past,
            failure: failed.failure.clone(),
            detail,
        });
    }

    fn next_id(&self) -> RecoveryId {
        RecoveryId::new(i64::try_from(self.deeds.len()).unwrap_or(i64::MAX))
    }

    /// Does what was chosen; whether it could be done.
    async fn carry_out(&mut self, plan: &RecoveryPlan, failed: &Failed, fingerprint: &str) -> bool {
        let (started_at, before) = (self.now(), Instant::now());
        let done = self.heal(plan, &failed.failure).await;
        if let Remedy::Await(_) = plan.remedy {
            self.waited += before.elapsed();
        }
        let state = match done {
            Ok(()) => RecoveryState::Applied,
            Err(_) => RecoveryState::Failed,
        };
        let past = PastRecovery {
            id: self.next_id(),
            strategy: plan.strategy.clone(),
            pattern: failed.failure.pattern.clone(),
            fingerprint: fingerprint.to_owned(),
            plan: Some(plan.clone()),
            state,
            started_at,
            ended_at: Some(self.now()),
        };
        self.keep(past, failed, done.err());
        state == RecoveryState::Applied
    }

    /// Does what a plan says; the error says what was in the way.
    async fn heal(&mut self, plan: &RecoveryPlan, failure: &Classification) -> Result<(), String> {
        match &plan.remedy {
            Remedy::Await(what) => {
                let mut missing = String::new();
                let seen = until_seen(what, |why| missing = why);
                let seen = tokio::time::timeout(plan.timeout, seen).await;
                seen.map_err(|_| missing)
            }
            Remedy::Act(Action::Run { command }) => {
                let hook = self.hook(command).ok_or("there is no such hook")?;
                let running = hook.run(failure.clone());
                match tokio::time::timeout(plan.timeout, running).await {
                    Ok(ended) => ended.map_err(|error| error.to_string()),
                    Err(_) => Err(format!("it took longer than {}", text::span(plan.timeout))),
                }
            }
            Remedy::Act(_) => Err("code has no process in which that could be done".to_owned()),
            Remedy::Adjust(adjustment) => {
                let held = std::mem::take(&mut self.adjustments);
                self.adjustments = held.and(adjustment.clone());
                Ok(())
            }
            // The breaker has heard of it already.
            Remedy::SlowDown { .. } | Remedy::Retry => Ok(()),
        }
    }

    fn hook(&self, command: &Command) -> Option<&Hook> {
        let mut places = self.policy.hooks.iter().enumerate();
        let found = places.find(|(place, _)| Hook::command(*place) == *command);
        found.map(|(_, hook)| hook)
    }
}
