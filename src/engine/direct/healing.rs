//! What was done about the failures of a command without a queue, and what the choice of the next
//! recovery rests on. All of it is in memory; a queue is only looked at, for what it has learned.

use crate::engine::direct::Direct;
use crate::engine::events::RunEvent;
use crate::engine::events::TaskRef;
use crate::engine::healing::begin::told_only;
use crate::engine::healing::credit;
use crate::engine::healing::facts;
use crate::engine::healing::present;
use crate::engine::healing::present::Healing;
use crate::engine::healing::probe;
use crate::engine::message::Effects;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::model::ids::RecoveryId;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::outcome::Ended;
use crate::model::outcome::Outcome;
use crate::model::recovery::RecoveryNote;
use crate::model::recovery::RecoveryPlan;
use crate::model::recovery::RecoveryState;
use crate::model::recovery::Risk;
use crate::model::remedy::Adjustment;
use crate::model::remedy::Remedy;
use crate::model::spec::TaskSpec;
use crate::policy::classify::Judgement;
use crate::policy::classify::user::UserPatterns;
use crate::policy::fingerprint::fingerprint;
use crate::policy::learning::Context;
use crate::policy::learning::learned;
use crate::policy::recovery::Learned;
use crate::policy::recovery::RecoveryFacts;
use crate::policy::recovery::effective_mode;
use crate::store::recoveries::RecoveryRecord;
use crate::support::clock::Timestamp;

/// What was done so far.
#[derive(Debug, Default)]
pub(super) struct Healed {
    past: Vec<RecoveryRecord>,
    adjustments: Adjustment,
    /// How the command itself failed last.
    failed: Option<(Outcome, Classification)>,
}

/// A recovery that is begun, or only told of.
pub(super) struct Deed<'a> {
    pub(super) attempt: AttemptId,
    pub(super) facts: &'a RecoveryFacts,
    pub(super) failure: &'a Classification,
    pub(super) now: Timestamp,
}

impl Healed {
    /// The definition of the next attempt.
    pub(super) fn spec(&self, spec: &TaskSpec) -> TaskSpec {
        present::adjusted(spec, &self.adjustments)
    }

    /// What the next attempt is handed.
    pub(super) fn present(&self) -> Healing {
        Healing::of(self.adjustments.clone(), self.past.clone())
    }

    /// What the end of an attempt says of what was done before it, and what is told of that.
    pub(super) fn credit(
        &mut self,
        task: &TaskRef,
        attempt: AttemptId,
        outcome: &Outcome,
        judgement: &Judgement,
    ) -> Vec<RunEvent> {
        let open: Vec<RecoveryRecord> = self
            .past
            .iter()
            .filter(|one| one.is_open())
            .cloned()
            .collect();
        let credits = credit::credits(&open, attempt, outcome, judgement);
        for news in &credits {
            let mut past = self.past.iter_mut();
            if let Some(past) = past.find(|past| past.id == news.recovery.id) {
                past.clone_from(&news.recovery);
            }
        }
        if let Judgement::Failure(failure) = judgement
            && !facts::remedy_failed(&outcome.ended)
        {
            self.failed = Some((outcome.clone(), failure.clone()));
        }
        let mut effects = Effects::default();
        credit::tell(task, &credits, &mut effects);
        effects.shown
    }

    /// What the choice of a recovery rests on; none where nothing is recovered from.
    pub(super) fn facts(
        &self,
        direct: &Direct<'_>,
        outcome: &Outcome,
        judgement: &Judgement,
        user: Option<&UserPatterns>,
    ) -> Option<RecoveryFacts> {
        let Judgement::Failure(failure) = judgement else {
            return None;
        };
        if matches!(outcome.ended, Ended::Stopped { .. } | Ended::Lost(_)) {
            return None;
        }
        let config = &direct.on_failure.recovery;
        // A remedy that failed says nothing of the command: what it had failed with before does.
        let before = self.failed.as_ref();
        let before = before.filter(|_| facts::remedy_failed(&outcome.ended));
        let (ended, about) = before.map_or((outcome, failure), |(ended, about)| (ended, about));
        let tool = facts::tool(&self.spec(direct.spec), ended);
        let named = user.and_then(|user| user.spec(&about.pattern));
        let named = named.map(|(_, spec)| spec.strategies.clone());
        Some(RecoveryFacts {
            mode: effective_mode(config.mode, direct.spec.recover_mode),
            machine_allow: config.allow.clone(),
            past: self.past.iter().map(RecoveryRecord::past).collect(),
            adjustments: self.adjustments.clone(),
            fingerprint: fingerprint(
                about.category,
                &about.pattern,
                about.line.as_ref().map(String::as_bytes),
            ),
            learned: known(direct, about, &tool, outcome.ended_at),
            tool,
            strategies: named.filter(|named| !named.is_empty()),
            probes: config.probes.clone(),
            host: facts::host_facts(direct.spec),
            recoveries_tonight: u32::try_from(self.past.len()).unwrap_or(u32::MAX),
            original: before.map(|(_, about)| about.clone()),
            seed: fastrand::u64(..),
            // Nobody can give a command without a queue recoveries of its own, and nothing is installed
            // where nothing is kept.
            ..RecoveryFacts::default()
        })
    }

