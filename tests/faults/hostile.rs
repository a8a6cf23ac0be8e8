//! Children and surroundings that behave badly, again and again: the verdict is right each time, nothing
//! hangs, and nothing is left.
//!
//! Suite T12: `cargo test --test faults hostile:: -- --nocapture`. What a single task can do to one
//! supervisor is in `tests/it/hostile.rs` and `tests/supervisor/hostile.rs`; here are the rows that need a
//! shell, a limit, a control group or a terminal around the whole run. The short form tries each once,
//! the long one (`AUTOEXEC_FAULTS=long`) 50 times.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::{Answer, Sandbox, wait_for_file, wait_until};
use crate::trials::Trials;
use crate::wild::{Ended, Kind, attempts, fake_task, processes, tasks};

/// A queue with one task `t` that is not tried again unless `keys` say so.
pub(crate) fn queue(keys: &str, command: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let command = command.replace("FAKE", fake_task().to_str().unwrap());
    sandbox.file(
        "t.toml",
        format!("[[task]]\nname = \"t\"\ngrace = \"200ms\"\ncommand = {command}\n{keys}\n"),
    );
    sandbox.ok(["queue", "add", "t.toml"]);
    sandbox
}

#[track_caller]
fn run(sandbox: &Sandbox) -> Answer {
    let answer = sandbox.run(["run", "--no-progress"]);
    assert!(matches!(answer.code, 0 | 1), "{}", answer.stderr);
    nothing_is_left(sandbox);
    answer
}

#[track_caller]
pub(crate) fn nothing_is_left(sandbox: &Sandbox) {
    wait_until("nothing of the task is left", || {
        processes(sandbox).is_empty()
    });
}

