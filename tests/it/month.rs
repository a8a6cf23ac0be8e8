//! A month of nights on a clock that is set from outside: what their reports must say stands in a table
//! beforehand.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::SystemTime;

use crate::port::closed_port;
use crate::sandbox::{Answer, Sandbox};
use crate::skipped;
use crate::window::{HOUR, at};

/// What is odd about a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// Nothing.
    Quiet,
    /// A task fails once and then succeeds.
    Flaky,
    /// The service is down.
    Outage,
    /// Nobody starts the run.
    Missed,
    /// The disk on which a task writes is full.
    FullDisk,
    /// The mail server is gone.
    DeadMail,
}

/// A night as it must be: the day on which it begins, what is odd about it, the exit code, how many tasks
/// are ok, recovered, failed and blocked, the end of the window in UTC, and what the first sentence of its
/// report says.
type Row = (u8, Event, i32, [u64; 4], &'static str, &'static str);

const WELL: &str = "nothing needs you";

/// October 2026 in Berlin; in the night that begins on the 24th the clocks are put back.
#[rustfmt::skip]
const MONTH: [Row; 30] = [
    (1, Event::Quiet, 0, [4, 0, 0, 0], "02T05:00", WELL),
    (2, Event::Quiet, 0, [4, 0, 0, 0], "03T05:00", WELL),
    (3, Event::Flaky, 0, [4, 1, 0, 0], "04T05:00", WELL),
    (4, Event::Quiet, 0, [4, 0, 0, 0], "05T05:00", WELL),
    (5, Event::Outage, 1, [2, 0, 1, 1], "06T05:00", "2 need you"),
    (6, Event::Outage, 1, [2, 0, 1, 1], "07T05:00", "2 need you"),
    (7, Event::Quiet, 0, [4, 0, 0, 0], "08T05:00", WELL),
    (8, Event::Quiet, 0, [4, 0, 0, 0], "09T05:00", WELL),
    (9, Event::Missed, 0, [0, 0, 0, 0], "10T05:00", "was missed"),
    (10, Event::Quiet, 0, [8, 0, 0, 0], "11T05:00", WELL),
    (11, Event::Flaky, 0, [4, 1, 0, 0], "12T05:00", WELL),
    (12, Event::Quiet, 0, [4, 0, 0, 0], "13T05:00", WELL),
    (13, Event::FullDisk, 1, [4, 0, 1, 0], "14T05:00", "1 needs you"),
    (14, Event::Quiet, 0, [4, 0, 0, 0], "15T05:00", WELL),
    (15, Event::Quiet, 0, [4, 0, 0, 0], "16T05:00", WELL),
    (16, Event::Outage, 1, [2, 0, 1, 1], "17T05:00", "2 need you"),
    (17, Event::Quiet, 0, [4, 0, 0, 0], "18T05:00", WELL),
    (18, Event::DeadMail, 1, [4, 0, 0, 0], "19T05:00", WELL),
    (19, Event::Quiet, 0, [4, 0, 0, 0], "20T05:00", WELL),
    (20, Event::Quiet, 0, [4, 0, 0, 0], "21T05:00", WELL),
    (21, Event::Flaky, 0, [4, 1, 0, 0], "22T05:00", WELL),
    (22, Event::Quiet, 0, [4, 0, 0, 0], "23T05:00", WELL),
    (23, Event::Quiet, 0, [4, 0, 0, 0], "24T05:00", WELL),
    (24, Event::Quiet, 0, [4, 0, 0, 0], "25T06:00", WELL),
    (25, Event::Outage, 1, [2, 0, 1, 1], "26T06:00", "2 need you"),
    (26, Event::Quiet, 0, [4, 0, 0, 0], "27T06:00", WELL),
    (27, Event::Missed, 0, [0, 0, 0, 0], "28T06:00", "was missed"),
    (28, Event::Quiet, 0, [8, 0, 0, 0], "29T06:00", WELL),
    (29, Event::Flaky, 0, [4, 1, 0, 0], "30T06:00", WELL),
    (30, Event::Quiet, 0, [4, 0, 0, 0], "31T06:00", WELL),
];

