//! Many processes on one database: nobody is told that it is busy, and nothing is lost or doubled.
//!
//! Suite T5: `cargo test --test faults crowds:: -- --nocapture`. Beside a living run tasks are added
//! one by one and in files, lists and reports are read, and tasks are cancelled and retried, all at
//! the same time, while a foreign program keeps a reader open from the beginning to the end and another
//! one takes the lock for writing and does not let it go for seconds. The short form adds 100 tasks, the
//! long one (`AUTOEXEC_FAULTS=long`) 4,000, with locks of up to 20 seconds.

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use fastrand::Rng;
use rusqlite::Connection;

use crate::manners::{judge, was_repeated};
use crate::persons::Persons;
use crate::sandbox::{Answer, Sandbox, wait_until};
use crate::toll::{Harm, Toll};
use crate::trials::{Trials, is_long};
use crate::wild::{fake_task, tasks};

/// Who adds at the same time.
const ADDERS: u64 = 4;
/// Who reads at the same time.
const READERS: u64 = 3;
/// Tasks of one file.
const FILE: u64 = 5;
/// The log of the database is never longer, whoever reads.
const LOG_LIMIT: u64 = 64 << 20;

/// What everybody shares.
struct Crowd {
    sandbox: Sandbox,
    /// So many tasks are still to be added.
    wanted: u64,
    seed: u64,
    is_over: AtomicBool,
    /// The names of what was acknowledged.
    added: Mutex<Vec<String>>,
    toll: Mutex<Toll>,
    commands: AtomicUsize,
}

#[test]
fn a_crowd_on_one_queue_is_served_without_a_word_about_locks() {
    let trials = Trials::of("T5 crowds", 100, 4_000);
    let crowd = Crowd {
        sandbox: Sandbox::new(),
        wanted: trials.wanted,
        seed: trials.seed,
        is_over: AtomicBool::new(false),
        added: Mutex::default(),
        toll: Mutex::default(),
        commands: AtomicUsize::new(0),
    };
    crowd.sandbox.ok(["queue", "list"]);
    let run = crowd.sandbox.start(&[
        "run",
        "--watch",
        "--until",
        "6h",
        "--no-progress",
        "-j",
        "3",
    ]);
    wait_until("the run is there", || crowd.sandbox.runner().is_some());
    let (persons, longest_log, locks) = std::thread::scope(|scope| {
        let crowd = &crowd;
        let log = scope.spawn(|| crowd.reads_for_ever());
        let locks = scope.spawn(|| crowd.locks());
        let persons = scope.spawn(|| crowd.types());
        for reader in 0..READERS {
            scope.spawn(move || crowd.reads(reader));
        }
        let adders: Vec<_> = (0..ADDERS)
            .map(|adder| scope.spawn(move || crowd.adds(adder)))
            .collect();
        for adder in adders {
            adder.join().unwrap();
        }
        crowd.is_over.store(true, Ordering::SeqCst);
        (
            persons.join().unwrap(),
            log.join().unwrap(),
            locks.join().unwrap(),
        )
    });
    crowd.command(&["stop", "--drain"]);
    crowd.is_fine(&crowd.sandbox.answer_of(run), &[0, 1]);
    crowd.command(&["run", "--no-progress"]);
    let stored = crowd.judge(&persons);
    let toll = crowd.toll.into_inner().unwrap();
    trials.tell_toll(
        &[
            ("tasks added", &stored),
            ("commands", &crowd.commands.into_inner()),
            (
                "of them cancelled or retried with an answer",
                &persons.answered,
            ),
            ("seconds of foreign locks", &locks),
            ("longest log in KiB", &(longest_log / 1024)),
        ],
        &toll,
    );
    toll.must_be_nothing();
}

impl Crowd {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Runs a command that must go well.
    fn command(&self, words: &[&str]) -> Answer {
        let answer = self.sandbox.run(words);
        self.is_fine(&answer, &[0, 1]);
        answer
    }

    /// A person is never told of a lock: neither by a code nor by a word.
    fn is_fine(&self, answer: &Answer, codes: &[i32]) {
        self.commands.fetch_add(1, Ordering::SeqCst);
        let said = format!("{}{}", answer.stdout, answer.stderr);
        let speaks_of_locks = ["database is locked", "database table is locked", "busy"]
            .iter()
            .any(|word| said.contains(word));
        let is_fine = codes.contains(&answer.code) && !speaks_of_locks;
        self.toll
            .lock()
            .unwrap()
            .demand(is_fine, Harm::Lost, || format!("{}: {said}", answer.code));
    }

