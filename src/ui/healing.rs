//! The words for recoveries: what is done about a failure, and what came of it.

use crate::engine::events::Next;
use crate::engine::events::RunEvent;
use crate::model::recovery::RecoveryState;
use crate::support::clock::Timestamp;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;
use crate::ui::lines::Manner;

/// The most columns of what a recovery is about.
const ABOUT: usize = 100;

/// The sentence for an event of a recovery; none for any other.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whoever asks knows which events these are"
)]
pub(super) fn sentence(manner: Manner, at: Timestamp, event: &RunEvent) -> Option<String> {
    let paint = manner.paint;
    let short = |text: &str| Untrusted::from(text).for_terminal_within(ABOUT);
    Some(match event {
        RunEvent::RecoveryStarted {
            task,
            strategy,
            about,
        } => {
            let about = about.as_deref().map(|about| format!(" ({})", short(about)));
            let about = about.unwrap_or_default();
            format!("{}: recovering: {}{about}", task.name, short(strategy))
        }
        RunEvent::RecoveryEnded {
            task,
            strategy,
            state,
            detail,
            next,
        } => {
            let strategy = short(strategy);
            let detail = detail.as_deref().map(short);
            let what = match (state, detail) {
                // What was seen says all.
                (RecoveryState::Applied, Some(detail)) => detail,
                (RecoveryState::Applied, None) => format!("{strategy} is done"),
                (state, detail) => {
                    let word = match state {
                        RecoveryState::Helped => paint.good("helped"),
                        RecoveryState::InVain => paint.warn("did not help"),
                        RecoveryState::Failed => paint.bad("failed"),
                        RecoveryState::Pending
                        | RecoveryState::Applied
                        | RecoveryState::Suggested
                        | RecoveryState::Refused
                        | RecoveryState::Abandoned => state.as_str().to_owned(),
                    };
                    let detail = detail.map(|detail| format!(": {detail}"));
                    format!("{strategy} {word}{}", detail.unwrap_or_default())
                }
            };
            let follows = next.as_ref().map(|next| follows(at, next));
            format!("{}: {what}{}", task.name, follows.unwrap_or_default())
        }
        RunEvent::RecoverySuggested {
            task,
            strategy,
            why,
        } => format!(
            "{}: would be recovered: {}: {}",
            task.name,
            short(strategy),
            short(why)
        ),
        RunEvent::RecoveryRefused {
            task,
            strategy,
            why,
        } => format!(
            "{}: not recovered: {}: {}",
            task.name,
            short(strategy),
            short(why)
        ),
        _ => return None,
    })
}

/// What becomes of the task, fit to follow what became of the recovery.
fn follows(at: Timestamp, next: &Next) -> String {
    match next {
        Next::Retry(due) if due.since(at).as_secs() == 0 => "; trying again".to_owned(),
        Next::Retry(due) => format!("; trying again in {}", span(due.since(at))),
        Next::Failed => "; it failed for good".to_owned(),
        Next::Held(hold) => format!(
            "; held: {}",
            Untrusted::from(hold.reason.as_str()).for_terminal()
        ),
        Next::Done | Next::Recovering | Next::NextRun | Next::Cancelled => String::new(),
    }
}
