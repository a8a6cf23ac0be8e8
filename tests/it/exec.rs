//! `autoexec exec`: exit codes, retries, output and input passed through. Signals and death are in
//! `exec_signals`.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::{Answer, Sandbox, wait_until};

/// Runs a script of a shell under `exec`, without the name and time of the lines of ours.
pub(crate) fn exec(sandbox: &Sandbox, options: &[&str], script: &str) -> Answer {
    let words = [&["exec"], options, &["--", "sh", "-c", script]].concat();
    sandbox.run(words)
}

#[test]
fn the_exit_code_is_the_commands_own_and_success_is_silent() {
    let sandbox = Sandbox::new();
    exec(&sandbox, &[], "echo out; echo err >&2").is(0, "out\n", "err\n");
    for (script, code) in [("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137)] {
        let answer = exec(&sandbox, &["--retries", "0"], script);
        assert_eq!(
            (answer.code, answer.stdout.as_str()),
            (code, ""),
            "{script}"
        );
    }
    assert!(!sandbox.state().exists(), "nothing is kept");
}

#[test]
fn what_fails_on_our_side_has_codes_of_its_own() {
    let sandbox = Sandbox::new();
    sandbox.file("not-executable", "x");
    let cases: [(&[&str], i32, &str); 8] = [
        (
            &["exec", "--", "no-such-program"],
            127,
            "`no-such-program` was not found",
        ),
        (
            &["exec", "--", "./not-executable"],
            126,
            "may not be executed",
        ),
        (
            &[
                "exec",
                "--timeout",
                "200ms",
                "--retries",
                "0",
                "--",
                "sleep",
                "60",
            ],
            124,
            "time limit",
        ),
        (
            &["exec", "--workdir", "nowhere", "--", "true"],
            125,
            "nowhere",
        ),
        (&["exec", "--bogus", "--", "true"], 125, "`--bogus`"),
        (
            &["exec", "--timeout", "soon", "--", "true"],
            125,
            "nothing was started",
        ),
        (
            &["exec", "--priority", "3", "--", "true"],
            125,
            "for a task in the queue",
        ),
        (
            &["--config", "nowhere.toml", "exec", "--", "true"],
            125,
            "nowhere.toml",
        ),
    ];
    for (words, code, piece) in cases {
        sandbox.run(words).fails(code, &[piece]);
    }
}

#[test]
fn a_failure_that_may_pass_is_tried_again_and_told() {
    let sandbox = Sandbox::new();
    let script = "echo $AUTOEXEC_ATTEMPT $AUTOEXEC_LAST_PATTERN; test -e ok && exit; touch ok
        printf 'curl: (7) Failed to connect to db.internal port 80: Connection refused' >&2; exit 7";
    exec(&sandbox, &[], script).is(
        0,
        "1\n2 connection_refused\n",
        "curl: (7) Failed to connect to db.internal port 80: Connection refused\n\
         [[TIME]] sh: attempt 1 of 5 failed after [SPAN]: network (connection refused); next attempt in [SPAN]\n\
         [[TIME]] sh: attempt 2 of 5 succeeded after [SPAN]\n",
    );
}

#[test]
fn a_wait_that_was_asked_for_is_kept() {
    let sandbox = Sandbox::new();
    let script = "date +%s%N >> times; test -e ok && exit; touch ok
        echo 'HTTP/1.1 429 Too Many Requests' >&2; echo 'Retry-After: 3' >&2; exit 1";
    let answer = exec(&sandbox, &[], script);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(answer.stderr.contains("rate_limit"), "{}", answer.stderr);
    let times: Vec<u64> = sandbox
        .read("times")
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    // Without being asked it would come back after at most two seconds.
    assert!(times[1] - times[0] >= 2_900_000_000, "{times:?}");
}

#[test]
fn what_a_retry_cannot_heal_is_told_once_and_quiet_says_nothing() {
    let sandbox = Sandbox::new();
    let script = "echo x >> runs; echo 'ModuleNotFoundError: No module named shop' >&2; exit 1";
    let answer = exec(&sandbox, &[], script);
    answer.fails(1, &["sh: attempt 1 of 5 failed", "not installed"]);
    let answer = exec(&sandbox, &["-q", "--retries", "0"], "echo only; exit 4");
    answer.is(4, "only\n", "");
    assert_eq!(sandbox.read("runs"), "x\n");
}

#[test]
fn output_comes_through_byte_for_byte() {
    let sandbox = Sandbox::new();
    let mut bytes: Vec<u8> = (0..10 * 1024 * 1024_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1])
        .collect();
    bytes.extend_from_slice(b"\0\r\n\xff no newline at the end");
    sandbox.file("bytes", &bytes);
    // Into a pipe and into a file; compared outside, because so much is not masked in a moment.
    let script =
        "\"$0\" exec -- cat bytes | cmp - bytes && \"$0\" exec -- cat bytes > out && cmp out bytes";
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script, env!("CARGO_BIN_EXE_autoexec")])
        .current_dir(sandbox.work());
    sandbox.finish(&mut shell).is(0, "", "");
}

