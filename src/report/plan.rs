//! What would run when: the answer of `autoexec plan`, as one value and as JSON; its page is
//! [`crate::report::plan_page`].
//!
//! A pure function of what the queue says, what tasks usually take and what was found to be in their
//! way. The night is played through twice, with what each task takes half of the times and with what
//! it takes nine of ten times.

use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::model::dependency::When;
use crate::model::ids::TaskId;
use crate::policy::fit::Fit;
use crate::policy::fit::Room;
use crate::policy::fit::fit;
use crate::policy::forecast::Basis;
use crate::policy::forecast::Forecast;
use crate::policy::schedule::Planned;
use crate::policy::schedule::Slotted;
use crate::policy::schedule::play;
use crate::report::evening::Evening;
use crate::report::plan_order::awaited;
use crate::report::plan_order::behind;
use crate::report::plan_order::conditions;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// The name and version of the shape of an answer.
pub const SCHEMA: &str = "autoexec.plan/1";
/// What a task of which nothing is known counts as, while none has a history either.
const UNKNOWN: Duration = Duration::from_mins(1);

/// What a plan rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The present instant.
    pub now: Timestamp,
    /// When the first task may start.
    pub begin: Timestamp,
    /// When nothing may run any more.
    pub until: Option<Timestamp>,
    /// The time that the run gives its tasks; none where it starts whatever is there.
    pub room: Option<Room>,
    /// Whether the queue is paused, and until when.
    pub paused: Option<Option<Timestamp>>,
    /// Attempts at once.
    pub slots: usize,
    /// The tasks, in the order in which they were added.
    pub tasks: Vec<Task>,
}

/// A task that is to be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its id, if it is in the queue.
    pub id: Option<TaskId>,
    /// Its name, fit to be shown.
    pub name: String,
    /// Higher runs first.
    pub priority: i64,
    /// Not before this instant.
    pub due: Option<Timestamp>,
    /// The latest end.
    pub deadline: Option<Timestamp>,
    /// It has had attempts, so that what it waits for is its next one.
    pub was_tried: bool,
    /// Tasks of the list that must end first, by their places, and how.
    pub after: Vec<(usize, When)>,
    /// How long it usually takes; `None` where nothing is known.
    pub forecast: Option<Forecast>,
    /// How long it may take at most, by its definition.
    pub limit: Option<Duration>,
    /// It has steps, so it goes on where it was stopped.
    pub has_steps: bool,
    /// It goes on where it was stopped, by its steps or by what it saved.
    pub resumes: bool,
    /// Since when it runs.
    pub running_since: Option<Timestamp>,
    /// Why it cannot start at all, in words.
    pub stuck: Option<String>,
    /// What is in its way, in sentences fit to be shown.
    pub problems: Vec<String>,
}

/// What would run when.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub(crate) facts: Facts,
    /// What tasks without a forecast count as.
    pub(crate) assumed: Duration,
    pub(crate) rows: Vec<Row>,
    /// What is to be looked at before the night.
    pub(crate) evening: Option<Evening>,
}

/// One task of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    /// With what each task takes half of the times.
    pub(crate) usual: Option<Slotted>,
    /// With what each takes nine of ten times.
    pub(crate) slow: Option<Slotted>,
    /// Why it may not come to its end.
    pub(crate) risk: Option<Risk>,
    /// The task that it waits for and that cannot run.
    pub(crate) behind: Option<usize>,
    /// The task that must fail, so that this one runs at all.
    pub(crate) condition: Option<usize>,
}

/// Why a task may not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Risk {
    /// The window ends first.
    Window,
    /// Its deadline comes first.
    Deadline,
    /// The slots are busy with others until the window ends.
    NoTurn,
}

impl Plan {
    /// Plays the night through. What the run would not start when its turn comes, because the rest of
    /// the night is too short for it, is stuck.
    pub fn of(mut facts: Facts) -> Self {
        let assumed = typical(&facts.tasks);
        let conditions = conditions(&facts.tasks);
        let night = |takes: fn(&Forecast) -> Duration, left_out: &mut Vec<(usize, String)>| {
            let planned: Vec<Planned> = facts
                .tasks
                .iter()
                .zip(&conditions)
                .map(|(task, condition)| {
                    let unknown = || task.counted_as(assumed);
                    let takes = task.forecast.as_ref().map_or_else(unknown, takes);
                    let after = awaited(&facts.tasks, &conditions, task);
                    planned(task, after, takes, condition.is_some())
                })
                .collect();
            let starts = |number, at| {
                let task = facts.tasks.get(number);
                let why = task.and_then(|task: &Task| task.left_out(facts.room.as_ref(), at));
                let starts = why.is_none();
                left_out.extend(why.map(|why| (number, why)));
                starts
            };
            play(&planned, facts.slots, facts.begin, facts.until, starts)
        };
        let (mut never, mut perhaps) = (Vec::new(), Vec::new());
        let usual = night(|forecast| forecast.p50, &mut never);
        let slow = night(|forecast| forecast.p90, &mut perhaps);
        for (number, why) in never {
            if let Some(task) = facts.tasks.get_mut(number) {
                task.stuck = Some(why);
            }
        }
        let too_late: HashSet<usize> = perhaps.into_iter().map(|(number, _)| number).collect();
        let behind = behind(&facts.tasks);
        let nights = usual
            .into_iter()
            .zip(slow)
            .zip(behind.into_iter().zip(conditions));
        let rows = facts
            .tasks
            .iter()
            .zip(nights)
            .enumerate()
            .map(|(number, (task, ((usual, slow), (behind, condition))))| {
                let can_run = task.stuck.is_none() && behind.is_none() && condition.is_none();
                let risk = can_run.then(|| match risk(task, usual, slow, facts.until) {
                    // Its turn comes, but too late for it.
                    Some(Risk::NoTurn) if too_late.contains(&number) => Some(Risk::Window),
                    risk => risk,
                });
                Row {
                    usual,
                    slow,
                    risk: risk.flatten(),
                    behind,
                    condition,
                }
            })
            .collect();
        Self {
            facts,
            assumed,
            rows,
            evening: None,
        }
    }

