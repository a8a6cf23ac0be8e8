//! Where the attempts of a command without a queue stand, and what follows each.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::direct::Direct;
use crate::engine::direct::DirectError;
use crate::engine::direct::Tell;
use crate::engine::direct::Told;
use crate::engine::direct::healing::Deed;
use crate::engine::direct::healing::Healed;
use crate::engine::direct::waiting::Waited;
use crate::engine::direct::watch::Watch;
use crate::engine::events::AttemptEnd;
use crate::engine::events::AttemptRef;
use crate::engine::events::Next;
use crate::engine::events::RunEvent;
use crate::engine::events::TaskRef;
use crate::engine::healing::begin::awaited;
use crate::engine::healing::present::equip;
use crate::model::attempt::Assignment;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::outcome::Ended;
use crate::model::outcome::Outcome;
use crate::model::recovery::RecoveryState;
use crate::model::spec::Surroundings;
use crate::policy::classify::Facts;
use crate::policy::classify::Judgement;
use crate::policy::classify::classify;
use crate::policy::classify::classify_with;
use crate::policy::classify::user::UserPatterns;
use crate::policy::decide::DecideFacts;
use crate::policy::decide::Decided;
use crate::policy::decide::Decision;
use crate::policy::decide::decide;
use crate::policy::recovery::RecoveryFacts;
use crate::support::bytes::OsText;
use crate::support::clock::Timestamp;
use crate::support::text;

/// Where the attempts stand.
pub(super) struct Round<'a> {
    pub(super) direct: &'a Direct<'a>,
    began: Timestamp,
    id: AttemptId,
    /// Attempts that count.
    used: u32,
    timeout: Option<Duration>,
    last: Option<Classification>,
    /// The patterns of the user, once something failed.
    patterns: Option<UserPatterns>,
    pub(super) healed: Healed,
}

impl<'a> Round<'a> {
    pub(super) fn begin(direct: &'a Direct<'a>) -> Self {
        Self {
            direct,
            began: direct.clock.now(),
            id: AttemptId::new(1),
            used: 0,
            timeout: direct.spec.timeout,
            last: None,
            patterns: None,
            healed: Healed::default(),
        }
    }
}

