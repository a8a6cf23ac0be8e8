//! What the choice of a recovery rests on, and what the end of a wait rests on: read here, for the step.

use std::net::Ipv4Addr;
use std::net::TcpListener;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::error::EngineError;
use crate::engine::events::TaskRef;
use crate::engine::healing::present::effective;
use crate::engine::healing::waits::Again;
use crate::engine::healing::waits::WaitEvent;
use crate::engine::healing::waits::Watched;
use crate::engine::ledger;
use crate::engine::message::Effects;
use crate::engine::message::Event;
use crate::engine::state::ClaimedTask;
use crate::host::disk;
use crate::host::memory;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::model::ids::TaskId;
use crate::model::outcome::Ended;
use crate::model::outcome::Outcome;
use crate::model::outcome::StartFailureKind;
use crate::model::recovery::RecoverWhen;
use crate::model::recovery::RecoveryState;
use crate::model::remedy::Await;
use crate::model::remedy::Remedy;
use crate::model::spec::TaskSpec;
use crate::policy::breaker::BreakerState;
use crate::policy::classify::TAIL;
use crate::policy::classify::program;
use crate::policy::classify::user::UserPatterns;
use crate::policy::expression;
use crate::policy::fingerprint::fingerprint;
use crate::policy::learning::Context;
use crate::policy::learning::learned;
use crate::policy::recovery::HostFacts;
use crate::policy::recovery::RecoveryFacts;
use crate::policy::recovery::effective_mode;
use crate::process::Stream;
use crate::process::logread::tail_bytes;
use crate::store::AttemptRecord;
use crate::store::StoreError;
use crate::store::breakers::Kind;
use crate::store::recoveries::RecoveryRecord;
use crate::support::clock::Timestamp;

