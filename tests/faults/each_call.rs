//! Death at every system call that changes something: of a run, of its supervisors, of a recovery,
//! and of every command that writes.
//!
//! Suite T2: `cargo test --test faults each_call:: -- --nocapture`. The short form dies at calls that are
//! spread over each scene; the long form (`AUTOEXEC_FAULTS=long`) at every one of them.

use std::collections::BTreeMap;
use std::fs;

use crate::border::{self, Call, Fault, TracedSupervisor, was_killed};
use crate::sandbox::{Answer, Sandbox};
use crate::stage::{Death, NIGHT, Stage, judge, night, settle};
use crate::trials::Trials;
use crate::wild::{Kind, kill_all, processes, story, tasks};

/// More than any scene has calls.
pub(crate) const ALL: u64 = 1_000_000;
const RUN: &[&str] = &["run", "--no-progress", "-j", "2"];

/// Calls to die at: as many as wanted, spread evenly, with a beginning that the seed chooses. Where
/// they are few, those that leave something behind come first.
pub(crate) fn chosen(trials: &mut Trials, calls: &[Call]) -> Vec<Call> {
    const WEIGHTLESS: &[&str] = &["close", "read", "fcntl", "dup2"];
    let wanted = usize::try_from(trials.wanted).unwrap().max(1);
    let leaves_something = |call: &&Call| {
        let is_opened = call.kind == "openat" && !call.line.contains("O_CREAT");
        !is_opened && !WEIGHTLESS.contains(&call.kind.as_str())
    };
    // Whoever looks at other processes changes nothing.
    let looks = |call: &&Call| call.line.contains("</proc") || call.line.contains("\"/proc");
    let calls: Vec<&Call> = calls.iter().filter(|call| !looks(call)).collect();
    let mut among: Vec<&Call> = calls.iter().copied().filter(leaves_something).collect();
    if wanted > among.len() {
        among = calls;
    }
    let step = among.len().div_ceil(wanted).max(1);
    let first = trials.rng.usize(0..step);
    among
        .into_iter()
        .skip(first)
        .step_by(step)
        .cloned()
        .collect()
}

/// What was tried in a scene.
#[derive(Default)]
pub(crate) struct Tally {
    hit: BTreeMap<String, u32>,
    missed: u32,
}

impl Tally {
    pub(crate) fn note(&mut self, call: &Call, was_hit: bool) {
        if was_hit {
            *self.hit.entry(call.kind.clone()).or_default() += 1;
        } else {
            self.missed += 1;
        }
    }

    pub(crate) fn tell(&self, trials: &Trials, calls: usize) {
        let faults: u32 = self.hit.values().sum();
        let kinds: Vec<String> = self
            .hit
            .iter()
            .map(|(kind, n)| format!("{kind} {n}"))
            .collect();
        trials.tell(&[
            ("calls", &calls),
            ("faults", &faults),
            ("ended before", &self.missed),
            ("by kind", &kinds.join(" ")),
            ("lost, doubled, left or torn", &0),
        ]);
        // A scene in which nothing fails shows nothing.
        assert!(faults > 0, "nothing was hit");
    }
}

