//! Random kills of runs, supervisors and commands.
//!
//! Suite T1: `cargo test --test faults kills:: -- --nocapture`. Kills fall in several campaigns, each
//! with its own way chosen by the seed: what is killed, what happens to attempts whose run dies
//! (`when_runner_dies`), whether the run is process 1 of a container, whether everything is late
//! (`__AUTOEXEC_SLOW_AT`), whether people cancel and retry meanwhile, and which tasks there are. The
//! short form kills 300 times, the long one (`AUTOEXEC_FAULTS=long`) 5,000 times.
//!
//! What is measured does not trust the program: each task takes a lock of its own, which tells when
//! two lives of it overlapped, and writes down its starts and its end.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::Duration;

use fastrand::Rng;

use crate::container;
use crate::manners::{chosen, is_poison, judge, names, was_repeated};
use crate::persons::Persons;
use crate::sandbox::{Sandbox, wait_until};
use crate::skipped;
use crate::toll::{Harm, Toll};
use crate::trials::Trials;
use crate::wild::{Kind, Process, is_whole, kill_all, kill_one, processes, tasks};

/// Manners of tasks that are added at once.
const BATCH: usize = 8;
/// What tells a run from the commands of persons.
const RUN: &str = " run --no-progress ";
/// Kills of one campaign.
const CAMPAIGN: u64 = 50;
/// Campaigns at the same time: mostly they wait.
const AT_ONCE: usize = 4;

/// What is killed in a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victims {
    Runs,
    Supervisors,
    Everything,
}

/// The way of a campaign.
#[derive(Debug, Clone, Copy)]
struct Way {
    victims: Victims,
    /// What `when_runner_dies` says.
    policy: &'static str,
    in_container: bool,
    slow: bool,
    persons: bool,
    slots: u32,
}

impl Way {
    /// The first campaigns go through what matters most, whatever the seed says.
    fn choose(rng: &mut Rng, index: u64, containers: bool) -> Self {
        Self {
            victims: match (index, rng.u32(0..8)) {
                (0, _) | (_, 0..2) => Victims::Runs,
                (_, 2) => Victims::Supervisors,
                _ => Victims::Everything,
            },
            policy: if index.is_multiple_of(2) {
                "adopt"
            } else {
                "kill"
            },
            in_container: containers && index % 5 == 2,
            slow: rng.bool(),
            persons: !index.is_multiple_of(3),
            slots: rng.u32(1..5),
        }
    }

    /// Nothing that ends may be forgotten where only runs die and supervisors finish what they have.
    fn repeats_nothing(self) -> bool {
        self.victims == Victims::Runs && self.policy == "adopt" && !self.in_container
    }
}

/// What one campaign did.
#[derive(Default)]
struct Sums {
    kills: BTreeMap<&'static str, u32>,
    tasks: usize,
    answers: u32,
    repeated: usize,
    poisoned: usize,
    toll: Toll,
}

struct Campaign {
    sandbox: Sandbox,
    way: Way,
    rng: Rng,
    wanted: u64,
    added: Vec<String>,
    batches: usize,
    listener: TcpListener,
    persons: Persons,
    sums: Sums,
}

#[test]
fn no_random_kill_loses_doubles_or_orphans_a_task() {
    let missing = container::missing();
    if let Some(why) = &missing {
        skipped::say("kills: campaigns in containers", why);
    }
    let trials = Trials::of("T1 kills", 300, 5_000);
    let campaigns: Vec<u64> = (0..trials.wanted.div_ceil(CAMPAIGN)).collect();
    let waiting = Mutex::new(campaigns.into_iter());
    let (sums, ways) = (Mutex::new(Sums::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(index) = waiting.lock().unwrap().next() else {
                        break;
                    };
                    // Each campaign is chosen by itself: the order in which they end changes nothing.
                    let mut rng = Rng::with_seed(trials.seed.wrapping_add(index));
                    let way = Way::choose(&mut rng, index, missing.is_none());
                    println!("campaign {index}: {way:?}");
                    let wanted = CAMPAIGN.min(trials.wanted - index * CAMPAIGN);
                    let mut campaign = Campaign::new(way, rng, wanted).fight();
                    campaign.toll.name(&format!("campaign {index}"));
                    sums.lock().unwrap().add(campaign);
                    ways.lock().unwrap().push(way);
                }
            });
        }
    });
    let (sums, ways) = (sums.into_inner().unwrap(), ways.into_inner().unwrap());
    let count = |is_so: fn(&Way) -> bool| ways.iter().filter(|way| is_so(way)).count();
    trials.tell_toll(
        &[
            ("kills", &sums.kills.values().sum::<u32>()),
            ("of them", &format!("{:?}", sums.kills)),
            ("campaigns", &ways.len()),
            (
                "of them with the kill policy",
                &count(|way| way.policy == "kill"),
            ),
            ("in containers", &count(|way| way.in_container)),
            ("tasks", &sums.tasks),
            ("commands answered", &sums.answers),
            ("repeated by rule", &sums.repeated),
            ("held as poison", &sums.poisoned),
        ],
        &sums.toll,
    );
    sums.toll.must_be_nothing();
    assert!(sums.poisoned <= sums.tasks / 10, "{}", sums.poisoned);
}

