//! A queue that can be put back to how it was, and what must be true of it after any fault.
//!
//! What is judged does not trust the program: tasks take a lock of their own, which tells when two
//! lives of one overlapped, and write down their starts and their ends.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::sandbox::{Sandbox, wait_until};
use crate::wild::{Stored, attempt_of_line, fake_task, is_whole, processes, tasks};

/// How often `settle` runs at most: a task that is to be made again is due at once.
const RUNS: usize = 4;

/// A sandbox and how it was.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    kept: tempfile::TempDir,
}

impl Stage {
    /// A sandbox without a queue.
    pub(crate) fn new() -> Self {
        let stage = Self {
            sandbox: Sandbox::new(),
            kept: tempfile::tempdir().unwrap(),
        };
        stage.keep();
        stage
    }

    /// Keeps what is there now.
    pub(crate) fn keep(&self) {
        // A copy of it would cost more than the program needs to make it anew.
        let _there_was_none = fs::remove_file(self.sandbox.state().join("ballast"));
        for (from, to) in self.folders() {
            copy(&from, &to);
        }
    }

    /// Puts back what was kept.
    pub(crate) fn reset(&self) {
        for (to, from) in self.folders() {
            copy(&from, &to);
        }
    }

    fn folders(&self) -> [(PathBuf, PathBuf); 2] {
        let kept = |name| self.kept.path().join(name);
        [
            (self.sandbox.state(), kept("state")),
            (self.sandbox.work(), kept("work")),
        ]
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    if from.exists() {
        let copied = Command::new("cp").arg("-a").args([from, to]).status();
        assert!(copied.unwrap().success());
    }
}

/// The tasks of every scene, one of each manner: short, failing at first, in steps, running beside
/// others, leaving a process behind, and asking after a crash.
pub(crate) fn night() -> String {
    let program = fake_task();
    let program = program.to_str().unwrap();
    let mut file =
        String::from("[defaults]\nretry = { base = \"1ms\", cap = \"2ms\" }\ngrace = \"200ms\"\n");
    for (name, words) in [
        ("plain", "say hello"),
        ("second", "fail-first 1 second.n 75"),
        ("longer", "sleep 60"),
        (
            "leaves",
            "daemon close,ignore-term lock leaves.child sleep 600000",
        ),
        ("ask", "sleep 5"),
    ] {
        let (words, script) = words.split_once(',').unwrap_or((words, ""));
        let mut command = vec![program.to_owned()];
        command.extend(["lock".to_owned(), format!("{name}.lock")]);
        command.extend([
            "record".to_owned(),
            format!("{name}.log"),
            "start".to_owned(),
        ]);
        command.extend(words.split(' ').map(str::to_owned));
        command.extend((!script.is_empty()).then(|| script.to_owned()));
        command.extend(["record".to_owned(), format!("{name}.log"), "end".to_owned()]);
        let rule = if name == "ask" {
            "on_crash = \"ask\"\n"
        } else {
            ""
        };
        writeln!(
            file,
            "[[task]]\nname = \"{name}\"\ncommand = {command:?}\n{rule}"
        )
        .unwrap();
    }
    writeln!(
        file,
        "[[task]]\nname = \"stepwise\"\nstep = [\n  \
         {{ name = \"one\", command = [{program:?}, \"lock\", \"stepwise.lock\", \"record\", \"stepwise.log\", \"start\"] }},\n  \
         {{ name = \"two\", command = [{program:?}, \"lock\", \"stepwise.lock\", \"record\", \"stepwise.log\", \"end\"] }},\n]"
    )
    .unwrap();
    file
}

/// The names in [`night`].
pub(crate) const NIGHT: &[&str] = &["plain", "second", "longer", "leaves", "ask", "stepwise"];

/// Lets everything that can be done be done, without a fault.
pub(crate) fn settle(sandbox: &Sandbox, told: &str) {
    for _ in 0..RUNS {
        let answer = sandbox.run(["run", "--no-progress"]);
        assert!(
            matches!(answer.code, 0 | 1),
            "{}: {}\n{told}",
            answer.code,
            answer.stderr
        );
        let is_over =
            |task: &Stored| matches!(task.status.as_str(), "succeeded" | "held" | "failed");
        if tasks(sandbox).iter().all(is_over) {
            return;
        }
    }
    panic!("not done after {RUNS} runs: {:?}\n{told}", tasks(sandbox));
}

/// Whether a supervisor may have died, so that what asks after a crash may have been held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// Of the run alone: every attempt went on.
    OfTheRun,
    /// Of whoever watched over an attempt.
    OfASupervisor,
}

/// Every task is there once, done once, and nothing of any is alive.
pub(crate) fn judge(sandbox: &Sandbox, names: &[&str], death: Death, told: &str) {
    // The promise: nothing of an ended attempt is alive five seconds later.
    wait_until(&format!("nothing is left\n{told}"), || {
        processes(sandbox).is_empty()
    });
    assert!(is_whole(sandbox), "{told}");
    let check = sandbox.run(["db", "check"]);
    assert_eq!(check.code, 0, "{}{}\n{told}", check.stdout, check.stderr);
    let stored = tasks(sandbox);
    let mut seen: Vec<&str> = stored.iter().map(|task| task.name.as_str()).collect();
    seen.sort_unstable();
    let mut wanted = names.to_vec();
    wanted.sort_unstable();
    assert_eq!(seen, wanted, "lost or doubled\n{told}");
    let wrong: BTreeMap<&str, String> = stored
        .iter()
        .filter_map(|task| Some((task.name.as_str(), complaint(sandbox, task, death)?)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}\n{stored:?}\n{told}");
}

fn complaint(sandbox: &Sandbox, task: &Stored, death: Death) -> Option<String> {
    let file = |kind: &str| {
        let path = sandbox.work().join(format!("{}.{kind}", task.name));
        fs::read_to_string(path).unwrap_or_default()
    };
    let log = file("log");
    if !file("lock.overlap").is_empty() || !file("child.overlap").is_empty() {
        return Some("two lives overlapped".to_owned());
    }
    let starts = log.lines().filter(|line| line.starts_with("start")).count();
    if task.name == "ask" && starts > 1 {
        return Some("started again without being asked".to_owned());
    }
    match (task.status.as_str(), task.successes.as_slice()) {
        ("succeeded", [success]) => {
            let last = log.lines().filter_map(attempt_of_line).max();
            let ends = log.lines().filter(|line| line.starts_with("end")).count();
            let most = if death == Death::OfTheRun { 1 } else { 2 };
            if last > Some(*success) {
                return Some(format!("started after its success was recorded\n{log}"));
            }
            (!(1..=most).contains(&ends)).then(|| format!("came to its end {ends} times\n{log}"))
        }
        ("held", []) if task.name == "ask" && death == Death::OfASupervisor => None,
        (status, successes) => Some(format!("{status}, successes {successes:?}\n{log}")),
    }
}