/// What is kept, in days.
const KEPT: usize = 7;

/// Lets the clock go on from an instant.
pub(crate) fn set_clock(sandbox: &Sandbox, instant: i64) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = i64::try_from(now.unwrap().as_millis()).unwrap();
    sandbox.set_clock(format!("{:+}", instant - now));
}

fn configure(sandbox: &Sandbox, more: &str) {
    let content = format!(
        "[overnight]\ntimezone = \"Europe/Berlin\"\n[rescue]\nmax = 0\n\
         [retention]\ndays = {KEPT}\nmax_log_bytes = \"1MiB\"\n{more}"
    );
    sandbox.configure(content);
}

/// The tasks of a night.
fn tasks(day: u8, event: Event, port: u16) -> String {
    let text = format!(
        r#"
[[task]]
name = "dump-{day}"
command = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/{port}"]
retries = 0

[[task]]
name = "upload-{day}"
command = ["true"]
after = ["dump-{day}"]

[[task]]
name = "photos-{day}"
command = "echo $AUTOEXEC_WINDOW_END > window-end"

[[task]]
name = "tidy-{day}"
command = "seq 1 2000"
"#
    );
    let more = match event {
        Event::Flaky => format!(
            r#"
[[task]]
name = "flaky-{day}"
command = 'test -e tried-{day} && exit 0; echo x > tried-{day}; echo "Connection reset by peer" >&2; exit 1'
retry = {{ base = "20ms", cap = "20ms", jitter = 0 }}
"#
        ),
        Event::FullDisk => format!(
            r#"
[[task]]
name = "export-{day}"
command = ["dd", "if=/dev/zero", "of=small/export", "bs=64k", "count=64"]
retries = 0
"#
        ),
        Event::Quiet | Event::Outage | Event::Missed | Event::DeadMail => String::new(),
    };
    text + &more
}

