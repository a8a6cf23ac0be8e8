//! What was done about the attempts of a task, as lines of the answer of `why`: one for each failure, with
//! what was tried after it and whether that helped.
//!
//! Not here: the whole of it, which `queue show` tells (`report::attempt_lines`).

use crate::model::cause_words::cause_words;
use crate::model::outcome::Ended;
use crate::model::outcome::StartFailureKind;
use crate::model::recovery::RecoveryState;
use crate::report::task_page::Whole;
use crate::store::AttemptRecord;
use crate::store::recoveries::RecoveryRecord;
use crate::support::untrusted::Untrusted;

/// The most lines, the newest ones.
const LINES: usize = 6;
/// The most columns of what a recovery is about, and of what came of it.
const DETAIL: usize = 100;

/// Whether an attempt did not get its turn, because the recovery before it failed.
pub(crate) fn is_unprepared(attempt: &AttemptRecord) -> bool {
    let ended = attempt.outcome.as_ref().map(|outcome| &outcome.ended);
    matches!(ended, Some(Ended::CouldNotStart(failure))
        if failure.kind == StartFailureKind::RemedyFailed)
}

/// The last attempt in which the program itself failed; one that had no turn only where there is no other.
pub(crate) fn last_failed(whole: &Whole) -> Option<&AttemptRecord> {
    let failed = || {
        let attempts = whole.attempts.iter().rev();
        attempts.filter(|one| one.classification.is_some())
    };
    failed()
        .find(|one| !is_unprepared(one))
        .or_else(|| failed().next())
}

/// The recovery that failed after the last failure of the program itself, in a sentence.
pub(crate) fn failed_recovery(whole: &Whole) -> Option<String> {
    let last = whole.attempts.last().filter(|last| is_unprepared(last))?;
    let line = last.classification.as_ref()?.line.as_deref()?;
    Some(Untrusted::from(line).for_terminal())
}

/// The lines; none where there is nothing but one attempt that nothing followed.
pub(crate) fn lines(whole: &Whole) -> Vec<String> {
    let mut told: Vec<Told> = Vec::new();
    for attempt in &whole.attempts {
        let words = words(attempt, &whole.recoveries);
        match told.last_mut() {
            Some(last) if last.words == words => last.to = attempt.number,
            _ => told.push(Told {
                from: attempt.number,
                to: attempt.number,
                words,
            }),
        }
    }
    let is_plain = whole.attempts.len() <= 1 && !told.iter().any(|one| one.words.contains(';'));
    if is_plain {
        return Vec::new();
    }
    let hidden = told.len().saturating_sub(LINES);
    let mut lines: Vec<String> = told.iter().skip(hidden).map(Told::line).collect();
    if hidden > 0 {
        let id = whole.task.id;
        lines.insert(0, format!("the earlier ones: `autoexec queue show {id}`"));
    }
    lines
}

/// Attempts in a row of which there is the same to tell.
struct Told {
    from: u32,
    to: u32,
    words: String,
}

impl Told {
    fn line(&self) -> String {
        let Self { from, to, words } = self;
        if from == to {
            format!("{from}: {words}")
        } else {
            format!("{from} to {to}: {words}")
        }
    }
}

fn words(attempt: &AttemptRecord, recoveries: &[RecoveryRecord]) -> String {
    let mut words = match (&attempt.outcome, &attempt.classification) {
        (None, _) => attempt.state.as_str().to_owned(),
        (Some(_), None) => "succeeded".to_owned(),
        (Some(_), Some(_)) if is_unprepared(attempt) => {
            "did not start, as the recovery before it failed".to_owned()
        }
        (Some(_), Some(judged)) => cause_words(judged.category, &judged.pattern),
    };
    for recovery in recoveries.iter().filter(|one| one.attempt == attempt.id) {
        words.push_str("; ");
        words.push_str(&tried(recovery));
    }
    words
}

/// What was tried, and what came of it: `run_command (vpn-up.sh) failed: it could not be started`.
fn tried(recovery: &RecoveryRecord) -> String {
    let shown = |text: &str| Untrusted::from(text).for_terminal_within(DETAIL);
    let about = recovery.plan.as_ref().and_then(|plan| plan.about.as_ref());
    let about = about.map_or_else(String::new, |about| format!(" ({})", shown(about)));
    let came = match recovery.state {
        RecoveryState::Pending => "is under way",
        RecoveryState::Applied => "was done",
        RecoveryState::Helped => "helped",
        RecoveryState::InVain => "did not help",
        RecoveryState::Failed => "failed",
        RecoveryState::Suggested => "was only suggested",
        RecoveryState::Refused => "was refused",
        RecoveryState::Abandoned => "was given up, nobody needed it any more",
    };
    let detail = recovery.detail.as_ref();
    let detail = detail.filter(|_| recovery.state == RecoveryState::Failed);
    let detail = detail.map_or_else(String::new, |detail| format!(": {}", shown(detail)));
    format!("{}{about} {came}{detail}", shown(&recovery.strategy))
}
