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

/// For the bar of the whole run: `until 07:00`, or why nothing is started.
pub(crate) fn bar_words(
    manner: Manner,
    at: Timestamp,
    bar: Option<Bar>,
    until: Option<Timestamp>,
) -> Option<String> {
    let time = |instant| manner.zone.short(instant, at);
    match bar {
        Some(Bar::BeforeWindow { opens }) => Some(format!("waiting until {}", time(opens))),
        Some(Bar::Paused { until: Some(until) }) => Some(format!("paused until {}", time(until))),
        Some(Bar::Paused { until: None }) => Some("paused".to_owned()),
        None => until_words(manner, at, until),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::events::TaskRef;
    use crate::model::ids::RunId;
    use crate::model::ids::TaskId;
    use crate::model::ids::TaskName;
    use crate::support::clock::Zone;
    use crate::support::paint::Paint;

    /// 22:13 in UTC.
    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn later(hours: u64) -> Timestamp {
        NOW.plus(std::time::Duration::from_hours(hours))
    }

    fn manner() -> Manner {
        Manner {
            zone: Zone::East(0),
            paint: Paint::PLAIN,
        }
    }

    #[test]
    fn every_turn_of_the_hours_has_its_words() {
        let opens = Bar::BeforeWindow { opens: later(1) };
        let task = TaskRef {
            id: TaskId::new(1),
            name: TaskName::new("long").unwrap(),
        };
        let cases = [
            (
                RunEvent::RunStarted {
                    run: RunId::new(7),
                    queued: 12,
                    slots: 2,
                    until: Some(later(1)),
                },
                "run 7: 12 tasks, 2 at once, until 23:13",
            ),
            (
                RunEvent::Waits { bar: opens },
                "the window is not open yet; waiting until 23:13 (in 1h 00m)",
            ),
            (
                RunEvent::Waits {
                    bar: Bar::Paused { until: None },
                },
                "the queue is paused; nothing is started until `autoexec resume`",
            ),
            (
                RunEvent::GoesOn {
                    after: opens,
                    until: Some(later(9)),
                },
                "the window is open until 15 Nov 07:13",
            ),
            (
                RunEvent::TaskDeferred {
                    task,
                    detail: "takes 5h, 2h are left".to_owned(),
                },
                "long: deferred: takes 5h, 2h are left",
            ),
        ];
        for (event, wanted) in cases {
            assert_eq!(sentence(manner(), NOW, &event).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn the_bar_tells_the_end_or_what_is_waited_for() {
        let words = |bar, until| bar_words(manner(), NOW, bar, until).unwrap_or_default();
        assert_eq!(words(None, None), "");
        assert_eq!(words(None, Some(later(1))), "until 23:13");
        let opens = Bar::BeforeWindow { opens: later(1) };
        assert_eq!(words(Some(opens), Some(later(9))), "waiting until 23:13");
        let until = Some(later(1));
        assert_eq!(
            words(Some(Bar::Paused { until }), None),
            "paused until 23:13"
        );
        assert_eq!(words(Some(Bar::Paused { until: None }), None), "paused");
    }
}
