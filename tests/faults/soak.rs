//! Many small tasks in one life of a run: nothing grows with them, and nothing of them is left.
//!
//! Suite T14: `cargo test --test faults soak:: -- --nocapture`. Some runs are killed in the middle first;
//! then one run works through the rest and is looked at all the time: its memory, its descriptors and
//! the log of its database. At the end the database is measured and the state directory is searched for
//! what no finished task needs. The short form has 600 tasks, the long one (`AUTOEXEC_FAULTS=long`)
//! 10,000.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::manners::{ByHand, filled, judge};
use crate::sandbox::{Sandbox, wait_until};
use crate::toll::{Harm, Toll};
use crate::trials::Trials;
use crate::wild::{attempts, tasks};

/// What each task of a group does, one after the other.
const GROUP: &str = r#"
[[task]]
name = "%x1-plain"
command = ["FAKE", "lock", "@.lock", "record", "@.log", "start", "record", "@.log", "end"]

[[task]]
name = "%x2-fails"
retry = { max_attempts = 1000, base = "10ms", cap = "20ms" }
command = ["FAKE", "lock", "@.lock", "record", "@.log", "start", "fail-first", "1", "@.n", "75", "record", "@.log", "end"]

[[task]]
name = "%x3-talks"
command = ["FAKE", "lock", "@.lock", "record", "@.log", "start", "flood", "100000", "record", "@.log", "end"]

[[task]]
name = "%x4-saves"
command = "FAKE lock @.lock record @.log start; echo 1 > $AUTOEXEC_CHECKPOINT_DIR/n; echo 0 >> @.saved; FAKE record @.log end"

[[task]]
name = "%x5-tells"
command = "FAKE lock @.lock record @.log start; echo '{\"message\": \"done\"}' > $AUTOEXEC_RESULT_FILE; FAKE record @.log end"
"#;
const OF_GROUP: u64 = 5;
/// Runs that are killed before the one that is measured.
const KILLED: u32 = 3;
/// The log of the database is never longer.
const LOG_LIMIT: u64 = 64 << 20;
/// Memory that a run may take more in its second half than in its first, for what it remembers of each
/// task and for what the allocator keeps.
const GROWTH: u64 = 2 << 20;

/// What was seen of a run, sample by sample.
#[derive(Default)]
struct Samples {
    memory: Vec<u64>,
    descriptors: Vec<usize>,
    longest_log: u64,
}

#[test]
fn a_thousand_tasks_leave_nothing_behind_and_let_nothing_grow() {
    let mut trials = Trials::of("T14 soak", 600, 10_000);
    let sandbox = Sandbox::new();
    let groups = trials.wanted.div_ceil(OF_GROUP);
    // However late a run is killed: it has not come to its end.
    let gated = GROUP
        .replace("\"FAKE\", ", "\"FAKE\", \"wait-for\", \"gate\", ")
        .replace("\"FAKE lock", "\"FAKE wait-for gate lock");
    let file: String = (0..groups)
        .map(|group| {
            let is_gated = group > groups / 5;
            let text = if is_gated { &gated } else { GROUP };
            filled(&mut trials.rng, text, &format!("g{group}"))
        })
        .collect();
    sandbox.file("tasks.toml", file);
    sandbox.ok(["queue", "add", "tasks.toml"]);
    for kill in 1..=KILLED {
        let mut run = start(&sandbox);
        // Somewhere on the way, and most of it is left to be looked at.
        let share = trials.rng.usize(1..=5) + 5 * usize::try_from(kill - 1).unwrap();
        let enough = usize::try_from(groups * OF_GROUP).unwrap() * share / 100;
        wait_until("some tasks are done", || done(&sandbox) >= enough);
        run.kill().unwrap();
        run.wait().unwrap();
    }
    sandbox.file("gate", "");
    let samples = watch(&sandbox, start(&sandbox));
    let mut toll = Toll::default();
    toll.look_for_orphans(&sandbox);
    let stored = tasks(&sandbox);
    let wanted = usize::try_from(groups * OF_GROUP).unwrap();
    toll.demand(stored.len() == wanted, Harm::Lost, || {
        stored.len().to_string()
    });
    for task in &stored {
        judge(&sandbox, task, ByHand::default(), &mut toll);
    }
    let attempts = u64::try_from(attempts(&sandbox).len()).unwrap();
    samples.judge(&mut toll);
    let database = size(&sandbox.state().join("queue.db"));
    toll.demand(database <= attempts * 1024 + (10 << 20), Harm::Left, || {
        format!("a database of {database} bytes for {attempts} attempts")
    });
    nothing_is_left(&sandbox, &mut toll);
    let (early, late) = samples.halves(&samples.memory);
    trials.tell_toll(
        &[
            ("tasks", &stored.len()),
            ("attempts", &attempts),
            ("kills", &KILLED),
            ("memory in KiB early", &(early / 1024)),
            ("and late", &(late / 1024)),
            ("samples", &samples.memory.len()),
            ("longest log in KiB", &(samples.longest_log / 1024)),
            ("database in KiB", &(database / 1024)),
        ],
        &toll,
    );
    toll.must_be_nothing();
}

