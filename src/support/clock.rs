//! Time as values: wall-clock instants in milliseconds, and the clock that makes them.
//!
//! Not here: zones and windows of the night (`policy`), wording of durations (`support::text`).
//! Nothing below `cli` reads the system clock by itself; a [`Clock`] is handed down, so that a
//! test can stand at any instant. For tests of the real program the system's clock itself can be
//! steered from outside: [`STEERING`] names a file that says what time it is.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, Local, NaiveDateTime, Offset, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Serialize};

/// An instant of wall-clock time: milliseconds since the Unix epoch, UTC.
///
/// Stored as an integer everywhere, because texts of time sort and compare wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a timestamp from milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This instant moved later; stays at the end of time instead of wrapping.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This instant moved earlier; stays at the beginning of time instead of wrapping.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// The time that has passed since `earlier`; zero when the clock has jumped back.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(
            u64::try_from(self.0.saturating_sub(earlier.0).max(0)).unwrap_or_default(),
        )
    }

    /// RFC 3339 in UTC with milliseconds, as the JSON outputs carry it.
    pub fn to_rfc3339(self) -> String {
        self.utc().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// The instant as a date and time in UTC; the epoch for instants that the calendar cannot hold.
    pub fn utc(self) -> DateTime<Utc> {
        Utc.timestamp_millis_opt(self.0)
            .single()
            .unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// The instant as a date and time of the machine's zone.
    pub fn local(self) -> DateTime<chrono::Local> {
        self.utc().with_timezone(&chrono::Local)
    }

    /// `14:23:47` in the machine's zone.
    pub fn clock_time(self) -> String {
        self.local().format("%H:%M:%S").to_string()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(value: DateTime<Utc>) -> Self {
        Self(value.timestamp_millis())
    }
}

/// The zone in which a person is told the time: the machine's, or a fixed one for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// The machine's zone, `TZ` included.
    #[default]
    Local,
    /// So many seconds east of Greenwich.
    East(i32),
}

impl Zone {
    /// The instant as a date and time of this zone.
    pub fn at(self, instant: Timestamp) -> DateTime<FixedOffset> {
        match self {
            Self::Local => instant.utc().with_timezone(&Local).fixed_offset(),
            Self::East(seconds) => {
                // A day and more is no offset; such a zone is taken as UTC.
                let offset = FixedOffset::east_opt(seconds).unwrap_or_else(|| Utc.fix());
                instant.utc().with_timezone(&offset)
            }
        }
    }

    /// The instant at which the clocks of this zone show a date and time; the earlier one where they
    /// show it twice, `None` where they skip it.
    pub fn instant(self, local: NaiveDateTime) -> Option<Timestamp> {
        let instant = match self {
            Self::Local => Local.from_local_datetime(&local).earliest()?.to_utc(),
            Self::East(seconds) => {
                let offset = FixedOffset::east_opt(seconds).unwrap_or_else(|| Utc.fix());
                offset.from_local_datetime(&local).single()?.to_utc()
            }
        };
        Some(Timestamp::from(instant))
    }

    /// `14:23:47`.
    pub fn clock_time(self, instant: Timestamp) -> String {
        self.at(instant).format("%H:%M:%S").to_string()
    }

    /// `14:23` on the day of `now`, `21 Nov 14:23` within half a year of it, else
    /// `2025-11-21 14:23`.
    pub fn short(self, instant: Timestamp, now: Timestamp) -> String {
        let (at, today) = (self.at(instant), self.at(now));
        if at.date_naive() == today.date_naive() {
            return at.format("%H:%M").to_string();
        }
        let apart = (at - today).num_days().abs();
        let form = if apart < 183 {
            "%-d %b %H:%M"
        } else {
            "%Y-%m-%d %H:%M"
        };
        at.format(form).to_string()
    }
}

/// For tests: the variable that names a file from which "now" is read each time, by this program and
/// by those that it starts. Milliseconds since the epoch: the clock stands there. `+1500` or `-1500`:
/// the machine's clock, moved by so many milliseconds.
pub const STEERING: &str = "__AUTOEXEC_TEST_CLOCK";

/// Where "now" comes from.
#[derive(Debug, Clone, Copy, Default)]
pub enum Clock {
    /// The machine's clock, or for tests the one that a file tells.
    #[default]
    System,
    /// A clock that stands still, for tests.
    Fixed(Timestamp),
}

impl Clock {
    /// The present instant.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system clock"
    )]
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => match steering() {
                None => Timestamp::from(Utc::now()),
                Some(steering) => steering.instant(Timestamp::from(Utc::now())),
            },
            Self::Fixed(instant) => instant,
        }
    }

    /// Whether somebody outside moves the clock, so that waiting for it to move on by itself is no
    /// use: look often.
    pub fn is_steered(self) -> bool {
        matches!(self, Self::System) && steering().is_some()
    }
}

