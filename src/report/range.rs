//! Which part of the past a report is about, as it is typed.

use chrono::DateTime;
use chrono::Days;
use chrono::NaiveDateTime;
use chrono::NaiveTime;

use crate::model::ids::RunId;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;

/// Which part of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Since the last report was read.
    SinceRead,
    /// The newest run.
    LastRun,
    /// One run.
    Run(RunId),
    /// Since an instant.
    Since(Timestamp),
}

/// A range that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Neither a number nor `last`.
    #[error("a run is named by its number or `last`, found `{0}`")]
    Run(String),
    /// No form of time that we know.
    #[error(
        "found `{0}`, expected a span such as `12h`, a time such as `08:00`, or `2026-11-21 08:00`"
    )]
    Since(String),
    /// An instant that has not come yet.
    #[error("`{0}` has not come yet")]
    Future(String),
}

/// Reads the value of `--run`.
///
/// # Errors
/// When it is neither a number nor `last`.
pub fn parse_run(text: &str) -> Result<Range, RangeError> {
    if text == "last" {
        return Ok(Range::LastRun);
    }
    match text.parse::<i64>() {
        Ok(id) if id > 0 => Ok(Range::Run(RunId::new(id))),
        _ => Err(RangeError::Run(shown(text))),
    }
}

/// Reads the value of `--since`: a span back from now, a time of the last 24 hours, a date and time,
/// or RFC 3339.
///
/// # Errors
/// When it is none of these, or lies ahead.
pub fn parse_since(text: &str, now: Timestamp, zone: Zone) -> Result<Range, RangeError> {
    let unknown = || RangeError::Since(shown(text));
    let trimmed = text.trim();
    let since = if let Ok(time) = parse_time(trimmed) {
        last_occurrence(time, now, zone).ok_or_else(unknown)?
    } else if let Ok(span) = humantime::parse_duration(trimmed) {
        now.minus(span)
    } else if let Ok(instant) = DateTime::parse_from_rfc3339(trimmed) {
        Timestamp::from_millis(instant.timestamp_millis())
    } else {
        let local = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(trimmed, form).ok())
            .or_else(|| {
                let date = chrono::NaiveDate::parse_from_str(trimmed, "%Y-%m-%d").ok()?;
                Some(date.and_time(NaiveTime::MIN))
            })
            .ok_or_else(unknown)?;
        zone.instant(local).ok_or_else(unknown)?
    };
    if since > now {
        return Err(RangeError::Future(shown(text)));
    }
    Ok(Range::Since(since))
}

fn parse_time(text: &str) -> Result<NaiveTime, chrono::ParseError> {
    NaiveTime::parse_from_str(text, "%H:%M")
        .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M:%S"))
}

/// The last instant before `now` at which the clock showed `time`.
fn last_occurrence(time: NaiveTime, now: Timestamp, zone: Zone) -> Option<Timestamp> {
    let today = zone.at(now).date_naive();
    // Where the clock was put forward over it, the time did not occur on that day.
    [0, 1, 2]
        .into_iter()
        .filter_map(|back| today.checked_sub_days(Days::new(back)))
        .filter_map(|day| zone.instant(day.and_time(time)))
        .find(|instant| *instant <= now)
}

fn shown(text: &str) -> String {
    crate::support::untrusted::Untrusted::from(text).for_terminal_within(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-14 23:13:20 one hour east of Greenwich.
    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const ZONE: Zone = Zone::East(3600);

    #[test]
    fn every_form_of_time_is_read() {
        let table = [
            ("12h", "2023-11-14T10:13:20.000Z"),
            ("2h 30m", "2023-11-14T19:43:20.000Z"),
            ("23:00", "2023-11-14T22:00:00.000Z"),
            ("23:14", "2023-11-13T22:14:00.000Z"),
            ("2023-11-01", "2023-10-31T23:00:00.000Z"),
            ("2023-11-01 08:30", "2023-11-01T07:30:00.000Z"),
            ("2023-11-14T20:00:00Z", "2023-11-14T20:00:00.000Z"),
        ];
        for (text, expected) in table {
            let Ok(Range::Since(since)) = parse_since(text, NOW, ZONE) else {
                panic!("`{text}` is not read");
            };
            assert_eq!(since.to_rfc3339(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_and_so_is_the_future() {
        let message = parse_since("yester\u{1b}day", NOW, ZONE)
            .unwrap_err()
            .to_string();
        assert!(message.starts_with("found `yester\\eday`, expected a span such as"));
        assert_eq!(
            parse_since("2030-01-01", NOW, ZONE),
            Err(RangeError::Future("2030-01-01".to_owned()))
        );
    }

    #[test]
    fn a_run_is_a_number_or_the_last_one() {
        assert_eq!(parse_run("last"), Ok(Range::LastRun));
        assert_eq!(parse_run("7"), Ok(Range::Run(RunId::new(7))));
        assert!(parse_run("-1").is_err());
        assert!(parse_run("first").is_err());
    }
}
