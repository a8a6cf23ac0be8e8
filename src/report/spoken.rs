//! What persons and limits said last of a task: why it counts as done, why it was given up, and how to
//! accept a success.

use crate::model::ids::TaskId;
use crate::model::state::TaskEvent;
use crate::report::task_page::Whole;
use crate::report::text::Look;
use crate::store::Event;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// How to accept a success that is hard to believe.
pub(crate) fn accept_command(id: TaskId) -> String {
    format!("autoexec queue complete {id} --reason TEXT")
}

/// What the person wrote who completed, accepted or put aside a task.
pub(crate) fn reason_of(event: &Event) -> Option<&str> {
    if let Event::Accepted { reason, .. } | Event::Task(TaskEvent::Completed { reason }) = event {
        Some(reason)
    } else {
        None
    }
}

/// Who declared the task done, or its success to be one, and why: the reason, fit to be shown.
pub(crate) fn said_done(whole: &Whole) -> Option<(String, Timestamp)> {
    let last = whole.events.iter().rev();
    let mut said = last.filter_map(|event| Some((reason_of(&event.event)?, event.at)));
    let (reason, at) = said.next()?;
    Some((Untrusted::from(reason).for_terminal(), at))
}

/// Why a task was given up between or before its attempts: a stable identifier and the words.
pub(crate) fn given_up(whole: &Whole) -> Option<(&str, &str)> {
    let mut changes = whole.events.iter().rev().filter_map(|event| {
        if let Event::Task(change) = &event.event {
            Some(change)
        } else {
            None
        }
    });
    if let Some(TaskEvent::GivenUp { code, reason }) = changes.next() {
        Some((code, reason))
    } else {
        None
    }
}

/// Who changed a task last, and when: a command by its name, and where a run carried out what a command
/// wanted, the command too. Empty where nothing is known.
pub(crate) fn changed_last(whole: &Whole, now: Timestamp, look: Look) -> String {
    let Some(event) = whole.events.last() else {
        return String::new();
    };
    let at = |instant| look.zone.short(instant, now);
    let shown = |text: &str| Untrusted::from(text).for_terminal();
    if let Some(command) = event.actor.strip_prefix("command ") {
        return format!("`autoexec {}`, {}", shown(command), at(event.at));
    }
    let carried_out = format!("{}, {}", shown(&event.actor), at(event.at));
    let is_end = matches!(
        event.event,
        Event::Task(TaskEvent::Cancelled | TaskEvent::Completed { .. })
    );
    let asked = whole.asked_to_end.as_ref();
    match asked.filter(|(_, when)| is_end && *when <= event.at) {
        Some((command, when)) => {
            let command = shown(command);
            format!(
                "`autoexec {command}`, {} (carried out by {carried_out})",
                at(*when)
            )
        }
        None => carried_out,
    }
}
