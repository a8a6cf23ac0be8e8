//! The words for how far an attempt is: `step fit 2/3 · 40 % rows loaded`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::events::RunEvent;
use crate::model::ids::AttemptId;
use crate::model::message::Progress;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// The most columns of a message.
const MESSAGE: usize = 60;
/// Between two lines about one step.
const SELDOM: Duration = Duration::from_secs(30);

/// How far an attempt is; `step` is which of how many it runs.
pub(crate) fn far(step: Option<(usize, usize)>, progress: &Progress) -> String {
    let mut parts = Vec::new();
    if let Some(strategy) = &progress.recovering {
        let strategy = Untrusted::from(strategy.as_str()).for_terminal();
        parts.push(format!("recovering: {strategy}"));
    }
    if let (Some((number, of)), Some(name)) = (step, &progress.step) {
        let name = Untrusted::from(name.as_str()).for_terminal();
        parts.push(format!("step {name} {number}/{of}"));
    }
    let percent = progress.percent.map(|percent| format!("{percent} %"));
    let message = progress
        .message
        .as_ref()
        .map(|message| Untrusted::from(message.as_str()).for_terminal_within(MESSAGE));
    let told: Vec<String> = percent.into_iter().chain(message).collect();
    if !told.is_empty() {
        parts.push(told.join(" "));
    }
    parts.join(" · ")
}

/// Keeps plain lines few: a step is told once, and what is said within it every now and then.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    last: BTreeMap<AttemptId, (Option<String>, Timestamp)>,
}

impl Seldom {
    /// Whether an event is worth a line.
    pub(crate) fn is_worth_a_line(&mut self, at: Timestamp, event: &RunEvent) -> bool {
        if let RunEvent::AttemptEnded { attempt, .. } = event {
            self.last.remove(&attempt.id);
        }
        let RunEvent::Progress {
            attempt, progress, ..
        } = event
        else {
            return true;
        };
        let what_runs = progress.recovering.as_ref().or(progress.step.as_ref());
        let is_due = self.last.get(&attempt.id).is_none_or(|(told, told_at)| {
            told.as_ref() != what_runs || at.since(*told_at) >= SELDOM
        });
        if is_due {
            self.last.insert(attempt.id, (what_runs.cloned(), at));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::events::AttemptRef;
    use crate::engine::events::TaskRef;
    use crate::model::ids::TaskId;
    use crate::model::ids::TaskName;

    fn progress(step: Option<&str>, percent: Option<u8>, message: Option<&str>) -> Progress {
        Progress {
            step: step.map(str::to_owned),
            percent,
            message: message.map(str::to_owned),
            ..Progress::default()
        }
    }

    #[test]
    fn how_far_an_attempt_is_reads_in_one_line() {
        for (step, told, expected) in [
            (
                Some((2, 3)),
                progress(Some("fit"), Some(40), Some("rows loaded")),
                "step fit 2/3 · 40 % rows loaded",
            ),
            (Some((1, 3)), progress(Some("a"), None, None), "step a 1/3"),
            (None, progress(None, Some(7), None), "7 %"),
            (
                None,
                progress(None, Some(0), Some("\u{1b}[31mred")),
                "0 % \\u{1b}[31mred",
            ),
        ] {
            let words = far(step, &told);
            if told.message.as_deref() == Some("\u{1b}[31mred") {
                assert!(
                    !words.contains('\u{1b}') && words.contains("red"),
                    "{words}"
                );
            } else {
                assert_eq!(words, expected);
            }
        }
    }

    #[test]
    fn what_is_done_before_the_steps_is_named() {
        let told = Progress {
            recovering: Some("refresh_credentials".to_owned()),
            ..Progress::default()
        };
        assert_eq!(far(None, &told), "recovering: refresh_credentials");
        assert_eq!(far(None, &Progress::default()), "");
    }

    #[test]
    fn lines_come_with_each_step_and_seldom_within_one() {
        let event = |step, percent| RunEvent::Progress {
            attempt: AttemptRef {
                task: TaskRef {
                    id: TaskId::new(1),
                    name: TaskName::new("one").unwrap(),
                },
                id: AttemptId::new(5),
                number: 1,
                limit: 5,
            },
            step: None,
            progress: progress(Some(step), Some(percent), None),
        };
        let mut seldom = Seldom::default();
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        for (second, step, worth) in [
            (0, "a", true),
            (1, "a", false),
            (2, "b", true),
            (31, "b", false),
            (32, "b", true),
            (33, "b", false),
        ] {
            let now = event(step, 1);
            assert_eq!(
                seldom.is_worth_a_line(at(second), &now),
                worth,
                "{second} {step}"
            );
        }
    }
}
