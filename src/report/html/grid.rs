//! Lines of a picture at round hours of the reader's clock.
//!
//! Each line is found from the one before it by the clock of that instant, so a night in which the
//! clocks are changed has an hour twice or not at all, and every line stands where its hour was.

use std::time::Duration;

use chrono::Timelike;

use crate::support::clock::Timestamp;
use crate::support::clock::Zone;

/// The most lines of a picture.
const MOST: u64 = 12;
/// The distances between lines that read well, in seconds.
const STEPS: &[u64] = &[
    1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
];

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GridLine {
    /// Where.
    pub(super) at: Timestamp,
    /// What the clock shows there.
    pub(super) label: String,
    /// The clocks were changed since the line before.
    pub(super) is_changed: bool,
}

/// The lines between two instants.
pub(super) fn lines(from: Timestamp, to: Timestamp, zone: Zone) -> Vec<GridLine> {
    let all = to.since(from).as_secs().max(1);
    let fits = |step: &&u64| all / **step < MOST;
    let step = STEPS.iter().find(fits).copied().unwrap_or(86_400);
    let mut lines: Vec<GridLine> = Vec::new();
    let mut at = next(from, step, zone, 0);
    let mut offset = zone.at(from).offset().local_minus_utc();
    while at <= to && lines.len() < 40 {
        let local = zone.at(at);
        let form = match step {
            1..60 => "%H:%M:%S",
            86_400 => "%-d %b",
            _ => "%H:%M",
        };
        let here = local.offset().local_minus_utc();
        lines.push(GridLine {
            at,
            label: local.format(form).to_string(),
            is_changed: here != offset,
        });
        offset = here;
        at = next(at, step, zone, 1);
    }
    lines
}

/// The first instant at or (with `least` 1) after another at which the clock shows a multiple of the
/// step.
fn next(at: Timestamp, step: u64, zone: Zone, least: u64) -> Timestamp {
    let begin = at.plus(Duration::from_millis(if least == 0 { 999 } else { 1000 }));
    let begin = Timestamp::from_millis(begin.as_millis().div_euclid(1000) * 1000);
    let missing = |instant: Timestamp| {
        let seconds = u64::from(zone.at(instant).num_seconds_from_midnight());
        (step - seconds % step) % step
    };
    let found = begin.plus(Duration::from_secs(missing(begin)));
    // Where the clocks were changed on the way, the round time is elsewhere.
    found.plus(Duration::from_secs(missing(found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Zone = Zone::East(5 * 3600 + 1800);

    fn labels(from: i64, seconds: i64) -> Vec<String> {
        let from = Timestamp::from_millis(from);
        let to = from.plus(Duration::from_secs(seconds.unsigned_abs()));
        let lines = lines(from, to, ZONE);
        lines.into_iter().map(|line| line.label).collect()
    }

    #[test]
    fn lines_stand_at_round_times_of_the_local_clock() {
        // 03:43:20 in a zone of half hours.
        let at = 1_700_000_000_000;
        assert_eq!(labels(at, 3 * 3600)[..2], ["04:00", "04:30"]);
        assert_eq!(labels(at, 9 * 3600)[..3], ["04:00", "05:00", "06:00"]);
        assert_eq!(labels(at, 20 * 3600)[..2], ["04:00", "06:00"]);
        assert_eq!(labels(at + 1, 5)[..2], ["03:43:21", "03:43:22"]);
        assert_eq!(labels(at, 7)[..2], ["03:43:20", "03:43:21"]);
    }

    #[test]
    fn there_are_never_many() {
        for seconds in [0, 1, 59, 3600, 40_000, 90_000, 400_000] {
            assert!(labels(1_700_000_000_123, seconds).len() <= 13, "{seconds}");
        }
    }
}
