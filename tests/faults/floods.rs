//! More output than anybody can keep.
//!
//! Suite T13: `cargo test --test faults floods:: -- --nocapture`. A task writes a gibibyte in lines, then
//! a quarter of one without any newline, and fails, so that its output is judged as well. Neither the
//! run nor its supervisor may need more memory for it, the log stays below its cap, and the task is
//! never kept waiting for good. The long form (`AUTOEXEC_FAULTS=long`) takes ten gibibytes and one.

use std::fs;
use std::path::Path;

use fastrand::Rng;
use rusqlite::{Connection, OpenFlags};

use crate::sandbox::{Sandbox, wait_until};
use crate::trials::{self, Trials};
use crate::wild::{Kind, fake_task, processes};

/// What the log may keep.
const CAP: u64 = 1 << 20;
/// What is promised; the program itself, which a debug build maps as a whole, not counted.
const MOST_MEMORY_KIB: u64 = 64 * 1024;

#[test]
fn a_flood_needs_neither_memory_nor_disk() {
    let trials = Trials::of("T13 floods", 1, 1);
    let (lines, bare) = if trials::is_long() {
        (10_u64 << 30, 1_u64 << 30)
    } else {
        (1 << 30, 256 << 20)
    };
    let (of_lines, of_bare) = (flood("flood", lines), flood("flood-bare", bare));
    trials.tell(&[
        ("bytes in lines", &lines),
        ("bytes without a newline", &bare),
        ("KiB of the run at most", &of_lines.run.max(of_bare.run)),
        (
            "KiB of a supervisor at most",
            &of_lines.supervisor.max(of_bare.supervisor),
        ),
    ]);
}

/// The most memory that was used, in KiB.
#[derive(Debug, Default, Clone, Copy)]
struct Peak {
    run: u64,
    supervisor: u64,
}

fn flood(manner: &str, bytes: u64) -> Peak {
    let sandbox = Sandbox::new();
    let fake = fake_task();
    let fake = fake.to_str().unwrap();
    let count = bytes.to_string();
    sandbox.file(
        "flood.toml",
        format!(
            "[defaults]\nretries = 0\nmax_output = \"1MiB\"\n\
             [[task]]\nname = \"flood\"\ncommand = [\"{fake}\", \"{manner}\", \"{count}\", \
             \"record\", \"done\", \"x\", \"wait-for\", \"seen\", \"exit\", \"3\"]\n\
             [[task]]\nname = \"after\"\npriority = -1\ncommand = [\"{fake}\", \"record\", \
             \"judged\", \"x\", \"wait-for\", \"seen-again\"]\n"
        ),
    );
    sandbox.ok(["queue", "add", "flood.toml"]);
    let run = sandbox.start(&["run", "--no-progress", "-j", "1"]);
    let mut peak = Peak::default();
    for (reached, seen) in [("done", "seen"), ("judged", "seen-again")] {
        wait_as_long_as_it_goes_on(&sandbox, reached);
        peak.look_at(&sandbox);
        sandbox.file(seen, "");
    }
    assert_eq!(sandbox.answer_of(run).code, 1);
    assert!(peak.run > 0 && peak.supervisor > 0, "nobody was seen");
    assert!(peak.run < MOST_MEMORY_KIB, "{manner}: {peak:?}");
    assert!(peak.supervisor < MOST_MEMORY_KIB, "{manner}: {peak:?}");
    assert_eq!(written(&sandbox), bytes, "not all of it was counted");
    let kept = size_of(&sandbox.state().join("logs"));
    assert!((CAP / 2..CAP + CAP / 4).contains(&kept), "{manner}: {kept}");
    sandbox.ok(["db", "check"]);
    peak
}