fn done(sandbox: &Sandbox) -> usize {
    let stored = tasks(sandbox);
    stored
        .iter()
        .filter(|task| task.status == "succeeded")
        .count()
}

fn start(sandbox: &Sandbox) -> Child {
    sandbox
        .command()
        .args(["run", "--no-progress", "-q", "-j", "4"])
        .stdout(Stdio::null())
        .stderr(fs::File::create(sandbox.work().join("run.err")).unwrap())
        .spawn()
        .unwrap()
}

/// Looks at a run until it ends, which it must do well.
fn watch(sandbox: &Sandbox, mut run: Child) -> Samples {
    let mut samples = Samples::default();
    let proc = Path::new("/proc").join(run.id().to_string());
    let log = sandbox.state().join("queue.db-wal");
    let status = loop {
        if let Some(status) = run.try_wait().unwrap() {
            break status;
        }
        samples.longest_log = samples.longest_log.max(size(&log));
        if let (Some(memory), Ok(descriptors)) = (memory_of(&proc), fs::read_dir(proc.join("fd"))) {
            samples.memory.push(memory);
            samples.descriptors.push(descriptors.count());
        }
        sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{status}: {}", sandbox.read("run.err"));
    samples
}

/// What a process has of its own, without pages of files, in bytes.
fn memory_of(proc: &Path) -> Option<u64> {
    let status = fs::read_to_string(proc.join("status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

impl Samples {
    /// The largest of the second quarter, when it is warm, and of the last one.
    fn halves<T: Copy + Ord + Default>(&self, all: &[T]) -> (T, T) {
        let quarter = self.memory.len() / 4;
        let largest = |part: &[T]| part.iter().max().copied().unwrap_or_default();
        (
            largest(&all[quarter..2 * quarter]),
            largest(&all[3 * quarter..]),
        )
    }

    fn judge(&self, toll: &mut Toll) {
        assert!(self.memory.len() >= 8, "too short to be looked at");
        let (early, late) = self.halves(&self.memory);
        toll.demand(late <= early + GROWTH, Harm::Left, || {
            format!("memory grows from {early} to {late}")
        });
        let (early, late) = self.halves(&self.descriptors);
        // Helpers come and go.
        toll.demand(late <= early + 4, Harm::Left, || {
            format!("descriptors grow from {early} to {late}")
        });
        toll.demand(self.longest_log <= LOG_LIMIT, Harm::Left, || {
            format!("a log of {} bytes", self.longest_log)
        });
    }
}

/// No file of the state directory belongs to a task that is done, but its output.
fn nothing_is_left(sandbox: &Sandbox, toll: &mut Toll) {
    for (folder, allowed) in [
        ("slots", &["epoch"][..]),
        ("said", &[]),
        ("checkpoints", &[]),
    ] {
        for entry in fs::read_dir(sandbox.state().join(folder))
            .unwrap()
            .flatten()
        {
            let name = entry.file_name();
            let is_allowed = allowed.iter().any(|allowed| name == *allowed);
            toll.demand(is_allowed, Harm::Left, || {
                entry.path().display().to_string()
            });
        }
    }
}