/// A file that says what time it is.
#[derive(Debug)]
struct Steering {
    file: PathBuf,
    /// What was read last, for the moment in which the file is being written.
    last: AtomicI64,
}

/// The file, if there is one; looked for once.
#[expect(
    clippy::disallowed_methods,
    reason = "supervisors have no settings, and tests steer them as well"
)]
fn steering() -> Option<&'static Steering> {
    static FILE: OnceLock<Option<Steering>> = OnceLock::new();
    FILE.get_or_init(|| {
        let file = std::env::var_os(STEERING).filter(|file| !file.is_empty())?;
        Some(Steering {
            file: file.into(),
            last: AtomicI64::new(i64::MIN),
        })
    })
    .as_ref()
}

impl Steering {
    fn instant(&self, machine: Timestamp) -> Timestamp {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        if let Some(instant) = steered(&text, machine) {
            self.last.store(instant.0, Ordering::Relaxed);
            return instant;
        }
        match self.last.load(Ordering::Relaxed) {
            i64::MIN => machine,
            last => Timestamp(last),
        }
    }
}

/// What a steering file means; `None` while there is nothing sensible in it.
fn steered(text: &str, machine: Timestamp) -> Option<Timestamp> {
    let text = text.strip_suffix('\n')?;
    let number: i64 = text.parse().ok()?;
    Some(if text.starts_with(['+', '-']) {
        Timestamp(machine.0.saturating_add(number))
    } else {
        Timestamp(number)
    })
}

/// Time since an arbitrary start that neither jumps nor counts the time the machine sleeps.
///
/// Timers of attempts run on it: a laptop that slept for an hour has not used up an hour.
pub fn monotonic() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or_default(),
        u32::try_from(now.tv_nsec).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumped_back_gives_no_negative_duration() {
        let later = Timestamp::from_millis(1_000);
        let earlier = Timestamp::from_millis(4_000);
        assert_eq!(later.since(earlier), Duration::ZERO);
        assert_eq!(earlier.since(later), Duration::from_secs(3));
    }

    #[test]
    fn instants_saturate_instead_of_wrapping() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.plus(Duration::from_secs(1)), end);
        assert_eq!(
            Timestamp::from_millis(i64::MIN).minus(Duration::MAX),
            Timestamp::from_millis(i64::MIN)
        );
    }

    #[test]
    fn a_time_of_another_day_carries_its_date() {
        let zone = Zone::East(3600);
        let now = Timestamp::from_millis(1_700_000_000_000);
        let hours = |count: u64| now.minus(Duration::from_hours(count));
        assert_eq!(zone.clock_time(now), "23:13:20");
        assert_eq!(zone.short(hours(2), now), "21:13");
        assert_eq!(zone.short(hours(30), now), "13 Nov 17:13");
        assert_eq!(zone.short(hours(24 * 400), now), "2022-10-10 23:13");
    }

    #[test]
    fn a_file_makes_the_clock_stand_or_moves_it() {
        let machine = Timestamp::from_millis(5_000);
        let told = |text: &str| steered(text, machine).map(Timestamp::as_millis);
        assert_eq!(told("1700000000000\n"), Some(1_700_000_000_000));
        assert_eq!(told("+1500\n"), Some(6_500));
        assert_eq!(told("-6000\n"), Some(-1_000));
        assert_eq!(told("+9223372036854775807\n"), Some(i64::MAX));
        // Half of a number is a number too: only a whole line counts.
        for unfinished in ["", "17", "+", "\n", "noon\n"] {
            assert_eq!(told(unfinished), None, "{unfinished:?}");
        }
    }

    #[test]
    fn the_clock_goes_on_from_what_it_read_last_while_its_file_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let steering = Steering {
            file: folder.path().join("clock"),
            last: AtomicI64::new(i64::MIN),
        };
        let machine = Timestamp::from_millis(5_000);
        assert_eq!(steering.instant(machine), machine, "there is no file yet");
        std::fs::write(&steering.file, "777\n").unwrap();
        assert_eq!(steering.instant(machine).as_millis(), 777);
        std::fs::write(&steering.file, "").unwrap();
        assert_eq!(steering.instant(machine).as_millis(), 777);
    }

    #[test]
    fn json_shows_utc_with_milliseconds() {
        assert_eq!(
            Timestamp::from_millis(1_700_000_000_123).to_rfc3339(),
            "2023-11-14T22:13:20.123Z"
        );
    }
}
