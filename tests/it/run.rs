//! `autoexec run`: what it does, how it ends, and that arguments arrive unchanged.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::sandbox::{Sandbox, wait_for_file, wait_until};

/// A file of two tasks that succeed.
const TWO: &str = "
[[task]]
name = \"one\"
command = \"echo one > one.txt\"

[[task]]
name = \"two\"
command = \"echo two > two.txt\"
";

/// Adds a task that says that it runs, and then waits to be stopped.
fn add_endless(sandbox: &Sandbox, name: &str) {
    let script = format!("echo running > {name}.running; exec sleep 600");
    sandbox.ok([
        "queue", "add", "--name", name, "--", "/bin/sh", "-c", &script,
    ]);
}

#[test]
fn an_empty_queue_is_nothing_to_do() {
    Sandbox::new().run(["run"]).is(
        0,
        "",
        "nothing to do: no task is queued in `[SANDBOX]/state`; `autoexec queue add` adds one\n",
    );
}

#[test]
fn a_file_is_added_and_run() {
    let sandbox = Sandbox::new();
    sandbox.file("two.toml", TWO);
    let answer = sandbox.run(["run", "two.toml"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(sandbox.read("one.txt"), "one\n");
    assert_eq!(sandbox.read("two.txt"), "two\n");
    assert_eq!(answer.stdout, "", "the answer of a run is its exit code");
}

#[test]
fn only_the_tasks_of_the_file_run() {
    let sandbox = Sandbox::new();
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "other",
        "--",
        "touch",
        "other.txt",
    ]);
    sandbox.file("two.toml", TWO);
    sandbox.ok(["run", "two.toml", "--only", "one"]);
    assert!(sandbox.work().join("one.txt").exists());
    assert!(!sandbox.work().join("two.txt").exists());
    assert!(!sandbox.work().join("other.txt").exists());
}

#[test]
fn a_name_that_is_not_there_is_asked_about() {
    let sandbox = Sandbox::new();
    sandbox.file("two.toml", TWO);
    sandbox
        .run(["run", "two.toml", "--only", "onee"])
        .fails(2, &["there is no task named `onee`", "did you mean `one`?"]);
    assert!(!sandbox.work().join("one.txt").exists());
}

#[test]
fn a_wrong_file_starts_nothing() {
    let sandbox = Sandbox::new();
    sandbox.file("two.toml", TWO);
    sandbox.file("wrong.toml", "[[task]]\nname = \"x\"\ncomand = \"true\"\n");
    sandbox
        .run(["run", "two.toml", "wrong.toml"])
        .fails(2, &["wrong.toml:3:1", "`command`"]);
    assert!(!sandbox.work().join("one.txt").exists());
    assert!(
        sandbox
            .ok(["queue", "list", "--json"])
            .contains("\"tasks\":[]")
    );
}

