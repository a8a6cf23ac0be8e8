//! An attempt on the page of its task: how it ended, why, and what it left behind.

use serde_json::Value;

use crate::model::outcome::Ended;
use crate::model::outcome::Leftover;
use crate::model::outcome::LeftoverFate;
use crate::report::facts::Failure;
use crate::report::outcome_words::end_words;
use crate::report::text::Look;
use crate::store::AttemptRecord;
use crate::support::clock::Timestamp;
use crate::support::text::size;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

/// An attempt as lines of the page.
pub(crate) fn attempt_lines(attempt: &AttemptRecord, now: Timestamp, look: Look) -> Vec<String> {
    let paint = look.paint;
    let began = attempt.started_at.unwrap_or(attempt.claimed_at);
    let head = format!("  {}  {}", attempt.number, look.zone.short(began, now));
    let Some(outcome) = &attempt.outcome else {
        let state = attempt.state.as_str();
        return vec![format!(
            "{head}  {} (run {})",
            paint.strong(state),
            attempt.run
        )];
    };
    let memory = match outcome.usage.max_rss_bytes {
        0 => String::new(),
        bytes => format!(", {}", size(bytes)),
    };
    let took = format!("{}{memory}", span(outcome.duration));
    let mut lines = Vec::new();
    match &attempt.classification {
        None => lines.push(format!("{head}  {}  {took}", paint.good("succeeded"))),
        Some(why) => {
            let failure = Failure {
                category: why.category,
                pattern: why.pattern.clone(),
                line: None,
            };
            let words = failure.words();
            let words = match &outcome.ended {
                // Not a failure: the words say who stopped it.
                Ended::Stopped { .. } => paint.warn(&words),
                Ended::ByItself(_)
                | Ended::TimedOut { .. }
                | Ended::WentSilent { .. }
                | Ended::CouldNotStart(_)
                | Ended::Lost(_) => format!("{}: {words}", paint.bad("failed")),
            };
            lines.push(format!("{head}  {words}  {took}"));
            let mut indented = |text: &str| lines.push(format!("       {text}"));
            indented(&end_words(&outcome.ended, &why.pattern));
            if let Some(line) = &why.line {
                indented(&paint.dim(&Untrusted::from(line.as_str()).for_terminal()));
            }
        }
    }
    lines.extend(said_lines(attempt));
    for left in &outcome.leftovers {
        lines.push(format!("       {}", leftover_words(left)));
    }
    for note in outcome.account.hang.iter().chain(&outcome.notes) {
        lines.push(format!(
            "       {}",
            Untrusted::from(note.as_str()).for_terminal()
        ));
    }
    lines
}

/// What an attempt said of itself; the message of a failure stands with its judgement.
fn said_lines(attempt: &AttemptRecord) -> Vec<String> {
    let said = attempt.result.as_ref();
    let member = |name: &str| said.and_then(|said| said.get(name));
    let message = member("message")
        .and_then(Value::as_str)
        .filter(|_| attempt.classification.is_none())
        .map(|message| format!("says: {}", Untrusted::from(message).for_terminal()));
    let result = member("result").map(|result| {
        let text = result.to_string();
        format!("result: {}", Untrusted::from(text).for_terminal())
    });
    message
        .into_iter()
        .chain(result)
        .map(|line| format!("       {line}"))
        .collect()
}

/// A process that outlived its command, and what became of it.
fn leftover_words(left: &Leftover) -> String {
    let name = left.name.untrusted().for_terminal();
    let pid = left.process.pid;
    let fate = match left.fate {
        LeftoverFate::Killed => "was killed",
        LeftoverFate::Allowed => "may go on",
        LeftoverFate::Unkillable => "could not be killed",
    };
    format!("left behind: `{name}` (process {pid}) {fate}")
}
