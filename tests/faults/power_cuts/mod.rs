//! Loss of power at any instant.
//!
//! Suite T3: `cargo test --test faults power_cuts:: -- --nocapture`. The real program is traced while
//! it adds, runs, reports and copies; then disks are made of what it had written and synced up to a
//! random place of the trace: with all unsynced changes lost, with a part of them, with torn sectors.
//! On each, everything that the program had said or acknowledged until then must be there. A part of
//! them lives on with the real program in what it takes for another boot. The long form
//! (`AUTOEXEC_FAULTS=long`) makes 10,000 images.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::border;
use crate::sandbox::Sandbox;
use crate::trials::Trials;
use crate::wild::fake_task;

mod disk;
mod facts;
mod trace;

use disk::{Disk, Loss};
use facts::{Fact, Found};
use trace::{CALLS, Reader};

/// Of so many images one lives on with the real program.
const LIVES_ON: u64 = 41;
/// The boot after the loss of power.
const NEXT_BOOT: &str = "00000000-0000-4000-8000-00000000b007";

/// What happened to the disk, and what had been told when.
struct Story {
    sandbox: Sandbox,
    disk: Disk,
    /// Each with the place in the disk's time from which on it holds.
    facts: Vec<(usize, Fact)>,
    /// Every text that the report file had, in order.
    reports: Vec<Vec<u8>>,
}

#[test]
fn what_was_acknowledged_survives_every_loss_of_power() {
    const NAME: &str = "power_cuts::what_was_acknowledged_survives_every_loss_of_power";
    if !border::is_open(NAME) {
        return;
    }
    let mut trials = Trials::of("T3 power cuts", 600, 10_000);
    let mut story = Story::tell();
    let (mut survivors, mut held_facts) = (0, 0);
    let mut distinct = HashSet::new();
    for trial in 0..trials.wanted {
        let end = story.somewhere(trial, &mut trials);
        let loss = *trials
            .rng
            .choice(&[Loss::All, Loss::Some, Loss::Torn])
            .unwrap();
        let image = story.disk.image(end, loss, &mut trials.rng);
        let lives_on = trial % LIVES_ON == 0;
        if !distinct.insert((end, hash_of(&image))) && !lives_on {
            continue;
        }
        let place = shelf();
        image.write_to(place.path());
        let told = format!("image {trial}: {loss:?} at step {end}");
        let facts = story.facts_at(end);
        held_facts += facts.len();
        let found = Found::on(place.path());
        let missing = found.missing(&facts, &story.reports);
        assert!(missing.is_empty(), "{told}: {missing:#?}");
        if lives_on {
            survivors += 1;
            story.live_on(place.path(), &facts, &told);
        }
    }
    // A suite that cannot see a loss proves nothing: on a disk that lies about the log there is one.
    story.disk.lie_about("queue.db-wal");
    let losses = (0..20).filter(|_| story.loses_something_at_the_end(&mut trials));
    assert!(losses.count() > 15, "the suite is blind");
    trials.tell(&[
        ("images", &trials.wanted),
        ("of them different", &distinct.len()),
        ("facts held against them", &held_facts),
        ("lived on", &survivors),
        ("lost, corrupt, or started again unasked", &0),
    ]);
}

/// Where the maker of a directory died before its name was on the disk, the next one brings it there.
#[test]
fn a_state_directory_without_a_queue_is_named_on_the_disk_before_it_has_one() {
    const NAME: &str =
        "power_cuts::a_state_directory_without_a_queue_is_named_on_the_disk_before_it_has_one";
    if !border::is_open(NAME) {
        return;
    }
    let sandbox = Sandbox::new();
    let state = sandbox.state();
    fs::DirBuilder::new().mode(0o700).create(&state).unwrap();
    let add = ["queue", "add", "--", "true"];
    let synced = |folder: &Path| {
        let (answer, calls) = border::calls(&sandbox, &add, "fsync,openat", &[]);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        let place = format!("<{}>", folder.display());
        let is_sync = |call: &border::Call| call.kind == "fsync" && call.line.contains(&place);
        let is_queue =
            |call: &border::Call| call.line.contains("O_CREAT") && call.line.contains("queue.db");
        let sync = calls.iter().position(is_sync);
        let queue = calls.iter().position(is_queue);
        (sync, queue)
    };
    let above = state.parent().unwrap();
    let (sync, queue) = synced(above);
    assert!(sync.is_some() && sync < queue, "{sync:?}, {queue:?}");
    assert_eq!(synced(above).0, None, "only once");
}

