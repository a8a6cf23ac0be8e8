//! Spans of time in the words of programs: limits that ran out, and how long a peer wants us to wait.

use std::sync::OnceLock;

use regex::bytes::Captures;
use regex::bytes::Regex;

use crate::policy::classify::book::compile;

/// A number with a unit after one of the words that a limit has.
const LIMIT: &str = r"(?:time[d-]?[ -]?out|timed out|expired|time of|limit of|after|deadline|last|within)\D{0,24}?(?:(?P<cm>\d+)m(?P<cs>\d+(?:\.\d+)?)s\b|(?P<n>\d+(?:\.\d+)?) ?(?P<u>ms|milliseconds?|seconds?|secs?|s|minutes?|mins?|m|hours?|h)?\b)";

/// How long to wait, as headers, fields and sentences say it.
const WAIT: &str = r#"retry[-_ ]?after(?:[-_ ]?(?P<hu>ms|seconds))?["']?\s*[:=]?\s*["']?(?P<n>\d+(?:\.\d+)?) ?(?P<u>ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)?\b|retry_?delay["']?\s*[:=]?\s*["']?(?P<n2>\d+(?:\.\d+)?)(?P<u2>s)?|(?:try|retry)(?:ing)? (?:again |your request )?(?:in|after)\s+(?:about |approximately )?(?:(?P<cm>\d+)m(?P<cs>\d+(?:\.\d+)?)s|(?P<n3>\d+(?:\.\d+)?) ?(?P<u3>ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b)|(?:wait|sleep(?:ing)?|back(?:ing)? ?off)(?: for| at least)? (?P<n4>\d+(?:\.\d+)?) ?(?P<u4>ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b|(?:available|resets?|expires?) (?:again )?in (?P<n5>\d+(?:\.\d+)?) ?(?P<u5>ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b"#;

/// A point in time at which a peer wants to be asked again.
const DATE: &str = r#"retry-after["']?\s*[:=]\s*["']?(?P<at>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)|(?:try again|retry|resets?|available again)(?: at| after| on)?:? (?P<at2>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z| UTC|[+-]\d\d:?\d\d)?)"#;

/// A wait that a peer asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wait {
    /// In seconds.
    Seconds(String),
    /// Until a date, as printed.
    At(String),
}

fn expression(cell: &'static OnceLock<Option<Regex>>, text: &str) -> Option<&'static Regex> {
    cell.get_or_init(|| compile(text)).as_ref()
}

/// The limit that ran out, in seconds.
pub(super) fn time_limit(line: &str) -> Option<String> {
    static CELL: OnceLock<Option<Regex>> = OnceLock::new();
    let captures = expression(&CELL, LIMIT)?.captures(line.as_bytes())?;
    compound(&captures).or_else(|| seconds(text(&captures, "n")?, text(&captures, "u")))
}

/// `1m30.5s` in seconds.
fn compound(captures: &Captures<'_>) -> Option<String> {
    let minutes: f64 = text(captures, "cm")?.parse().ok()?;
    let rest: f64 = text(captures, "cs")?.parse().ok()?;
    Some(plain(minutes * 60.0 + rest))
}

/// How long a peer wants us to wait, if the text says so.
pub(super) fn wait(line: &[u8]) -> Option<Wait> {
    static DATE_CELL: OnceLock<Option<Regex>> = OnceLock::new();
    static WAIT_CELL: OnceLock<Option<Regex>> = OnceLock::new();
    if let Some(captures) = expression(&DATE_CELL, DATE).and_then(|date| date.captures(line)) {
        let at = text(&captures, "at").or_else(|| text(&captures, "at2"))?;
        return Some(Wait::At(at.to_owned()));
    }
    let captures = expression(&WAIT_CELL, WAIT)?.captures(line)?;
    if let Some(whole) = compound(&captures) {
        return Some(Wait::Seconds(whole));
    }
    let places = [
        ("n", "u"),
        ("n2", "u2"),
        ("n3", "u3"),
        ("n4", "u4"),
        ("n5", "u5"),
    ];
    let (number, unit) = places
        .iter()
        .find_map(|(number, unit)| Some((text(&captures, number)?, text(&captures, unit))))?;
    seconds(number, unit.or_else(|| text(&captures, "hu"))).map(Wait::Seconds)
}

fn text<'t>(captures: &Captures<'t>, name: &str) -> Option<&'t str> {
    std::str::from_utf8(captures.name(name)?.as_bytes()).ok()
}

/// A number of some unit as seconds; seconds where no unit is written.
fn seconds(number: &str, unit: Option<&str>) -> Option<String> {
    let unit = unit.unwrap_or("s").to_ascii_lowercase();
    let value: f64 = number.parse().ok()?;
    let whole = match unit.as_str() {
        "ms" => value / 1000.0,
        long if long.starts_with("milli") => value / 1000.0,
        short if short.starts_with('m') => value * 60.0,
        short if short.starts_with('h') => value * 3600.0,
        _ => return Some(trimmed(number)),
    };
    Some(plain(whole))
}

fn plain(value: f64) -> String {
    trimmed(&format!("{value:.3}"))
}

/// A decimal number without zeros that say nothing.
fn trimmed(number: &str) -> String {
    if number.contains('.') {
        number
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    } else {
        number.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read_in_every_usual_form() {
        let table = [
            ("Retry-After: 45", "45"),
            ("retry-after=1800", "1800"),
            ("Please try again in 628ms.", "0.628"),
            ("Please try again in 18.222s.", "18.222"),
            ("Please retry in 21s", "21"),
            ("\"retryDelay\": \"34s\"", "34"),
            ("Try again in 1m30.5s", "90.5"),
            ("try again in 2 minutes", "120"),
            ("{\"retry_after\": 1.5}", "1.5"),
            ("retry_after_ms: 1500", "1.5"),
            ("sleeping for 3348s...", "3348"),
        ];
        for (line, expected) in table {
            assert_eq!(
                wait(line.as_bytes()),
                Some(Wait::Seconds(expected.to_owned())),
                "{line}"
            );
        }
        assert_eq!(
            wait(b"Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"),
            Some(Wait::At("Wed, 21 Oct 2026 07:28:00 GMT".to_owned()))
        );
        assert_eq!(
            wait(b"Please wait a few minutes before you try again."),
            None
        );
    }

    #[test]
    fn limits_are_read_in_seconds() {
        for (line, expected) in [
            ("timeout of 2000ms exceeded", "2"),
            ("Read timed out. (read timeout=2.0)", "2"),
            ("Maximum execution time of 1 second exceeded", "1"),
            ("panic: test timed out after 10m0s", "600"),
            ("Operation timed out after 2001 milliseconds", "2.001"),
        ] {
            assert_eq!(time_limit(line).as_deref(), Some(expected), "{line}");
        }
    }
}
