//! What `why` answers of a task that is under way: one that runs, and one that waits for what lets it go on.

use crate::model::ids::TaskName;
use crate::model::recovery::RecoveryState;
use crate::model::remedy::Remedy;
use crate::policy::recovery::awaited;
use crate::policy::recovery::headline;
use crate::policy::trace::stalled;
use crate::report::kept;
use crate::report::stages;
use crate::report::text::Look;
use crate::report::why::Facts;
use crate::report::why::Why;
use crate::store::Lone;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

impl Why {
    /// Who keeps it from starting, because it runs alone or is to.
    pub(super) fn held_back(&mut self, lone: Option<Lone>, name: Option<&TaskName>) {
        let Some(lone) = lone else {
            return;
        };
        let by = match name {
            Some(name) => format!(
                "`{}` ({})",
                Untrusted::from(name.as_str()).for_terminal(),
                lone.task
            ),
            None => format!("task {}", lone.task),
        };
        let words = if lone.runs {
            format!("{by} runs alone, and nothing starts beside it")
        } else {
            format!("{by} is to run alone; slots are kept free for it, but not for long")
        };
        self.tell("held back", words);
        let command = format!("autoexec why {}", lone.task);
        self.next(command, "the task that is to be alone");
    }

    pub(super) fn running(&mut self, facts: &Facts<'_>, look: Look) {
        let now = facts.moment.now;
        let Some(attempt) = facts.whole.attempts.last() else {
            self.say("runs");
            return;
        };
        let since = attempt.started_at.unwrap_or(attempt.claimed_at);
        self.sentence = format!(
            "runs since {}, for {}",
            look.zone.short(since, now),
            span(now.since(since))
        );
        let way = stages::facts(facts.whole, attempt);
        if let Some(stalled) = stalled(&way, facts.moment.stalled_after, now) {
            self.code = Some("stalled".to_owned());
            let long = span(now.since(stalled.since));
            self.tell("stalled", format!("it {} for {long}", stalled.words()));
        }
        if let Some(expected) = facts.whole.task.spec.expect_duration {
            let end = since.plus(expected);
            let words = if end > now {
                format!(
                    "by its `expect_duration` of {} it ends about {}",
                    span(expected),
                    look.zone.short(end, now)
                )
            } else {
                let over = span(now.since(end));
                format!("it takes {over} longer than its `expect_duration` says")
            };
            self.tell("expected", words);
        }
        self.tell("step", kept::step_words(facts.whole).unwrap_or_default());
        self.tell(
            "progress",
            kept::told_words(facts.whole).unwrap_or_default(),
        );
        if let Some(printed) = &facts.whole.printed {
            self.tell(
                "last line",
                Untrusted::new(printed.line.clone()).for_terminal(),
            );
        }
        let before = facts.whole.attempts.len().saturating_sub(1);
        if before > 0 {
            self.failure(facts, look);
        }
        self.next(
            format!("autoexec logs --follow {}", self.id),
            "watch its output",
        );
        self.next(format!("autoexec queue cancel {}", self.id), "stop it");
    }

    /// It runs at no program of its own: between two attempts something is waited for.
    pub(super) fn recovering(&mut self, facts: &Facts<'_>, look: Look) {
        let now = facts.moment.now;
        let mut latest = facts.whole.recoveries.iter().rev();
        let open = latest.find(|one| one.state == RecoveryState::Pending);
        self.say("waits for what lets it go on, then is tried again");
        if let Some(recovery) = open
            && let Some(plan) = &recovery.plan
        {
            let until = look.zone.short(recovery.started_at.plus(plan.timeout), now);
            let about = match &plan.remedy {
                Remedy::Await(target) => awaited(target),
                Remedy::Adjust(_) | Remedy::Act(_) | Remedy::SlowDown { .. } | Remedy::Retry => {
                    headline(plan)
                }
            };
            let about = Untrusted::from(about.as_str()).for_terminal();
            self.sentence = format!("waits until {about}, at most until {until}");
            self.code = Some(recovery.strategy.clone());
        }
        self.failure(facts, look);
        self.next(
            format!("autoexec queue release {}", self.id),
            "try again at once",
        );
        self.next(format!("autoexec queue cancel {}", self.id), "call it off");
    }
}