#[test]
fn two_outputs_that_are_one_keep_their_order() {
    let sandbox = Sandbox::new();
    let lines = "for i in 1 2 3 4 5 6 7 8 9; do echo o$i; echo e$i >&2; done";
    let script = format!("\"$0\" exec -- sh -c '{lines}' > log 2>&1; sh -c '{lines}' > plain 2>&1");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &script, env!("CARGO_BIN_EXE_autoexec")])
        .current_dir(sandbox.work());
    sandbox.finish(&mut shell).is(0, "", "");
    assert_eq!(sandbox.read("log"), sandbox.read("plain"));
}

#[test]
fn output_comes_while_the_command_runs() {
    let sandbox = Sandbox::new();
    let script = "echo first; while ! test -e seen; do sleep 0.02; done; echo second";
    let mut child = sandbox.start(&["exec", "--", "sh", "-c", script]);
    let mut first = [0; 6];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    assert_eq!(&first, b"first\n");
    sandbox.file("seen", "");
    sandbox.answer_of(child).is(0, "second\n", "");
}

#[test]
fn a_slow_reader_slows_the_command_down() {
    let sandbox = Sandbox::new();
    let script = "i=0; while :; do i=$((i + 1)); printf '%08191d\\n' 0; echo $i > written.new; \
                  mv written.new written; done";
    let child = sandbox.start(&["exec", "--", "sh", "-c", script]);
    let written = || -> u32 {
        let text = std::fs::read_to_string(sandbox.work().join("written")).unwrap_or_default();
        text.trim().parse().unwrap_or_default()
    };
    // Two pipes and our buffer hold less than a megabyte; then it stands still.
    let mut seen = 0;
    wait_until("the command stands still", || {
        let before = std::mem::replace(&mut seen, written());
        std::thread::sleep(std::time::Duration::from_millis(200));
        before > 0 && before == written()
    });
    assert!(written() < 128, "{}", written());
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(sandbox.answer_of(child).code, 143);
}

#[test]
fn a_reader_that_leaves_ends_the_command_as_it_would_without_us() {
    let sandbox = Sandbox::new();
    let mut child = sandbox.start(&["exec", "--", "sh", "-c", "echo x >> runs; exec yes"]);
    let mut line = [0; 2];
    child.stdout.take().unwrap().read_exact(&mut line).unwrap();
    let answer = sandbox.answer_of(child);
    assert_eq!((answer.code, answer.stderr.as_str()), (141, ""));
    assert_eq!(sandbox.read("runs"), "x\n", "it is not tried again");
}

#[test]
fn output_that_cannot_be_written_is_an_error_of_ours() {
    let sandbox = Sandbox::new();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let child = sandbox
        .command()
        .args(["exec", "--", "echo", "x"])
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let answer = sandbox.answer_of(child);
    answer.fails(
        125,
        &["cannot pass the output of the command on", "No space"],
    );
}

#[test]
fn the_command_has_our_standard_input_and_a_file_is_given_again() {
    let sandbox = Sandbox::new();
    let answer = sandbox.run_with_input(&["exec", "--", "cat"], b"from a pipe");
    assert_eq!(answer.raw_stdout, b"from a pipe");
    let file = sandbox.file("input", "first\nsecond\n");
    let script = "cat; test -e ok && exit; touch ok; echo 'Connection refused' >&2; exit 1";
    let mut opened = std::fs::File::open(file).unwrap();
    let mut begun = [0; 6];
    opened.read_exact(&mut begun).unwrap();
    let answer = sandbox.finish(
        sandbox
            .command()
            .args(["exec", "-q", "--", "sh", "-c", script])
            .stdin(opened),
    );
    assert_eq!(
        (answer.code, answer.stdout.as_str()),
        (0, "second\nsecond\n")
    );
}

#[test]
fn nothing_is_tried_again_with_half_of_its_input() {
    let sandbox = Sandbox::new();
    let script = "echo x >> runs; read line; echo 'Connection refused' >&2; exit 1";
    let words = ["exec", "--", "sh", "-c", script];
    let answer = sandbox.run_with_input(&words, b"first\nsecond\n");
    answer.fails(1, &["it has read of its standard input", "`< FILE`"]);
    assert_eq!(sandbox.read("runs"), "x\n");
}

