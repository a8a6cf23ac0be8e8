//! Durations, sizes, hours, dates and small words, as they are typed and as they are shown.

use std::time::Duration;

use autoexec::cli::config::run::parse_parallel;
use autoexec::cli::config::serve::parse_listen;
use autoexec::cli::hours::parse_span;
use autoexec::cli::hours::parse_until;
use autoexec::model::signal::Signal;
use autoexec::policy::window::ClockTime;
use autoexec::policy::window::Hours;
use autoexec::report::range::parse_run;
use autoexec::report::range::parse_since;
use autoexec::support::clock::Timestamp;
use autoexec::support::clock::Zone;
use autoexec::support::text as words;
use autoexec::support::wildcard::Wildcard;
use autoexec::taskfile::parse_duration;
use autoexec::taskfile::parse_host_and_port;
use autoexec::taskfile::parse_size;
use jiff::tz::TimeZone;

use crate::fuzz::Heard;
use crate::fuzz::Target;
use crate::fuzz::is_one_line;
use crate::fuzz::text;

const CORPUS: &[&str] = &[
    "2h",
    "1h 30m",
    "1.5h",
    "500ms",
    " 2 days ",
    "1w",
    "0s",
    "90s",
    "64MiB",
    "1.5 GiB",
    "500MB",
    "12B",
    "06:30",
    "24:00",
    "2026-11-22T06:30:00+01:00",
    "2026-11-22 06:30",
    "2026-11-22",
    "+30m",
    "last",
    "17",
    "127.0.0.1:8377",
    "[::1]:80",
    "db.internal:5432",
    "SIGTERM",
    "15",
    "*.log",
    "a?c[x]",
    "8",
];

const UNITS: &[&str] = &[
    "ns",
    "us",
    "µs",
    "ms",
    "s",
    "sec",
    "m",
    "min",
    "M",
    "h",
    "hours",
    "d",
    "days",
    "w",
    "month",
    "y",
    "years",
    "B",
    "kB",
    "K",
    "KiB",
    "MiB",
    "MB",
    "GiB",
    "TB",
    "PiB",
    "EiB",
    ":",
    "T",
    "Z",
    "+00:00",
    "-14:00",
    "+23:59",
    "-",
    " ",
    ".",
    "1",
    "9999-12-31T23:59:59Z",
    "0000-01-01T00:00:00Z",
    "-9999-01-01",
    "23:59:60",
    "02:30",
    "localhost",
    "::",
    "SIG",
    "0",
];

const NOWS: [i64; 5] = [
    0,
    1_700_000_000_000,
    // The last Sunday of March 2026 in Berlin, at half past two, which does not exist.
    1_774_747_800_000,
    253_402_300_799_999,
    -62_135_596_800_000,
];

fn corpus() -> Vec<Vec<u8>> {
    CORPUS.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn no_time_size_or_word_makes_its_reader_stumble() {
    let zones = [
        TimeZone::UTC,
        TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC),
    ];
    Target {
        name: "times, sizes and words",
        corpus: &corpus(),
        words: UNITS,
        trials: (1_000, 1_000_000),
        takes_monsters: true,
    }
    .feed(|input| {
        let text = text(input);
        let mut taken = false;
        let mut heard = |result: Result<(), String>| match result {
            Ok(()) => taken = true,
            Err(why) => is_one_line(&why),
        };
        heard(parse_duration(&text).map(reads_back));
        heard(parse_size(&text).map(|bytes| assert!(bytes <= i64::MAX.unsigned_abs())));
        heard(parse_span(&text).map(|span| assert!(span > Duration::ZERO)));
        heard(parse_parallel(&text).map(drop));
        heard(parse_listen(&text).map(drop));
        heard(
            Wildcard::parse(&text)
                .map(drop)
                .map_err(|error| error.to_string()),
        );
        heard(
            parse_run(&text)
                .map(drop)
                .map_err(|error| error.to_string()),
        );
        for now in NOWS.map(Timestamp::from_millis) {
            for zone in [Zone::East(0), Zone::East(-50_400), Zone::Local] {
                let since = parse_since(&text, now, zone);
                heard(since.map(drop).map_err(|error| error.to_string()));
            }
            heard(parse_until(&text).map(|wish| {
                let _its_end = wish.resolve(now);
            }));
            if let Some(time) = ClockTime::parse(&text) {
                assert_eq!(ClockTime::parse(&time.to_string()), Some(time));
                for zone in &zones {
                    nights_are_nights(time, zone, now);
                }
            }
        }
        if let Some(signal) = Signal::parse(&text) {
            // One without a name is told by its number.
            let shown = signal.to_string().replace("signal ", "");
            assert_eq!(Signal::parse(&shown), Some(signal));
        }
        let _either = parse_host_and_port(&text);
        Heard::of(taken)
    });
}

/// A span that was understood is understood when it is written down as a task file would have it.
fn reads_back(span: Duration) {
    let millis = format!("{}ms", span.as_millis());
    assert_eq!(parse_duration(&millis), Ok(span));
    for shown in [words::span(span), words::whole_span(span)] {
        is_one_line(&shown);
    }
    // What a person is shown is at most a tenth off, and reads back, too.
    let shown = words::span(span).replace(' ', "");
    let again = parse_duration(&shown).unwrap();
    assert!(
        again.abs_diff(span) * 10 <= span.max(Duration::from_secs(1)),
        "{span:?}: {shown}"
    );
}

/// The night that holds an instant, or the next one, is where it says.
fn nights_are_nights(time: ClockTime, zone: &TimeZone, now: Timestamp) {
    if let Some(next) = time.next(zone, now) {
        assert!(next > now);
    }
    let midnight = ClockTime::new(0, 0).unwrap();
    for (start, end) in [(time, midnight), (midnight, time)] {
        let Ok(hours) = Hours::new(start, end, zone.clone()) else {
            continue;
        };
        if let Some(night) = hours.window(now) {
            assert!(night.start < night.end && night.end > now);
        }
        if let Some(night) = hours.latest(now) {
            assert!(night.start <= now);
        }
    }
}