impl Dispatcher<'_> {
    /// What a recovery of a task after this failure rests on; none where nothing is recovered from, or
    /// where it cannot be read, which the commit will tell.
    pub(crate) fn recovery_facts(
        &self,
        task: &ClaimedTask,
        (attempt, outcome, failure): (AttemptId, &Outcome, &Classification),
        user: &UserPatterns,
        others_ran: bool,
    ) -> Option<RecoveryFacts> {
        let is_ours = matches!(outcome.ended, Ended::Stopped { .. } | Ended::Lost(_));
        if is_ours || self.run.is_none() {
            return None;
        }
        self.gather(task, (attempt, outcome, failure), user, others_ran)
            .ok()
    }

    fn gather(
        &self,
        task: &ClaimedTask,
        (attempt, outcome, failure): (AttemptId, &Outcome, &Classification),
        user: &UserPatterns,
        others_ran: bool,
    ) -> Result<RecoveryFacts, StoreError> {
        let store = &self.entered.store;
        let config = &self.on_failure.recovery;
        let past = store.past_recoveries(task.id)?;
        // A remedy that failed says nothing of the program: what it had failed with before does.
        let before = if remedy_failed(&outcome.ended) {
            let attempts = store.attempts_of(task.id)?;
            attempts.into_iter().rev().find(|one| failed(one, attempt))
        } else {
            None
        };
        let original = before.as_ref().and_then(|one| one.classification.clone());
        let about = original.as_ref().unwrap_or(failure);
        let ended = before.as_ref().and_then(|one| one.outcome.as_ref());
        let ended = ended.unwrap_or(outcome);
        let since = self.hours.start().into_iter().chain(self.started_at).max();
        let named = user.spec(&about.pattern).map(|(_, spec)| &spec.strategies);
        let tool = tool(&effective(task), ended);
        Ok(RecoveryFacts {
            mode: effective_mode(config.mode, task.spec.recover_mode),
            machine_allow: config.allow.clone(),
            past: past.iter().map(RecoveryRecord::past).collect(),
            adjustments: store.adjustments(task.id)?,
            fingerprint: fingerprint(
                about.category,
                &about.pattern,
                about.line.as_ref().map(String::as_bytes),
            ),
            matched: self.matched(task, ended),
            learned: learned(
                &store.figures(&about.pattern)?,
                Context {
                    tool: &tool,
                    category: about.category.as_str(),
                    task: Some(task.id),
                },
                outcome.ended_at,
            ),
            tool,
            strategies: named.filter(|named| !named.is_empty()).cloned(),
            probes: config.probes.clone(),
            host: host_facts(&task.spec),
            others_ran,
            recoveries_tonight: match since {
                Some(since) => store.recoveries_since(since)?,
                None => 0,
            },
            checkpoint: task.steps_done > 0
                || outcome.account.checkpoint_changed
                || store.keeps_checkpoints(task.id)?,
            environments: Some(self.entered.dir.clone()),
            service_open: self.is_left_alone(&task.spec.service)?,
            able: None,
            seed: fastrand::u64(..),
            original,
        })
    }

    /// Whether the breaker of one of these services is open: then it looks for when the service is back.
    fn is_left_alone(&self, services: &[String]) -> Result<bool, StoreError> {
        if services.is_empty() {
            return Ok(false);
        }
        let strict = self.entered.store.strict_breakers(Kind::Service)?;
        Ok(strict.iter().any(|kept| {
            let is_open = !matches!(kept.breaker.state, BreakerState::Closed);
            is_open && services.contains(&kept.name)
        }))
    }

    /// Which of the task's own recoveries are for expressions that its output matches.
    fn matched(&self, task: &ClaimedTask, outcome: &Outcome) -> Vec<bool> {
        let recover = &task.spec.recover;
        let asks = |one: &RecoverWhen| matches!(one, RecoverWhen::Matches(_));
        if !recover.iter().any(|one| asks(&one.when)) {
            return Vec::new();
        }
        let logs = self.entered.dir.logs();
        let [stdout, stderr] = [Stream::Stdout, Stream::Stderr].map(|stream| {
            // Output that cannot be read matches nothing.
            tail_bytes(&logs, &outcome.output, stream, TAIL).unwrap_or_default()
        });
        recover
            .iter()
            .map(|one| match &one.when {
                RecoverWhen::Matches(text) => expression::compile(text)
                    .is_ok_and(|regex| regex.is_match(&stderr) || regex.is_match(&stdout)),
                RecoverWhen::Category(_) | RecoverWhen::Pattern(_) => false,
            })
            .collect()
    }

    /// What is there that tasks wait for.
    pub(crate) fn seen(&mut self, what: &Await) -> Vec<Event> {
        let waiting = self.watchers.take(what);
        waiting
            .into_iter()
            .zip(0..)
            .map(|(attempt, place)| Event::Wait(WaitEvent::Seen { attempt, place }))
            .collect()
    }

    /// Ends the waits whose time is up.
    pub(crate) fn end_waits(&mut self, now: Timestamp, effects: &mut Effects) {
        let over: Vec<(AttemptId, TaskId)> = self
            .state
            .watched
            .iter()
            .filter(|(_, watched)| watched.ends_at <= now)
            .map(|(attempt, watched)| (*attempt, watched.task.id))
            .collect();
        for (attempt, task) in over {
            let missing = self
                .state
                .watched
                .get(&attempt)
                .map_or_else(String::new, |watched| self.watchers.missing(&watched.what));
            // What cannot be read is not decided on; the commit tells what is wrong.
            let again = self.again(task, attempt).ok().flatten().map(Box::new);
            let event = Event::Wait(WaitEvent::InVain {
                attempt,
                missing,
                again,
            });
            self.take_step(event, now, effects);
        }
    }

    /// What a wait in vain is decided by.
    fn again(&mut self, id: TaskId, attempt: AttemptId) -> Result<Option<Again>, StoreError> {
        let store = &self.entered.store;
        let task = ledger::load(store, id)?;
        let attempts = store.attempts_of(id)?;
        let Some(row) = attempts.into_iter().find(|row| row.id == attempt) else {
            return Ok(None);
        };
        let (Some(outcome), Some(failure)) = (row.outcome, row.classification) else {
            return Ok(None);
        };
        let user = self.patterns.for_task(store, &task.spec.patterns);
        let mut recovery = self.gather(&task, (attempt, &outcome, &failure), &user, false)?;
        let waiting = self.entered.store.waiting_recovery(id, attempt)?;
        for past in &mut recovery.past {
            if waiting.as_ref().is_some_and(|one| one.id == past.id) {
                past.state = RecoveryState::Failed;
            }
        }
        Ok(Some(Again {
            task,
            outcome,
            failure,
            used: row.used,
            timeout: row.timeout,
            recovery,
            chance: fastrand::f64(),
        }))
    }

    /// The tasks that an earlier run left waiting for something.
    pub(crate) fn resume_waits(&mut self) -> Result<Vec<Event>, EngineError> {
        let mut events = Vec::new();
        if self.run.is_none() {
            return Ok(events);
        }
        let store = &self.entered.store;
        for (id, attempt) in store.recovering()? {
            let row = store.task(id)?;
            let given_up = row.gives_up_at();
            let task = TaskRef {
                id,
                name: row.spec.name,
            };
            let waiting = store.waiting_recovery(id, attempt)?;
            let watched = waiting.and_then(|recovery| {
                let plan = recovery.plan?;
                let Remedy::Await(what) = plan.remedy else {
                    return None;
                };
                let ends_at = recovery.started_at.plus(plan.timeout);
                Some(Watched {
                    task: task.clone(),
                    strategy: plan.strategy,
                    what,
                    since: recovery.started_at,
                    ends_at: given_up.map_or(ends_at, |at| at.min(ends_at)),
                    not_before: recovery.started_at,
                })
            });
            events.push(Event::Wait(WaitEvent::Resumed {
                task,
                attempt,
                watched,
            }));
        }
        Ok(events)
    }
}

pub(crate) fn remedy_failed(ended: &Ended) -> bool {
    matches!(ended, Ended::CouldNotStart(start) if start.kind == StartFailureKind::RemedyFailed)
}

/// Whether an attempt is one in which the program itself failed, before this one.
fn failed(one: &AttemptRecord, before: AttemptId) -> bool {
    let ended = one.outcome.as_ref().map(|outcome| &outcome.ended);
    let by_itself = ended.is_some_and(|ended| {
        !remedy_failed(ended) && !matches!(ended, Ended::Stopped { .. } | Ended::Lost(_))
    });
    one.id < before && one.classification.is_some() && by_itself
}

/// The program that failed, by its base name; empty where nobody knows.
pub(crate) fn tool(spec: &TaskSpec, outcome: &Outcome) -> String {
    let done = usize::try_from(outcome.account.steps_done).unwrap_or(usize::MAX);
    let step = spec.steps.get(done).or(spec.steps.last());
    step.and_then(|step| program(&step.command))
        .unwrap_or_default()
}

/// What this machine has, as far as it can be told.
pub(crate) fn host_facts(spec: &TaskSpec) -> HostFacts {
    let memory = memory::memory().ok();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
    HostFacts {
        free_port: port.ok().map(|address| address.port()),
        memory_available: memory.map(|memory| memory.available),
        memory_total: memory.map(|memory| memory.total),
        files_hard_limit: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
        disk_free: disk::free(spec.workdir.as_path()).ok(),
    }
}
