//! Hours on the command line: `--until`, `--for`, `--poll-interval`.

use std::time::Duration;

use chrono::DateTime;

use crate::cli::config::overnight::local_zone;
use crate::cli::failure::CliError;
use crate::cli::invocation::Invocation;
use crate::engine::{Schedule, Until};
use crate::policy::window::ClockTime;
use crate::support::clock::{Timestamp, Zone};
use crate::taskfile::parse_duration;

/// How often a run that watches looks for new tasks.
const POLL: Duration = Duration::from_secs(5);

/// Options of `autoexec run` about its hours.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct HoursArgs {
    /// Run the whole queue in the hours of `[overnight]`; wait for their beginning
    #[arg(long)]
    pub overnight: bool,
    /// Start nothing more from then on, as at the end of a night: 06:30, 2h, or a date with its zone
    #[arg(long, value_name = "TIME|DURATION", value_parser = parse_until)]
    pub until: Option<UntilWish>,
    /// Wait for new tasks when nothing is left to do
    #[arg(long)]
    pub watch: bool,
    /// How often to look for new tasks without being told [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = parse_span, requires = "watch")]
    pub poll_interval: Option<Duration>,
    /// Exit with 1 if a task succeeded only after a failure
    #[arg(long)]
    pub strict: bool,
}

impl HoursArgs {
    /// The hours that a run keeps to which starts now.
    ///
    /// # Errors
    /// When `--until` lies behind.
    pub fn schedule(&self, invocation: &Invocation<'_>) -> Result<Schedule, CliError> {
        let guarded = invocation.settings.guarded;
        let now = guarded.map_or_else(|| invocation.settings.clock.now(), |guarded| guarded.begun);
        let overnight = &invocation.settings.config.overnight;
        let until = self.until.and_then(|wish| wish.resolve(now));
        if let Some(Until::At(end)) = until
            && end <= now
        {
            let shown = Zone::Local.short(end, now);
            let message = format!("`--until` lies behind: it was {shown}");
            return Err(CliError::usage("until_is_past", message)
                .hint("give a time that lies ahead, such as `--until 06:30` or `--until 2h`"));
        }
        Ok(Schedule {
            mode: match (self.overnight, self.watch) {
                (true, _) => "overnight",
                (false, true) => "watch",
                (false, false) => "run",
            },
            begun: guarded.map(|guarded| guarded.begun),
            nights: if self.overnight {
                overnight.hours()
            } else {
                None
            },
            until,
            at_end: overnight.at_end,
            watch: self.watch.then(|| self.poll_interval.unwrap_or(POLL)),
            strict: self.strict,
        })
    }
}

/// When a run shall end, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UntilWish {
    /// The next time that the clocks show this.
    Clock(ClockTime),
    /// At this instant.
    At(Timestamp),
    /// So long after the start.
    For(Duration),
}

impl UntilWish {
    /// What it means at this moment.
    pub fn resolve(self, now: Timestamp) -> Option<Until> {
        match self {
            Self::Clock(time) => time.next(&local_zone(), now).map(Until::At),
            Self::At(instant) => Some(Until::At(instant)),
            Self::For(span) => Some(Until::For(span)),
        }
    }
}

/// Reads `06:30`, `2h` or RFC 3339.
///
/// # Errors
/// Says what it must look like.
pub fn parse_until(text: &str) -> Result<UntilWish, String> {
    if let Some(time) = ClockTime::parse(text) {
        return Ok(UntilWish::Clock(time));
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(UntilWish::At(Timestamp::from(instant.to_utc())));
    }
    parse_span(text).map(UntilWish::For).map_err(|_| {
        "write a time such as `06:30`, a span such as `2h 30m`, or a date such as \
         `2026-11-22T06:30:00+01:00`"
            .to_owned()
    })
}

/// Reads a duration that is longer than nothing.
///
/// # Errors
/// Says what it must look like.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("it must be longer than nothing".to_owned()),
        span => Ok(span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_time_a_span_or_an_instant() {
        let hour = Duration::from_hours(1);
        assert_eq!(parse_until("2h"), Ok(UntilWish::For(hour * 2)));
        let time = ClockTime::new(6, 30).unwrap();
        assert_eq!(parse_until("06:30"), Ok(UntilWish::Clock(time)));
        let at = Timestamp::from_millis(1_700_000_000_000);
        let written = "2023-11-14T23:13:20+01:00";
        assert_eq!(parse_until(written), Ok(UntilWish::At(at)));
        for wrong in ["", "6", "25:00", "0s", "tomorrow", "-2h", "2023-11-14"] {
            let why = parse_until(wrong).unwrap_err();
            assert!(why.contains("`06:30`"), "{wrong}: {why}");
        }
        let now = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(UntilWish::For(hour).resolve(now), Some(Until::For(hour)));
        let Some(Until::At(next)) = UntilWish::Clock(time).resolve(now) else {
            panic!("there is no such time")
        };
        assert!(next > now && next.since(now) <= hour * 25);
    }
}
