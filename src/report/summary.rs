//! One value for what happened, made of facts by a pure function.
//!
//! Every rendering shows this value; none judges anything itself. Parts whose work comes later
//! (recoveries, evidence, strategies, breakers) are present and empty.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::alert::Alert;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::state::Hold;
use crate::model::state::TaskState;
use crate::model::state::TaskStatus;
use crate::model::verdict::Verdict;
use crate::policy::classify::REMEDY_FAILED_PATTERN;
use crate::policy::compare::Change;
use crate::policy::compare::Tonight;
use crate::policy::compare::changes;
use crate::policy::health::Health;
use crate::policy::pick::RunPresence;
use crate::policy::since::Difference;
use crate::policy::trace::Stalled;
use crate::policy::verdict::Story;
use crate::policy::verdict::verdict;
use crate::report::causes::Cause;
use crate::report::causes::Causes;
use crate::report::dealt_with;
use crate::report::died_of::FailedRecovery;
use crate::report::died_of::failed_recovery;
use crate::report::died_of::failure_of;
use crate::report::facts::AttemptFacts;
use crate::report::facts::Facts;
use crate::report::facts::Failure;
use crate::report::facts::Fate;
use crate::report::facts::RunFacts;
use crate::report::facts::Scope;
use crate::report::facts::TaskFacts;
use crate::report::next::Roots;
use crate::report::next::next;
use crate::report::not_run::NotRun;
use crate::report::not_run::Outlook;
use crate::report::not_run::missed;
use crate::report::not_run::reason;
use crate::report::not_run::waits_for_time;
use crate::report::strategies::Recoveries;
use crate::report::strategies::StrategyRate;
use crate::report::strategies::rates;
use crate::report::usual::Usual;
use crate::store::BreakerBrief;
use crate::store::RecoveryBrief;
use crate::store::outbox::Sent;
use crate::store::retention::Cleared;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// When this was put together.
    pub generated_at: Timestamp,
    /// What was asked for.
    pub scope: Scope,
    /// Where the part of the past begins.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// Whether a run is active at this moment.
    pub presence: RunPresence,
    /// Whether there ever was a run on this queue.
    pub ever_run: bool,
    /// When the window of a night opened in which no run was started although tasks were queued.
    pub missed: Option<Timestamp>,
    /// The runs, the oldest first.
    pub runs: Vec<RunFacts>,
    /// Figures.
    pub totals: Totals,
    /// The tasks, in the order of their ids.
    pub tasks: Vec<TaskSummary>,
    /// Failures of one kind counted together, the most frequent first.
    pub causes: Vec<Cause>,
    /// Tasks that did not start, and why.
    pub not_run: Vec<NotRun>,
    /// What is different against earlier nights.
    pub changes: Vec<Changed>,
    /// What was told, the newest first; noted by [`crate::report::alerted`].
    pub alerts: Vec<Alert>,
    /// How machine and queue are; noted by [`crate::report::health`].
    pub health: Option<Health>,
    /// Whom the runs told of it; noted by [`crate::report::told`].
    pub notifications: Vec<Sent>,
    /// What was cleared away, because it is kept no longer.
    pub cleared: Cleared,
    /// How long tasks took, beside what is usual.
    pub durations: Vec<Usual>,
    /// The strategies that were tried, with how often they helped so far.
    pub strategies: Vec<StrategyRate>,
    /// The circuit breakers that are open or were used.
    pub breakers: Vec<BreakerBrief>,
}

/// Figures over all tasks of a summary.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// How many tasks got which verdict.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// Attempts that were started.
    pub attempts: usize,
    /// Time that attempts took, added up.
    pub busy: Duration,
    /// The share of it that went into attempts after a task's first.
    pub retry: Duration,
    /// What was done about failures.
    pub recovery: Recoveries,
}