/// Whether this user may mount something where nobody else sees it.
fn may_mount(folder: &Path) -> bool {
    let tried = std::process::Command::new("unshare")
        .args(["-m", "mount", "-t", "tmpfs", "-o", "size=256k", "none"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

/// A night's run; its folder `small` is a small disk of its own if wanted.
fn overnight(sandbox: &Sandbox, small_disk: bool) -> Answer {
    if !small_disk {
        return sandbox.run(["run", "--overnight", "--no-progress"]);
    }
    let program = sandbox.command();
    let script =
        "mount -t tmpfs -o size=256k none small && exec \"$0\" run --overnight --no-progress";
    let mut command = std::process::Command::new("unshare");
    command
        .args(["-m", "sh", "-c", script])
        .arg(program.get_program())
        .env_clear()
        .envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(sandbox.work())
        .stdin(Stdio::null());
    sandbox.finish(&mut command)
}

/// The machine of the month.
struct Month {
    sandbox: Sandbox,
    /// The service that tasks use, while it is up.
    service: Option<TcpListener>,
    port: u16,
    dead_mail: String,
    /// A small disk can be made.
    has_disk: bool,
}

impl Month {
    fn begin() -> Self {
        let sandbox = Sandbox::new();
        std::fs::create_dir(sandbox.work().join("small")).unwrap();
        let has_disk = may_mount(&sandbox.work().join("small"));
        if !has_disk {
            skipped::say(
                "month::a_month_of_nights_is_told_as_it_was: the night with a full disk",
                "nobody may mount anything here",
            );
        }
        let (port, closed) = (closed_port(), closed_port());
        let dead_mail = format!(
            "[[notify]]\non = [\"report\"]\n\
             email = {{ to = \"me@example.com\", smtp = \"smtp://127.0.0.1:{closed}\" }}\n"
        );
        Self {
            sandbox,
            port,
            service: None,
            dead_mail,
            has_disk,
        }
    }

    fn set_up(&mut self, event: Event) {
        let dead_mail = event == Event::DeadMail;
        configure(&self.sandbox, if dead_mail { &self.dead_mail } else { "" });
        if event == Event::Outage {
            self.service = None;
        } else if self.service.is_none() {
            self.service = Some(TcpListener::bind(("127.0.0.1", self.port)).unwrap());
        }
    }

    fn night(&mut self, row: Row) {
        let (day, mut event, mut code, mut totals, window_end, headline) = row;
        if event == Event::FullDisk && !self.has_disk {
            (event, code, totals) = (Event::Quiet, 0, [4, 0, 0, 0]);
        }
        self.set_up(event);
        let sandbox = &self.sandbox;
        // Half past ten in the evening, in summer and in winter.
        let offset = if day < 25 { "+02:00" } else { "+01:00" };
        let evening = at(&format!("2026-10-{day:02}T22:30:00{offset}"));
        set_clock(sandbox, evening - HOUR);
        sandbox.file("night.toml", tasks(day, event, self.port));
        sandbox.ok(["queue", "add", "night.toml"]);
        if event == Event::Missed {
            set_clock(sandbox, evening + 10 * HOUR);
            let told = sandbox.run(["report", "--peek"]).stdout;
            let told = told.replace('\n', " ");
            assert!(told.contains(headline), "{row:?}\n{told}");
            return;
        }
        set_clock(sandbox, evening);
        let answer = overnight(sandbox, event == Event::FullDisk);
        assert_eq!(answer.code, code, "{row:?}\n{}", answer.stderr);
        let end = sandbox.read("window-end");
        let written = format!("2026-10-{window_end}:00.000Z");
        assert_eq!(end.trim(), written, "{row:?}");
        self.is_told((event, totals, headline), row);
        // Somebody reads it in the morning and lets go of what failed.
        set_clock(sandbox, evening + 11 * HOUR);
        match event {
            Event::Outage => drop(sandbox.ok(["queue", "cancel", &format!("dump-{day}")])),
            Event::FullDisk => drop(sandbox.ok(["queue", "cancel", &format!("export-{day}")])),
            Event::Quiet | Event::Flaky | Event::Missed | Event::DeadMail => {}
        }
    }

    /// The report of the last run is as it must be.
    fn is_told(&self, (event, totals, headline): (Event, [u64; 4], &str), row: Row) {
        let last = ["report", "--run", "last"];
        let report = self
            .sandbox
            .run([&last[..], &["--format", "json"]].concat());
        let report = report.json();
        let counted = ["ok", "recovered", "failed", "blocked"]
            .map(|verdict| report["totals"][verdict].as_u64().unwrap());
        assert_eq!(counted, totals, "{row:?}");
        let all: u64 = totals.iter().sum();
        assert_eq!(report["totals"]["tasks"], all, "{row:?}");
        let page = self.sandbox.run(last).stdout;
        let first = page.split("\n\n").next().unwrap().replace('\n', " ");
        assert!(first.contains(headline), "{row:?}\n{page}");
        assert!(first.contains("Overnight run"), "{row:?}\n{page}");
        for (words, when) in [
            ("Not told", Event::DeadMail),
            ("refused", Event::Outage),
            ("No space left on device", Event::FullDisk),
        ] {
            // A mail server that is gone refuses, too.
            let is_wanted = event == when || (words == "refused" && event == Event::DeadMail);
            assert_eq!(page.contains(words), is_wanted, "{words}: {row:?}\n{page}");
        }
    }
}

#[test]
fn a_month_of_nights_is_told_as_it_was() {
    let mut month = Month::begin();
    for row in MONTH {
        month.night(row);
    }
    // What is kept is of the last days.
    let sandbox = &month.sandbox;
    let left = sandbox.json(["queue", "list", "--all", "--json"]);
    let left = left["tasks"].as_array().unwrap().len();
    assert!(left <= 4 * (KEPT + 2) + 4, "{left} tasks are left");
    sandbox.ok(["db", "check"]);
}
