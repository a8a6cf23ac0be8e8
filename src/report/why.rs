//! Why a task stands where it stands, and what to do about it: the answer of `autoexec why`.
//!
//! One value made of facts, and its two renderings. Every sentence is for a person who has just asked
//! and wants to type the next command; texts from outside went through their sink.

use crate::model::category::Classification;
use crate::model::cause_words::cause_words;
use crate::model::dependency::Wait;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::state::TaskState;
use crate::model::state::TaskStatus;
use crate::policy::advice::advice;
use crate::policy::pick::RunPresence;
use crate::policy::pick::WhyNot;
use crate::policy::rescue::heals_with_time;
use crate::policy::since::Difference;
use crate::report::kept;
use crate::report::order_words::order_facts;
use crate::report::outcome_words::end_words;
use crate::report::queue_table::Moment;
use crate::report::queue_table::reason;
use crate::report::queue_table::why_words;
use crate::report::recovery_lines;
use crate::report::since_words::since_words;
use crate::report::spoken::changed_last;
use crate::report::spoken::given_up;
use crate::report::task_page::Whole;
use crate::report::task_page::line_of;
use crate::report::text::Look;
use crate::report::why_attempts;
use crate::store::recoveries::RecoveryRecord;
use crate::support::text::count;
use crate::support::untrusted::Untrusted;

pub use crate::report::why_page::text;
pub use crate::report::why_page::value;

/// The name and version of the shape of an answer.
pub const SCHEMA: &str = "autoexec.why/1";