    /// Begins what was chosen; what is told of that.
    pub(super) fn begin(
        &mut self,
        task: &TaskRef,
        deed: &Deed<'_>,
        plan: &RecoveryPlan,
    ) -> Option<RunEvent> {
        let (state, about) = match &plan.remedy {
            Remedy::Await(what) => (RecoveryState::Pending, Some(probe::name(what))),
            Remedy::Act(_) => (RecoveryState::Pending, None),
            Remedy::Adjust(change) => {
                let held = std::mem::take(&mut self.adjustments);
                self.adjustments = held.and(change.clone());
                (RecoveryState::Applied, None)
            }
            Remedy::SlowDown { .. } | Remedy::Retry => (RecoveryState::Applied, None),
        };
        self.keep(
            deed,
            (&plan.strategy, plan.risk, state),
            Some(plan.clone()),
            None,
        );
        // A mere retry is told by the line of the attempt.
        (plan.remedy != Remedy::Retry).then(|| RunEvent::RecoveryStarted {
            task: task.clone(),
            strategy: plan.strategy.clone(),
            about: plan.about.clone().or(about),
            until: matches!(plan.remedy, Remedy::Await(_)).then(|| deed.now.plus(plan.timeout)),
        })
    }

    /// The wait that was begun last is over.
    pub(super) fn wait_is_over(&mut self, state: RecoveryState, detail: &str, now: Timestamp) {
        if let Some(last) = self.past.last_mut() {
            last.state = state;
            last.ended_at = Some(now);
            last.detail = Some(detail.to_owned());
        }
    }

    /// Something that is only told.
    pub(super) fn note(&mut self, task: &TaskRef, deed: &Deed<'_>, note: RecoveryNote) -> RunEvent {
        let told = told_only(task.clone(), &note);
        let kind = (note.strategy.as_str(), note.risk, note.state);
        self.keep(deed, kind, note.plan, Some(note.why));
        told
    }

    fn keep(
        &mut self,
        deed: &Deed<'_>,
        (strategy, risk, state): (&str, Risk, RecoveryState),
        plan: Option<RecoveryPlan>,
        detail: Option<String>,
    ) {
        let about = deed.facts.original.as_ref().unwrap_or(deed.failure);
        let number = i64::try_from(self.past.len()).unwrap_or(i64::MAX);
        self.past.push(RecoveryRecord {
            id: RecoveryId::new(number.saturating_add(1)),
            task: TaskId::new(0),
            attempt: deed.attempt,
            run: RunId::new(0),
            pattern: about.pattern.clone(),
            category: about.category,
            fingerprint: deed.facts.fingerprint.clone(),
            strategy: strategy.to_owned(),
            risk,
            plan,
            state,
            expected: None,
            known: 0,
            started_at: deed.now,
            ended_at: None,
            next_attempt: None,
            detail,
        });
    }
}

/// What a queue has learned of strategies for a failure. Without it the usual order holds.
fn known(direct: &Direct<'_>, about: &Classification, tool: &str, now: Timestamp) -> Learned {
    let Some(figures) = (direct.queue)().and_then(|store| store.figures(&about.pattern).ok())
    else {
        return Learned::default();
    };
    let context = Context {
        tool,
        category: about.category.as_str(),
        task: None,
    };
    learned(&figures, context, now)
}