impl Sums {
    fn add(&mut self, other: Self) {
        for (class, kills) in other.kills {
            *self.kills.entry(class).or_default() += kills;
        }
        self.tasks += other.tasks;
        self.answers += other.answers;
        self.repeated += other.repeated;
        self.poisoned += other.poisoned;
        self.toll.add(other.toll);
    }
}

impl Campaign {
    fn new(way: Way, rng: Rng, wanted: u64) -> Self {
        let sandbox = Sandbox::new();
        let config = format!("[run]\nwhen_runner_dies = {:?}\n", way.policy);
        sandbox.configure(config);
        Self {
            sandbox,
            way,
            rng,
            wanted,
            added: Vec::new(),
            batches: 0,
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            persons: Persons::default(),
            sums: Sums::default(),
        }
    }

    fn fight(mut self) -> Sums {
        while u64::from(self.killed()) < self.wanted {
            self.add_tasks_if_few_are_left();
            self.run_and_kill();
        }
        self.persons.look(&self.sandbox, &mut self.sums.toll, true);
        self.finish();
        self.judge();
        self.sums
    }

    fn add_tasks_if_few_are_left(&mut self) {
        if self.batches > 0 && self.unfinished() > BATCH / 2 {
            return;
        }
        self.batches += 1;
        let file = format!("batch-{}.toml", self.batches);
        let port = self.listener.local_addr().unwrap().port();
        let tasks = chosen(&mut self.rng, &format!("b{}", self.batches), BATCH, port);
        self.sandbox.file(&file, &tasks);
        // What was acknowledged must be there at the end.
        self.sandbox.ok(["queue", "add", &file]);
        self.added.extend(names(&tasks));
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
            let longest = if self.rng.u8(..) < 64 { 400 } else { 100 };
            sleep(Duration::from_millis(self.rng.u64(2..longest)));
            if self.way.persons && self.rng.u8(..) < 64 {
                self.persons
                    .type_something(&self.sandbox, &mut self.rng, &mut self.sums.toll);
                sleep(Duration::from_millis(self.rng.u64(0..60)));
            }
            if run.try_wait().unwrap().is_some() {
                self.check_end(run);
                return;
            }
            if self.kill_something(&mut run) {
                self.check_end(run);
                return;
            }
        }
    }

    /// Whether the run was hit.
    fn kill_something(&mut self, run: &mut Child) -> bool {
        let choice = match self.way.victims {
            Victims::Runs => 7,
            Victims::Supervisors => self.rng.u32(0..4),
            Victims::Everything => self.rng.u32(0..11),
        };
        let supervisors: Vec<Process> = processes(&self.sandbox)
            .into_iter()
            .filter(|process| process.kind == Kind::Supervisor)
            .collect();
        match choice {
            0..3 => {
                let kills = kill_one(&mut self.rng, &supervisors);
                self.note("one supervisor", kills);
            }
            3 => self.note("all supervisors", kill_all(&supervisors)),
            4..6 => {
                run.kill().unwrap();
                self.note("run and all supervisors", kill_all(&supervisors) + 1);
                self.empty_container();
            }
            10 => {
                let kills = self.persons.kill();
                self.note("command", kills);
            }
            _ if self.way.in_container => {
                run.kill().unwrap();
                self.note("container", 1);
                self.empty_container();
            }
            _ => {
                run.kill().unwrap();
                self.note("run", 1);
            }
        }
        (4..10).contains(&choice)
    }

    /// Who starts a container and is killed at once may not have tied the container's life to its own yet.
    fn empty_container(&self) {
        if !self.way.in_container {
            return;
        }
        wait_until("the container is gone", || {
            let mut left = processes(&self.sandbox);
            left.retain(|one| one.kind == Kind::Program && one.command.contains(RUN));
            kill_all(&left) == 0
        });
    }

    fn killed(&self) -> u32 {
        self.sums.kills.values().sum()
    }

    fn note(&mut self, class: &'static str, kills: u32) {
        *self.sums.kills.entry(class).or_default() += kills;
    }

    fn start_run(&mut self) -> Child {
        self.persons.look(&self.sandbox, &mut self.sums.toll, false);
        let mut command = if self.way.in_container {
            let [program, options @ ..] = container::ENTER;
            let mut command = self.sandbox.wrapped(program);
            command.args(options).arg(env!("CARGO_BIN_EXE_autoexec"));
            command
        } else {
            self.sandbox.command()
        };
        if self.way.slow {
            command.env("__AUTOEXEC_SLOW_AT", "*:30");
        }
        command
            .args(["run", "--no-progress", "-j"])
            .arg(self.way.slots.to_string())
            .stdout(Stdio::null())
            // Supervisors inherit it: a pipe would be open for as long as one of them lives.
            .stderr(fs::File::create(self.sandbox.work().join("run.err")).unwrap())
            .spawn()
            .unwrap()
    }

    /// A run ends by our kill, or well, or because tasks failed or are held; never otherwise, unless
    /// somebody's command holds the queue, or cancelled all that there was.
    fn check_end(&mut self, mut run: Child) {
        let status = run.wait().unwrap();
        let by_persons = self.way.persons && matches!(status.code(), Some(4 | 75));
        let is_fine =
            status.signal() == Some(9) || matches!(status.code(), Some(0 | 1)) || by_persons;
        self.sums.toll.demand(is_fine, Harm::Stuck, || {
            format!("{status:?}\n{}", self.sandbox.read("run.err"))
        });
    }

    /// Lets the queue drain without kills. The first of these runs still learns how the last one died;
    /// then a person looks at what brought runs down.
    fn finish(&mut self) {
        self.drain();
        for task in tasks(&self.sandbox).iter().filter(|task| is_poison(task)) {
            self.sums.poisoned += 1;
            self.persons.revive(&self.sandbox, &task.name);
        }
        self.drain();
    }

    fn drain(&mut self) {
        let answer = self.sandbox.run(["run", "--no-progress"]);
        let is_fine = matches!(answer.code, 0 | 1);
        self.sums.toll.demand(is_fine, Harm::Stuck, || {
            format!("an undisturbed run: {}: {}", answer.code, answer.stderr)
        });
    }

    fn judge(&mut self) {
        let toll = &mut self.sums.toll;
        toll.look_for_orphans(&self.sandbox);
        toll.demand(is_whole(&self.sandbox), Harm::Lost, || "pages".to_owned());
        let check = self.sandbox.run(["db", "check"]);
        toll.demand(check.code == 0, Harm::Lost, || check.stdout + &check.stderr);
        let stored = tasks(&self.sandbox);
        for name in &self.added {
            let is_there = stored.iter().any(|task| task.name == *name);
            toll.demand(is_there, Harm::Lost, || format!("{name} is not there"));
        }
        for task in &stored {
            let hand = self.persons.did(&task.name);
            judge(&self.sandbox, task, hand, toll);
            self.persons.judge(&self.sandbox, task, toll);
            let repeated = was_repeated(&self.sandbox, &task.name);
            self.sums.repeated += usize::from(repeated);
            if repeated && hand.retries == 0 && self.way.repeats_nothing() {
                toll.note(
                    Harm::Doubled,
                    format!("{}: repeated although only runs died", task.name),
                );
            }
        }
        self.sums.tasks = stored.len();
        self.sums.answers = self.persons.answered;
    }
}