/// What became of one task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskSummary {
    /// The task.
    pub id: TaskId,
    /// Its name.
    pub name: TaskName,
    /// What became of it.
    pub verdict: Verdict,
    /// Where it stands.
    pub status: TaskStatus,
    /// Its attempts that started.
    pub attempts: u32,
    /// Time that they took, added up.
    pub duration: Duration,
    /// Its last failure, also when it succeeded later.
    pub failure: Option<Failure>,
    /// The recovery that failed after that, so that no attempt followed.
    pub failed_recovery: Option<FailedRecovery>,
    /// What makes its success hard to believe.
    pub doubt: Option<Untrusted>,
    /// Why it was put aside.
    pub hold: Option<Hold>,
    /// The file with the output of its last attempt, below the state directory.
    pub log: Option<String>,
    /// What to type next.
    pub next: Option<String>,
    /// Peak memory of the largest process of any attempt.
    pub max_rss_bytes: u64,
    /// CPU time, added up.
    pub cpu: Duration,
    /// Processes that outlived its commands, added up.
    pub leftovers: u32,
    /// The task that it will not run because of.
    pub blocked_by: Option<(TaskId, TaskName)>,
    /// The task of its name that is not over.
    pub anew: Option<TaskId>,
    /// A newer task of its name stands for it, so that it needs nobody.
    pub dealt_with: bool,
    /// The stage at which its attempt has come to a stop; noted by [`crate::report::standstill`].
    pub stalled: Option<Stalled>,
    /// What is different since it worked last, for one that failed.
    pub since: Vec<Difference>,
    /// What was done about its failures, the first one first.
    pub recoveries: Vec<RecoveryBrief>,
    /// Why it was given up between or before its attempts: a stable identifier, and a sentence.
    pub given_up: Option<(String, Untrusted)>,
}

/// A task that is different against earlier nights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The task.
    pub id: TaskId,
    /// Its name.
    pub name: TaskName,
    /// What is different.
    pub change: Change,
}

impl Totals {
    /// How many tasks got this verdict.
    pub fn of(&self, verdict: Verdict) -> usize {
        self.verdicts.get(&verdict).copied().unwrap_or_default()
    }

    /// How many tasks there are.
    pub fn tasks(&self) -> usize {
        self.verdicts.values().sum()
    }
}

impl RunSummary {
    /// Makes the summary.
    pub fn of(facts: Facts) -> Self {
        let presence = if facts.active_run.is_some() {
            RunPresence::Active
        } else {
            RunPresence::Absent
        };
        let mut totals = Totals::default();
        let mut causes = Causes::default();
        let mut not_run = Vec::new();
        let mut changes = Vec::new();
        let mut durations = Vec::new();
        let mut tasks = Vec::with_capacity(facts.tasks.len());
        let outlook = Outlook::of(&facts, presence);
        let roots = Roots::new(&facts.tasks);
        for task in &facts.tasks {
            count_attempts(&facts, task, &mut totals, &mut causes);
            let summary = task_summary(task, outlook, &roots);
            changes.extend(changed(task));
            durations.extend(Usual::of(task));
            *totals.verdicts.entry(summary.verdict).or_default() += 1;
            if matches!(summary.verdict, Verdict::Waiting | Verdict::Deferred) {
                not_run.push(NotRun {
                    id: task.id,
                    name: task.name.clone(),
                    why: reason(task, outlook, facts.now),
                });
            }
            tasks.push(summary);
        }
        dealt_with::note(&mut tasks, facts.needing.as_ref());
        totals.recovery = Recoveries::of(&tasks);
        let missed = missed(&facts, presence);
        let breakers = facts.breakers.into_iter();
        let breakers = breakers.filter(|one| one.is_of_interest(facts.from));
        Self {
            generated_at: facts.now,
            scope: facts.scope,
            from: facts.from,
            to: facts.to,
            presence,
            ever_run: facts.ever_run,
            missed,
            runs: facts.runs,
            totals,
            causes: causes.into_sorted(),
            not_run,
            changes,
            alerts: Vec::new(),
            health: None,
            notifications: Vec::new(),
            cleared: facts.cleared,
            durations,
            strategies: rates(&facts.rates, &tasks),
            breakers: breakers.collect(),
            tasks,
        }
    }

    /// The tasks that need a person and were not dealt with, the worst first.
    pub fn needs(&self) -> Vec<&TaskSummary> {
        let is_meant = |task: &&TaskSummary| task.verdict.needs_a_person() && !task.dealt_with;
        let mut needing: Vec<&TaskSummary> = self.tasks.iter().filter(is_meant).collect();
        needing.sort_by_key(|task| (task.verdict, task.id));
        needing
    }

    /// The tasks with this verdict.
    pub fn with(&self, verdict: Verdict) -> impl Iterator<Item = &TaskSummary> {
        self.tasks
            .iter()
            .filter(move |task| task.verdict == verdict)
    }
}

