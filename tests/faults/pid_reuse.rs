//! Numbers of processes that are given to others: whoever has the number of one of ours is never
//! signalled.
//!
//! Suite T18: `cargo test --test faults pid_reuse:: -- --nocapture`. In a PID namespace the next number
//! can be chosen. In each round a run and its supervisor are killed, and foreign programs get the
//! numbers of the supervisor and of the task, before the next run looks (at its recovery), or while it
//! watches an attempt that it has adopted and that is cancelled then. Each foreign program writes down
//! every signal that it gets and must be alive at the end. The short form has 20 rounds, the long one
//! (`AUTOEXEC_FAULTS=long`) 1,000. The rounds are made by this same test, started once more in there.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};

use crate::container;
use crate::sandbox::{Sandbox, wait_for_file, wait_until};
use crate::skipped;
use crate::toll::{Harm, Toll};
use crate::trials::Trials;
use crate::wild::{fake_task, kill, tasks};

const NAME: &str = "pid_reuse::whoever_gets_the_number_of_a_dead_process_is_not_signalled";
/// Set where the numbers can be chosen.
const INSIDE: &str = "__AUTOEXEC_TEST_INSIDE";
/// The last number that was given in this namespace.
const LAST: &str = "/proc/sys/kernel/ns_last_pid";

/// When the numbers are given to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Before the next run begins.
    BeforeRecovery,
    /// Before a command cancels the task, with no run at all.
    BeforeCancel,
    /// While a run that adopted the attempt stands still; it finds both a request to cancel it and the
    /// lock of a dead supervisor.
    WhileAdopted,
}