#[test]
fn a_run_that_dies_at_any_call_leaves_no_trace() {
    const NAME: &str = "each_call::a_run_that_dies_at_any_call_leaves_no_trace";
    if !border::is_open(NAME) {
        return;
    }
    let mut trials = Trials::of("T2 calls of a run", 8, ALL);
    let stage = with_queue();
    let sandbox = &stage.sandbox;
    let (answer, calls) = border::calls(sandbox, RUN, border::CHANGES, &[]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let undisturbed = story(sandbox);
    let mut tally = Tally::default();
    for call in chosen(&mut trials, &calls) {
        stage.reset();
        let (answer, lines) = border::with_fault(sandbox, RUN, &[], (&call, Fault::Kill));
        let told = format!("{call:?}\n{}", answer.stderr);
        tally.note(&call, check_death(&answer, &lines, &told));
        settle(sandbox, &told);
        judge(sandbox, NIGHT, Death::OfTheRun, &told);
        assert_eq!(story(sandbox), undisturbed, "{told}");
    }
    tally.tell(&trials, calls.len());
}

#[test]
fn a_run_and_its_supervisors_that_die_at_any_call_lose_and_double_nothing() {
    const NAME: &str =
        "each_call::a_run_and_its_supervisors_that_die_at_any_call_lose_and_double_nothing";
    if !border::is_open(NAME) {
        return;
    }
    let mut trials = Trials::of("T2 calls of a run, with its supervisors", 5, ALL);
    let stage = with_queue();
    let sandbox = &stage.sandbox;
    let (answer, calls) = border::calls(sandbox, RUN, border::CHANGES, &[]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let mut tally = Tally::default();
    for call in chosen(&mut trials, &calls) {
        stage.reset();
        let (answer, lines) = border::with_fault(sandbox, RUN, &[], (&call, Fault::Kill));
        kill_supervisors(sandbox);
        let told = format!("{call:?}\n{}", answer.stderr);
        tally.note(&call, check_death(&answer, &lines, &told));
        settle(sandbox, &told);
        judge(sandbox, NIGHT, Death::OfASupervisor, &told);
    }
    tally.tell(&trials, calls.len());
}

#[test]
fn a_supervisor_that_dies_at_any_call_loses_and_doubles_nothing() {
    const NAME: &str = "each_call::a_supervisor_that_dies_at_any_call_loses_and_doubles_nothing";
    if !border::is_open(NAME) {
        return;
    }
    let mut trials = Trials::of("T2 calls of a supervisor", 8, ALL);
    let stage = with_queue();
    let sandbox = &stage.sandbox;
    let (answer, traced) = TracedSupervisor::run(sandbox, border::CHANGES, None);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let calls = traced.calls();
    let mut tally = Tally::default();
    for call in chosen(&mut trials, &calls) {
        stage.reset();
        let fault = Some((&call, Fault::Kill));
        let (answer, traced) = TracedSupervisor::run(sandbox, border::CHANGES, fault);
        let told = format!("{call:?}\n{}", answer.stderr);
        // The run lives on; at most somebody has to say what becomes of the one that asks.
        assert!(matches!(answer.code, 0 | 1), "{} {told}", answer.code);
        tally.note(&call, was_killed(&traced.lines()));
        settle(sandbox, &told);
        judge(sandbox, NIGHT, Death::OfASupervisor, &told);
    }
    tally.tell(&trials, calls.len());
}

#[test]
fn a_recovery_that_dies_at_any_call_is_made_by_the_next_run() {
    const NAME: &str = "each_call::a_recovery_that_dies_at_any_call_is_made_by_the_next_run";
    if !border::is_open(NAME) {
        return;
    }
    let mut trials = Trials::of("T2 calls of a recovery", 4, ALL);
    let stage = with_queue();
    let sandbox = &stage.sandbox;
    // A run dies with attempts under way, and all supervisors with it.
    let die = || {
        stage.reset();
        let mut run = sandbox.command();
        run.args(RUN);
        run.env("__AUTOEXEC_CRASH_AT", "before_acknowledge:2");
        run.stderr(fs::File::create(sandbox.home().join("stderr")).unwrap());
        assert_eq!(sandbox.answer_of(run.spawn().unwrap()).code, 137);
        kill_supervisors(sandbox);
    };
    die();
    let (answer, calls) = border::calls(sandbox, RUN, border::CHANGES, &[]);
    assert!(matches!(answer.code, 0 | 1), "{}", answer.stderr);
    let mut tally = Tally::default();
    for call in chosen(&mut trials, &calls) {
        die();
        let (answer, lines) = border::with_fault(sandbox, RUN, &[], (&call, Fault::Kill));
        let told = format!("{call:?}\n{}", answer.stderr);
        tally.note(&call, check_death(&answer, &lines, &told));
        settle(sandbox, &told);
        judge(sandbox, NIGHT, Death::OfASupervisor, &told);
    }
    tally.tell(&trials, calls.len());
}

/// A command that writes, and what must be true after its death.
struct Writing {
    arguments: &'static [&'static str],
    /// Whether there is a queue with a past.
    has_past: bool,
    whole: fn(&Sandbox, &str),
}

const WRITING: &[Writing] = &[
    Writing {
        arguments: &["queue", "add", "night.toml"],
        has_past: false,
        whole: added_whole_or_not_at_all,
    },
    Writing {
        arguments: &["report", "--run", "last", "-o", "page.html"],
        has_past: true,
        whole: page_is_old_or_new,
    },
    Writing {
        arguments: &["db", "backup", "copy.db"],
        has_past: true,
        whole: copy_is_whole_or_not_there,
    },
    Writing {
        arguments: &["--config", "forget.toml", "db", "prune"],
        has_past: true,
        whole: |_, _| {},
    },
];

#[test]
fn a_command_that_dies_at_any_call_has_done_everything_or_nothing() {
    const NAME: &str = "each_call::a_command_that_dies_at_any_call_has_done_everything_or_nothing";
    if !border::is_open(NAME) {
        return;
    }
    for writing in WRITING {
        let words = writing.arguments.join(" ");
        let suite: &'static str = format!("T2 calls of `{words}`").leak();
        let mut trials = Trials::of(suite, 5, ALL);
        let stage = if writing.has_past {
            with_past()
        } else {
            Stage::new()
        };
        let sandbox = &stage.sandbox;
        if !writing.has_past {
            sandbox.file("night.toml", night());
            stage.keep();
        }
        let (answer, calls) = border::calls(sandbox, writing.arguments, border::CHANGES, &[]);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        let mut tally = Tally::default();
        for call in chosen(&mut trials, &calls) {
            stage.reset();
            let (answer, lines) =
                border::with_fault(sandbox, writing.arguments, &[], (&call, Fault::Kill));
            let told = format!("{words}: {call:?}\n{}", answer.stderr);
            tally.note(&call, check_death(&answer, &lines, &told));
            (writing.whole)(sandbox, &told);
            // It can be typed again, and nothing else is hurt.
            let again = sandbox.run(writing.arguments);
            let is_done = again.stderr.contains("exists") || again.stderr.contains("already");
            assert!(again.code == 0 || is_done, "{}\n{told}", again.stderr);
            if writing.arguments.contains(&"prune") {
                assert!(tasks(sandbox).is_empty(), "{told}");
                assert_eq!(sandbox.run(["db", "check"]).code, 0, "{told}");
                continue;
            }
            settle(sandbox, &told);
            judge(sandbox, NIGHT, Death::OfTheRun, &told);
        }
        tally.tell(&trials, calls.len());
    }
}

fn added_whole_or_not_at_all(sandbox: &Sandbox, told: &str) {
    let check = sandbox.run(["db", "check"]);
    assert_eq!(check.code, 0, "{}\n{told}", check.stderr);
    let list = sandbox.run(["queue", "list", "--json"]);
    assert_eq!(list.code, 0, "{}\n{told}", list.stderr);
    let text = String::from_utf8_lossy(&list.raw_stdout).into_owned();
    let there = NIGHT
        .iter()
        .filter(|name| text.contains(&format!("\"{name}\"")))
        .count();
    assert!(there == 0 || there == NIGHT.len(), "{text}\n{told}");
}

fn page_is_old_or_new(sandbox: &Sandbox, told: &str) {
    let page = sandbox.read("page.html");
    let is_new = page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>");
    assert!(
        page == "the old page" || is_new,
        "{} bytes\n{told}",
        page.len()
    );
}

fn copy_is_whole_or_not_there(sandbox: &Sandbox, told: &str) {
    let copy = sandbox.work().join("copy.db");
    if !copy.exists() {
        return;
    }
    let database = rusqlite::Connection::open(&copy).unwrap();
    let count = database.query_row("SELECT count(*) FROM task_records", [], |row| row.get(0));
    assert_eq!(
        count,
        Ok(i64::try_from(NIGHT.len()).unwrap()),
        "a torn copy\n{told}"
    );
}

/// Dead by our kill, or ended well before that call came.
pub(crate) fn check_death(answer: &Answer, lines: &[String], told: &str) -> bool {
    let was_killed = was_killed(lines);
    let is_fine = if was_killed {
        answer.code == 137
    } else {
        matches!(answer.code, 0 | 1)
    };
    assert!(is_fine, "{} {told}", answer.code);
    was_killed
}

fn kill_supervisors(sandbox: &Sandbox) {
    let supervisors: Vec<_> = processes(sandbox)
        .into_iter()
        .filter(|process| process.kind == Kind::Supervisor)
        .collect();
    kill_all(&supervisors);
}

/// A queue that was never run.
pub(crate) fn with_queue() -> Stage {
    let stage = Stage::new();
    stage.sandbox.file("night.toml", night());
    stage.sandbox.ok(["queue", "add", "night.toml"]);
    stage.keep();
    stage
}

/// A queue in which everything was done.
fn with_past() -> Stage {
    let stage = with_queue();
    let sandbox = &stage.sandbox;
    sandbox.ok(["run", "--no-progress"]);
    sandbox.file("page.html", "the old page");
    sandbox.file("forget.toml", "[retention]\nmax_tasks = 0\n");
    stage.keep();
    stage
}
