//! Writes and reads that do less than they were asked for, or are interrupted: nobody takes a part for
//! the whole.
//!
//! Suite T4, too: `cargo test --test faults short_calls:: -- --nocapture`. A tracer can only lie about
//! what a call did, so a library is preloaded that really does less (`tests/fakes/short_calls.c`): into
//! runs, their supervisors and commands, for all files, those of the queue and their own. The short
//! form has 3 nights, the long one (`AUTOEXEC_FAULTS=long`) 200.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use crate::each_call::with_queue;
use crate::io_errors::used;
use crate::sandbox::Answer;
use crate::sandbox::Sandbox;
use crate::skipped;
use crate::stage::Death;
use crate::stage::NIGHT;
use crate::stage::judge;
use crate::stage::settle;
use crate::trials::Trials;

const NAME: &str = "short_calls::no_part_of_a_write_or_a_read_is_taken_for_the_whole";

/// Builds the library.
fn library(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes/short_calls.c");
    let library = folder.join("short_calls.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library);
    let built = compiler.arg(source).arg("-ldl").output();
    if built.is_ok_and(|built| built.status.success()) {
        return Some(library);
    }
    skipped::say(NAME, "there is no compiler for C");
    None
}

/// A place in which the calls of our programs are short.
struct Short<'a> {
    sandbox: &'a Sandbox,
    library: &'a Path,
    supervisor: PathBuf,
    count: PathBuf,
    seed: String,
}

impl<'a> Short<'a> {
    fn new(sandbox: &'a Sandbox, library: &'a Path, seed: u32) -> Self {
        let count = sandbox.home().join("short");
        let seed = seed.to_string();
        let supervisor = sandbox.home().join("supervisor");
        let script = format!(
            "#!/bin/sh\nexec env LD_PRELOAD='{}' SHORT_CALLS_COUNT='{}' SHORT_CALLS_SEED={seed} '{}' \"$@\"\n",
            library.display(),
            count.display(),
            env!("CARGO_BIN_EXE_autoexec")
        );
        fs::write(&supervisor, script).unwrap();
        fs::set_permissions(&supervisor, fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            sandbox,
            library,
            supervisor,
            count,
            seed,
        }
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        let mut command = self.sandbox.command();
        command
            .args(arguments)
            .env("LD_PRELOAD", self.library)
            .env("SHORT_CALLS_COUNT", &self.count)
            .env("SHORT_CALLS_SEED", &self.seed)
            .env("__AUTOEXEC_SUPERVISOR", &self.supervisor);
        self.sandbox.finish(&mut command)
    }

    /// How many calls did a part, and how many were interrupted.
    fn counts(&self) -> (usize, usize) {
        let letters = fs::read_to_string(&self.count).unwrap_or_default();
        let of = |letter| letters.chars().filter(|other| *other == letter).count();
        (of('s'), of('i'))
    }
}

#[test]
fn no_part_of_a_write_or_a_read_is_taken_for_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = library(folder.path()) else {
        return;
    };
    let mut trials = Trials::of("T4 short calls", 3, 200);
    let stage = with_queue();
    let sandbox = &stage.sandbox;
    assert_eq!(sandbox.run(["run", "--no-progress", "-j", "2"]).code, 0);
    let usual = used(sandbox);
    let said = sandbox.run(["logs", "plain"]).stdout;
    assert!(said.contains("hello"), "{said}");
    let (mut parts, mut interrupted) = (0, 0);
    for _ in 0..trials.wanted {
        stage.reset();
        let short = Short::new(sandbox, &library, trials.rng.u32(..));
        let added = short.run(&["queue", "add", "--name", "gone", "--", "true"]);
        assert_eq!(added.code, 0, "{}", added.stderr);
        let removed = short.run(&["queue", "remove", "gone"]);
        assert_eq!(removed.code, 0, "{}", removed.stderr);
        let answer = short.run(&["run", "--no-progress", "-j", "2"]);
        let told = format!("seed {}\n{}", short.seed, answer.stderr);
        assert_eq!(answer.code, 0, "{told}");
        for words in [
            &["logs", "plain"][..],
            &["report", "--peek", "--json"],
            &["db", "check"],
        ] {
            let answer = short.run(words);
            assert_eq!(answer.code, 0, "{words:?}: {}\n{told}", answer.stderr);
            assert!(
                words[0] != "logs" || answer.stdout == said,
                "{}\n{told}",
                answer.stdout
            );
        }
        settle(sandbox, &told);
        // Nobody died: nothing had to be done again.
        judge(sandbox, NIGHT, Death::OfTheRun, &told);
        assert_eq!(used(sandbox), usual, "attempts were used up\n{told}");
        let (some, none) = short.counts();
        (parts, interrupted) = (parts + some, interrupted + none);
        fs::write(&short.count, "").unwrap();
    }
    if parts == 0 {
        return skipped::say(NAME, "the program takes no library before its own");
    }
    trials.tell(&[
        ("nights", &trials.wanted),
        ("calls that did a part", &parts),
        ("interrupted", &interrupted),
        ("lost, corrupt, used up", &0),
    ]);
}