#[test]
fn a_task_that_fails_for_good_needs_a_person() {
    let sandbox = Sandbox::new();
    sandbox.ok([
        "queue", "add", "--name", "bad", "--", "/bin/sh", "-c", "exit 65",
    ]);
    let answer = sandbox.run(["run", "--report"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert!(answer.stdout.contains("bad"), "{}", answer.stdout);
    assert!(answer.stdout.contains("validation"), "{}", answer.stdout);
    assert!(
        answer.stdout.contains("autoexec queue retry"),
        "{}",
        answer.stdout
    );
}

#[test]
fn without_a_terminal_each_event_is_one_plain_line() {
    let sandbox = Sandbox::new();
    let flaky = "[ -e again ] || { touch again; exit 75; }";
    sandbox.file(
        "f.toml",
        format!(
            "[[task]]\nname = \"flaky\"\ncommand = {flaky:?}\nretry = {{ base = \"10ms\", jitter = 0.0 }}\n"
        ),
    );
    let answer = sandbox.run(["run", "f.toml"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer.stderr.contains(
            "[[TIME]] flaky: attempt 1 of 5 failed after [SPAN]: asked to be tried later"
        ),
        "{}",
        answer.stderr
    );
    assert!(!answer.stderr.contains('\u{1b}'), "{}", answer.stderr);
}

#[test]
fn a_second_run_names_the_first_and_exits_75() {
    let sandbox = Sandbox::new();
    add_endless(&sandbox, "long");
    let first = sandbox.start(&["run"]);
    wait_for_file(&sandbox.work().join("long.running"));

    let second = sandbox.run(["run"]);
    second.fails(
        75,
        &[
            "error: another run is using this queue",
            "process [PID]",
            "autoexec stop",
        ],
    );

    let stop = sandbox.run(["stop"]);
    assert_eq!(stop.code, 0, "{}", stop.stderr);
    let answer = sandbox.answer_of(first);
    // What somebody stopped is not done: a script that goes on with its result must know.
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    // An interrupted task is kept for the next run.
    let list = sandbox.json(["queue", "list", "--json"]);
    assert_eq!(list["tasks"][0]["status"], "queued");
}

#[test]
fn a_signal_stops_the_run_and_keeps_the_queue() {
    use rustix::process::{Pid, Signal, kill_process};
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let sandbox = Sandbox::new();
        add_endless(&sandbox, "long");
        let run = sandbox.start(&["run"]);
        wait_for_file(&sandbox.work().join("long.running"));
        let pid = Pid::from_raw(i32::try_from(run.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let answer = sandbox.answer_of(run);
        assert_eq!(answer.code, code, "{}", answer.stderr);
        let list = sandbox.json(["queue", "list", "--json"]);
        assert_eq!(list["tasks"][0]["status"], "queued");
        assert_eq!(list["tasks"][0]["name"], "long");
    }
}

#[test]
fn a_damaged_queue_is_told_and_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "x", "--", "true"]);
    let database = sandbox.state().join("queue.db");
    // The log of changes still has all of a young queue; without it the junk is all there is.
    for left in ["queue.db-wal", "queue.db-shm"] {
        drop(std::fs::remove_file(sandbox.state().join(left)));
    }
    std::fs::write(&database, b"this is no database at all".repeat(400)).unwrap();
    let before = std::fs::read(&database).unwrap();
    for arguments in [
        &["run"][..],
        &["queue", "list"],
        &["queue", "add", "--", "true"],
    ] {
        sandbox.run(arguments).fails(3, &["error: "]);
    }
    assert_eq!(std::fs::read(&database).unwrap(), before);
}

/// Writes its arguments to a file, each followed by a zero byte.
fn add_argument_recorder(sandbox: &Sandbox, name: &str, arguments: &[OsString]) {
    let script = "printf '%s\\0' \"$@\" > \"$0\"";
    let mut line: Vec<OsString> = [
        "queue", "add", "--name", name, "--", "/bin/sh", "-c", script,
    ]
    .map(OsString::from)
    .to_vec();
    line.push(format!("{name}.args").into());
    line.extend(arguments.iter().cloned());
    sandbox.ok(line);
}

fn recorded(path: &Path) -> Vec<OsString> {
    let bytes = std::fs::read(path).unwrap();
    let text = bytes.strip_suffix(b"\0").unwrap();
    text.split(|byte| *byte == 0)
        .map(|argument| OsStr::from_bytes(argument).to_owned())
        .collect()
}

#[test]
fn arguments_arrive_unchanged() {
    let sandbox = Sandbox::new();
    let hostile: Vec<OsString> = [
        "with space",
        "two  spaces",
        "",
        "'single' \"double\" `back`",
        "line\nbreak",
        "tab\tand\rreturn",
        "$HOME *.toml ; rm -rf / | cat & > out",
        "--json",
        "--",
        "-j4",
        "naïve 東京 🚀",
        "\u{1b}[31mred\u{1b}[0m",
        "\\n \\\\ \\",
        "{{name}} %s ${x} ~",
    ]
    .map(OsString::from)
    .into_iter()
    .chain([OsString::from_vec(vec![0xff, 0xfe, b' ', 0x80])])
    .collect();
    add_argument_recorder(&sandbox, "hostile", &hostile);
    sandbox.ok(["run"]);
    assert_eq!(recorded(&sandbox.work().join("hostile.args")), hostile);
}

#[test]
fn a_run_takes_tasks_that_are_added_while_it_is_active() {
    let sandbox = Sandbox::new();
    add_endless(&sandbox, "first");
    let run = sandbox.start(&["run", "-j", "2"]);
    wait_for_file(&sandbox.work().join("first.running"));
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "second",
        "--",
        "touch",
        "second.txt",
    ]);
    wait_until("the second task has run", || {
        sandbox.work().join("second.txt").exists()
    });
    sandbox.ok(["stop", "--now"]);
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
}