impl Round<'_> {
    pub(super) fn task(&self) -> TaskRef {
        TaskRef {
            id: TaskId::new(0),
            name: self.direct.spec.name.clone(),
        }
    }

    /// When the time for all attempts is over.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let total = self.direct.spec.total_timeout?;
        Some(self.began.plus(total))
    }

    /// Decides what follows an attempt, does what is to be done about its failure, and waits; `false` if
    /// there is no other.
    pub(super) fn go_on(
        &mut self,
        (outcome, judgement): (&Outcome, &Judgement),
        is_spent: bool,
        watch: &mut Watch<'_>,
        tell: &mut Tell<'_>,
    ) -> Result<bool, DirectError> {
        let task = self.task();
        for event in self.healed.credit(&task, self.id, outcome, judgement) {
            watch.say(&Told::Healing(event), tell);
        }
        let mut in_vain: Option<(String, String)> = None;
        loop {
            let user = self.patterns.as_ref();
            let facts = self.healed.facts(self.direct, outcome, judgement, user);
            let mut decided = self.decide(outcome, judgement, facts.as_ref());
            let told = match in_vain.take() {
                Some((strategy, detail)) => Some(Told::Healing(RunEvent::RecoveryEnded {
                    task: task.clone(),
                    strategy,
                    state: RecoveryState::Failed,
                    detail: Some(detail),
                    next: Some(next_of(&decided.decision)),
                })),
                None => self.told(outcome, judgement, &decided, is_spent),
            };
            if let Some(told) = told {
                watch.say(&told, tell);
            }
            if is_spent {
                return Ok(false);
            }
            let now = self.direct.clock.now();
            if let (Some(facts), Judgement::Failure(failure)) = (&facts, judgement) {
                let deed = Deed {
                    attempt: self.id,
                    facts,
                    failure,
                    now,
                };
                for note in std::mem::take(&mut decided.notes) {
                    let event = self.healed.note(&task, &deed, note);
                    watch.say(&Told::Healing(event), tell);
                }
                if let Decision::Recover { chosen, .. } = &decided.decision
                    && let Some(event) = self.healed.begin(&task, &deed, &chosen.plan)
                {
                    watch.say(&Told::Healing(event), tell);
                }
            }
            let (until, timeout) = match &decided.decision {
                Decision::RetryAt { until, timeout, .. } => (*until, *timeout),
                Decision::Recover {
                    chosen,
                    until,
                    timeout,
                    ..
                } => {
                    if let Some(what) = awaited(chosen) {
                        match self.look_for(what, &chosen.plan, *until, watch, tell)? {
                            Waited::Seen => {}
                            Waited::CalledOff => return Ok(false),
                            Waited::InVain(detail) => {
                                in_vain = Some((chosen.plan.strategy.clone(), detail));
                                continue;
                            }
                        }
                    }
                    (*until, *timeout)
                }
                Decision::Succeed
                | Decision::Rescue { .. }
                | Decision::Fail { .. }
                | Decision::Hold(_)
                | Decision::Interrupt { .. } => return Ok(false),
            };
            self.next(judgement, decided.used_in_all, timeout);
            return watch.wait(until.since(self.direct.clock.now()), tell);
        }
    }

    pub(super) fn assignment(&self) -> Assignment {
        let spec = self.direct.spec;
        let mut variables: BTreeMap<String, OsText> = BTreeMap::new();
        let mut set = |name: &str, value: OsText| {
            variables.insert(name.to_owned(), value);
        };
        set("AUTOEXEC_TASK_NAME", spec.name.as_str().into());
        set("AUTOEXEC_ATTEMPT", (self.used + 1).to_string().into());
        set(
            "AUTOEXEC_MAX_ATTEMPTS",
            spec.retry.announced_limit().to_string().into(),
        );
        if let Some(last) = &self.last {
            set("AUTOEXEC_LAST_CATEGORY", last.category.as_str().into());
            set("AUTOEXEC_LAST_PATTERN", last.pattern.as_str().into());
        }
        let left = self
            .deadline()
            .map(|end| end.since(self.direct.clock.now()));
        let mut assignment = Assignment {
            attempt: self.id,
            task: TaskId::new(0),
            run: RunId::new(0),
            spec: self.healed.spec(spec),
            // What holds where it is typed holds for it, unlike for a task of another hour.
            surroundings: Surroundings::default(),
            variables,
            timeout: [self.timeout, left].into_iter().flatten().min(),
            ends_at: None,
            steps_done: 0,
            remedies: Vec::new(),
            environments: Vec::new(),
            series_started: None,
        };
        equip(&mut assignment, &self.healed.present());
        assignment
    }

    pub(super) fn judge(&mut self, outcome: &Outcome, watch: &Watch<'_>) -> Judgement {
        let spec = self.healed.spec(self.direct.spec);
        let mut facts = Facts {
            spec: &spec,
            outcome,
            stdout: &[],
            stderr: &[],
        };
        // Only where the output may tell something are the patterns looked for.
        let by_facts = classify(&facts);
        if by_facts == Judgement::Success || !matches!(outcome.ended, Ended::ByItself(_)) {
            return by_facts;
        }
        (facts.stdout, facts.stderr) = watch.tails();
        let find = self.direct.patterns;
        classify_with(&facts, self.patterns.get_or_insert_with(find))
    }

    fn decide(
        &self,
        outcome: &Outcome,
        judgement: &Judgement,
        recovery: Option<&RecoveryFacts>,
    ) -> Decided {
        let now = self.direct.clock.now();
        let mut decided = decide(&DecideFacts {
            spec: self.direct.spec,
            outcome,
            judgement,
            used_before: self.used,
            failures_before: self.used,
            timeout: self.timeout,
            checkpoint_changed: false,
            chance: fastrand::f64(),
            window_end: self.deadline(),
            cut_short: 0,
            recovery,
            // Slow rounds are for those who have a night.
            rescue: None,
            now,
        });
        if let (
            Decision::RetryAt { until, .. } | Decision::Recover { until, .. },
            Some(end),
            Some(total),
        ) = (
            &decided.decision,
            self.deadline(),
            self.direct.spec.total_timeout,
        ) && end <= *until
        {
            let reason = format!("{} are all the time that it has", text::span(total));
            decided.decision = Decision::Fail { reason };
        }
        decided
    }

    /// What the user would not see otherwise: a failure, and a success after one.
    fn told(
        &self,
        outcome: &Outcome,
        judgement: &Judgement,
        decided: &Decided,
        is_spent: bool,
    ) -> Option<Told> {
        let attempt = AttemptRef {
            task: self.task(),
            id: self.id,
            number: self.used + 1,
            limit: decided.limit,
        };
        let duration = outcome.duration;
        Some(match (judgement, &decided.decision) {
            (Judgement::Success, _) if self.id == AttemptId::new(1) => return None,
            (Judgement::Success, _) => Told::Ended {
                attempt,
                end: AttemptEnd::Succeeded,
                duration,
                next: Next::Done,
            },
            (
                Judgement::Failure(why),
                decision @ (Decision::RetryAt { .. } | Decision::Recover { .. }),
            ) if !is_spent => Told::Ended {
                attempt,
                end: AttemptEnd::Failed(why.clone()),
                duration,
                next: next_of(decision),
            },
            (Judgement::Failure(why), decision) => Told::GivenUp {
                attempt,
                why: why.clone(),
                duration,
                reason: reason(decision),
            },
        })
    }

    fn next(&mut self, judgement: &Judgement, used: u32, timeout: Option<Duration>) {
        self.id = AttemptId::new(self.id.get() + 1);
        self.used = used;
        if let Judgement::Failure(why) = judgement {
            self.last = Some(why.clone());
        }
        self.timeout = timeout.or(self.direct.spec.timeout);
    }
}

/// Why there is no other attempt.
fn reason(decision: &Decision) -> String {
    match decision {
        Decision::Fail { reason } => reason.clone(),
        Decision::Hold(hold) => hold.reason.clone(),
        Decision::RetryAt { .. } | Decision::Recover { .. } | Decision::Rescue { .. } => {
            "not tried again: it has read of its standard input, which cannot be given to it twice; \
             a file as input (`< FILE`) can"
                .to_owned()
        }
        Decision::Succeed | Decision::Interrupt { .. } => "stopped".to_owned(),
    }
}

/// What follows a failure or a wait in vain, in a word.
fn next_of(decision: &Decision) -> Next {
    match decision {
        Decision::RetryAt { until, .. } => Next::Retry(*until),
        Decision::Recover { chosen, until, .. } => match awaited(chosen) {
            Some(_) => Next::Recovering,
            None => Next::Retry(*until),
        },
        Decision::Hold(hold) => Next::Held(hold.clone()),
        Decision::Succeed
        | Decision::Rescue { .. }
        | Decision::Fail { .. }
        | Decision::Interrupt { .. } => Next::Failed(reason(decision)),
    }
}
