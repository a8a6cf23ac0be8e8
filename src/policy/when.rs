//! What instant a written point in time means: `"02:00"`, `"+30m"` or a date with its offset.
//!
//! # Switches of the clock
//!
//! A time of the clock means the first instant of its day at which the clocks show it: the earlier
//! one where they show it twice, and where they skip it the instant of the skip.

use std::time::Duration;

use chrono::Days;
use chrono::NaiveDateTime;
use chrono::NaiveTime;
use chrono::TimeDelta;

use crate::model::timing::TimeWish;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;

/// No clock skips more than a day; in minutes.
const LONGEST_SKIP: i64 = 24 * 60;

/// The instant that a wish means for somebody who says it at `now`. A time of the clock is the next
/// one, never `now` itself.
pub fn resolve(wish: TimeWish, zone: Zone, now: Timestamp) -> Timestamp {
    match wish {
        TimeWish::In(span) => now.plus(span),
        TimeWish::At(instant) => instant,
        TimeWish::Daily { hour, minute } => next(u32::from(hour), u32::from(minute), zone, now),
    }
}

fn next(hour: u32, minute: u32, zone: Zone, now: Timestamp) -> Timestamp {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN);
    let today = zone.at(now).date_naive();
    let first = today.checked_sub_days(Days::new(1)).unwrap_or(today);
    (0..4)
        .filter_map(|ahead| first.checked_add_days(Days::new(ahead)))
        .filter_map(|day| shown_at(day.and_time(time), zone))
        .find(|instant| *instant > now)
        // Only at the end of the calendar.
        .unwrap_or(now)
}

/// The first instant at which the clocks show this, or have passed it.
fn shown_at(local: NaiveDateTime, zone: Zone) -> Option<Timestamp> {
    (0..=LONGEST_SKIP).find_map(|back| {
        let before = local.checked_sub_signed(TimeDelta::minutes(back))?;
        let instant = zone.instant(before)?;
        // The first minute of a skip may be taken for the instant of the skip.
        let is_shown = zone.at(instant).naive_local() == before;
        Some(if back > 0 && is_shown {
            instant.plus(Duration::from_mins(1))
        } else {
            instant
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One hour east of Greenwich.
    const ZONE: Zone = Zone::East(3600);

    fn at(text: &str) -> Timestamp {
        Timestamp::from(chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc())
    }

    fn daily(hour: u8, minute: u8, now: &str) -> Timestamp {
        resolve(TimeWish::Daily { hour, minute }, ZONE, at(now))
    }

    #[test]
    fn a_time_of_the_clock_is_the_next_one() {
        let evening = "2026-11-21T22:15:00+01:00";
        assert_eq!(daily(2, 0, evening), at("2026-11-22T02:00:00+01:00"));
        assert_eq!(daily(22, 16, evening), at("2026-11-21T22:16:00+01:00"));
        assert_eq!(daily(22, 15, evening), at("2026-11-22T22:15:00+01:00"));
        assert_eq!(
            daily(0, 0, "2028-02-28T23:59:59+01:00"),
            at("2028-02-29T00:00:00+01:00")
        );
    }

    #[test]
    fn the_other_forms_need_no_calendar() {
        let now = at("2026-11-21T22:15:00+01:00");
        let span = Duration::from_mins(30);
        assert_eq!(resolve(TimeWish::In(span), ZONE, now), now.plus(span));
        let past = at("2020-01-01T00:00:00Z");
        assert_eq!(resolve(TimeWish::At(past), ZONE, now), past);
    }
}
