//! How a task that is over can run again, in the answer of `autoexec why`: only commands that work.
//!
//! A name has room for one task that is not over, so where there is one, another of its name cannot be
//! queued again.

use crate::model::dependency::Wait;
use crate::model::ids::TaskId;
use crate::model::state::Skip;
use crate::model::state::TaskStatus;
use crate::report::needs::anew_words;
use crate::report::order_words::blocked_by;
use crate::report::order_words::skipped_words;
use crate::report::spoken::accept_command;
use crate::report::spoken::changed_last;
use crate::report::spoken::said_done;
use crate::report::text::Look;
use crate::report::why::Facts;
use crate::report::why::Why;
use crate::store::Dependency;
use crate::support::untrusted::Untrusted;

impl Why {
    /// How to queue it again, or why that is not possible and what to look at.
    pub(super) fn retry(&mut self, facts: &Facts<'_>, purpose: &'static str) {
        let Some(anew) = facts.whole.again.unfinished else {
            self.next(format!("autoexec queue retry {}", self.id), purpose);
            return;
        };
        let words = anew_words(self.id, anew);
        self.tell(
            "again",
            format!("{words}, so this one cannot be queued too"),
        );
        self.next(format!("autoexec why {anew}"), "where that one stands");
    }

    /// It is blocked for one that cannot be queued again, as a task of that one's name is not over.
    fn behind_one_that_is_queued_anew(&mut self, other: &Dependency, anew: TaskId) {
        let words = anew_words(other.upstream, anew);
        self.tell(
            "again",
            format!(
                "`{}` is {words}, which this one does not wait for",
                other.name
            ),
        );
        self.next(format!("autoexec why {anew}"), "where that one stands");
        self.next(
            accept_command(other.upstream),
            "once that one is done: run this one",
        );
    }

    /// How a success that is hard to believe can run again: it is not queued again, but added anew.
    fn run_once_more(&mut self, facts: &Facts<'_>) {
        let task = &facts.whole.task;
        if let Some(anew) = facts.whole.again.unfinished {
            self.tell("again", anew_words(self.id, anew));
            self.next(format!("autoexec why {anew}"), "where that one stands");
        } else if let Some(file) = &facts.whole.again.file {
            let add = format!("autoexec queue add {file} --only {}", task.spec.name);
            self.next(add, "run it once more, as the file has it now");
        } else {
            let words = "to run it once more, add it again with `autoexec queue add`";
            self.tell("again", words.to_owned());
        }
        let behind: Vec<String> = facts
            .whole
            .again
            .behind
            .iter()
            .map(|(name, status)| {
                format!(
                    "{} ({status})",
                    Untrusted::from(name.as_str()).for_terminal()
                )
            })
            .collect();
        let behind = match (behind.len(), facts.whole.again.more_behind) {
            (0, _) => "nothing waits for it".to_owned(),
            (_, 0) => behind.join(", "),
            (_, more) => format!("{} and {more} more", behind.join(", ")),
        };
        self.tell("behind", behind);
    }

    pub(super) fn succeeded(&mut self, facts: &Facts<'_>, look: Look) {
        if let Some(doubt) = &facts.whole.doubt {
            self.code = Some("suspicious".to_owned());
            self.say("ended well, which is hard to believe");
            self.tell("doubt", Untrusted::from(doubt.as_str()).for_terminal());
            self.next(format!("autoexec logs {}", self.id), "see what it did");
            self.next(accept_command(self.id), "accept it as done");
            self.run_once_more(facts);
            return;
        }
        self.say("did what was wanted");
        self.tell("by", changed_last(facts.whole, facts.moment.now, look));
        if let Some((reason, at)) = said_done(facts.whole) {
            self.say("counts as done, as somebody said so");
            let at = look.zone.short(at, facts.moment.now);
            self.tell("reason", format!("{reason} ({at})"));
            return;
        }
        self.failure(facts, look);
        // It is over and well: what it died of before is told, and there is nothing to do about it.
        self.told.retain(|(label, _)| *label != "advice");
    }

    pub(super) fn skipped(&mut self, skip: Skip, facts: &Facts<'_>) {
        let other = blocked_by(&facts.whole.task.state, &facts.whole.dependencies);
        self.sentence = format!("will not run: {}", skipped_words(skip, other.as_ref()));
        let code = match skip {
            Skip::Blocked => "blocked",
            Skip::NotNeeded => "not_needed",
        };
        self.code = Some(code.to_owned());
        let mut all = facts.whole.dependencies.iter();
        let other = all.find(|one| one.wait == Wait::InVain(skip));
        let again = &facts.whole.again;
        if skip == Skip::NotNeeded {
            return;
        }
        if again.unfinished.is_some() {
            self.retry(facts, "");
            return;
        }
        match other {
            // That one is blocked itself: `why` of it leads on to what helps.
            Some(other) if other.status == Some(TaskStatus::Skipped) => {}
            Some(other) if other.status.is_some() => match again.of_blocker {
                Some(anew) => self.behind_one_that_is_queued_anew(other, anew),
                None => self.next(
                    format!("autoexec queue retry {}", other.upstream),
                    "queue that one again, and this one with it",
                ),
            },
            Some(_) => self.retry(facts, "run it without the other one"),
            None => self.retry(facts, "queue it too"),
        }
    }
}