#[test]
fn a_changed_task_that_was_attempted_stays_unless_replace_is_written() {
    let sandbox = Sandbox::new();
    let with_wait = |command: &str| {
        format!("[[task]]\nname = \"x\"\ncommand = \"{command}\"\nretry = {{ base = \"1h\" }}\n")
    };
    sandbox.file("x.toml", with_wait("touch tried; exit 75"));
    let run = sandbox.start(&["run", "x.toml"]);
    wait_until("the first attempt is recorded", || {
        sandbox.json(["queue", "list", "--json"])["tasks"][0]["attempts"] == 1
            && sandbox.work().join("tried").exists()
            && sandbox.json(["queue", "list", "--json"])["tasks"][0]["status"] == "queued"
    });
    sandbox.ok(["stop"]);
    drop(sandbox.answer_of(run));

    sandbox.file("x.toml", with_wait("true"));
    sandbox.run(["queue", "add", "x.toml"]).fails(
        1,
        &[
            "`x` has been started already as task 1, which stays as it is",
            "--replace",
        ],
    );
    sandbox
        .run(["queue", "add", "--replace", "x.toml"])
        .is(0, "replaced `x`, task 1\n", "");
}

/// A pager that nobody scrolls, or a terminal on which somebody typed Ctrl-S, must not hold up a
/// night.
#[test]
fn a_run_goes_on_when_nobody_reads_what_it_says() {
    let sandbox = Sandbox::new();
    let lines: Vec<String> = (0..60)
        .map(|number| format!("touch done-{number}"))
        .collect();
    sandbox.file(
        "many.txt",
        lines.join(
            "
",
        ),
    );
    sandbox.ok(["queue", "add", "--lines", "many.txt"]);
    let (reader, writer) = std::io::pipe().unwrap();
    // Less than the run has to say.
    rustix::pipe::fcntl_setpipe_size(&reader, 4096).unwrap();
    let mut run = sandbox.foreground();
    run.args(["run", "--no-progress"]).stderr(writer);
    let mut child = run.spawn().unwrap();
    // Its writing end is closed with it.
    drop(run);
    wait_until("the last task is done", || {
        sandbox.json(["queue", "list", "--json"])["tasks"]
            .as_array()
            .is_some_and(Vec::is_empty)
    });
    let told = std::io::read_to_string(reader).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{told}");
}

#[test]
fn an_urgent_task_that_is_added_late_overtakes_what_is_claimed() {
    let sandbox = Sandbox::new();
    let wait = "while ! test -e go; do sleep 0.02; done";
    sandbox.ok([
        "queue", "add", "--name", "first", "--", "/bin/sh", "-c", wait,
    ]);
    for number in 0..7 {
        let name = format!("usual-{number}");
        let script = format!("echo {name} >> order");
        sandbox.ok([
            "queue", "add", "--name", &name, "--", "/bin/sh", "-c", &script,
        ]);
    }
    let run = sandbox.start(&["run", "-j", "1"]);
    wait_until("the first task runs", || {
        sandbox.ok(["queue", "list"]).contains("first    running")
    });
    let urgent = ["queue", "add", "--name", "urgent", "--priority", "9", "--"];
    sandbox.ok(urgent
        .into_iter()
        .chain(["/bin/sh", "-c", "echo urgent >> order"]));
    wait_until("the run has heard of it", || {
        let urgent = sandbox.json(["queue", "show", "urgent", "--json"]);
        urgent["task"]["why"] == "claimed"
    });
    std::fs::write(sandbox.work().join("go"), "").unwrap();
    assert_eq!(sandbox.answer_of(run).code, 0);
    let order = sandbox.read("order");
    assert_eq!(order.lines().next(), Some("urgent"), "{order}");
}

#[test]
fn the_example_ends_well_as_often_as_it_is_run() {
    let sandbox = Sandbox::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/tasks.example.toml");
    for _ in 0..2 {
        let answer = sandbox.run(["run", example, "--report", "--no-progress"]);
        assert_eq!(answer.code, 0, "{}\n{}", answer.stdout, answer.stderr);
        let done = "all 6 tasks are done, nothing needs you";
        assert!(answer.stdout.contains(done), "{}", answer.stdout);
        assert!(!answer.stderr.contains("warning"), "{}", answer.stderr);
    }
}

#[test]
fn tasks_of_a_file_are_told_to_be_queued_when_another_run_is_active() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "long", "--", "sleep", "600"]);
    let run = sandbox.start(&["run"]);
    crate::sandbox::wait_until("it runs", || sandbox.runner().is_some());
    sandbox.file(
        "more.toml",
        "[[task]]\nname = \"more\"\ncommand = [\"true\"]\n",
    );
    sandbox
        .run(["run", "more.toml"])
        .fails(75, &["the tasks of the files are queued"]);
    sandbox.ok(["stop", "--now"]);
    sandbox.answer_of(run);
}