#[test]
fn a_pipe_that_the_command_leaves_alone_is_left_to_others() {
    let sandbox = Sandbox::new();
    let script = "test -e ok && exit; touch ok; echo 'Connection refused' >&2; exit 1";
    let mut shell = Command::new("sh");
    let loops = "while read x; do \"$0\" exec -q -- sh -c \"$1\" && echo $x; done";
    // Whoever wrote has left before anybody looks: that it leaves would count as a change.
    let (input, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"a\nb\n").unwrap();
    drop(writer);
    shell
        .stdin(input)
        .args(["-c", loops, env!("CARGO_BIN_EXE_autoexec"), script])
        .env("AUTOEXEC_STATE_DIR", sandbox.state())
        .current_dir(sandbox.work());
    let answer = sandbox.finish(&mut shell);
    assert_eq!(
        (answer.code, answer.stdout.as_str()),
        (0, "a\nb\n"),
        "{}",
        answer.stderr
    );
}

#[test]
fn options_of_a_task_hold() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.work().join("there")).unwrap();
    let folder = sandbox.work().canonicalize().unwrap().join("there");
    let answer = sandbox.run([
        "exec",
        "--workdir",
        "there",
        "--env",
        "A=b c",
        "--shell",
        "--",
        "pwd; echo",
        "$A",
    ]);
    assert_eq!(
        String::from_utf8(answer.raw_stdout).unwrap(),
        format!("{}\nb c\n", folder.display())
    );
    sandbox.file("input", "from a file");
    let answer = sandbox.run(["exec", "--stdin", "input", "--", "cat"]);
    answer.is(0, "from a file", "");
}

#[test]
fn it_works_without_a_home_and_in_a_directory_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command();
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir("/proc")
        .args(["exec", "--", "pwd"]);
    sandbox.finish(&mut command).is(0, "/proc\n", "");
}

#[test]
fn error_patterns_of_the_queue_and_of_the_configuration_decide_whether_to_retry() {
    let sandbox = Sandbox::new();
    let add = "patterns add no_licence --matches pool.empty --category logic --retryable no";
    sandbox.ok(add.split(' '));
    let config = sandbox.file(
        "config.toml",
        "[[pattern]]\nname = \"gpu_lost\"\nmatches = \"GPU lost\"\ncategory = \"logic\"\n",
    );
    let config = config.to_str().unwrap();
    for (said, pattern) in [
        ("licence pool empty", "no_licence"),
        ("GPU lost", "gpu_lost"),
    ] {
        let script = format!("echo x >> {pattern}; echo {said} >&2; exit 7");
        let words = ["--config", config, "exec", "--retries", "3", "--"];
        let told = sandbox.run([&words[..], &["sh", "-c", &script]].concat());
        assert_eq!(told.code, 7);
        let shown = format!("({})", pattern.replace('_', " "));
        assert!(told.stderr.contains(&shown), "{}", told.stderr);
        assert_eq!(sandbox.read(pattern), "x\n");
    }
}

#[test]
fn error_patterns_that_cannot_be_used_keep_no_command_from_running() {
    let sandbox = Sandbox::new();
    let config = sandbox.file(
        "config.toml",
        "[[pattern]]\nname = \"x\"\nmatches = \"(\"\n",
    );
    let config = config.to_str().unwrap();
    let run = |script: &str| {
        let words = ["--config", config, "exec", "--retries", "0", "--"];
        sandbox.run([&words[..], &["sh", "-c", script]].concat())
    };
    run("echo fine").is(0, "fine\n", "");
    let failed = run("exit 7");
    assert_eq!(failed.code, 7);
    assert!(
        failed.stderr.contains("your error patterns did not count"),
        "{}",
        failed.stderr
    );
    assert!(!sandbox.state().exists(), "nothing is made");
}

#[test]
fn a_value_that_was_given_as_the_name_of_a_secret_is_neither_shown_nor_kept() {
    let sandbox = Sandbox::new();
    let ways: [&[&str]; 5] = [
        &["--secret", "TOKEN=hunter2hunter2"],
        &["--env", "hunter2hunter2"],
        &["--env", "=hunter2hunter2"],
        &["--secret", "=hunter2hunter2", "--json"],
        &["TOKEN=hunter2hunter2"],
    ];
    for options in ways {
        for command in [&["exec"][..], &["queue", "add", "--name", "a"]] {
            let answer = sandbox.run(command.iter().chain(options).chain(&["--", "true"]));
            let said = format!("{}{}", answer.stdout, answer.stderr);
            assert!(
                [2, 125].contains(&answer.code),
                "{command:?} {options:?}: {said}"
            );
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
    let listed = sandbox.run(["queue", "list", "--all", "--json"]);
    assert!(!listed.stdout.contains("hunter2") && !listed.stdout.contains("\"id\""));
}
