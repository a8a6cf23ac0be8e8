//! Nights without end: what they leave behind stays within what is to be kept.
//!
//! `AUTOEXEC_NIGHTS` is their number, such as 1000; without it there are few.

use std::io::Write as _;
use std::path::Path;

use crate::month::set_clock;
use crate::sandbox::Sandbox;
use crate::window::{HOUR, at};

/// Bytes of a file or of all files below a folder.
fn bytes(path: &Path) -> u64 {
    let Ok(facts) = std::fs::metadata(path) else {
        return 0;
    };
    if !facts.is_dir() {
        return facts.len();
    }
    std::fs::read_dir(path)
        .unwrap()
        .map(|entry| bytes(&entry.unwrap().path()))
        .sum()
}

/// How often a run is killed.
const KILLED_EVERY: usize = 20;

/// A task that kills the run, once.
fn killer(night: usize) -> String {
    format!(
        "test -e killed-{night} || {{ touch killed-{night}; \
         kill -9 $(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/' $AUTOEXEC_STATE_DIR/run.lock); }}"
    )
}

/// Fills the current file of alerts, so that the next alert begins another one.
fn fill_alerts(sandbox: &Sandbox) {
    let file = sandbox.state().join("alerts.jsonl");
    let line = "{\"timestamp\":\"2026-01-01T00:00:00.000Z\",\"level\":\"WARNING\",\
                \"component\":\"test\",\"message\":\"again\",\"details\":{}}\n";
    let there = bytes(&file);
    let lines = usize::try_from((1 << 20) - there).unwrap() / line.len();
    let mut file = std::fs::OpenOptions::new().append(true).open(file).unwrap();
    file.write_all(line.repeat(lines).as_bytes()).unwrap();
}

/// Bytes of the database, of output, and of alerts.
fn sizes(sandbox: &Sandbox) -> [u64; 3] {
    let state = sandbox.state();
    let alerts = std::fs::read_dir(&state).unwrap().flatten();
    let alerts = alerts.filter(|file| file.file_name().to_string_lossy().starts_with("alerts"));
    [
        bytes(&state.join("queue.db")),
        bytes(&state.join("logs")),
        alerts.map(|file| bytes(&file.path())).sum(),
    ]
}

#[test]
fn many_nights_leave_no_more_behind_than_is_to_be_kept() {
    let wanted = std::env::var("AUTOEXEC_NIGHTS").ok();
    let nights: usize = wanted.and_then(|number| number.parse().ok()).unwrap_or(25);
    let sandbox = Sandbox::new();
    let written = "[overnight]\ntimezone = \"UTC\"\n[rescue]\nmax = 0\n\
                   [retention]\ndays = 10\nmax_tasks = 24\nmax_log_bytes = \"512KiB\"\n";
    sandbox.configure(written);
    let begin = at("2026-01-01T23:00:00Z");
    let mut settled = 0;
    for night in 0..nights {
        set_clock(&sandbox, begin + i64::try_from(night).unwrap() * 24 * HOUR);
        let mut lines =
            format!("seq 1 20000 # {night}\necho short {night}\nsh -c 'exit 3' # {night}\n");
        let is_killed = night % KILLED_EVERY == KILLED_EVERY - 1;
        if is_killed {
            lines.push_str(&killer(night));
            lines.push('\n');
            if night > KILLED_EVERY {
                fill_alerts(&sandbox);
            }
        }
        let added = sandbox.run_with_input(
            &["queue", "add", "--retries", "0", "--lines", "-"],
            lines.as_bytes(),
        );
        assert_eq!(added.code, 0, "{}", added.stderr);
        let answer = sandbox.run(["run", "--overnight", "--no-progress"]);
        assert_eq!(answer.code, 1, "night {night}: {}", answer.stderr);
        if is_killed {
            assert!(sandbox.work().join(format!("killed-{night}")).exists());
        }
        if night + 1 == 20 {
            settled = sizes(&sandbox)[0];
        }
        if (night + 1) % 100 == 0 {
            let sizes = sizes(&sandbox);
            let mut seen = std::io::stderr();
            writeln!(seen, "after {} nights: {sizes:?} bytes", night + 1).unwrap();
        }
    }
    let [database, logs, alerts] = sizes(&sandbox);
    assert!(
        database < 2 * settled,
        "it grew from {settled} to {database} bytes"
    );
    assert!(database < 4 << 20, "the database takes {database} bytes");
    assert!(logs < 1 << 20, "output takes {logs} bytes");
    assert!(
        alerts <= (5 << 20) + (64 << 10),
        "alerts take {alerts} bytes"
    );
    let left = sandbox.json(["queue", "list", "--all", "--json"]);
    let left = left["tasks"].as_array().unwrap().len();
    assert!(left <= 24, "{left} tasks are left");
    sandbox.ok(["db", "check"]);
}
