//! Nights whose clock is switched, or jumps.

use crate::sandbox::{wait_for_words, wait_until};
use crate::window::{
    HOUR, add_endless, at, overnight, sandbox, status, wait_for_run, wait_for_status,
};

#[test]
fn nights_over_a_switch_of_the_clock_end_when_the_clocks_say_so() {
    // The start and end of the night in which the clocks are switched, as written and in UTC.
    for (zone, start, end) in [
        (
            "Europe/Berlin",
            "2026-03-28T21:00:00Z",
            "2026-03-29T05:00:00Z",
        ),
        (
            "Europe/Berlin",
            "2026-10-24T20:00:00Z",
            "2026-10-25T06:00:00Z",
        ),
        (
            "America/New_York",
            "2026-03-08T03:00:00Z",
            "2026-03-08T11:00:00Z",
        ),
        (
            "Australia/Lord_Howe",
            "2026-04-04T11:00:00Z",
            "2026-04-04T20:30:00Z",
        ),
        ("UTC", "2028-02-28T22:00:00Z", "2028-02-29T07:00:00Z"),
        (
            "Asia/Kathmandu",
            "2026-12-31T16:15:00Z",
            "2027-01-01T01:15:00Z",
        ),
    ] {
        let sandbox = sandbox(zone, "");
        sandbox.set_clock(at(start) - 1);
        let run = overnight(&sandbox);
        wait_for_run(&sandbox);
        add_endless(&sandbox, "task");
        sandbox.set_clock(at(start));
        wait_for_status(&sandbox, "task", "running");
        sandbox.set_clock(at(end) - 1);
        std::thread::sleep(std::time::Duration::from_millis(60));
        assert_eq!(
            status(&sandbox, "task")["status"],
            "running",
            "{zone} {end}"
        );
        sandbox.set_clock(at(end));
        let answer = sandbox.answer_of(run);
        assert_eq!(answer.code, 0, "{zone}\n{}", answer.stderr);
        assert_eq!(status(&sandbox, "task")["status"], "queued", "{zone}");
    }
}

/// Zones, and for each of them the start and end of the two nights of 2026 in which its clocks are
/// switched, in UTC; worked out with another program.
const SWITCHES: &str = "\
Europe/Berlin 03-28T21:00 03-29T05:00 10-24T20:00 10-25T06:00
Europe/London 03-28T22:00 03-29T06:00 10-24T21:00 10-25T07:00
Europe/Dublin 03-28T22:00 03-29T06:00 10-24T21:00 10-25T07:00
Europe/Athens 03-28T20:00 03-29T04:00 10-24T19:00 10-25T05:00
Europe/Chisinau 03-28T20:00 03-29T04:00 10-24T19:00 10-25T05:00
America/New_York 03-08T03:00 03-08T11:00 11-01T02:00 11-01T12:00
America/Chicago 03-08T04:00 03-08T12:00 11-01T03:00 11-01T13:00
America/Los_Angeles 03-08T06:00 03-08T14:00 11-01T05:00 11-01T15:00
America/St_Johns 03-08T01:30 03-08T09:30 11-01T00:30 11-01T10:30
America/Havana 03-08T03:00 03-08T11:00 11-01T02:00 11-01T12:00
America/Santiago 04-05T01:00 04-05T11:00 09-06T02:00 09-06T10:00
America/Nuuk 03-29T00:00 03-29T08:00 10-24T23:00 10-25T09:00
Atlantic/Azores 03-28T23:00 03-29T07:00 10-24T22:00 10-25T08:00
Africa/Cairo 04-23T20:00 04-24T04:00 10-29T19:00 10-30T05:00
Asia/Jerusalem 03-26T20:00 03-27T04:00 10-24T19:00 10-25T05:00
Asia/Beirut 03-28T20:00 03-29T04:00 10-24T19:00 10-25T05:00
Australia/Lord_Howe 04-04T11:00 04-04T20:30 10-03T11:30 10-03T20:00
Australia/Sydney 04-04T11:00 04-04T21:00 10-03T12:00 10-03T20:00
Pacific/Auckland 04-04T09:00 04-04T19:00 09-26T10:00 09-26T18:00
Pacific/Chatham 04-04T08:15 04-04T18:15 09-26T09:15 09-26T17:15
";

#[test]
fn nights_of_twenty_zones_begin_and_end_when_the_clocks_say_so() {
    let zones: Vec<&str> = SWITCHES.lines().collect();
    assert_eq!(zones.len(), 20);
    std::thread::scope(|scope| {
        for some in zones.chunks(5) {
            scope.spawn(|| some.iter().for_each(|zone| begin_and_end(zone)));
        }
    });
}

fn begin_and_end(line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let sandbox = sandbox(words[0], "");
    for night in words[1..].chunks(2) {
        let [start, end] = [0, 1].map(|place| format!("2026-{}:00.000Z", night[place]));
        sandbox.set_clock(at(&start) - 1);
        let mut run = overnight(&sandbox);
        wait_for_words(&mut run, "the window is not open yet");
        sandbox.ok([
            "queue",
            "add",
            "--shell",
            "--",
            "echo $AUTOEXEC_WINDOW_END > end",
        ]);
        sandbox.set_clock(at(&start));
        let answer = sandbox.answer_of(run);
        assert_eq!(answer.code, 0, "{line}\n{}", answer.stderr);
        assert_eq!(sandbox.read("end").trim(), end, "{line}");
    }
}

#[test]
fn a_clock_that_jumps_ahead_ends_the_night_and_nothing_is_lost() {
    for jump in [HOUR, 24 * HOUR, 3652 * 24 * HOUR] {
        let sandbox = sandbox("UTC", "");
        let night = at("2026-11-22T06:30:00Z");
        sandbox.set_clock(night);
        add_endless(&sandbox, "task");
        let run = overnight(&sandbox);
        wait_for_status(&sandbox, "task", "running");
        sandbox.set_clock(night + jump);
        let answer = sandbox.answer_of(run);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        assert_eq!(status(&sandbox, "task")["status"], "queued");
        sandbox.ok(["db", "check"]);
    }
}

#[test]
fn a_clock_that_jumps_back_starves_no_retry() {
    for jump in [HOUR, 3652 * 24 * HOUR] {
        let sandbox = sandbox("UTC", "");
        let night = at("2026-11-22T01:00:00Z");
        sandbox.set_clock(night);
        sandbox.file(
            "flaky.toml",
            r#"
[[task]]
name = "flaky"
command = 'test -e tried && exit 0; echo tried > tried; echo "connection refused" >&2; exit 1'
retry = { base = "30m", cap = "30m", jitter = 0 }
"#,
        );
        sandbox.ok(["queue", "add", "flaky.toml"]);
        let run = overnight(&sandbox);
        wait_until("the failure is recorded", || {
            status(&sandbox, "flaky")["used"] == 1
        });
        sandbox.set_clock(night - jump);
        let answer = sandbox.answer_of(run);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        assert_eq!(status(&sandbox, "flaky")["status"], "succeeded");
        assert!(
            answer.stderr.contains("the clock was set back by"),
            "{}",
            answer.stderr
        );
        sandbox.ok(["db", "check"]);
    }
}