/// What an answer rests on.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The task.
    pub whole: &'a Whole,
    /// The present.
    pub moment: Moment,
    /// How many tasks that could start come before it.
    pub ahead: usize,
    /// The name of who runs alone at the moment, or is to run alone next.
    pub alone: Option<TaskName>,
    /// What is different since it worked last, for one that failed.
    pub since: Vec<Difference>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// The task.
    pub id: TaskId,
    /// Its name, fit to be shown.
    pub name: String,
    /// Where it stands.
    pub status: TaskStatus,
    /// A stable identifier of the reason: that of a [`WhyNot`], of a hold, or a pattern.
    pub code: Option<String>,
    /// The answer in one clause, fit to follow the name.
    pub sentence: String,
    /// More of it: a label and a sentence.
    pub told: Vec<(&'static str, String)>,
    /// What the last failed attempt died of.
    pub cause: Option<Classification>,
    /// What to type next, and what it does.
    pub next: Vec<(String, &'static str)>,
}

impl Why {
    /// The answer that the facts give.
    pub fn of(facts: &Facts<'_>, look: Look) -> Self {
        let task = &facts.whole.task;
        let mut why = Self {
            id: task.id,
            name: Untrusted::from(task.spec.name.as_str()).for_terminal(),
            status: task.status(),
            code: None,
            sentence: String::new(),
            told: Vec::new(),
            cause: None,
            next: Vec::new(),
        };
        match &task.state {
            TaskState::Queued { .. } => why.queued(facts, look),
            TaskState::Running { .. } => why.running(facts, look),
            TaskState::Recovering { .. } => why.recovering(facts, look),
            TaskState::Held(hold) => {
                why.code = Some(hold.code.clone());
                why.say("is put aside for a person");
                why.tell(
                    "reason",
                    Untrusted::from(hold.reason.as_str()).for_terminal(),
                );
                why.failure(facts, look);
                why.told.retain(|(label, _)| *label != "advice");
                let advice = "look at what it did, then release it or call it off; no run starts it \
                              before that";
                why.tell("advice", advice.to_owned());
                why.next(
                    format!("autoexec queue release {}", task.id),
                    "let it go on",
                );
                why.next(format!("autoexec queue cancel {}", task.id), "call it off");
            }
            TaskState::Failed => why.failed(facts, look),
            TaskState::Skipped(skip) => {
                why.skipped(*skip, facts);
                why.order(facts, look);
            }
            TaskState::Cancelled => {
                why.say("was called off");
                why.tell("by", changed_last(facts.whole, facts.moment.now, look));
                why.retry(facts, "queue it again");
            }
            TaskState::Succeeded => why.succeeded(facts, look),
        }
        if task.state != TaskState::Succeeded {
            why.tell("kept", kept::kept_words(facts.whole).unwrap_or_default());
        }
        if !facts.whole.attempts.is_empty() && facts.whole.doubt.is_none() {
            let of_recovery = why_attempts::failed_recovery(facts.whole).is_some();
            let own = why_attempts::last_failed(facts.whole).filter(|_| of_recovery);
            if let Some(own) = own {
                let logs = format!("autoexec logs {} --attempt {}", task.id, own.number);
                why.next(logs, "its output");
                why.next(
                    format!("autoexec logs {}", task.id),
                    "what the recovery wrote",
                );
            } else {
                why.next(format!("autoexec logs {}", task.id), "its output");
            }
        }
        why.next(
            format!("autoexec queue show {}", task.id),
            "everything about it",
        );
        why
    }

    pub(super) fn say(&mut self, sentence: &str) {
        sentence.clone_into(&mut self.sentence);
    }

    pub(super) fn tell(&mut self, label: &'static str, sentence: String) {
        if !sentence.is_empty() {
            self.told.push((label, sentence));
        }
    }

    pub(super) fn next(&mut self, command: String, purpose: &'static str) {
        self.next.push((command, purpose));
    }

    fn queued(&mut self, facts: &Facts<'_>, look: Look) {
        let Some(why) = reason(&line_of(facts.whole), facts.moment) else {
            return;
        };
        self.code = Some(why.as_str().to_owned());
        self.order(facts, look);
        self.sentence = format!("is queued: {}", why_words(&why, facts.moment.now, look));
        self.failure(facts, look);
        if matches!(why, WhyNot::NoSlot | WhyNot::NoRun) {
            let ahead = match facts.ahead {
                0 => "it is the next".to_owned(),
                1 => "1 task comes before it".to_owned(),
                number => format!("{} come before it", count(number, "task")),
            };
            self.tell("turn", ahead);
        }
        let lone = facts.moment.held_back_by(&line_of(facts.whole), &why);
        self.held_back(lone, facts.alone.as_ref());
        let last = facts.whole.recoveries.last();
        if last.is_some_and(|last| last.strategy == "run_alone") {
            let alone = "it is to run alone, and starts when nothing else runs";
            self.tell("alone", alone.to_owned());
        }
        let is_waiting = !matches!(
            why,
            WhyNot::NoSlot | WhyNot::Claimed | WhyNot::Paused { .. }
        );
        if matches!(why, WhyNot::Paused { .. }) {
            self.next("autoexec resume".to_owned(), "end the pause");
        } else if why == WhyNot::NoSlot {
            let command = format!("autoexec queue reprioritize {} --priority 10", self.id);
            self.next(command, "let it overtake others");
        } else if is_waiting && facts.moment.presence == RunPresence::Absent {
            let waits = matches!(why, WhyNot::NotBefore { .. } | WhyNot::WaitingRetry { .. });
            if matches!(why, WhyNot::RescueRound { .. }) {
                let night = "autoexec run --overnight".to_owned();
                self.next(night, "run what is queued, with its rescue rounds");
            } else if waits {
                let watch = "autoexec run --watch".to_owned();
                self.next(watch, "run what is queued, and wait for that hour");
            } else {
                self.next("autoexec run".to_owned(), "run what is queued");
            }
        }
    }

    fn failed(&mut self, facts: &Facts<'_>, look: Look) {
        if let Some((code, reason)) = given_up(facts.whole) {
            self.code = Some(code.to_owned());
            let reason = Untrusted::from(reason).for_terminal();
            self.sentence = format!("was given up: {reason}");
            self.failure(facts, look);
            self.retry(facts, "try it again, if its hours allow it by then");
            if code == "deadline_passed" {
                let add = "autoexec queue add FILE".to_owned();
                self.next(add, "or add it again with a later deadline");
            }
            return;
        }
        let used = facts.whole.task.used as usize;
        let all = facts.whole.attempts.len();
        self.sentence = match (all, used) {
            (0, _) => "failed before any attempt".to_owned(),
            (1, 1) => "failed".to_owned(),
            (all, used) if all == used => format!("failed after {}", count(all, "attempt")),
            (all, used) => format!(
                "failed after {}, of which {used} {}",
                count(all, "attempt"),
                if used == 1 { "counts" } else { "count" }
            ),
        };
        self.failure(facts, look);
        let anew = facts.whole.again.unfinished.is_some();
        if !anew && self.cause.as_ref().is_some_and(heals_with_time) {
            let rescue = "autoexec rescue".to_owned();
            self.next(rescue, "try it again if its cause is seen to be gone");
        }
        self.retry(facts, "try it again");
    }

    /// What the last failed attempt died of, and what was decided.
    pub(super) fn failure(&mut self, facts: &Facts<'_>, look: Look) {
        let Some(attempt) = why_attempts::last_failed(facts.whole) else {
            return;
        };
        let Some(judged) = &attempt.classification else {
            return;
        };
        self.code.get_or_insert_with(|| judged.pattern.clone());
        let at = attempt.outcome.as_ref().map_or_else(String::new, |ended| {
            format!(", {}", look.zone.short(ended.ended_at, facts.moment.now))
        });
        let number = attempt.number;
        let words = cause_words(judged.category, &judged.pattern);
        self.tell("cause", format!("{words} (attempt {number}{at})"));
        if let Some(line) = &judged.line {
            self.tell("line", Untrusted::from(line.as_str()).for_terminal());
        }
        if let Some(ended) = &attempt.outcome {
            self.tell("end", end_words(&ended.ended, &judged.pattern));
            for hint in &ended.account.hang {
                self.tell("hung on", Untrusted::from(hint.as_str()).for_terminal());
            }
        }
        if let Some(words) = since_words(&facts.since) {
            self.tell("changed", words);
        }
        let advice = advice(judged.category, &judged.pattern);
        self.tell("meaning", advice.means.to_owned());
        self.tell(
            "recovery",
            why_attempts::failed_recovery(facts.whole).unwrap_or_default(),
        );
        // What followed a recovery that failed was decided behind it.
        let last = facts.whole.attempts.iter().rev();
        let mut last = last.take_while(|one| one.number >= attempt.number);
        let decision = last.find_map(|one| one.decision.as_ref());
        if let Some(decision) = decision {
            let decision = Untrusted::from(decision.as_str()).for_terminal();
            self.tell("decision", decided(self.status, &decision));
        }
        let of_attempt = |one: &&RecoveryRecord| one.attempt == attempt.id;
        if let Some(last) = facts.whole.recoveries.iter().rev().find(of_attempt) {
            self.tell(
                "prediction",
                recovery_lines::expected_words(last).unwrap_or_default(),
            );
        }
        for (label, words) in facts
            .whole
            .recoveries
            .iter()
            .filter(of_attempt)
            .filter_map(recovery_lines::only_told)
        {
            self.tell(label, words);
        }
        self.tell("advice", advice.helps.to_owned());
        for line in why_attempts::lines(facts.whole) {
            self.tell("attempts", line);
        }
        self.cause = Some(judged.clone());
    }

    /// Whom it waits for, and where those stand.
    fn order(&mut self, facts: &Facts<'_>, look: Look) {
        for (label, words) in order_facts(facts.whole, facts.moment.now, look) {
            self.tell(label, words);
        }
        let open = facts
            .whole
            .dependencies
            .iter()
            .find(|other| other.wait != Wait::Met);
        if let Some(other) = open {
            self.next(
                format!("autoexec why {}", other.upstream),
                "the task that it waits for",
            );
        }
    }
}

/// What was decided after a failure, as a sentence.
fn decided(status: TaskStatus, decision: &str) -> String {
    match status {
        TaskStatus::Failed => format!("no further attempt: {decision}"),
        TaskStatus::Queued | TaskStatus::Running | TaskStatus::Recovering => {
            format!("another attempt: {decision}")
        }
        TaskStatus::Held | TaskStatus::Succeeded | TaskStatus::Cancelled | TaskStatus::Skipped => {
            decision.to_owned()
        }
    }
}

#[cfg(test)]
#[path = "why_tests.rs"]
mod tests;