impl Story {
    /// Traces the program through its commands.
    fn tell() -> Self {
        let sandbox = Sandbox::new();
        let root = sandbox.work().canonicalize().unwrap();
        let mut story = Self {
            disk: Disk::new(&root.join("disk")),
            facts: Vec::new(),
            reports: Vec::new(),
            sandbox,
        };
        fs::create_dir(root.join("disk")).unwrap();
        story.sandbox.file("first.toml", tasks("1"));
        story.sandbox.file("second.toml", tasks("2"));
        let mut seen = Vec::new();
        let program = env!("CARGO_BIN_EXE_autoexec");
        let together = "\"$0\" run --no-progress -j 3 & \
             \"$0\" queue add --name late-1 -- \"$1\" record starts late-1; \
             \"$0\" queue add --name late-2 -- \"$1\" record starts late-2; wait";
        let fake = fake_task();
        let report = root.join("disk/report.md");
        let copy = root.join("disk/copy.db");
        let [fake, report, copy] = [&fake, &report, &copy].map(|path| path.to_str().unwrap());
        let commands: &[&[&str]] = &[
            &[program, "queue", "add", "first.toml"],
            &[
                program, "queue", "add", "--name", "alone", "--", fake, "record", "starts", "alone",
            ],
            &["/bin/sh", "-c", together, program, fake],
            &[program, "report", "--format", "markdown", "-o", report],
            &[program, "queue", "add", "second.toml"],
            &[program, "queue", "cancel", "cancelled-2"],
            &[program, "run", "--no-progress"],
            &[program, "report", "--format", "markdown", "-o", report],
            &[program, "db", "backup", copy],
            &[program, "db", "prune"],
        ];
        for command in commands {
            let trace = story.trace(&root, command);
            Reader::new(&mut story.disk, &mut seen, &root.join("voice")).read(&trace);
            if command.get(1) == Some(&"report") {
                story.reports.push(fs::read(report).unwrap());
            }
        }
        story.disk.agrees_with(&root.join("disk"));
        story.facts = facts::learned_from(&seen);
        let count =
            |wanted: fn(&Fact) -> bool| story.facts.iter().filter(|(_, f)| wanted(f)).count();
        // What would make the suite toothless.
        assert!(count(|fact| matches!(fact, Fact::Added(_))) >= 16);
        assert!(count(|fact| matches!(fact, Fact::Began { .. })) >= 18);
        assert!(count(|fact| matches!(fact, Fact::Tried { .. })) >= 30);
        assert_eq!(count(|fact| matches!(fact, Fact::Saved { .. })), 6);
        assert_eq!(count(|fact| matches!(fact, Fact::Reported(_))), 2);
        assert_eq!(count(|fact| matches!(fact, Fact::Copied)), 1);
        story
    }

    fn trace(&self, root: &Path, command: &[&str]) -> String {
        let (trace, voice) = (root.join("trace"), root.join("voice"));
        let open = || {
            let mut options = fs::OpenOptions::new();
            options.create(true).append(true).open(&voice).unwrap()
        };
        let status = self
            .sandbox
            .wrapped("strace")
            .args(["-f", "-y", "-xx", "-s", "8000000", "-e", "signal=none"])
            .args(["-e", &format!("trace={CALLS}"), "-o"])
            .arg(&trace)
            .args(command)
            .env("AUTOEXEC_STATE_DIR", root.join("disk/var/state"))
            .stdout(open())
            .stderr(open())
            .status()
            .unwrap();
        let told = || fs::read_to_string(&voice).unwrap();
        assert!(
            matches!(status.code(), Some(0 | 1)),
            "{command:?}\n{}",
            told()
        );
        fs::read_to_string(trace).unwrap()
    }

    /// A place in the disk's time: any, and more often where something has just become certain.
    fn somewhere(&self, trial: u64, trials: &mut Trials) -> usize {
        let length = self.disk.length();
        let rng = &mut trials.rng;
        let place = match trial % 4 {
            0 => rng.usize(0..=length),
            1 => self.facts.get(rng.usize(0..self.facts.len())).unwrap().0 + rng.usize(0..3),
            2 => *rng.choice(&self.disk.syncs()).unwrap() + rng.usize(0..3),
            // While something runs that must not be started again unasked.
            _ => {
                let starts = self
                    .facts
                    .iter()
                    .filter(|(_, fact)| fact.is_start_of_an_only_one());
                let places: Vec<usize> = starts.map(|(place, _)| *place).collect();
                rng.choice(&places).unwrap() + rng.usize(0..12)
            }
        };
        place.min(length)
    }

