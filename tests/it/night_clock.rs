//! Nights whose clock is switched, or jumps.

use crate::night::{
    HOUR, add_endless, at, overnight, sandbox, status, wait_for_run, wait_for_status,
};
use crate::sandbox::wait_until;

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