fn only_attempt(sandbox: &Sandbox) -> Ended {
    let mut all = attempts(sandbox);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

pub(crate) fn status(sandbox: &Sandbox) -> String {
    tasks(sandbox).pop().unwrap().status
}

/// As often as is wanted, and said at the end.
pub(crate) fn again_and_again(row: &'static str, mut once: impl FnMut()) {
    let trials = Trials::of("T12 hostile", 1, 50);
    for _ in 0..trials.wanted {
        once();
    }
    trials.tell(&[(row, &trials.wanted)]);
}

#[test]
fn what_cannot_be_started_is_told_apart_and_not_tried_again() {
    again_and_again("F62, F63: could not start", || {
        // Each is short enough for the system, but not all of them together.
        let long = format!("\"{}\", ", "x".repeat(100 * 1024)).repeat(30);
        let rows = [
            ("[\"no-such-program\"]", "", "the program is not there"),
            ("[\"./script\"]", "", "the interpreter is not there"),
            ("[\"./plain\"]", "", "may not be executed"),
            ("[\"./garbage\"]", "", "not for this machine"),
            (
                "[\"true\"]",
                "workdir = \"nowhere\"",
                "the working directory is not there",
            ),
            (&format!("[\"true\", {long}]"), "", "are too long"),
        ];
        for (command, keys, word) in rows {
            let sandbox = Sandbox::new();
            for (name, content, mode) in [
                ("script", "#!/no/such/interpreter\n", 0o755),
                ("plain", "#!/bin/sh\n", 0o644),
                ("garbage", "\u{1}\u{2}\u{3}\n", 0o755),
            ] {
                let path = sandbox.file(name, content);
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            }
            let file = format!("[[task]]\nname = \"t\"\ncommand = {command}\n{keys}\n");
            sandbox.file("t.toml", file);
            sandbox.ok(["queue", "add", "t.toml"]);
            let answer = run(&sandbox);
            // Held is what a person could allow to be mended.
            let status = status(&sandbox);
            let is_over = matches!(status.as_str(), "failed" | "held");
            assert!(is_over, "{word}: {status}: {}", answer.stderr);
            only_attempt(&sandbox);
            let why = sandbox.ok(["why", "t"]);
            assert!(why.contains(word), "no `{word}` in\n{}", short(&why));
        }
    });
}

/// The beginning of a text that may hold a very long argument.
fn short(text: &str) -> String {
    text.chars().take(2_000).collect()
}

#[test]
fn a_directory_that_goes_away_meanwhile_is_the_next_steps_failure() {
    again_and_again("F64: directory removed", || {
        let sandbox = Sandbox::new();
        fs::create_dir(sandbox.work().join("place")).unwrap();
        sandbox.file(
            "t.toml",
            "[[task]]\nname = \"t\"\nworkdir = \"place\"\n\
             step = [{ name = \"one\", command = \"rmdir $PWD\" }, { name = \"two\", command = \"true\" }]\n",
        );
        sandbox.ok(["queue", "add", "t.toml"]);
        run(&sandbox);
        assert_eq!(status(&sandbox), "failed");
        let why = sandbox.ok(["why", "t"]);
        assert!(why.contains("directory"), "{why}");
    });
}

#[test]
fn a_run_with_few_descriptors_still_does_everything() {
    again_and_again("F65: 32 descriptors", || {
        let sandbox = Sandbox::new();
        let lines = "echo x >> ran\n".repeat(40);
        sandbox.file("tasks", lines);
        sandbox.ok(["queue", "add", "--lines", "tasks"]);
        let script = "ulimit -n 32; exec \"$0\" run --no-progress -j 12";
        let mut shell = sandbox.wrapped("/bin/sh");
        let answer = sandbox.finish(shell.args(["-c", script, env!("CARGO_BIN_EXE_autoexec")]));
        // What it could not start is no failure of a task.
        assert!(
            matches!(answer.code, 0 | 3 | 4),
            "{}: {}",
            answer.code,
            answer.stderr
        );
        let statuses: Vec<String> = tasks(&sandbox)
            .into_iter()
            .map(|task| task.status)
            .collect();
        let is_fine = |status: &String| ["succeeded", "queued"].contains(&status.as_str());
        assert!(
            statuses.iter().all(is_fine),
            "{statuses:?}\n{}",
            answer.stderr
        );
        sandbox.ok(["run", "--no-progress"]);
        assert_eq!(sandbox.read("ran").lines().count(), 40, "each ran once");
    });
}

#[test]
fn who_works_without_a_word_is_stopped_by_its_time_alone() {
    again_and_again("F70: silent work", || {
        let keys = "retries = 0\ntimeout = \"4s\"\nidle_timeout = \"2s\"";
        let sandbox = queue(keys, "[\"FAKE\", \"cpu\", \"600000\"]");
        run(&sandbox);
        let shown = sandbox.json(["queue", "show", "t", "--json"]).to_string();
        assert!(shown.contains("timed_out"), "{shown}");
        assert!(!shown.contains("went_silent"), "{shown}");
    });
}

#[test]
fn who_signals_its_whole_group_reaches_only_itself() {
    again_and_again("F73: kill 0", || {
        let sandbox = queue("retries = 0", "\"sleep 600 & kill -9 0\"");
        sandbox.ok(["queue", "add", "--name", "next", "--", "true"]);
        let answer = run(&sandbox);
        assert_eq!(answer.code, 1, "{}", answer.stderr);
        let statuses: Vec<String> = tasks(&sandbox)
            .into_iter()
            .map(|task| task.status)
            .collect();
        assert_eq!(statuses, ["failed", "succeeded"]);
        assert_eq!(attempts(&sandbox)[0].signal, Some(9));
    });
}

#[test]
fn codes_and_signals_are_told_as_they_are() {
    again_and_again("F74: codes", || {
        for code in [
            1, 2, 75, 85, 100, 126, 127, 128, 129, 130, 137, 143, 200, 255,
        ] {
            let sandbox = queue("retries = 0", &format!("[\"FAKE\", \"exit\", \"{code}\"]"));
            run(&sandbox);
            assert_eq!(attempts(&sandbox)[0].exit_code, Some(code));
            assert_eq!(attempts(&sandbox)[0].signal, None);
        }
        for signal in [1, 2, 3, 6, 9, 11, 13, 15] {
            let sandbox = queue("retries = 0", &format!("\"kill -{signal} $$\""));
            run(&sandbox);
            let ended = attempts(&sandbox).remove(0);
            assert_eq!((ended.exit_code, ended.signal), (None, Some(signal)));
        }
    });
}

/// What a program has inherited, from its own point of view.
const PROBE: &str = "umask; grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2; \
                     ls /proc/self/fd | tr '\\n' ' '; echo; true 2> /dev/null > /dev/tty || echo none";

#[test]
fn a_task_inherits_nothing_of_a_strange_start_but_the_umask() {
    again_and_again("F61, F76: inherited", || {
        for keys in ["", "nice = 1", "limits = { files = 64 }"] {
            let sandbox = Sandbox::new();
            let file = format!("[[task]]\nname = \"t\"\ncommand = '''{PROBE}'''\n{keys}\n");
            sandbox.file("t.toml", file);
            sandbox.ok(["queue", "add", "t.toml"]);
            let script = "trap '' PIPE INT HUP USR1; umask 027; exec 7</dev/null 9>/dev/null; exec \"$0\" run";
            let mut shell = sandbox.wrapped("/bin/sh");
            let answer = sandbox.finish(shell.args(["-c", script, env!("CARGO_BIN_EXE_autoexec")]));
            assert_eq!(answer.code, 0, "{}", answer.stderr);
            let said = sandbox.ok(["logs", "t"]);
            let has = |line: &str| said.lines().any(|said| said.trim_end().ends_with(line));
            assert!(has("0027"), "the umask is the user's: {keys}\n{said}");
            // 3 is the directory that `ls` reads.
            assert!(has("0 1 2 3"), "descriptors: {keys}\n{said}");
            assert!(has("none"), "a terminal: {keys}\n{said}");
            // The C library ignores its own two signals, 32 and 33, in whatever it spawns.
            let is_clean = |mask: &str| {
                let mask = u64::from_str_radix(mask, 16).unwrap();
                mask & !(0b11 << 31) == 0
            };
            let masks: Vec<&str> = said
                .lines()
                .filter_map(|line| line.split_whitespace().last())
                .filter(|word| word.len() == 16)
                .collect();
            assert_eq!(masks.len(), 2, "{said}");
            assert!(masks.into_iter().all(is_clean), "{keys}\n{said}");
        }
    });
}

#[test]
fn a_run_that_stands_still_does_not_keep_timeouts_from_being_watched() {
    again_and_again("F07: run stopped", || {
        let (sandbox, mut run) = stopped_before_its_time("500ms")
            .or_else(|| stopped_before_its_time("5s"))
            .or_else(|| stopped_before_its_time("1m"))
            .unwrap();
        assert!(run.try_wait().unwrap().is_none());
        wait_until("the task is gone while its run stands still", || {
            processes(&sandbox)
                .iter()
                .all(|process| process.kind != Kind::Task)
        });
        kill_process(Pid::from_child(&run), Signal::CONT).unwrap();
        let answer = sandbox.answer_of(run);
        assert_eq!(answer.code, 1, "{}", answer.stderr);
        let ended = only_attempt(&sandbox);
        assert_eq!(ended.category.as_deref(), Some("timeout"));
    });
}

/// A run that stands still while its task has so much time; nothing where that was over first.
fn stopped_before_its_time(timeout: &str) -> Option<(Sandbox, Child)> {
    let sandbox = queue(
        &format!("retries = 0\ntimeout = \"{timeout}\""),
        "[\"FAKE\", \"ignore-term\", \"record\", \"up\", \"x\", \"sleep\", \"600000\"]",
    );
    let mut run = sandbox.start(&["run", "--no-progress"]);
    wait_until("the task runs or its time is over", || {
        sandbox.work().join("up").exists() || run.try_wait().unwrap().is_some()
    });
    if run.try_wait().unwrap().is_some() {
        return None;
    }
    kill_process(Pid::from_child(&run), Signal::STOP).unwrap();
    Some((sandbox, run))
}

#[test]
fn a_run_whose_program_is_replaced_or_removed_goes_on() {
    again_and_again("F16: program replaced", || {
        for replacement in [Some("#!/bin/sh\nexit 1\n"), None] {
            let sandbox = Sandbox::new();
            let own = sandbox.work().join("autoexec");
            fs::copy(env!("CARGO_BIN_EXE_autoexec"), &own).unwrap();
            let gate = "echo up > up; until [ -e open ]; do sleep 0.02; done";
            // Whoever kills its supervisor makes the run start another one.
            let kills = "echo x >> kills; [ $(wc -l < kills) -gt 1 ] || kill -9 $PPID";
            for (name, script) in [("gate", gate), ("kills", kills), ("last", "touch last")] {
                sandbox.ok([
                    "queue", "add", "--name", name, "--", "/bin/sh", "-c", script,
                ]);
            }
            let run = sandbox
                .wrapped(own.to_str().unwrap())
                .args(["run", "--no-progress", "-j", "1"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            wait_for_file(&sandbox.work().join("up"));
            fs::remove_file(&own).unwrap();
            if let Some(content) = replacement {
                let path = sandbox.file("autoexec", content);
                fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
            }
            sandbox.file("open", "");
            let answer = sandbox.answer_of(run);
            assert_eq!(answer.code, 0, "{}", answer.stderr);
            assert!(sandbox.work().join("last").exists());
        }
    });
}