/// Adds the attempts that fall into the range of the report.
fn count_attempts(facts: &Facts, task: &TaskFacts, totals: &mut Totals, causes: &mut Causes) {
    for attempt in &task.attempts {
        let Some(started) = attempt.started_at.or(attempt.ended_at) else {
            continue;
        };
        let inside = match facts.scope {
            Scope::Runs { first, last } => (first..=last).contains(&attempt.run),
            Scope::SinceRead(_) | Scope::Since(_) => {
                attempt.ended_at.unwrap_or(facts.to) >= facts.from && started <= facts.to
            }
        };
        if !inside {
            continue;
        }
        totals.attempts += 1;
        totals.busy += attempt.duration;
        if attempt.number > 1 {
            totals.retry += attempt.duration;
        }
        if let Fate::Failed(failure) | Fate::Lost(failure) = &attempt.fate
            && failure.pattern != REMEDY_FAILED_PATTERN
        {
            causes.add(&task.name, attempt.ended_at.unwrap_or(started), failure);
        }
    }
}

/// What is different about a task that was done with.
fn changed(task: &TaskFacts) -> impl Iterator<Item = Changed> {
    let last = task.attempts.last();
    let tonight = Tonight {
        succeeded: task.state == TaskState::Succeeded,
        took: last.map_or(Duration::ZERO, |last| last.duration),
        cpu: last.map_or(Duration::ZERO, |last| last.cpu),
        max_rss_bytes: last.map_or(0, |last| last.max_rss_bytes),
    };
    let found = if task.earlier.is_empty() {
        Vec::new()
    } else {
        changes(tonight, &task.earlier)
    };
    found.into_iter().map(|change| Changed {
        id: task.id,
        name: task.name.clone(),
        change,
    })
}

fn task_summary(task: &TaskFacts, outlook: Outlook, roots: &Roots) -> TaskSummary {
    let failures_since = |since: Option<Timestamp>| {
        let after = move |one: &&AttemptFacts| one.ended_at >= since;
        let attempts = task.attempts.iter().filter(after);
        attempts.filter_map(|attempt| match &attempt.fate {
            Fate::Failed(failure) | Fate::Lost(failure) => Some(failure),
            Fate::Open | Fate::Succeeded | Fate::Stopped(_) => None,
        })
    };
    let last = task
        .attempts
        .iter()
        .rfind(|attempt| attempt.fate != Fate::Open);
    let verdict = verdict(&Story {
        state: &task.state,
        // What a person declared done, or queued again, did not heal itself.
        stumbled: failures_since(task.requeued_at).next().is_some()
            && last.is_some_and(|last| last.fate == Fate::Succeeded),
        doubtful: last.is_some_and(|last| last.doubt.is_some()),
        cut_short: last.is_some_and(|last| matches!(last.fate, Fate::Stopped(_) | Fate::Lost(_))),
        goes_on_now: outlook.presence == RunPresence::Active,
        kept_back: task.parked.is_some()
            || (outlook.window_closed && task.waits_for.is_empty() && !waits_for_time(task)),
    });
    let started = || task.attempts.iter().filter(|one| one.started_at.is_some());
    TaskSummary {
        id: task.id,
        name: task.name.clone(),
        verdict,
        status: task.state.status(),
        attempts: u32::try_from(started().count()).unwrap_or(u32::MAX),
        duration: task.attempts.iter().map(|one| one.duration).sum(),
        failure: (verdict != Verdict::Ok).then(|| failure_of(task)).flatten(),
        failed_recovery: failed_recovery(task),
        doubt: last.and_then(|last| last.doubt.clone()),
        hold: hold(&task.state),
        log: task.attempts.iter().rev().find_map(|one| one.log.clone()),
        next: next(task, verdict, outlook, roots),
        max_rss_bytes: peak(&task.attempts),
        cpu: task.attempts.iter().map(|one| one.cpu).sum(),
        leftovers: task.attempts.iter().map(|one| one.leftovers).sum(),
        blocked_by: task.blocked_by.clone(),
        anew: task.anew,
        dealt_with: false,
        stalled: None,
        since: task.since.clone(),
        recoveries: task.recoveries.clone(),
        given_up: task.given_up.clone(),
    }
}

fn peak(attempts: &[AttemptFacts]) -> u64 {
    attempts
        .iter()
        .map(|attempt| attempt.max_rss_bytes)
        .max()
        .unwrap_or_default()
}

fn hold(state: &TaskState) -> Option<Hold> {
    match state {
        TaskState::Held(hold) => Some(hold.clone()),
        TaskState::Queued { .. }
        | TaskState::Running { .. }
        | TaskState::Recovering { .. }
        | TaskState::Succeeded
        | TaskState::Failed
        | TaskState::Cancelled
        | TaskState::Skipped(_) => None,
    }
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