    /// The same with what is to be looked at before the night.
    #[must_use]
    pub fn with_evening(self, evening: Option<Evening>) -> Self {
        Self { evening, ..self }
    }

    /// Whether something is in the way of a task: that is what makes an exit code 1.
    pub fn has_problems(&self) -> bool {
        self.facts
            .tasks
            .iter()
            .any(|task| !task.problems.is_empty())
            || self
                .evening
                .as_ref()
                .is_some_and(|evening| !evening.things().is_empty())
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&Task, &Row)> {
        self.facts.tasks.iter().zip(&self.rows)
    }
}

impl Task {
    /// What it counts as where nothing is known of it: as much as others, and never more than it may take.
    pub(crate) fn counted_as(&self, assumed: Duration) -> Duration {
        self.limit.map_or(assumed, |limit| assumed.min(limit))
    }

    /// Why the run would not start it at an instant, by the run's own rule.
    fn left_out(&self, room: Option<&Room>, at: Timestamp) -> Option<String> {
        match fit(self.forecast.as_ref(), room?, || self.resumes, at) {
            Fit::Starts => None,
            Fit::Later(why) => Some(format!("waits for another night: it {why}")),
            Fit::Never(hold) => Some(format!("would be held: it {}", hold.reason)),
        }
    }
}

fn planned(task: &Task, after: Vec<usize>, takes: Duration, is_conditional: bool) -> Planned {
    Planned {
        priority: task.priority,
        due: task.due,
        after,
        takes,
        running_since: task.running_since,
        stuck: task.stuck.is_some() || is_conditional,
    }
}

/// The median of what is known, for the tasks of which nothing is.
fn typical(tasks: &[Task]) -> Duration {
    let mut known: Vec<Duration> = tasks
        .iter()
        .filter_map(|task| Some(task.forecast?.p50))
        .collect();
    known.sort_unstable();
    known.get(known.len() / 2).copied().unwrap_or(UNKNOWN)
}

fn risk(
    task: &Task,
    usual: Option<Slotted>,
    slow: Option<Slotted>,
    until: Option<Timestamp>,
) -> Option<Risk> {
    let latest = slow.or(usual).map(|slotted| slotted.end);
    match latest {
        None => Some(Risk::NoTurn),
        Some(end) if task.deadline.is_some_and(|deadline| end > deadline) => Some(Risk::Deadline),
        Some(end) if until.is_some_and(|until| end > until) => Some(Risk::Window),
        Some(_) => slow.is_none().then_some(Risk::NoTurn),
    }
}

/// The plan as a JSON value.
pub fn value(plan: &Plan) -> impl Serialize + use<> {
    let tasks: Vec<Value> = plan
        .pairs()
        .map(|(task, row)| {
            let other = row.condition.and_then(|place| plan.facts.tasks.get(place));
            task_value(task, row, other)
        })
        .collect();
    json!({
        "schema": SCHEMA,
        "begin": plan.facts.begin.to_rfc3339(),
        "until": plan.facts.until.map(Timestamp::to_rfc3339),
        "paused": plan.facts.paused.is_some(),
        "slots": plan.facts.slots,
        "assumed_ms": millis(plan.assumed),
        "before_the_night": plan.evening.as_ref().map(Evening::value),
        "tasks": tasks,
    })
}

fn task_value(task: &Task, row: &Row, must_fail: Option<&Task>) -> Value {
    let at = |slotted: Option<Slotted>, of: fn(Slotted) -> Timestamp| {
        slotted.map(|slotted| of(slotted).to_rfc3339())
    };
    json!({
        "id": task.id,
        "name": Untrusted::from(task.name.as_str()).for_json(),
        "slot": row.usual.map(|slotted| slotted.slot).filter(|slot| *slot != usize::MAX),
        "start_p50": at(row.usual, |slotted| slotted.start),
        "end_p50": at(row.usual, |slotted| slotted.end),
        "start_p90": at(row.slow, |slotted| slotted.start),
        "end_p90": at(row.slow, |slotted| slotted.end),
        "forecast": task.forecast.map(|forecast| json!({
            "p50_ms": millis(forecast.p50),
            "p90_ms": millis(forecast.p90),
            "samples": match forecast.basis {
                Basis::History(samples) => Some(samples),
                Basis::Declared => None,
            },
        })),
        "at_risk": row.risk.map(|risk| match risk {
            Risk::Window => "window",
            Risk::Deadline => "deadline",
            Risk::NoTurn => "no_turn",
        }),
        "stuck": task.stuck,
        "waits_for_stuck": row.behind.is_some(),
        "only_if_fails": must_fail.map(|other| Untrusted::from(other.name.as_str()).for_json()),
        "problems": task.problems,
    })
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
