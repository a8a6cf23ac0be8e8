//! Damage to what lies on the disk: flipped bits, zeroed pages, lost ends, junk.
//!
//! Suite T17: `cargo test --test faults bit_rot:: -- --nocapture`. A state directory with finished,
//! failed, waiting and interrupted tasks is damaged in one file; then the real program looks at it and
//! runs on. It never ends by a bug, never calls a damaged queue sound, never takes a task for done that
//! is not, and never writes over a database that it refuses. What `store::damage_tests` tries within
//! the store is not repeated here. The long form (`AUTOEXEC_FAULTS=long`) damages 5,000 times.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use tempfile::TempDir;

use crate::power_cuts::shelf;
use crate::sandbox::{Answer, Sandbox, wait_for_file, wait_until};
use crate::trials::Trials;
use crate::wild::{kill, processes};

mod content;
mod damage;
mod tasks;

use content::{Content, checksums, settle, settled};
use damage::damaged;
use tasks::{ending, first_tasks, task};

/// What is damaged, more often where more is at stake.
const VICTIMS: [(Victim, u32); 9] = [
    (Victim::EventLog, 6),
    (Victim::Database, 4),
    (Victim::WriteAheadLog, 3),
    (Victim::Slots, 3),
    (Victim::RunLock, 1),
    (Victim::Logs, 1),
    (Victim::Words, 1),
    (Victim::Alerts, 1),
    (Victim::Config, 1),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    /// A row of the event log within the database.
    EventLog,
    Database,
    WriteAheadLog,
    /// Records of supervisors, and the epoch.
    Slots,
    RunLock,
    Logs,
    /// Checkpoints, and what tasks said of themselves.
    Words,
    Alerts,
    Config,
}

/// A state directory, and how it is damaged.
struct Place {
    sandbox: Sandbox,
    /// Holds the state directory, in memory where there is such a place: nothing here needs a sync.
    shelf: TempDir,
    /// Every file of it, as it was.
    files: BTreeMap<PathBuf, Vec<u8>>,
    content: Content,
    /// The database when all of the write-ahead log is in it.
    settled: Vec<u8>,
    /// Which commands were started and came to their end, as they themselves wrote it.
    ledger: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Default)]
struct Tally {
    trials: BTreeMap<Victim, u32>,
    /// Damage after which the event log reads differently or not at all, and how often that was told.
    changed: u32,
    detected: u32,
    /// The write-ahead log ends earlier; everything before that is whole.
    cut_back: u32,
    refused: u32,
}

#[test]
fn damage_is_told_and_never_taken_for_success() {
    let mut trials = Trials::of("T17 bit rot", 120, 5_000);
    let place = Place::new();
    let mut tally = Tally::default();
    for trial in 0..trials.wanted {
        place.damage_and_look(trial, &mut trials.rng, &mut tally);
    }
    trials.tell(&[
        ("damaged", &trials.wanted),
        ("each", &format!("{:?}", tally.trials)),
        ("changed the queue", &tally.changed),
        ("told by `db check`", &tally.detected),
        ("only cut back", &tally.cut_back),
        ("refused to run", &tally.refused),
        ("bugs, false successes, overwritten", &0),
    ]);
    assert!(tally.changed > 0, "nothing was damaged");
    let share = f64::from(tally.detected) / f64::from(tally.changed);
    assert!(share >= 0.999, "{tally:?}");
}

