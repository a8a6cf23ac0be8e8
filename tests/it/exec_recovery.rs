//! `autoexec exec`: what is done about a failure before the command is tried again.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::Child;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::exec::exec;
use crate::port::closed_port;
use crate::sandbox::{Sandbox, wait_until};

#[test]
fn a_command_waits_for_its_port_and_is_tried_again_when_it_answers() {
    let sandbox = Sandbox::new();
    let port = closed_port();
    let service = format!("127.0.0.1:{port}");
    let script = format!(
        "echo $AUTOEXEC_ATTEMPT >> runs; test $AUTOEXEC_ATTEMPT = 2 && exit
         echo 'curl: (7) Failed to connect to 127.0.0.1 port {port}: Connection refused' >&2; exit 7"
    );
    let runs = sandbox.work().join("runs");
    let opening = thread::spawn(move || {
        wait_until("the first attempt", || runs.exists());
        TcpListener::bind(("127.0.0.1", port)).unwrap()
    });
    let answer = exec(&sandbox, &["--service", &service], &script);
    drop(opening.join().unwrap());
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    for piece in [
        format!("sh: recovering: wait_for_reconnection ({service})"),
        format!("sh: {service} answered after "),
        "trying again".to_owned(),
        "sh: attempt 2 of 5 succeeded".to_owned(),
    ] {
        assert!(answer.stderr.contains(&piece), "{piece}: {}", answer.stderr);
    }
    assert_eq!(sandbox.read("runs"), "1\n2\n");
    assert!(!sandbox.state().exists(), "nothing is kept");
}

#[test]
fn a_missing_directory_is_created_before_the_next_attempt() {
    let sandbox = Sandbox::new();
    let script = "echo \"$AUTOEXEC_LAST_STRATEGY\" > out/deep/result";
    let answer = exec(&sandbox, &[], script);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer
            .stderr
            .contains("sh: recovering: create_missing_path"),
        "{}",
        answer.stderr
    );
    assert!(
        answer.stderr.contains("create_missing_path helped"),
        "{}",
        answer.stderr
    );
    assert_eq!(sandbox.read("out/deep/result"), "create_missing_path\n");
}

#[test]
fn with_suggest_nothing_is_done_and_it_is_said_what_would_have_been() {
    let sandbox = Sandbox::new();
    let script = "echo x > out/result";
    let answer = exec(&sandbox, &["--recover-mode", "suggest"], script);
    assert_ne!(answer.code, 0);
    assert!(
        answer
            .stderr
            .contains("sh: would be recovered: create_missing_path"),
        "{}",
        answer.stderr
    );
    assert!(!sandbox.work().join("out").exists());
    // The machine's word is a ceiling over that of the command.
    sandbox.configure("[recover]\nmode = \"off\"\n");
    let answer = exec(&sandbox, &["--recover-mode", "safe"], script);
    assert!(!answer.stderr.contains("recover"), "{}", answer.stderr);
    assert!(!sandbox.work().join("out").exists());
}

#[test]
fn the_fallback_comes_last_and_its_code_is_that_of_the_command() {
    let sandbox = Sandbox::new();
    let options = ["--retries", "0", "--fallback-command", "echo instead"];
    let answer = exec(&sandbox, &options, "exit 3");
    assert_eq!((answer.code, answer.stdout.as_str()), (0, "instead\n"));
    let options = ["--retries", "0", "--fallback-command", "exit 9"];
    let answer = exec(&sandbox, &options, "exit 3");
    assert_eq!(answer.code, 9, "{}", answer.stderr);
}

#[test]
fn a_wait_in_vain_ends_with_the_time_of_the_command_and_its_own_code() {
    let sandbox = Sandbox::new();
    let port = closed_port();
    let service = format!("127.0.0.1:{port}");
    let script = format!(
        "echo 'curl: (7) Failed to connect to 127.0.0.1 port {port}: Connection refused' >&2; exit 7"
    );
    // Much more than the command takes itself.
    let options = ["--service", &service, "--total-timeout", "20s"];
    let answer = exec(&sandbox, &options, &script);
    assert_eq!(answer.code, 7, "{}", answer.stderr);
    assert!(
        answer
            .stderr
            .contains(": connection refused; it failed for good"),
        "{}",
        answer.stderr
    );
}

/// Reads what is said until a piece of it is there.
fn hear(child: &mut Child, piece: &str) {
    let mut said = String::new();
    let stderr = child.stderr.as_mut().unwrap();
    while !said.contains(piece) {
        let mut byte = [0];
        stderr
            .read_exact(&mut byte)
            .unwrap_or_else(|_| panic!("no `{piece}`: {said}"));
        said.push(char::from(byte[0]));
    }
}

#[test]
fn a_signal_ends_the_wait_for_a_port_at_once() {
    let sandbox = Sandbox::new();
    let service = format!("127.0.0.1:{}", closed_port());
    let script = "echo 'Connection refused' >&2; exit 7";
    let words = ["exec", "--service", &service, "--", "sh", "-c", script];
    let mut child = sandbox.start(&words);
    hear(&mut child, "recovering: wait_for_reconnection");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(sandbox.answer_of(child).code, 130);
}

#[test]
fn a_service_that_the_queue_leaves_alone_is_left_alone_by_a_command_too() {
    let sandbox = Sandbox::new();
    let task = |number: usize| {
        format!(
            "[[task]]\nname = \"t{number}\"\nservice = \"db\"\nretry.max_attempts = 1\n\
             command = \"echo 'HTTP/1.1 503 Service Unavailable' >&2; exit 69\"\n"
        )
    };
    let tasks: Vec<String> = (1..=6).map(task).collect();
    sandbox.file("night.toml", tasks.concat());
    sandbox.configure("[breaker]\nopen_for = \"1h\"\nmax_open = \"1h\"\n");
    sandbox.run(["run", "night.toml", "--no-progress"]);
    let stood = sandbox.json(["breakers", "list", "--json"]);
    assert_eq!(stood["breakers"][0]["state"], "open", "{stood}");
    let short = [
        "exec",
        "--service",
        "db",
        "--total-timeout",
        "5m",
        "--",
        "true",
    ];
    sandbox
        .run(short)
        .fails(125, &["`db` does not answer and is left alone for"]);
    let mut child = sandbox.start(&["exec", "--service", "db", "--", "touch", "ran"]);
    hear(&mut child, "`db` did not answer lately and is left alone");
    assert!(!sandbox.work().join("ran").exists());
    sandbox.ok(["breakers", "reset", "db"]);
    assert_eq!(sandbox.answer_of(child).code, 0);
    assert!(sandbox.work().join("ran").exists());
}
