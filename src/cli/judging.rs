//! What is wrong with tasks here and now: with the queue that they come into, and with the clock.
//!
//! What is wrong with a definition by itself, wherever and whenever it is added, is told by
//! `taskfile`. `check` and the adding ask here, so that they agree.

use std::collections::HashSet;

use crate::cli::failure::CliError;
use crate::model::spec::TaskSpec;
use crate::model::timing::TimeWish;
use crate::policy::when;
use crate::store::tasks::Times;
use crate::store::{Filter, Store};
use crate::support::clock::{Timestamp, Zone};
use crate::support::similar::closest;
use crate::taskfile::{Diagnostic, Loaded, ParsedTask};

/// Tasks that are to be added, and what they are to be held against.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// The queue; `None` where there is none yet.
    pub store: Option<&'a Store>,
    /// Whether the queue is the one that the tasks will come into.
    pub is_final: bool,
    /// The present.
    pub now: Timestamp,
}

impl Judge<'_> {
    /// Adds what is wrong here and now to what is wrong with the definitions.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub fn complete(&self, loaded: &mut Loaded) -> Result<(), CliError> {
        let readable = if loaded.tasks.is_empty() {
            &loaded.unfit
        } else {
            &loaded.tasks
        };
        let mut found = times_wrong(readable, self.now);
        // Where a name could not be read, nobody can tell which one is missing.
        if loaded.names_are_known {
            found.extend(self.upstreams_wrong(readable)?);
        }
        loaded.diagnostics.extend(found);
        if loaded.has_errors() {
            loaded.tasks.clear();
        }
        Ok(())
    }

    /// All that is wrong here and now with tasks that are right by themselves.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub fn wrong(&self, tasks: &[ParsedTask]) -> Result<Vec<Diagnostic>, CliError> {
        let mut found = times_wrong(tasks, self.now);
        found.extend(self.upstreams_wrong(tasks)?);
        Ok(found)
    }

    /// Tasks that are to wait for one that is neither among them nor in the queue.
    fn upstreams_wrong(&self, tasks: &[ParsedTask]) -> Result<Vec<Diagnostic>, CliError> {
        if tasks.iter().all(|task| task.spec.after.is_empty()) {
            return Ok(Vec::new());
        }
        let names: HashSet<&str> = tasks.iter().map(|task| task.spec.name.as_str()).collect();
        let mut found: HashSet<&str> = HashSet::new();
        let mut missing = Vec::new();
        for task in tasks {
            for after in &task.spec.after {
                let name = after.task.as_str();
                if names.contains(name) || found.contains(name) {
                    continue;
                }
                let queued = match self.store {
                    Some(store) => store.find(name)?,
                    None => None,
                };
                if queued.is_some() {
                    found.insert(name);
                } else {
                    missing.push((task, name));
                }
            }
        }
        let lines = match self.store {
            Some(store) if !missing.is_empty() => store.list(&Filter::default())?,
            _ => Vec::new(),
        };
        let told = missing.into_iter().map(|(task, name)| {
            let known = names
                .iter()
                .copied()
                .chain(lines.iter().map(|line| line.name.as_str()))
                .filter(|known| *known != task.spec.name.as_str());
            let hint = match closest(name, known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "it must stand in the same file or be in the queue".to_owned(),
            };
            let message = format!(
                "`{}` is to wait for `{name}`, and there is no such task",
                task.spec.name
            );
            if self.is_final || self.store.is_some() {
                task.wrong("after", message, &hint)
            } else {
                task.doubt("after", message, &hint)
            }
        });
        Ok(told.collect())
    }
}

/// What the times of a definition mean for somebody who adds it now. A deadline that is a time of the
/// clock is the first one behind the earliest start, so that `02:00` to `06:30` is one night, whenever
/// it is added.
pub fn times(spec: &TaskSpec, now: Timestamp) -> Times {
    let not_before = spec
        .not_before
        .map(|wish| when::resolve(wish, Zone::Local, now));
    let deadline = spec.deadline.map(|wish| {
        let from = match (wish, not_before) {
            (TimeWish::Daily { .. }, Some(start)) => start.max(now),
            (TimeWish::Daily { .. } | TimeWish::In(_) | TimeWish::At(_), _) => now,
        };
        when::resolve(wish, Zone::Local, from)
    });
    Times {
        not_before,
        deadline,
    }
}

/// Deadlines that nobody can meet.
fn times_wrong(tasks: &[ParsedTask], now: Timestamp) -> Vec<Diagnostic> {
    let shown = |instant: Timestamp| Zone::Local.at(instant).format("%Y-%m-%d %H:%M");
    let wrong = |task: &ParsedTask| {
        let times = times(&task.spec, now);
        let deadline = times.deadline?;
        let name = &task.spec.name;
        if deadline <= now {
            let message = format!(
                "`{name}` is impossible: its deadline, {}, has passed",
                shown(deadline)
            );
            let hint = "write a later one, or a time of the clock such as `\"06:30\"`";
            return Some(task.wrong("deadline", message, hint));
        }
        let start = times.not_before.filter(|start| *start >= deadline)?;
        let message = format!(
            "`{name}` is impossible: it may not start before {}, and its deadline is {}",
            shown(start),
            shown(deadline)
        );
        Some(task.wrong(
            "deadline",
            message,
            "write a deadline that is later than `not_before`",
        ))
    };
    tasks.iter().filter_map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::TaskName;
    use crate::model::spec::Command;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    fn spec(not_before: Option<TimeWish>, deadline: TimeWish) -> TaskSpec {
        let command = Command::Direct(vec!["true".into()]);
        let name = TaskName::new("x").unwrap();
        let mut spec = TaskSpec::of_command(name, command, "/".into());
        (spec.not_before, spec.deadline) = (not_before, Some(deadline));
        spec
    }

    #[test]
    fn a_deadline_by_the_clock_is_behind_the_start_at_every_hour_of_the_day() {
        let clock = |hour| TimeWish::Daily { hour, minute: 0 };
        for later in 0..24 {
            let now = NOW.plus(Duration::from_hours(later));
            let times = times(&spec(Some(clock(2)), clock(6)), now);
            let (start, end) = (times.not_before.unwrap(), times.deadline.unwrap());
            assert!(now < start && start < end, "{later}");
            assert!(end <= start.plus(Duration::from_hours(6)), "{later}");
        }
    }

    #[test]
    fn a_span_is_counted_from_now() {
        let wish = spec(
            Some(TimeWish::In(Duration::from_mins(30))),
            TimeWish::In(Duration::from_mins(10)),
        );
        let times = times(&wish, NOW);
        assert_eq!(times.deadline, Some(NOW.plus(Duration::from_mins(10))));
    }
}