    fn facts_at(&self, end: usize) -> Vec<&Fact> {
        let past = self.facts.iter().filter(|(place, _)| *place <= end);
        past.map(|(_, fact)| fact).collect()
    }

    fn loses_something_at_the_end(&self, trials: &mut Trials) -> bool {
        let length = self.disk.length();
        let end = trials.rng.usize(length / 2..=length);
        let place = shelf();
        let image = self.disk.image(end, Loss::All, &mut trials.rng);
        image.write_to(place.path());
        let missing = Found::on(place.path()).missing(&self.facts_at(end), &self.reports);
        !missing.is_empty()
    }

    /// The next boot: the program finds the disk, says that it is sound, and comes to an end.
    fn live_on(&self, root: &Path, facts: &[&Fact], told: &str) {
        let starts = self.sandbox.work().join("starts");
        let _nothing_was_started_yet = fs::remove_file(&starts);
        let command = |arguments: &[&str]| {
            let mut command = self.sandbox.command();
            command
                .args(arguments)
                .env("AUTOEXEC_STATE_DIR", root.join("var/state"))
                .env("__AUTOEXEC_BOOT_ID", NEXT_BOOT);
            let answer = self.sandbox.finish(&mut command);
            let is_fine = matches!(answer.code, 0 | 1);
            assert!(
                is_fine,
                "{told}: {arguments:?}: {}\n{}",
                answer.code, answer.stderr
            );
            answer
        };
        let fake = fake_task();
        let fake = fake.to_str().unwrap();
        command(&[
            "queue", "add", "--name", "fresh", "--", fake, "record", "starts", "fresh",
        ]);
        command(&["run", "--no-progress"]);
        assert_eq!(command(&["db", "check"]).code, 0, "{told}");
        let started = fs::read_to_string(&starts).unwrap_or_default();
        let found = Found::on(root);
        let missing = found.missing(facts, &self.reports);
        assert!(
            missing.is_empty(),
            "{told}: after the next run: {missing:#?}"
        );
        let wrong = found.wrong_at_the_end(facts, &started);
        assert!(wrong.is_empty(), "{told}: {wrong:#?}\n{started}");
    }
}

/// Tasks of every manner; each is known by its name.
fn tasks(batch: &str) -> String {
    let program = fake_task();
    let fake = program.to_str().unwrap();
    let own = env!("CARGO_BIN_EXE_autoexec");
    let mut file = String::from("[defaults.retry]\nbase = \"10ms\"\ncap = \"20ms\"\n");
    let mut task = |name: &str, words: &str, keys: &str| {
        writeln!(file,
            "[[task]]\nname = \"{name}-{batch}\"\n{keys}\ncommand = [\"{fake}\", \"record\", \"starts\", \"{name}-{batch}\"{words}]"
        ).unwrap();
    };
    task("plain", ", \"say\", \"hello\"", "");
    task(
        "retried",
        &format!(", \"fail-first\", \"1\", \"n{batch}\", \"75\""),
        "",
    );
    task("ask", ", \"sleep\", \"40\"", "on_crash = \"ask\"");
    task("fail", ", \"sleep\", \"40\"", "on_crash = \"fail\"");
    task("hopeless", ", \"exit\", \"3\"", "retries = 0");
    task("cancelled", ", \"sleep\", \"20\"", "priority = -5");
    task("long", ", \"sleep\", \"150\"", "");
    let key = format!("saves-{batch}");
    writeln!(
        file,
        "[[task]]\nname = \"{key}\"\ncommand = [\"sh\", \"-c\", \"\"\"\
         {fake} record starts {key}
         if test -e once-{batch}; then {own} checkpoint set {key} 3; exit 0; fi
         {own} checkpoint set {key} 1; {own} checkpoint set {key} 2
         touch once-{batch}; exit 75\"\"\"]"
    )
    .unwrap();
    file
}

fn hash_of(image: &disk::Image) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    image.hash(&mut hasher);
    hasher.finish()
}

/// In memory where there is such a place: what is made here has no need to be synced.
pub(crate) fn shelf() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("autoexec-image-");
    builder
        .tempdir_in(memory)
        .or_else(|_| builder.tempdir())
        .unwrap()
}
