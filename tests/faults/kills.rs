//! Random kills of runs and supervisors.
//!
//! Suite T1: `cargo test --test faults kills:: -- --nocapture`. What is measured does not trust the
//! program: each task takes a lock of its own, which tells when two lives of it
//! overlapped, and writes down its starts and its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::sandbox::Sandbox;
use crate::trials::Trials;
use crate::wild::{
    Kind, Process, attempt_of_line, fake_task, is_whole, kill_all, kill_one, processes, tasks,
};

/// Tasks that are added at once.
const BATCH: usize = 10;

struct Night {
    sandbox: Sandbox,
    trials: Trials,
    batches: usize,
    kills: BTreeMap<&'static str, u32>,
}

#[test]
fn no_random_kill_loses_doubles_or_orphans_a_task() {
    let mut night = Night {
        sandbox: Sandbox::new(),
        trials: Trials::of("T1 kills", 300, 5_000),
        batches: 0,
        kills: BTreeMap::new(),
    };
    while u64::from(night.killed()) < night.trials.wanted {
        night.add_tasks_if_few_are_left();
        night.run_and_kill();
    }
    night.finish();
    night.judge();
    let tasks = night.batches * BATCH;
    night.trials.tell(&[
        ("kills", &night.killed()),
        ("tasks", &tasks),
        ("lost, doubled, left or stuck", &0),
    ]);
}

impl Night {
    fn add_tasks_if_few_are_left(&mut self) {
        if self.batches > 0 && self.unfinished() > BATCH / 2 {
            return;
        }
        self.batches += 1;
        let file = format!("batch-{}.toml", self.batches);
        self.sandbox.file(&file, batch(self.batches));
        // What was acknowledged must be there at the end.
        self.sandbox.ok(["queue", "add", &file]);
    }

    fn unfinished(&self) -> usize {
        let is_unfinished = |status: &str| matches!(status, "queued" | "running" | "recovering");
        tasks(&self.sandbox)
            .iter()
            .filter(|task| is_unfinished(&task.status))
            .count()
    }

    /// One life of a run: kills fall until one of them hits it, or it is done.
    fn run_and_kill(&mut self) {
        let mut run = self.start_run();
        loop {
            // Mostly too short for a task to end, sometimes long enough for several.
            let longest = if self.trials.rng.u8(..) < 64 {
                400
            } else {
                100
            };
            sleep(Duration::from_millis(self.trials.rng.u64(2..longest)));
            if run.try_wait().unwrap().is_some() {
                self.check_end(run);
                return;
            }
            let choice = self.trials.rng.u32(0..10);
            let supervisors: Vec<Process> = processes(&self.sandbox)
                .into_iter()
                .filter(|process| process.kind == Kind::Supervisor)
                .collect();
            match choice {
                0..3 => {
                    let kills = kill_one(&mut self.trials.rng, &supervisors);
                    self.note("one supervisor", kills);
                }
                3 => self.note("all supervisors", kill_all(&supervisors)),
                4..6 => {
                    run.kill().unwrap();
                    self.note("run and all supervisors", kill_all(&supervisors) + 1);
                }
                _ => {
                    run.kill().unwrap();
                    self.note("run", 1);
                }
            }
            if choice >= 4 {
                self.check_end(run);
                return;
            }
        }
    }

    fn killed(&self) -> u32 {
        self.kills.values().sum()
    }

    fn note(&mut self, class: &'static str, kills: u32) {
        *self.kills.entry(class).or_default() += kills;
    }

    fn start_run(&self) -> Child {
        self.sandbox
            .command()
            .args(["run", "--no-progress", "-j", "3"])
            .stdout(Stdio::null())
            // Supervisors inherit it: a pipe would be open for as long as one of them lives.
            .stderr(fs::File::create(self.sandbox.work().join("run.err")).unwrap())
            .spawn()
            .unwrap()
    }

    /// A run ends by our kill, or well, or because tasks failed or are held; never otherwise.
    fn check_end(&self, mut run: Child) {
        let status = run.wait().unwrap();
        let is_fine = status.signal() == Some(9) || matches!(status.code(), Some(0 | 1));
        assert!(is_fine, "{status:?}\n{}", self.sandbox.read("run.err"));
    }

