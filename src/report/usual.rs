//! How long a task took tonight, beside what it usually takes.

use std::time::Duration;

use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::state::TaskState;
use crate::report::facts::TaskFacts;

/// So many earlier successes are needed before anything is usual.
const LEAST: usize = 3;

/// A task's duration and its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usual {
    /// The task.
    pub id: TaskId,
    /// Its name.
    pub name: TaskName,
    /// What its last attempt took.
    pub took: Duration,
    /// Half of its earlier successes took no longer.
    pub median: Duration,
    /// Nine of ten took no longer.
    pub p90: Duration,
    /// How many earlier successes there are.
    pub nights: usize,
}

impl Usual {
    /// What is usual for a task that succeeded; `None` where too little is known.
    pub fn of(task: &TaskFacts) -> Option<Self> {
        let last = task.attempts.last()?;
        let earlier = task.earlier.iter().filter(|night| night.succeeded);
        let mut spans: Vec<Duration> = earlier.map(|night| night.took).collect();
        if task.state != TaskState::Succeeded || spans.len() < LEAST {
            return None;
        }
        spans.sort_unstable();
        let at = |share: usize| {
            let place = (spans.len() * share).div_ceil(100).saturating_sub(1);
            spans.get(place).copied().unwrap_or_default()
        };
        Some(Self {
            id: task.id,
            name: task.name.clone(),
            took: last.duration,
            median: at(50),
            p90: at(90),
            nights: spans.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::compare::Night;
    use crate::report::facts::Fate;
    use crate::report::nights::evening;
    use crate::report::nights::task;

    #[test]
    fn what_is_usual_comes_from_successes_and_needs_some_of_them() {
        let mut job = task(1, "job", TaskState::Succeeded, &[Fate::Succeeded]);
        assert_eq!(Usual::of(&job), None);
        let night = |minutes, succeeded| Night {
            succeeded,
            at: evening(0),
            same_definition: true,
            took: Duration::from_mins(minutes),
            cpu: Duration::ZERO,
            max_rss_bytes: 0,
        };
        job.earlier = vec![
            night(9, true),
            night(500, false),
            night(3, true),
            night(5, true),
        ];
        let usual = Usual::of(&job).unwrap();
        assert_eq!(usual.took, Duration::from_mins(4));
        assert_eq!(usual.median, Duration::from_mins(5));
        assert_eq!(usual.p90, Duration::from_mins(9));
        assert_eq!(usual.nights, 3);
        job.state = TaskState::Failed;
        assert_eq!(Usual::of(&job), None);
    }
}
