//! Whether a task is worth starting in what is left of a window.

use std::time::Duration;

use crate::model::outcome::Ended;
use crate::model::outcome::StopReason;
use crate::model::state::Hold;
use crate::policy::forecast::Basis;
use crate::policy::forecast::Forecast;
use crate::policy::window::AtEnd;
use crate::support::clock::Timestamp;
use crate::support::text;

/// The code of a hold for a task that no window is long enough for.
pub const DOES_NOT_FIT_WINDOW: &str = "does_not_fit_window";
/// Window ends in a row that stop a task without getting it further, before a person has to look.
pub const MOST_CUTS: u32 = 2;

/// The time there is for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// When the window, or what `--until` said, is over; none: never.
    pub end: Option<Timestamp>,
    /// How long a whole window is; none where no other window will come.
    pub whole: Option<Duration>,
    /// What becomes of tasks that run at the end.
    pub at_end: AtEnd,
}

/// What the end of a window meant for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It was stopped and has to begin again.
    Short,
    /// It has come further, or somebody looked at it.
    Forgotten,
}

/// Whether a task is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// It is.
    Starts,
    /// Not in this window, for the reason in the sentence.
    Later(String),
    /// It never fits.
    Never(Hold),
}

/// Whether a task that will take as long as `forecast` says is started now. `resumes` says whether it
/// goes on where it was stopped: then even a whole window that is too short brings it further.
pub fn fit(
    forecast: Option<&Forecast>,
    room: &Room,
    resumes: impl FnOnce() -> bool,
    now: Timestamp,
) -> Fit {
    let (Some(forecast), Some(end)) = (forecast, room.end) else {
        return Fit::Starts;
    };
    let left = end.since(now);
    if forecast.p90 <= left {
        return Fit::Starts;
    }
    if room.whole.is_some_and(|whole| forecast.p90 > whole) {
        if room.at_end == AtEnd::Finish || resumes() {
            return Fit::Starts;
        }
        return Fit::Never(never(forecast, room.whole.unwrap_or_default()));
    }
    Fit::Later(format!(
        "{}, {} are left",
        usually(forecast),
        text::span(left)
    ))
}

/// Until when a task that [`fit`] starts now would still be started; none: as long as the window is open.
pub fn latest_start(forecast: Option<&Forecast>, room: &Room) -> Option<Timestamp> {
    let (forecast, end) = (forecast?, room.end?);
    // What no window is long enough for was started because it goes on next time, or may end.
    let is_cut = room.whole.is_some_and(|whole| forecast.p90 > whole);
    (!is_cut).then(|| end.minus(forecast.p90))
}

fn never(forecast: &Forecast, whole: Duration) -> Hold {
    Hold {
        code: DOES_NOT_FIT_WINDOW.to_owned(),
        reason: format!(
            "{}, and a whole window has {}; split it into steps, let it save checkpoints or make \
             `[overnight]` longer; or `autoexec queue release` it and run it by day with `autoexec run`",
            usually(forecast),
            text::span(whole)
        ),
    }
}

/// What the end of the window meant for a task, if that is what stopped it: whether it came further,
/// after so many window ends before that stopped it at nothing.
pub fn cut(ended: &Ended, came_further: bool, cuts_before: u32) -> Option<Cut> {
    let Ended::Stopped {
        reason: StopReason::WindowEnded,
        ..
    } = ended
    else {
        return None;
    };
    // Somebody looks at a task that is held, so it begins anew.
    let is_held = cuts_before + 1 >= MOST_CUTS;
    Some(if came_further || is_held {
        Cut::Forgotten
    } else {
        Cut::Short
    })
}

/// The hold for a task that was stopped by window ends and came no further.
pub fn cut_too_often(cuts: u32) -> Hold {
    Hold {
        code: DOES_NOT_FIT_WINDOW.to_owned(),
        reason: format!(
            "the end of the window stopped it {cuts} times in a row and nothing was saved; split it \
             into steps, let it save checkpoints or make `[overnight]` longer; or `autoexec queue \
             release` it and run it by day with `autoexec run`"
        ),
    }
}