    /// Lets the queue drain without kills.
    fn finish(&self) {
        let answer = self.sandbox.run(["run", "--no-progress"]);
        assert!(matches!(answer.code, 0 | 1), "{}", answer.stderr);
    }

    fn judge(&self) {
        // The promise: nothing of an ended attempt is alive five seconds later.
        sleep(Duration::from_secs(5));
        assert_eq!(processes(&self.sandbox), [], "orphans");
        assert!(is_whole(&self.sandbox));
        let stored = tasks(&self.sandbox);
        assert_eq!(stored.len(), self.batches * BATCH, "tasks were lost");
        let mut wrong = String::new();
        let mut poisoned = 0;
        for task in &stored {
            let file = |kind: &str| {
                let path = self.sandbox.work().join(format!("{}.{kind}", task.name));
                fs::read_to_string(path).unwrap_or_default()
            };
            let mut complain = |what: &str| {
                writeln!(wrong, "{}: {what}: {task:?}\n{}", task.name, file("log")).unwrap();
            };
            if !file("lock.overlap").is_empty() || !file("child.overlap").is_empty() {
                complain("two lives overlapped");
            }
            match task.status.as_str() {
                "succeeded" if task.successes.len() == 1 => {
                    let last = file("log").lines().filter_map(attempt_of_line).max();
                    if last > task.successes.first().copied() {
                        complain("started after its success was recorded");
                    }
                    if !file("log").contains("end ") {
                        complain("succeeded without having come to its end");
                    }
                }
                "succeeded" => complain("succeeded more than once"),
                // Its rule is to ask when nobody can know.
                "held" if task.name.contains("-ask-") => {}
                // Five runs in a row died while they recorded its end: on a slow machine our kills
                // are that quick, and a person has to look, as the rule says.
                "held" if task.hold.as_deref() == Some("poison") => poisoned += 1,
                "failed" if task.name.contains("-fail-") => {}
                _ => complain("neither done nor resolved"),
            }
            // Who asks or fails after a crash is never started a second time by itself.
            let starts = file("log")
                .lines()
                .filter(|l| l.starts_with("start"))
                .count();
            let only_once = task.name.contains("-ask-") || task.name.contains("-fail-");
            if only_once && starts > 1 {
                complain("started again without being asked");
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
        assert!(poisoned <= stored.len() / 10, "{poisoned} held as poison");
    }
}

/// A file of tasks, each with another manner.
fn batch(number: usize) -> String {
    let program = fake_task();
    let program = program.to_str().unwrap();
    let mut file = String::from(
        "[defaults]\nretry = { max_attempts = 1000, base = \"10ms\", cap = \"20ms\" }\ngrace = \"200ms\"\n",
    );
    for index in 0..BATCH {
        let (manner, words, keys): (&str, &[&str], &str) = match index {
            0 => ("fails", &["fail-first", "1", "@.n", "75"], ""),
            1 => (
                "leaves",
                &["daemon", "close", "ignore-term lock @.child sleep 60000"],
                "",
            ),
            2 => (
                "holds",
                &["daemon", "hold", "ignore-term lock @.child sleep 60000"],
                "",
            ),
            3 => ("ignores", &["ignore-term"], ""),
            4 => ("ask", &[], "on_crash = \"ask\"\n"),
            5 => ("fail", &[], "on_crash = \"fail\"\n"),
            6 => ("talks", &["flood", "100000"], ""),
            _ => ("plain", &[], ""),
        };
        let name = format!("b{number}-{manner}-{index}");
        let length = (10 + 15 * index).to_string();
        let mut command = vec![program, "lock", "@.lock", "record", "@.log", "start"];
        command.extend(words);
        command.extend(["sleep", &length, "record", "@.log", "end"]);
        let command: Vec<String> = command
            .iter()
            .map(|word| format!("{:?}", word.replace('@', &name)))
            .collect();
        writeln!(
            file,
            "[[task]]\nname = \"{name}\"\ncommand = [{}]\n{keys}",
            command.join(", ")
        )
        .unwrap();
    }
    file
}