impl Place {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.file("first.toml", first_tasks());
        let shelf = shelf();
        let state = shelf.path().join("state");
        let ask = |arguments: &[&str]| asked_in(&sandbox, &state, arguments);
        assert_eq!(ask(&["queue", "add", "first.toml"]).code, 0);
        assert_eq!(ask(&["run", "--no-progress"]).code, 1);
        settle(&state.join("queue.db"));
        let said = "sh\", \"-c\", \"echo '{\\\"message\\\":\\\"left\\\"}' > $AUTOEXEC_RESULT_FILE; sleep 0.4; exit 3";
        sandbox.file(
            "second.toml",
            task(
                "left-good",
                &format!(", \"sleep\", \"400\"{}", ending("left-good")),
            ) + &format!("[[task]]\nname = \"left-bad\"\nretries = 0\ncommand = [\"{said}\"]\n")
                + &task("waits-1", &ending("waits-1"))
                + &task("waits-2", &ending("waits-2")),
        );
        assert_eq!(ask(&["queue", "add", "second.toml"]).code, 0);
        let mut run = sandbox
            .command()
            .env("AUTOEXEC_STATE_DIR", &state)
            .args(["-q", "run", "--no-progress", "-j", "2"])
            .spawn()
            .unwrap();
        wait_until("both run", || {
            sandbox.read("starts").contains("left-good") && {
                fs::read_dir(state.join("said")).unwrap().count() > 0
            }
        });
        kill(i32::try_from(run.id()).unwrap());
        run.wait().unwrap();
        wait_until("their supervisors ended", || processes(&sandbox).is_empty());
        wait_for_file(&state.join("queue.db-wal"));
        sandbox
            .configure("[retention]\ndays = 30\n[overnight]\nstart = \"22:00\"\nend = \"06:00\"\n");
        let mut place = Self {
            files: BTreeMap::new(),
            content: Content::of(&state.join("queue.db")).unwrap(),
            settled: settled(&state.join("queue.db")),
            ledger: fs::read(sandbox.work().join("starts")).unwrap(),
            sandbox,
            shelf,
        };
        place.remember(&place.state());
        let alert = "{\"timestamp\":\"2026-01-01T00:00:00Z\",\"level\":\"warning\",\
             \"component\":\"run\",\"message\":\"look\",\"details\":{}}\n";
        let alerts = place.state().join("alerts.jsonl");
        place.files.insert(alerts, alert.repeat(20).into_bytes());
        place.remember(&place.sandbox.home().join(".config/autoexec"));
        place
    }

    fn state(&self) -> PathBuf {
        self.shelf.path().join("state")
    }

    fn remember(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                self.remember(&path);
            } else if kind.is_file() && !path.ends_with("ballast") {
                self.files.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }

    /// Puts everything back as it was.
    fn restore(&self) {
        let state = self.state();
        for folder in [
            "slots",
            "logs",
            "said",
            "checkpoints",
            "evidence",
            "reports",
        ] {
            let _was_not_there = fs::remove_dir_all(state.join(folder));
        }
        for entry in fs::read_dir(&state).unwrap().flatten() {
            if entry.file_type().unwrap().is_file() && !entry.path().ends_with("ballast") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        for (path, bytes) in &self.files {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        fs::write(self.sandbox.work().join("starts"), &self.ledger).unwrap();
    }

    fn without_log(&self) {
        for file in ["queue.db-wal", "queue.db-shm"] {
            fs::remove_file(self.state().join(file)).unwrap();
        }
        fs::write(self.state().join("queue.db"), &self.settled).unwrap();
    }

    /// The file that is damaged.
    fn file_of(&self, victim: Victim, rng: &mut Rng) -> PathBuf {
        let state = self.state();
        let within: &[&str] = match victim {
            Victim::EventLog | Victim::Database => &["queue.db"],
            Victim::WriteAheadLog => &["queue.db-wal"],
            Victim::Slots => &["slots"],
            Victim::RunLock => &["run.lock"],
            Victim::Logs => &["logs"],
            Victim::Words => &["said", "checkpoints"],
            Victim::Alerts => &["alerts.jsonl"],
            Victim::Config => &["../home/.config"],
        };
        let within: Vec<PathBuf> = within
            .iter()
            .map(|name| match name.strip_prefix("../home/") {
                Some(name) => self.sandbox.home().join(name),
                None => state.join(name),
            })
            .collect();
        let files: Vec<&PathBuf> = self
            .files
            .keys()
            .filter(|path| within.iter().any(|folder| path.starts_with(folder)))
            .collect();
        (*rng.choice(&files).unwrap()).clone()
    }

    fn damage_and_look(&self, trial: u64, rng: &mut Rng, tally: &mut Tally) {
        self.restore();
        let all: u32 = VICTIMS.iter().map(|(_, weight)| weight).sum();
        let mut ticket = rng.u32(0..all);
        let (victim, _) = VICTIMS
            .iter()
            .find(|(_, weight)| {
                let is_drawn = ticket < *weight;
                ticket = ticket.saturating_sub(*weight);
                is_drawn
            })
            .unwrap();
        *tally.trials.entry(*victim).or_default() += 1;
        let file = self.file_of(*victim, rng);
        let is_database = matches!(victim, Victim::EventLog | Victim::Database);
        let whole = if is_database {
            // A page that is in the log as well would be read from there.
            self.without_log();
            &self.settled
        } else {
            self.files.get(&file).unwrap()
        };
        let (damage, bytes) = if *victim == Victim::EventLog {
            ("flipped", Some(self.flip_in_the_event_log(whole, rng)))
        } else {
            damaged(whole, rng)
        };
        if let Some(bytes) = &bytes {
            fs::write(&file, bytes).unwrap();
        } else {
            // With nothing left of a queue there is none; what is left here is its log.
            self.restore();
            fs::remove_file(&file).unwrap();
        }
        let told = format!("trial {trial}: {}: {damage}", file.display());
        self.look(*victim, &told, tally);
    }

    /// A bit of a row: its checksum is found in the file, and the row stands before it.
    fn flip_in_the_event_log(&self, whole: &[u8], rng: &mut Rng) -> Vec<u8> {
        let database = self.state().join("queue.db");
        let sums = checksums(&database);
        let sum = rng.choice(&sums).unwrap();
        let found = whole.windows(sum.len()).position(|part| part == sum);
        let mut bytes = whole.to_vec();
        let byte = found.unwrap() + rng.usize(0..sum.len() + 40) - 40;
        *bytes.get_mut(byte).unwrap() ^= 1 << rng.u8(0..8);
        bytes
    }

    fn look(&self, victim: Victim, told: &str, tally: &mut Tally) {
        let database = self.state().join("queue.db");
        let before = fs::read(&database).ok();
        let check = self.ask(&["db", "check"], told);
        let is_sound = check.code == 0;
        let holds_the_queue = matches!(
            victim,
            Victim::EventLog | Victim::Database | Victim::WriteAheadLog
        );
        if holds_the_queue {
            let found = Content::of(&database);
            let is_same = found.as_ref() == Some(&self.content);
            let is_cut_back = found.is_some_and(|found| found.is_an_earlier(&self.content));
            let is_log = victim == Victim::WriteAheadLog;
            if is_sound && is_log && !is_same && is_cut_back {
                tally.cut_back += 1;
            } else if !is_same {
                tally.changed += 1;
                tally.detected += u32::from(!is_sound);
                assert!(!is_sound, "{told}: called sound");
            }
        } else if !matches!(victim, Victim::Config) {
            assert_eq!(check.code, 0, "{told}: {}", check.stderr);
        }
        if !is_sound {
            assert_eq!(fs::read(&database).ok(), before, "{told}: overwritten");
        }
        match victim {
            Victim::Logs => {
                for task in ["large", "bad", "good-3"] {
                    self.ask(&["logs", task], told);
                }
            }
            Victim::Alerts => drop(self.ask(&["alerts"], told)),
            Victim::Words => drop(self.ask(&["checkpoint", "list", "--task", "saves"], told)),
            Victim::EventLog
            | Victim::Database
            | Victim::WriteAheadLog
            | Victim::Slots
            | Victim::RunLock
            | Victim::Config => {}
        }
        let run = self.ask(&["run", "--no-progress"], told);
        if !matches!(run.code, 0 | 1) {
            tally.refused += 1;
            assert!(run.stderr.contains("error: "), "{told}: {}", run.stderr);
            let now = fs::read(&database).ok();
            assert!(is_sound || now == before, "{told}: overwritten by a run");
        }
        let false_success = self.false_success();
        assert_eq!(false_success, None, "{told}: {}", run.stderr);
    }

    /// Any answer is right but a bug, a death, or a panic.
    fn ask(&self, arguments: &[&str], told: &str) -> Answer {
        let answer = asked_in(&self.sandbox, &self.state(), arguments);
        let is_fine = answer.code < 70 && !answer.stderr.contains("panicked");
        let code = answer.code;
        assert!(is_fine, "{told}: {arguments:?}: {code}\n{}", answer.stderr);
        answer
    }

    /// A task that counts as succeeded and whose command never came to its end.
    fn false_success(&self) -> Option<String> {
        let ledger = self.sandbox.read("starts");
        let content = Content::of(&self.state().join("queue.db"))?;
        content
            .tasks
            .into_iter()
            .filter_map(|task| Some(task.strip_suffix(" succeeded")?.to_owned()))
            .find(|name| !ledger.contains(&format!("end-of-{name} ")))
    }
}

/// What the program answers when its state directory lies elsewhere.
fn asked_in(sandbox: &Sandbox, state: &Path, arguments: &[&str]) -> Answer {
    let mut command = sandbox.command();
    sandbox.finish(command.args(arguments).env("AUTOEXEC_STATE_DIR", state))
}
