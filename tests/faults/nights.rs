//! Whole nights in which guards, runs, supervisors and tasks are killed at random.
//!
//! Suite T1 over nights: `cargo test --test faults nights:: -- --nocapture`. A night on a clock that is
//! set from outside has four hours at which something is killed, again and again. The short form has 2
//! nights, the long one (`AUTOEXEC_FAULTS=long`) 60. As in `kills`, what is measured does not trust the
//! program: tasks take locks of their own and write down what they do.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::manners::{ByHand, is_poison, judge};
use crate::night_tasks::{BATCH, batch};
use crate::sandbox::{Sandbox, wait_until};
use crate::toll::{Harm, Toll};
use crate::trials::Trials;
use crate::wild::{Kind, Process, Stored, is_whole, kill, kill_all, kill_one, processes, tasks};
use crate::window::{HOUR, add_endless, at, sandbox, status, wait_for_status};

const DAY: i64 = 24 * HOUR;
/// The first evening, when the window opens.
const EVENING: &str = "2026-11-21T22:00:00Z";

struct Nights {
    sandbox: Sandbox,
    trials: Trials,
    count: i64,
    run: Option<Child>,
    kills: BTreeMap<&'static str, u32>,
    ends: BTreeMap<String, u32>,
    retried: BTreeMap<String, usize>,
    toll: Toll,
}

#[test]
fn nights_with_random_kills_lose_double_and_repeat_nothing() {
    let mut nights = Nights {
        sandbox: sandbox("UTC", ""),
        trials: Trials::of("T1 nights", 2, 60),
        count: 0,
        run: None,
        kills: BTreeMap::new(),
        ends: BTreeMap::new(),
        retried: BTreeMap::new(),
        toll: Toll::default(),
    };
    for _ in 0..nights.trials.wanted {
        nights.night();
    }
    nights.undisturbed();
    nights.judge();
    let tasks = usize::try_from(nights.trials.wanted).unwrap() * BATCH;
    nights.trials.tell_toll(
        &[
            ("nights", &nights.trials.wanted),
            ("kills", &nights.kills.values().sum::<u32>()),
            ("of them", &format!("{:?}", nights.kills)),
            ("ends of guards", &format!("{:?}", nights.ends)),
            ("tasks", &tasks),
        ],
        &nights.toll,
    );
    nights.toll.must_be_nothing();
}