impl Peak {
    fn look_at(&mut self, sandbox: &Sandbox) {
        for process in processes(sandbox) {
            let path = format!("/proc/{}/status", process.pid);
            let status = fs::read_to_string(path).unwrap_or_default();
            let kib = |name: &str| -> u64 {
                let line = status.lines().find(|line| line.starts_with(name));
                let number = line.and_then(|line| line.split_whitespace().nth(1));
                number.map_or(0, |number| number.parse().unwrap())
            };
            let own = kib("VmHWM:").saturating_sub(kib("RssFile:"));
            match process.kind {
                Kind::Program => self.run = self.run.max(own),
                Kind::Supervisor => self.supervisor = self.supervisor.max(own),
                Kind::Task => {}
            }
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_kept_as_they_are() {
    let mut trials = Trials::of("T13 raw bytes", 4, 100);
    let mut bytes = 0;
    for _ in 0..trials.wanted {
        let sandbox = Sandbox::new();
        let (out, err) = (junk(&mut trials.rng), junk(&mut trials.rng));
        bytes += out.len() + err.len();
        sandbox.file("out", &out);
        sandbox.file("err", &err);
        let both = "cat out & cat err >&2; wait";
        sandbox.ok(["queue", "add", "--name", "junk", "--", "sh", "-c", both]);
        sandbox.ok(["run", "--no-progress"]);
        for (stream, written) in [("stdout", out), ("stderr", err)] {
            let answer = sandbox.run(["logs", "junk", "--stream", stream]);
            assert_eq!(answer.code, 0, "{}", answer.stderr);
            assert!(answer.raw_stdout == written, "{stream} is not what it was");
        }
        // What people look at shows none of it as it is.
        for command in [
            &["report"][..],
            &["why", "junk"],
            &["queue", "show", "junk"],
        ] {
            let shown = sandbox.run(command.iter().copied()).raw_stdout;
            let control = shown.iter().find(|byte| **byte < b' ' && **byte != b'\n');
            assert_eq!(control, None, "{command:?}");
        }
    }
    trials.tell(&[("outputs", &(2 * trials.wanted)), ("bytes", &bytes)]);
}

/// Zeros, control characters, broken UTF-8 and lines of any length; too large for a segment, mostly.
fn junk(rng: &mut Rng) -> Vec<u8> {
    let pieces: &[&[u8]] = &[
        b"\0",
        b"\n",
        b"\r",
        b"\r\n",
        b"\x1b[31m",
        b"\x1b]0;title\x07",
        b"\xff\xfe",
        b"\xc3",
        b"\xf0\x9f\x98",
        b"\x9b2J",
        b"\xe2\x80\xae",
        b"error: a line of text\n",
        b"\x08\x08",
    ];
    let mut junk = Vec::new();
    let wanted = rng.usize(1..400_000);
    while junk.len() < wanted {
        match rng.u8(0..8) {
            0 => junk.extend((0..rng.usize(0..5_000)).map(|_| rng.u8(..))),
            1 => junk.extend(std::iter::repeat_n(rng.u8(..), rng.usize(0..90_000))),
            _ => junk.extend(*rng.choice(pieces).unwrap()),
        }
    }
    junk
}

/// However slow the machine is: what goes on is not blocked.
fn wait_as_long_as_it_goes_on(sandbox: &Sandbox, reached: &str) {
    let is_reached = || sandbox.work().join(reached).exists();
    let mut ticks = u64::MAX;
    while !is_reached() {
        wait_until("the flood goes on", || {
            let before = std::mem::replace(&mut ticks, processor_ticks(sandbox));
            before != ticks || is_reached()
        });
    }
}

/// How long the sandbox's processes have worked: it grows as long as anything goes on.
fn processor_ticks(sandbox: &Sandbox) -> u64 {
    let ticks = |pid: i32| -> Option<u64> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, behind_the_name) = stat.rsplit_once(") ")?;
        let mut fields = behind_the_name.split(' ').skip(11);
        Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
    };
    let own = processes(sandbox);
    own.iter().filter_map(|process| ticks(process.pid)).sum()
}

/// What the flood wrote by the word of its supervisor.
fn written(sandbox: &Sandbox) -> u64 {
    let path = sandbox.state().join("queue.db");
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let bytes: i64 = database
        .query_row(
            "SELECT json_extract(a.outcome, '$.output.stdout_bytes') FROM attempts a JOIN task_records t ON t.id = a.task_id
             WHERE t.name = 'flood'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    u64::try_from(bytes).unwrap()
}

fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries.map(|entry| entry.metadata().unwrap().len()).sum()
}