    fn adds(&self, adder: u64) {
        let program = fake_task();
        let program = program.to_str().unwrap();
        let mut left = self.wanted / ADDERS + u64::from(adder < self.wanted % ADDERS);
        while left > 0 {
            let count = if left.is_multiple_of(2) {
                1
            } else {
                FILE.min(left)
            };
            let names: Vec<String> = (0..count)
                .map(|index| format!("a{adder}x{}-plain", left - index))
                .collect();
            if let [name] = names.as_slice() {
                let [lock, log] = ["lock", "log"].map(|kind| format!("{name}.{kind}"));
                let script = [
                    "queue", "add", "--name", name, "--", program, "lock", &lock, "record", &log,
                    "start", "sleep", "5", "record", &log, "end",
                ];
                self.command(&script);
            } else {
                let task = |name: &String| {
                    format!(
                        "[[task]]\nname = \"{name}\"\ncommand = \"{program} lock {name}.lock record {name}.log start \
                         sleep 5 record {name}.log end\"\n"
                    )
                };
                let file = format!("add-{adder}-{left}.toml");
                self.sandbox
                    .file(&file, names.iter().map(task).collect::<String>());
                self.command(&["queue", "add", &file]);
            }
            self.added.lock().unwrap().extend(names);
            left -= count;
        }
    }

    fn reads(&self, reader: u64) {
        // Each asks for something else.
        let mut rng = Rng::with_seed(self.seed.wrapping_add(reader));
        while !self.is_over() {
            let some = rng.choice(self.added.lock().unwrap().iter()).cloned();
            let some = some.as_deref().unwrap_or("none");
            let words: &[&str] = match rng.u32(0..7) {
                0 => &["queue", "list", "--all"],
                1 => &["queue", "list", "--json"],
                2 => &["report", "--peek"],
                3 => &[],
                4 => &["health"],
                5 if some != "none" => &["queue", "show", some],
                _ if some != "none" => &["why", some],
                _ => &["breakers", "list"],
            };
            self.command(words);
        }
    }

    fn types(&self) -> Persons {
        let mut persons = Persons::default();
        let mut rng = Rng::with_seed(self.seed);
        while !self.is_over() {
            let mut toll = Toll::default();
            persons.type_something(&self.sandbox, &mut rng, &mut toll);
            persons.look(&self.sandbox, &mut toll, true);
            self.toll.lock().unwrap().add(toll);
            sleep(Duration::from_millis(20));
        }
        persons
    }

    fn database(&self) -> Connection {
        Connection::open(self.sandbox.state().join("queue.db")).unwrap()
    }

    /// Begins to read and does not end. The longest log that was seen meanwhile.
    fn reads_for_ever(&self) -> u64 {
        let database = self.database();
        database.execute_batch("BEGIN").unwrap();
        let count = "SELECT count(*) FROM task_records";
        let before: i64 = database.query_row(count, [], |row| row.get(0)).unwrap();
        let log = self.sandbox.state().join("queue.db-wal");
        let mut longest = 0;
        while !self.is_over() {
            longest = longest.max(fs::metadata(&log).map_or(0, |log| log.len()));
            sleep(Duration::from_millis(20));
        }
        let after: i64 = database.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(before, after, "it was one look");
        self.toll
            .lock()
            .unwrap()
            .demand(longest <= LOG_LIMIT, Harm::Left, || {
                format!("a log of {longest} bytes")
            });
        longest
    }

    /// Takes the lock for writing, again and again. For how many seconds in all.
    fn locks(&self) -> u64 {
        let mut rng = Rng::with_seed(self.seed);
        let longest = if is_long() { 20_000 } else { 3_000 };
        let database = self.database();
        database.busy_timeout(Duration::from_secs(30)).unwrap();
        let mut held = 0;
        while !self.is_over() {
            let length = rng.u64(500..longest);
            database.execute_batch("BEGIN IMMEDIATE").unwrap();
            sleep(Duration::from_millis(length));
            database.execute_batch("COMMIT").unwrap();
            held += length;
            // Whoever waited gets a turn.
            sleep(Duration::from_millis(rng.u64(500..3_000)));
        }
        held / 1_000
    }

    /// How many tasks there are.
    fn judge(&self, persons: &Persons) -> usize {
        let mut toll = self.toll.lock().unwrap();
        toll.look_for_orphans(&self.sandbox);
        let check = self.sandbox.run(["db", "check"]);
        toll.demand(check.code == 0, Harm::Lost, || check.stdout + &check.stderr);
        let stored = tasks(&self.sandbox);
        for name in self.added.lock().unwrap().iter() {
            let count = stored.iter().filter(|task| task.name == *name).count();
            let harm = if count == 0 {
                Harm::Lost
            } else {
                Harm::Doubled
            };
            toll.demand(count == 1, harm, || {
                format!("{name} is there {count} times")
            });
        }
        for task in &stored {
            judge(&self.sandbox, task, persons.did(&task.name), &mut toll);
            persons.judge(&self.sandbox, task, &mut toll);
            let repeated = was_repeated(&self.sandbox, &task.name);
            toll.demand(!repeated, Harm::Doubled, || {
                format!("{} ran twice", task.name)
            });
        }
        stored.len()
    }
}
