//! The words for recoveries: what is done about a failure, and what came of it.

use crate::engine::events::Next;
use crate::engine::events::RunEvent;
use crate::model::recovery::RecoveryState;
use crate::support::clock::Timestamp;
use crate::support::paint::Paint;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;
use crate::ui::lines::Manner;
use crate::ui::lines::for_good;

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
            until,
        } => {
            let about = about.as_deref().map(|about| format!(" ({})", short(about)));
            let about = about.unwrap_or_default();
            let strategy = short(strategy);
            let until = until.map(|until| {
                let until = manner.zone.clock_time(until);
                format!(", waits until {until} at most")
            });
            let until = until.unwrap_or_default();
            format!("{}: recovering: {strategy}{about}{until}", task.name)
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
                    let word = word(paint, *state);
                    let detail = detail.map(|detail| format!(": {detail}"));
                    format!("{strategy} {word}{}", detail.unwrap_or_default())
                }
            };
            let follows = next.as_ref().map(|next| follows(at, next));
            format!("{}: {what}{}", task.name, follows.unwrap_or_default())
        }
        RunEvent::WaitsAlone {
            task,
            running,
            patience,
        } => {
            let most = span(*patience);
            let those = those_that_run(*running);
            format!(
                "{}: waits to run alone: nothing else starts until {those}, for {most} at most",
                task.name
            )
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

/// The word for what came of a recovery.
fn word(paint: Paint, state: RecoveryState) -> String {
    match state {
        RecoveryState::Helped => paint.good("helped"),
        RecoveryState::InVain => paint.warn("did not help"),
        RecoveryState::Failed => paint.bad("failed"),
        RecoveryState::Pending
        | RecoveryState::Applied
        | RecoveryState::Suggested
        | RecoveryState::Refused
        | RecoveryState::Abandoned => state.as_str().to_owned(),
    }
}

fn those_that_run(running: usize) -> String {
    match running {
        1 => "the attempt that runs has ended".to_owned(),
        more => format!("the {more} attempts that run have ended"),
    }
}

/// What becomes of the task, fit to follow what became of the recovery.
fn follows(at: Timestamp, next: &Next) -> String {
    match next {
        Next::Retry(due) if due.since(at).as_secs() == 0 => "; trying again".to_owned(),
        Next::Retry(due) => format!("; trying again in {}", span(due.since(at))),
        Next::Failed(reason) => for_good(reason),
        Next::Held(hold) => format!(
            "; held: {}",
            Untrusted::from(hold.reason.as_str()).for_terminal()
        ),
        Next::Done | Next::Recovering | Next::NextRun | Next::Cancelled => String::new(),
    }
}
