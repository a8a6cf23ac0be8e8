//! The words for the hours of a run: its beginning, what it waits for, what does not fit.

use crate::engine::events::RunEvent;
use crate::engine::hours::Bar;
use crate::support::clock::Timestamp;
use crate::support::text::count;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;
use crate::ui::lines::Manner;

/// The sentence for an event about the hours of a run; none for any other.
pub(crate) fn sentence(manner: Manner, at: Timestamp, event: &RunEvent) -> Option<String> {
    if let RunEvent::RunStarted {
        run,
        queued,
        slots,
        until,
    } = event
    {
        let tasks = count(*queued, "task");
        let until =
            until_words(manner, at, *until).map_or_else(String::new, |end| format!(", {end}"));
        return Some(format!("run {run}: {tasks}, {slots} at once{until}"));
    }
    if let RunEvent::TaskDeferred { task, detail } = event {
        let detail = Untrusted::from(detail.as_str()).for_terminal();
        let deferred = manner.paint.warn("deferred");
        return Some(format!("{}: {deferred}: {detail}", task.name));
    }
    if let RunEvent::Waits { bar } = event {
        return Some(waits(manner, at, *bar));
    }
    if let RunEvent::GoesOn { after, until } = event {
        return Some(goes_on(manner, at, *after, *until));
    }
    None
}

fn until_words(manner: Manner, at: Timestamp, until: Option<Timestamp>) -> Option<String> {
    Some(format!("until {}", manner.zone.short(until?, at)))
}

/// Why nothing is started at present, and until when.
fn waits(manner: Manner, at: Timestamp, bar: Bar) -> String {
    let time = |instant: Timestamp| {
        let span = span(instant.since(at));
        format!("{} (in {span})", manner.zone.short(instant, at))
    };
    match bar {
        Bar::BeforeWindow { opens } => {
            format!("the window is not open yet; waiting until {}", time(opens))
        }
        Bar::Paused { until: Some(until) } => format!(
            "the queue is paused; nothing is started until {} or `autoexec resume`",
            time(until)
        ),
        Bar::Paused { until: None } => {
            "the queue is paused; nothing is started until `autoexec resume`".to_owned()
        }
    }
}

fn goes_on(manner: Manner, at: Timestamp, after: Bar, until: Option<Timestamp>) -> String {
    let until = until_words(manner, at, until).map_or_else(String::new, |end| format!(" {end}"));
    match after {
        Bar::BeforeWindow { .. } => format!("the window is open{until}"),
        Bar::Paused { .. } => "the pause is over".to_owned(),
    }
}