fn usually(forecast: &Forecast) -> String {
    let span = text::span(forecast.p90);
    match forecast.basis {
        Basis::History(1) => format!("took {span} the last time"),
        // Of so few, nine of ten are all.
        Basis::History(count) if count < 10 => {
            format!("usually takes {span} (longest of {count} successes)")
        }
        Basis::History(count) => format!("usually takes {span} (p90 of {count} successes)"),
        Basis::Declared => format!("is expected to take {span}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const HOUR: Duration = Duration::from_hours(1);

    fn of(hours: u32, basis: Basis) -> Forecast {
        Forecast {
            p50: HOUR,
            p90: HOUR * hours,
            basis,
        }
    }

    fn room(left: u32) -> Room {
        Room {
            end: Some(NOW.plus(HOUR * left)),
            whole: Some(HOUR * 9),
            at_end: AtEnd::Stop,
        }
    }

    #[test]
    fn what_would_not_end_in_time_waits_for_the_next_window() {
        let fits = |forecast: &Forecast, left| fit(Some(forecast), &room(left), || false, NOW);
        let known = of(5, Basis::History(12));
        assert_eq!(fits(&known, 5), Fit::Starts);
        let later = |text: &str| Fit::Later(text.to_owned());
        assert_eq!(
            fits(&known, 2),
            later("usually takes 5h 00m (p90 of 12 successes), 2h 00m are left")
        );
        assert_eq!(
            fits(&of(5, Basis::Declared), 2),
            later("is expected to take 5h 00m, 2h 00m are left")
        );
        assert_eq!(
            fits(&of(5, Basis::History(1)), 2),
            later("took 5h 00m the last time, 2h 00m are left")
        );
        assert_eq!(fit(None, &room(0), || false, NOW), Fit::Starts);
        let endless = Room {
            end: None,
            ..room(0)
        };
        assert_eq!(fit(Some(&known), &endless, || false, NOW), Fit::Starts);
    }

    #[test]
    fn what_no_window_is_long_enough_for_needs_a_person_unless_it_resumes() {
        let long = of(10, Basis::History(3));
        let Fit::Never(hold) = fit(Some(&long), &room(9), || false, NOW) else {
            panic!("it fits")
        };
        assert_eq!(hold.code, DOES_NOT_FIT_WINDOW);
        assert!(
            hold.reason
                .starts_with("usually takes 10h 00m (longest of 3 successes), and a whole")
        );
        assert_eq!(fit(Some(&long), &room(2), || true, NOW), Fit::Starts);
        let finish = Room {
            at_end: AtEnd::Finish,
            ..room(9)
        };
        assert_eq!(fit(Some(&long), &finish, || false, NOW), Fit::Starts);
        let only_once = Room {
            whole: None,
            ..room(2)
        };
        assert!(matches!(
            fit(Some(&long), &only_once, || false, NOW),
            Fit::Later(_)
        ));
    }

    #[test]
    fn the_latest_start_is_the_last_instant_at_which_a_task_fits() {
        let known = of(3, Basis::Declared);
        let latest = latest_start(Some(&known), &room(8)).unwrap();
        let fits = |at| fit(Some(&known), &room(8), || false, at) == Fit::Starts;
        assert!(fits(NOW) && fits(latest));
        assert!(!fits(latest.plus(Duration::from_millis(1))));
        // It is to be stopped at the end, whenever it starts.
        assert_eq!(latest_start(Some(&of(10, Basis::Declared)), &room(8)), None);
        assert_eq!(latest_start(None, &room(8)), None);
        let endless = Room {
            end: None,
            ..room(8)
        };
        assert_eq!(latest_start(Some(&known), &endless), None);
    }
}