#[test]
fn whoever_gets_the_number_of_a_dead_process_is_not_signalled() {
    if std::env::var_os(INSIDE).is_some() {
        return rounds();
    }
    if let Some(why) = container::missing() {
        return skipped::say(NAME, &why);
    }
    let [program, options @ ..] = container::ENTER;
    let status = Command::new(program)
        .args(options)
        // Process 1 takes in the orphans of everybody.
        .args(["/bin/sh", "-c", "\"$0\" \"$@\"; exit $?"])
        .arg(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture"])
        .env(INSIDE, "yes")
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}

fn rounds() {
    if let Err(why) = fs::write(LAST, "300") {
        return skipped::say(NAME, &format!("{LAST}: {why}"));
    }
    let mut trials = Trials::of("T18 pid reuse", 20, 1_000);
    let mut toll = Toll::default();
    let mut foreigners = 0;
    for _ in 0..trials.wanted {
        let when = trials
            .rng
            .choice([When::BeforeRecovery, When::BeforeCancel, When::WhileAdopted])
            .unwrap();
        // Their numbers are far from those of everything that is started meanwhile.
        let base = trials.rng.i32(2_000..20_000);
        foreigners += round(when, base, &mut toll);
    }
    trials.tell(&[
        ("rounds", &trials.wanted),
        ("foreign processes with a number of ours", &foreigners),
        ("signalled", &toll.counts()[1].1),
    ]);
    toll.must_be_nothing();
}

/// A process of ours, and who gets its number.
struct Foreigner {
    child: Child,
    signals: PathBuf,
}

impl Foreigner {
    /// A program of the same user that has this number and writes down every signal it gets.
    fn with_number(pid: i32, sandbox: &Sandbox, in_own_session: bool) -> Self {
        let signals = sandbox.work().join(format!("signals-{pid}"));
        // It starts nothing itself, which would take a number in turn.
        let script =
            "for s in HUP INT QUIT TERM USR1 USR2 CONT TSTP; do trap \"echo $s >> '$0'\" $s; done
                      mkfifo \"$0.never\"; exec 3<> \"$0.never\"; : > \"$0.up\"
                      while :; do read -r word <&3; done";
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .arg(&signals)
            .stdin(Stdio::null());
        // Not of the sandbox, as far as its environment tells.
        command.env_clear().env("PATH", "/usr/bin:/bin");
        if in_own_session {
            command.process_group(0);
        }
        for _ in 0..1_000 {
            fs::write(LAST, (pid - 1).to_string()).unwrap();
            let mut child = command.spawn().unwrap();
            if i32::try_from(child.id()).unwrap() == pid {
                wait_until("the foreign program is up", || {
                    signals.with_extension("up").exists()
                });
                return Self { child, signals };
            }
            // Somebody else was quicker.
            child.kill().unwrap();
            child.wait().unwrap();
        }
        panic!("number {pid} cannot be had");
    }

    fn judge(mut self, when: When, toll: &mut Toll) {
        let dead = self.child.try_wait().unwrap();
        toll.demand(dead.is_none(), Harm::Doubled, || {
            format!("{when:?}: died: {dead:?}")
        });
        let signals = fs::read_to_string(&self.signals).unwrap_or_default();
        toll.demand(signals.is_empty(), Harm::Doubled, || {
            format!("{when:?}: {signals}")
        });
        // Its own child first: nobody shall be left in here.
        let _already_gone = self.child.kill();
        self.child.wait().unwrap();
    }
}

/// How many foreign programs there were.
fn round(when: When, base: i32, toll: &mut Toll) -> usize {
    let sandbox = Sandbox::new();
    let program = fake_task();
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "t",
        "--",
        "/bin/sh",
        "-c",
        "[ -e go ] && exit 0; echo $PPID > supervisor; exec \"$0\" record up start sleep 60000",
        program.to_str().unwrap(),
    ]);
    // What starts now has numbers that nobody else is given by chance.
    fs::write(LAST, base.to_string()).unwrap();
    let mut first = sandbox.start(&["run", "--no-progress"]);
    wait_for_file(&sandbox.work().join("up"));
    fs::write(LAST, "300").unwrap();
    let supervisor: i32 = sandbox.read("supervisor").trim().parse().unwrap();
    let task: i32 = sandbox
        .read("up")
        .split_whitespace()
        .last()
        .unwrap()
        .parse()
        .unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    let adopter = (when == When::WhileAdopted).then(|| standing_adopter(&sandbox));
    for pid in [supervisor, task] {
        kill(pid);
    }
    for pid in [supervisor, task] {
        wait_until("it is gone", || {
            !Path::new(&format!("/proc/{pid}")).exists()
        });
    }
    sandbox.file("go", "");
    let foreigners = [
        Foreigner::with_number(supervisor, &sandbox, false),
        Foreigner::with_number(task, &sandbox, true),
    ];
    fs::write(LAST, "300").unwrap();
    let (last, wanted) = match when {
        When::BeforeRecovery => (None, "succeeded"),
        When::BeforeCancel | When::WhileAdopted => {
            let cancel = sandbox.start(&["queue", "cancel", "--no-wait", "t"]);
            (Some(cancel), "cancelled")
        }
    };
    if let Some(run) = adopter {
        wait_until("the run is asked", || is_asked(&sandbox));
        kill_process(Pid::from_child(&run), Signal::CONT).unwrap();
        sandbox.answer_of(run);
    } else if last.is_none() {
        sandbox.run(["run", "--no-progress"]);
    }
    if let Some(cancel) = last {
        let answer = sandbox.answer_of(cancel);
        toll.demand(answer.code == 0, Harm::Stuck, || answer.stderr);
    }
    let status = tasks(&sandbox).pop().unwrap().status;
    toll.demand(status == wanted, Harm::Stuck, || {
        format!("{when:?}: {status}")
    });
    let count = foreigners.len();
    for foreigner in foreigners {
        foreigner.judge(when, toll);
    }
    count
}

/// A run that has adopted the attempt and then stands still.
fn standing_adopter(sandbox: &Sandbox) -> Child {
    let said = fs::File::create(sandbox.work().join("run.err")).unwrap();
    let run = sandbox
        .command()
        .args(["run", "--no-progress"])
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .unwrap();
    wait_until("the attempt is adopted", || {
        sandbox.read("run.err").contains("it goes on")
    });
    kill_process(Pid::from_child(&run), Signal::STOP).unwrap();
    run
}

/// Whether a request is written down that nobody has answered.
fn is_asked(sandbox: &Sandbox) -> bool {
    let path = sandbox.state().join("queue.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let count = "SELECT count(*) FROM requests WHERE answered_at IS NULL";
    let database = Connection::open_with_flags(path, flags).unwrap();
    let count: i64 = database.query_row(count, [], |row| row.get(0)).unwrap();
    count > 0
}
