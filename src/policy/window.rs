//! The hours of the night in which tasks may run, resolved to instants.
//!
//! Hours are written as times of the clock in a zone; a [`Window`] is two instants, resolved once.
//! Which zone "local" is, is `cli::config`'s.
//!
//! # Switches of the clock
//!
//! A time of the clock means the first instant of its day at which the clocks show it. Where they show
//! it twice that is the earlier one; where they skip it, it is the instant of the skip: then the
//! clocks have passed it. The rule is the same for start and end, so nights never overlap, and hours
//! that meet (`00:00` to `24:00`) leave no gap. A night that lies wholly in what is skipped is left
//! out.

use std::fmt;

use jiff::civil;
use jiff::tz::AmbiguousOffset;
use jiff::tz::TimeZone;

use crate::support::clock::Timestamp;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// A time of the clock, to the minute; `24:00` is the end of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockTime {
    minutes: u16,
}

impl ClockTime {
    /// A time from its numbers; `None` where no clock shows it.
    pub const fn new(hour: u8, minute: u8) -> Option<Self> {
        let minutes = hour as u16 * 60 + minute as u16;
        if minute < 60 && minutes <= DAY {
            Some(Self { minutes })
        } else {
            None
        }
    }

    /// Reads `22:00`.
    pub fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let number = |digits: &str| {
            let well_formed = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_: &u8| well_formed)
        };
        Self::new(number(hour)?, number(minute)?)
    }

    /// Its hour and its minute.
    pub const fn parts(self) -> (u16, u16) {
        (self.minutes / 60, self.minutes % 60)
    }

    /// The first instant of `day` at which the clocks of `zone` show this time or have passed it.
    pub fn on(self, day: civil::Date, zone: &TimeZone) -> Option<Timestamp> {
        let day = if self.minutes < DAY {
            day
        } else {
            day.tomorrow().ok()?
        };
        let minutes = self.minutes % DAY;
        let hour = i8::try_from(minutes / 60).ok()?;
        let minute = i8::try_from(minutes % 60).ok()?;
        first_instant(day.at(hour, minute, 0, 0), zone).map(timestamp)
    }

    /// The next instant after `now` at which the clocks of `zone` show this time.
    pub fn next(self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let today = day_of(zone, now)?;
        std::iter::successors(today.yesterday().ok(), |day| day.tomorrow().ok())
            .take(4)
            .filter_map(|day| self.on(day, zone))
            .find(|instant| *instant > now)
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

/// The hours of every night.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    start: ClockTime,
    end: ClockTime,
    zone: TimeZone,
}

/// One night: from an instant up to another that no longer belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When it opens.
    pub start: Timestamp,
    /// When it is over.
    pub end: Timestamp,
}

/// What becomes of tasks that run when the window ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum AtEnd {
    /// They may end.
    Finish,
    /// They are stopped gently and go on next night from their checkpoint.
    #[default]
    Stop,
}

/// Hours that can never be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImpossibleHours {
    /// Start and end are the same.
    #[error(
        "`start` and `end` are both {0}, so no time is left; a whole day is `00:00` to `24:00`"
    )]
    Empty(ClockTime),
    /// Nothing starts at the end of a day.
    #[error("`start` cannot be 24:00; the beginning of a day is `00:00`")]
    StartAtEnd,
}

impl Hours {
    /// Hours from `start` to `end`, over midnight where `end` is not later.
    ///
    /// # Errors
    /// When no time would be left.
    pub fn new(start: ClockTime, end: ClockTime, zone: TimeZone) -> Result<Self, ImpossibleHours> {
        if start.minutes == DAY {
            return Err(ImpossibleHours::StartAtEnd);
        }
        if start == end {
            return Err(ImpossibleHours::Empty(start));
        }
        Ok(Self { start, end, zone })
    }

    /// The night that has begun last at `now`, over or not. `None` at the beginning of the calendar.
    pub fn latest(&self, now: Timestamp) -> Option<Window> {
        let today = day_of(&self.zone, now)?;
        std::iter::successors(Some(today), |day| day.yesterday().ok())
            // A night may be left out by a switch of the clock, and a zone may skip a day.
            .take(5)
            .filter_map(|day| self.night(day))
            .find(|window| window.start <= now)
    }

    /// The night that `now` lies in, else the next one. `None` at the end of the calendar.
    pub fn window(&self, now: Timestamp) -> Option<Window> {
        let today = day_of(&self.zone, now)?;
        // A night that began the day before yesterday is over, whatever the zone did since.
        let first = today.checked_sub(jiff::Span::new().days(2)).ok()?;
        std::iter::successors(Some(first), |day| day.tomorrow().ok())
            .take(8)
            .filter_map(|day| self.night(day))
            .find(|night| night.end > now)
    }

    /// By how many seconds the clocks of these hours are put forward in a night; less than 0: back.
    pub fn switch_in(&self, night: Window) -> i32 {
        let offset = |instant: Timestamp| {
            let instant = jiff::Timestamp::from_millisecond(instant.as_millis()).ok()?;
            Some(self.zone.to_offset(instant).seconds())
        };
        match (offset(night.start), offset(night.end)) {
            (Some(start), Some(end)) => end - start,
            _ => 0,
        }
    }

    /// The night that begins on a day; `None` where the clocks skip all of it.
    pub fn night(&self, day: civil::Date) -> Option<Window> {
        let last = if self.end > self.start {
            day
        } else {
            day.tomorrow().ok()?
        };
        let window = Window {
            start: self.start.on(day, &self.zone)?,
            end: self.end.on(last, &self.zone)?,
        };
        (window.start < window.end).then_some(window)
    }
}

impl Window {
    /// Whether an instant belongs to it.
    pub fn contains(&self, instant: Timestamp) -> bool {
        self.start <= instant && instant < self.end
    }

    /// How long it is, switches of the clock included.
    pub fn length(&self) -> std::time::Duration {
        self.end.since(self.start)
    }
}

fn day_of(zone: &TimeZone, now: Timestamp) -> Option<civil::Date> {
    let instant = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?;
    Some(zone.to_datetime(instant).date())
}

fn timestamp(instant: jiff::Timestamp) -> Timestamp {
    Timestamp::from_millis(instant.as_millisecond())
}

/// The first instant at which the clocks of `zone` show `local` or have passed it.
fn first_instant(local: civil::DateTime, zone: &TimeZone) -> Option<jiff::Timestamp> {
    let found = zone.to_ambiguous_timestamp(local);
    match found.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => found.earlier().ok(),
        AmbiguousOffset::Gap { .. } => {
            let behind = found.later().ok()?;
            // "Preceding" leaves out the instant itself, which is the skip for its first minute.
            let just_behind = behind.checked_add(jiff::Span::new().nanoseconds(1)).ok()?;
            let skip = zone.preceding(just_behind).next();
            Some(skip.map_or(behind, |skip| skip.timestamp()))
        }
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