impl Nights {
    /// Sets the clock to so many hours behind the opening of tonight's window; it goes on from there.
    fn hour(&self, hours: i64) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = i64::try_from(now.as_millis()).unwrap();
        let wanted = at(EVENING) + self.count * DAY + hours * HOUR;
        self.sandbox.set_clock(format!("{:+}", wanted - now));
    }

    fn night(&mut self) {
        self.hour(0);
        let file = format!("night-{}.toml", self.count);
        self.sandbox
            .file(&file, batch(&mut self.trials.rng, self.count));
        // What was acknowledged must be there at the end.
        self.sandbox.ok(["queue", "add", &file]);
        for hour in [0, 1, 5, 8] {
            self.hour(hour);
            for _ in 0..self.trials.rng.u32(2..8) {
                self.start_if_nobody_guards();
                if hour == 8 {
                    self.wait_until_it_began();
                }
                let longest = if self.trials.rng.u8(..) < 64 {
                    600
                } else {
                    120
                };
                sleep(Duration::from_millis(self.trials.rng.u64(2..longest)));
                self.kill_something();
            }
        }
        self.hour(9);
        self.wait_for_the_morning();
        self.count += 1;
    }

    /// What a person does, or cron's next line: a second run on the queue is refused with 75.
    fn start_if_nobody_guards(&mut self) {
        let has_ended = |run: &mut Child| run.try_wait().unwrap().is_some();
        if self.run.as_mut().is_none_or(has_ended) {
            self.note_end();
            self.run = Some(self.start());
        }
    }

    /// A guard that begins in the morning belongs to the next night.
    fn wait_until_it_began(&mut self) {
        let run = self.run.as_mut().unwrap();
        wait_until("the night has begun", || {
            self.sandbox.runner().is_some() || run.try_wait().unwrap().is_some()
        });
    }

    fn start(&self) -> Child {
        let errors = fs::File::options()
            .create(true)
            .append(true)
            .open(self.sandbox.work().join("run.err"));
        self.sandbox
            .command()
            .args(["run", "--overnight", "--no-progress", "-j", "3"])
            .stdout(Stdio::null())
            // Supervisors inherit it: a pipe would be open for as long as one of them lives.
            .stderr(errors.unwrap())
            .spawn()
            .unwrap()
    }

    fn kill_something(&mut self) {
        let all = processes(&self.sandbox);
        let of = |kind: Kind| -> Vec<Process> {
            let is_wanted = |process: &&Process| process.kind == kind;
            all.iter().filter(is_wanted).cloned().collect()
        };
        let supervisors = of(Kind::Supervisor);
        let guard = self.run.as_ref().map(Child::id);
        let (guards, runs): (Vec<Process>, Vec<Process>) = of(Kind::Program)
            .into_iter()
            .partition(|program| u32::try_from(program.pid).ok() == guard);
        let (class, count) = match self.trials.rng.u32(0..20) {
            0..5 => ("supervisor", kill_one(&mut self.trials.rng, &supervisors)),
            5..7 => ("all supervisors", kill_all(&supervisors)),
            7..12 => ("run", kill_all(&runs)),
            12..14 => ("guard", kill_all(&guards)),
            14..16 => ("guard and run", kill_all(&guards) + kill_all(&runs)),
            16..18 => {
                let programs = kill_all(&guards) + kill_all(&runs);
                ("everything of ours", programs + kill_all(&supervisors))
            }
            _ => {
                let mut victims = of(Kind::Task);
                // A death that is seen is a failure like any other, and leaves no doubt to ask about.
                victims.retain(|task| {
                    !["-ask.", "-fail."]
                        .iter()
                        .any(|name| task.command.contains(name))
                });
                ("task", kill_one(&mut self.trials.rng, &victims))
            }
        };
        *self.kills.entry(class).or_default() += count;
    }

    fn wait_for_the_morning(&mut self) {
        let is_over = |nights: &mut Self| {
            let own = nights.run.as_mut().unwrap().try_wait().unwrap();
            own.is_some() && nights.programs().is_empty()
        };
        let mut waited = 0;
        while !is_over(self) {
            sleep(Duration::from_millis(20));
            waited += 1;
            assert!(
                waited < 6_000,
                "the night does not end: {:#?}\n{}",
                processes(&self.sandbox),
                self.sandbox.read("run.err")
            );
        }
        self.note_end();
        self.sandbox.ok(["db", "check"]);
    }

    fn programs(&self) -> Vec<Process> {
        let mut programs = processes(&self.sandbox);
        programs.retain(|process| process.kind == Kind::Program);
        programs
    }

    /// A night ends by our kill, or well, or because something needs a person; a second one on the
    /// same queue is refused. It never ends by a bug, and never for want of supervisors.
    fn note_end(&mut self) {
        let Some(mut run) = self.run.take() else {
            return;
        };
        let status = run.wait().unwrap();
        let is_fine = status.signal() == Some(9) || matches!(status.code(), Some(0 | 1 | 75));
        assert!(is_fine, "{status:?}\n{}", self.sandbox.read("run.err"));
        *self.ends.entry(status.to_string()).or_default() += 1;
    }

    /// Two nights without kills, between which a person looks at what two windows stopped.
    fn undisturbed(&mut self) {
        for _ in 0..2 {
            self.hour(0);
            let run = self.start();
            // Whatever waits for a time gets it.
            sleep(Duration::from_millis(300));
            self.hour(5);
            self.sandbox.answer_of(run);
            self.count += 1;
            for task in tasks(&self.sandbox) {
                if is_poison(&task) || task.hold.as_deref() == Some("does_not_fit_window") {
                    self.sandbox.ok(["queue", "retry", &task.name]);
                    *self.retried.entry(task.name).or_default() += 1;
                }
            }
        }
    }

    fn judge(&mut self) {
        let toll = &mut self.toll;
        toll.look_for_orphans(&self.sandbox);
        toll.demand(is_whole(&self.sandbox), Harm::Lost, || "pages".to_owned());
        self.sandbox.ok(["db", "check"]);
        let stored = tasks(&self.sandbox);
        let wanted = usize::try_from(self.trials.wanted).unwrap() * BATCH;
        toll.demand(stored.len() == wanted, Harm::Lost, || {
            format!("{} tasks of {wanted} are there", stored.len())
        });
        for task in &stored {
            let hand = ByHand {
                retries: self.retried.get(&task.name).copied().unwrap_or_default(),
                may_be_cancelled: false,
            };
            judge(&self.sandbox, task, hand, toll);
        }
        self.report_tells(&stored);
    }

    /// Every task is in the report, and none seems to go on.
    fn report_tells(&self, stored: &[Stored]) {
        let since = "2026-11-21T00:00:00Z";
        let answer = self
            .sandbox
            .run(["report", "--peek", "--format", "json", "--since", since]);
        let report = answer.json();
        let told = report["totals"]["tasks"].as_u64().unwrap();
        assert_eq!(usize::try_from(told).unwrap(), stored.len(), "{report}");
        assert!(!report["runs"].as_array().unwrap().is_empty());
        for task in report["tasks"].as_array().unwrap() {
            let verdict = task["verdict"].as_str().unwrap();
            assert!(
                !["running", "waiting", "interrupted"].contains(&verdict),
                "{task}"
            );
        }
    }
}

#[test]
fn a_long_night_is_started_again_however_often_its_run_is_killed() {
    let sandbox = sandbox("UTC", "");
    sandbox.set_clock(at(EVENING));
    add_endless(&sandbox, "long");
    let run = sandbox.start(&["run", "--overnight", "--no-progress"]);
    let mut last = None;
    for hour in 1..8 {
        wait_until("a run is active", || {
            sandbox.runner().is_some_and(|pid| Some(pid) != last)
        });
        wait_for_status(&sandbox, "long", "running");
        // No attempt ends in between, but each run lived for an hour.
        sandbox.set_clock(at(EVENING) + hour * HOUR);
        last = sandbox.runner();
        kill(last.unwrap());
    }
    wait_until("the last run is active", || {
        sandbox.runner().is_some_and(|pid| Some(pid) != last)
    });
    sandbox.set_clock(at(EVENING) + 9 * HOUR);
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(answer.stderr.matches("the run died").count(), 7);
    assert_eq!(status(&sandbox, "long")["status"], "queued");
}
