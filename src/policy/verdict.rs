//! One word for what became of a task.
//!
//! Facts and no clock: the same story gets the same word on any night. Whether a success is doubtful
//! was judged when it ended (`policy::suspicion`); `deferred` and `blocked` follow from what their
//! callers know.

use crate::model::state::Skip;
use crate::model::state::TaskState;
use crate::model::verdict::Verdict;

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five facts that do not depend on each other"
)]
pub struct Story<'a> {
    /// Where the task stands.
    pub state: &'a TaskState,
    /// Whether an attempt failed, or was lost in a crash, before the task succeeded.
    pub stumbled: bool,
    /// Whether its success is hard to believe.
    pub doubtful: bool,
    /// Whether the last attempt was cut short, by us or by a crash.
    pub cut_short: bool,
    /// Whether a run is active that will go on with the task by itself.
    pub goes_on_now: bool,
    /// Whether a window, a breaker or a lease kept it from starting.
    pub kept_back: bool,
}

/// The verdict on a task.
pub const fn verdict(story: &Story<'_>) -> Verdict {
    match story.state {
        TaskState::Running { .. } | TaskState::Recovering { .. } => Verdict::Running,
        TaskState::Held(_) => Verdict::Held,
        TaskState::Failed => Verdict::Failed,
        TaskState::Cancelled => Verdict::Cancelled,
        TaskState::Skipped(Skip::Blocked) => Verdict::Blocked,
        TaskState::Skipped(Skip::NotNeeded) => Verdict::NotNeeded,
        TaskState::Succeeded if story.doubtful => Verdict::Suspicious,
        TaskState::Succeeded if story.stumbled => Verdict::Recovered,
        TaskState::Succeeded => Verdict::Ok,
        TaskState::Queued { .. } if story.goes_on_now => Verdict::Waiting,
        TaskState::Queued { .. } if story.cut_short => Verdict::Interrupted,
        TaskState::Queued { .. } if story.kept_back => Verdict::Deferred,
        TaskState::Queued { .. } => Verdict::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::AttemptId;
    use crate::model::state::Hold;

    fn of(state: &TaskState, [stumbled, cut_short, goes_on_now, kept_back]: [bool; 4]) -> Verdict {
        verdict(&Story {
            state,
            stumbled,
            doubtful: false,
            cut_short,
            goes_on_now,
            kept_back,
        })
    }

    #[test]
    fn every_story_has_its_word() {
        let attempt = AttemptId::new(1);
        let queued = TaskState::added(None);
        let held = TaskState::Held(Hold {
            code: "by_hand".to_owned(),
            reason: "look".to_owned(),
        });
        let (no, yes) = (false, true);
        let table = [
            (TaskState::Running { attempt }, [no; 4], Verdict::Running),
            (
                TaskState::Recovering { attempt },
                [yes; 4],
                Verdict::Running,
            ),
            (held, [yes; 4], Verdict::Held),
            (TaskState::Failed, [yes; 4], Verdict::Failed),
            (TaskState::Cancelled, [yes; 4], Verdict::Cancelled),
            (TaskState::Skipped(Skip::Blocked), [no; 4], Verdict::Blocked),
            (
                TaskState::Skipped(Skip::NotNeeded),
                [no; 4],
                Verdict::NotNeeded,
            ),
            (TaskState::Succeeded, [no; 4], Verdict::Ok),
            (TaskState::Succeeded, [no, yes, yes, yes], Verdict::Ok),
            (TaskState::Succeeded, [yes, no, no, no], Verdict::Recovered),
            (queued.clone(), [no; 4], Verdict::Waiting),
            (queued.clone(), [yes, no, no, no], Verdict::Waiting),
            (queued.clone(), [no, yes, no, no], Verdict::Interrupted),
            (queued.clone(), [no, yes, yes, yes], Verdict::Waiting),
            (queued.clone(), [no, yes, no, yes], Verdict::Interrupted),
            (queued, [no, no, no, yes], Verdict::Deferred),
        ];
        for (state, facts, expected) in table {
            assert_eq!(of(&state, facts), expected, "{state:?} {facts:?}");
        }
    }

    #[test]
    fn a_success_that_is_hard_to_believe_is_suspicious_even_after_a_recovery() {
        for (state, expected) in [
            (TaskState::Succeeded, Verdict::Suspicious),
            (TaskState::Failed, Verdict::Failed),
        ] {
            let story = Story {
                state: &state,
                stumbled: true,
                doubtful: true,
                cut_short: false,
                goes_on_now: false,
                kept_back: false,
            };
            assert_eq!(verdict(&story), expected);
        }
    }

    #[test]
    fn what_needs_a_person_is_what_the_exit_code_says() {
        let needing: Vec<&str> = Verdict::ALL
            .into_iter()
            .filter(|verdict| verdict.needs_a_person())
            .map(Verdict::as_str)
            .collect();
        assert_eq!(needing, ["failed", "held", "blocked", "suspicious"]);
    }
}
