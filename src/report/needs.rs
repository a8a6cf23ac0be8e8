//! What needs a person, told by cause: twenty tasks that died of one host are one entry with one
//! command, not twenty.
//!
//! INVARIANT: every task of [`RunSummary::needs`] is in exactly one entry, and every entry has a
//! command.

use std::collections::BTreeMap;

use crate::model::ids::TaskId;
use crate::model::verdict::Verdict;
use crate::policy::advice::Advice;
use crate::policy::advice::advice;
use crate::policy::fingerprint::names_a_cause;
use crate::report::facts::Failure;
use crate::report::summary::RunSummary;
use crate::report::summary::TaskSummary;
use crate::support::clock::Zone;
use crate::support::text::count;
use crate::support::untrusted::Untrusted;

/// So many failures of one cause are told together.
const TOGETHER: usize = 3;
/// The most ids that a command names one by one.
const IDS: usize = 12;

/// Something that needs a person: a task, or tasks of one cause.
#[derive(Debug)]
pub(crate) struct Need<'a> {
    /// What became of them.
    pub(crate) verdict: Verdict,
    /// The tasks, by their ids.
    pub(crate) tasks: Vec<&'a TaskSummary>,
    /// Why, in a clause; safe for a terminal.
    pub(crate) what: String,
    /// The line that decided.
    pub(crate) quote: Option<&'a Untrusted>,
    /// What it means and what helps.
    pub(crate) advice: Option<Advice>,
    /// What to type, the most useful last.
    pub(crate) commands: Vec<String>,
}

impl Need<'_> {
    /// The task by name, or how many there are.
    pub(crate) fn title(&self) -> String {
        match self.tasks.as_slice() {
            [task] => named(task),
            tasks => count(tasks.len(), "task"),
        }
    }

    /// The command that deals with it.
    pub(crate) fn command(&self) -> String {
        self.commands.last().cloned().unwrap_or_default()
    }
}

/// A task as a page names it.
pub(crate) fn named(task: &TaskSummary) -> String {
    format!("{} ({})", task.name, task.id)
}

/// What tasks have in common that are told together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Common {
    /// A failure of this fingerprint; whether a task of that name is not over, so that there is nothing
    /// to queue again.
    Cause(String, bool),
    /// The task that they were waiting for.
    Upstream(TaskId),
    /// Nothing.
    Alone(TaskId),
}

/// Everything that needs a person, the worst first.
pub(crate) fn needs(summary: &RunSummary, zone: Zone) -> Vec<Need<'_>> {
    let needing = summary.needs();
    let mut groups: Vec<(Common, Vec<&TaskSummary>)> = Vec::new();
    let mut places: BTreeMap<Common, usize> = BTreeMap::new();
    let all: Vec<Common> = needing.iter().map(|task| common(task)).collect();
    let sizes = sizes(&all);
    for (task, common) in needing.into_iter().zip(all) {
        let is_rare = |common| sizes.get(common).is_none_or(|many| *many < TOGETHER);
        let common = if matches!(common, Common::Cause(..)) && is_rare(&common) {
            Common::Alone(task.id)
        } else {
            common
        };
        if let Some((_, tasks)) = places.get(&common).and_then(|place| groups.get_mut(*place)) {
            tasks.push(task);
        } else {
            places.insert(common.clone(), groups.len());
            groups.push((common, vec![task]));
        }
    }
    groups
        .into_iter()
        .map(|(common, tasks)| match tasks.as_slice() {
            [task] => of_one(task),
            _ => of_many(summary, &common, tasks, zone),
        })
        .collect()
}

/// The first entries, so many of them at most, and every success that is hard to believe: nothing else
/// would tell of that one.
pub(crate) fn told_of<'n, 't>(needs: &'n [Need<'t>], most: usize) -> Vec<&'n Need<'t>> {
    let is_told = |(place, need): &(usize, &'n Need<'t>)| {
        *place < most || need.verdict == Verdict::Suspicious
    };
    let told = needs.iter().enumerate().filter(is_told);
    told.map(|(_, need)| need).collect()
}

/// How many tasks there are of each cause.
fn sizes(all: &[Common]) -> BTreeMap<Common, usize> {
    let mut sizes = BTreeMap::new();
    for common in all {
        if matches!(common, Common::Cause(..)) {
            *sizes.entry(common.clone()).or_insert(0) += 1;
        }
    }
    sizes
}

fn common(task: &TaskSummary) -> Common {
    match (task.verdict, &task.failure, &task.blocked_by) {
        (Verdict::Failed, Some(failure), _) => {
            Common::Cause(failure.fingerprint(), task.anew.is_some())
        }
        (Verdict::Blocked, _, Some((upstream, _))) if task.anew.is_none() => {
            Common::Upstream(*upstream)
        }
        _ => Common::Alone(task.id),
    }
}

fn of_one(task: &TaskSummary) -> Need<'_> {
    let mut logs = format!("autoexec logs {}", task.id);
    if let Some(recovery) = &task.failed_recovery {
        // The last output is that of the recovery.
        logs = format!("{logs} --attempt {}", recovery.attempt);
    }
    let mut commands = Vec::new();
    if task.attempts > 0 {
        commands.push(logs.clone());
    }
    commands.extend(task.next.clone().filter(|next| *next != logs));
    let failure = task.failure.as_ref();
    Need {
        verdict: task.verdict,
        tasks: vec![task],
        what: what_happened(task),
        quote: task
            .doubt
            .as_ref()
            .or_else(|| failure.and_then(|failure| failure.line.as_ref())),
        advice: failure
            .filter(|_| task.verdict == Verdict::Failed)
            .map(|failure| advice(failure.category, &failure.pattern)),
        commands,
    }
}

