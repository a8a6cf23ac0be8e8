//! Many runs at once on one queue: exactly one of them runs.
//!
//! Suite T6: `cargo test --test faults starts:: -- --nocapture`. In each round sixteen programs start
//! at once: runs, overnight runs, and commands that take the lock of the queue while it is free. The
//! short form has 5 rounds, the long one (`AUTOEXEC_FAULTS=long`) 1,000.

use std::fs;
use std::process::Child;

use fastrand::Rng;

use crate::sandbox::{Sandbox, wait_until};
use crate::toll::{Harm, Toll};
use crate::trials::Trials;
use crate::wild::{Stored, fake_task, tasks};

/// Hours that are open at any time.
const ALL_DAY: &str = "[overnight]\nstart = \"00:00\"\nend = \"24:00\"\n";
/// Programs that start at once.
const CROWD: usize = 16;

/// What one of the sixteen does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Run,
    Overnight,
    /// Has the task tried again that failed.
    Retry,
    /// Cancels the task that nobody may start.
    Cancel,
}

impl Kind {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Run => &["run", "--no-progress"],
            Self::Overnight => &["run", "--overnight", "--no-progress"],
            Self::Retry => &["queue", "retry", "failed"],
            Self::Cancel => &["queue", "cancel", "--no-wait", "gone"],
        }
    }

    const fn runs(self) -> bool {
        matches!(self, Self::Run | Self::Overnight)
    }

    /// Fourteen that run at least, and two that the seed chooses.
    fn crowd(rng: &mut Rng) -> Vec<Self> {
        let mut crowd: Vec<Self> = (0..CROWD - 2)
            .map(|_| {
                if rng.u8(..) < 64 {
                    Self::Overnight
                } else {
                    Self::Run
                }
            })
            .collect();
        for _ in 0..2 {
            crowd.push(rng.choice([Self::Run, Self::Retry, Self::Cancel]).unwrap());
        }
        rng.shuffle(&mut crowd);
        crowd
    }
}

#[test]
fn of_sixteen_simultaneous_starts_exactly_one_runs() {
    let mut trials = Trials::of("T6 starts", 5, 1_000);
    let mut toll = Toll::default();
    let (mut runs, mut refused, mut commands) = (0, 0, 0);
    for _ in 0..trials.wanted {
        let crowd = Kind::crowd(&mut trials.rng);
        let running = crowd.iter().filter(|kind| kind.runs()).count();
        refused += running - 1;
        runs += running;
        commands += crowd.len() - running;
        round(&crowd, &mut toll);
    }
    trials.tell_toll(
        &[
            ("rounds", &trials.wanted),
            ("runs started", &runs),
            ("of them refused", &refused),
            ("commands beside them", &commands),
        ],
        &toll,
    );
    toll.must_be_nothing();
}

/// A queue with a task that keeps its run busy, one that failed, and one that depends on a gate that
/// stays closed.
fn queue() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.configure(ALL_DAY);
    let program = fake_task();
    let program = program.to_str().unwrap();
    let add = |name: &str, words: &[&str]| {
        let mut add = vec![
            "queue",
            "add",
            "--name",
            name,
            "--retries",
            "0",
            "--",
            program,
        ];
        add.extend(words);
        sandbox.ok(add);
    };
    add(
        "failed",
        &["fail-first", "1", "tries", "1", "record", "log", "again"],
    );
    assert_eq!(sandbox.run(["run", "--no-progress"]).code, 1);
    let gate = [
        "lock",
        "gate.lock",
        "record",
        "log",
        "start",
        "wait-for",
        "open",
        "record",
        "log",
        "end",
    ];
    add("gate", &gate);
    sandbox.file(
        "gone.toml",
        "[[task]]\nname = \"gone\"\nafter = [\"gate\"]\ncommand = \"echo gone >> log\"\n",
    );
    sandbox.ok(["queue", "add", "gone.toml"]);
    sandbox
}

fn round(crowd: &[Kind], toll: &mut Toll) {
    let sandbox = queue();
    let mut waiting: Vec<(Kind, Child)> = crowd
        .iter()
        .map(|kind| (*kind, sandbox.start(kind.words())))
        .collect();
    let mut ended = Vec::new();
    wait_until("all but one have ended", || {
        let (now, later) = std::mem::take(&mut waiting)
            .into_iter()
            .partition::<Vec<_>, _>(|(_, child)| has_ended(child));
        ended.extend(now);
        waiting = later;
        waiting.len() <= 1
    });
    let last = waiting.first().map(|(kind, _)| *kind);
    toll.demand(last.is_some_and(Kind::runs), Harm::Lost, || {
        format!("nobody runs; the last one is {last:?}")
    });
    fs::write(sandbox.work().join("open"), "").unwrap();
    for (kind, child) in ended {
        let answer = sandbox.answer_of(child);
        let is_fine = if kind.runs() {
            answer.code == 75 && answer.stderr.contains("process [PID]")
        } else {
            // Of two that want the same the second may be told so.
            let has_twin = crowd.iter().filter(|other| **other == kind).count() > 1;
            answer.code == 0 || has_twin && answer.code == 2
        };
        toll.demand(is_fine, Harm::Doubled, || {
            format!("{kind:?}: {}: {}", answer.code, answer.stderr)
        });
    }
    for (kind, child) in waiting {
        let answer = sandbox.answer_of(child);
        toll.demand(answer.code == 0, Harm::Stuck, || {
            format!("{kind:?}: {}: {}", answer.code, answer.stderr)
        });
    }
    judge(&sandbox, crowd, toll);
}

fn judge(sandbox: &Sandbox, crowd: &[Kind], toll: &mut Toll) {
    let log = sandbox.read("log");
    for (line, wanted) in [
        ("start ", 1),
        ("end ", 1),
        ("again ", usize::from(crowd.contains(&Kind::Retry))),
        ("gone", usize::from(!crowd.contains(&Kind::Cancel))),
    ] {
        let found = log.lines().filter(|one| one.starts_with(line)).count();
        let harm = if found < wanted {
            Harm::Lost
        } else {
            Harm::Doubled
        };
        toll.demand(found == wanted, harm, || format!("{crowd:?}:\n{log}"));
    }
    let overlaps = sandbox.work().join("gate.lock.overlap").exists();
    toll.demand(!overlaps, Harm::Doubled, || {
        "two lives overlapped".to_owned()
    });
    let status = |name: &str| -> String {
        let of_name = |task: &Stored| task.name == name;
        tasks(sandbox).into_iter().find(of_name).unwrap().status
    };
    for (name, kind, done, left) in [
        ("failed", Kind::Retry, "succeeded", "failed"),
        ("gone", Kind::Cancel, "cancelled", "succeeded"),
    ] {
        let wanted = if crowd.contains(&kind) { done } else { left };
        let found = status(name);
        toll.demand(found == wanted, Harm::Lost, || {
            format!("{name} is {found}, and shall be {wanted}: {crowd:?}")
        });
    }
}

/// A process that has ended and was not waited for keeps its place as a zombie.
fn has_ended(child: &Child) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", child.id())).is_ok_and(|stat| stat.contains(") Z "))
}