fn of_many<'a>(
    summary: &'a RunSummary,
    common: &Common,
    tasks: Vec<&'a TaskSummary>,
    zone: Zone,
) -> Need<'a> {
    let first = tasks.first().copied();
    let verdict = first.map_or(Verdict::Failed, |task| task.verdict);
    let failure = first.and_then(|task| task.failure.as_ref());
    let mut commands = Vec::new();
    let what = if let (Common::Cause(fingerprint, is_anew), Some(failure)) = (common, failure) {
        commands.extend(first.map(|task| format!("autoexec logs {}", task.id)));
        commands.push(if *is_anew {
            "autoexec queue list".to_owned()
        } else {
            retry_of(summary, &tasks)
        });
        let is_one = names_a_cause(failure.category, &failure.pattern);
        let one = if is_one { "one cause, " } else { "" };
        let when = when(summary, fingerprint, zone);
        let anew = if *is_anew {
            "; they were queued anew"
        } else {
            ""
        };
        format!("{one}{}{when}{anew}", failure.words())
    } else {
        commands.extend(first.and_then(|task| task.next.clone()));
        let upstream = first.and_then(|task| task.blocked_by.as_ref());
        upstream.map_or_else(String::new, |(id, name)| {
            format!("they need {name} ({id}), which did not succeed")
        })
    };
    Need {
        verdict,
        tasks,
        what,
        quote: failure.and_then(|failure| failure.line.as_ref()),
        advice: failure.map(|failure| advice(failure.category, &failure.pattern)),
        commands,
    }
}

/// From when to when a cause was seen.
fn when(summary: &RunSummary, fingerprint: &str, zone: Zone) -> String {
    let mut causes = summary.causes.iter();
    let Some(cause) = causes.find(|cause| cause.fingerprint == fingerprint) else {
        return String::new();
    };
    let now = summary.generated_at;
    let (first, last) = (
        zone.short(cause.first_at, now),
        zone.short(cause.last_at, now),
    );
    if first == last {
        return format!(", {first}");
    }
    // `21 Nov 02:10-03:40`: the day stands there once.
    let last = match (first.rsplit_once(' '), last.rsplit_once(' ')) {
        (Some((day, _)), Some((same, time))) if day == same => time.to_owned(),
        _ => last,
    };
    format!(", {first}-{last}")
}

/// The command that queues these tasks again, and no others that failed.
fn retry_of(summary: &RunSummary, tasks: &[&TaskSummary]) -> String {
    let category = |task: &TaskSummary| task.failure.as_ref().map(|one| one.category);
    let wanted = tasks.first().and_then(|task| category(task));
    let alike = summary
        .tasks
        .iter()
        .filter(|task| task.verdict == Verdict::Failed && category(task) == wanted)
        .filter(|task| !task.dealt_with && task.anew.is_none())
        .count();
    match wanted {
        Some(category) if alike == tasks.len() || tasks.len() > IDS => {
            format!("autoexec queue retry --all-failed --category {category}")
        }
        _ => {
            let ids: Vec<String> = tasks.iter().map(|task| task.id.to_string()).collect();
            format!("autoexec queue retry {}", ids.join(" "))
        }
    }
}

/// Why a task needs a person, and that it was queued anew.
pub(crate) fn what_happened(task: &TaskSummary) -> String {
    let what = cause(task);
    match task.anew {
        Some(anew) => format!("{what}; {}", anew_words(task.id, anew)),
        None => what,
    }
}

/// Which task of the same name is not over.
pub(crate) fn anew_words(task: TaskId, anew: TaskId) -> String {
    if anew > task {
        format!("queued anew as task {anew}")
    } else {
        format!("task {anew} of its name was queued again")
    }
}

fn cause(task: &TaskSummary) -> String {
    if let Some((_, reason)) = &task.given_up {
        let before = task.failure.as_ref().map(Failure::words);
        let before = before.map_or_else(String::new, |words| format!("; before that {words}"));
        return format!("{}{before}", reason.for_terminal());
    }
    match (&task.hold, &task.failure) {
        _ if task.doubt.is_some() => "it ended well, which is hard to believe".to_owned(),
        (Some(hold), _) => Untrusted::from(hold.reason.as_str()).for_terminal(),
        (None, Some(failure)) if task.verdict != Verdict::Blocked => {
            let attempts = usize::try_from(task.attempts).unwrap_or_default();
            let recovery = task.failed_recovery.as_ref();
            let recovery = recovery.and_then(|it| it.line.as_ref());
            let recovery = recovery.map(|line| format!("; {}", line.for_terminal()));
            let recovery = recovery.unwrap_or_default();
            let attempts = count(attempts, "attempt");
            format!("{}, {attempts}{recovery}", failure.words())
        }
        (None, _) if task.verdict == Verdict::Blocked => match &task.blocked_by {
            Some((id, name)) => format!("it needs {name} ({id}), which did not succeed"),
            None => "a task that it needs failed".to_owned(),
        },
        (None, _) => "see its output".to_owned(),
    }
}

#[cfg(test)]
#[path = "needs_tests.rs"]
mod tests;
