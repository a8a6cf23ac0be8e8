//! `autoexec serve`: who gets an answer, and what it says.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::sandbox::Sandbox;
use crate::server::Header;
use crate::server::Server;

fn with_tasks() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "good",
        "--env",
        "KEY=canary",
        "--",
        "echo",
        "all is well",
    ]);
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "bad",
        "--retries",
        "0",
        "--",
        "false",
    ]);
    sandbox.run(["run"]);
    sandbox.ok(["queue", "add", "--name", "waiting", "--", "true"]);
    sandbox
}

#[test]
fn the_queue_a_task_its_output_and_the_report_are_told() {
    let sandbox = with_tasks();
    let server = Server::of(&sandbox);
    let queue = server.get("/api/queue");
    assert_eq!(queue["schema"], "autoexec.queue/1");
    let names: Vec<&str> = queue["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["bad", "waiting"]);
    let all = server.get("/api/queue?status=all&limit=1&after=1");
    assert_eq!(all["tasks"][0]["name"], "bad");
    assert_eq!(server.get("/api/tasks/good")["task"]["status"], "succeeded");
    let (status, output) = server.ask("GET", "/api/tasks/1/logs", &[("Host", &server.address)]);
    assert_eq!((status, output.as_str()), (200, "all is well\n"));
    let report = server.get("/api/report?run=last");
    assert_eq!(report["totals"]["failed"], 1);
    assert_eq!(
        server.get("/api/health/alerts?limit=5")["schema"],
        "autoexec.alerts/1"
    );
    let (_, figures) = server.ask("GET", "/metrics", &[("Host", &server.address)]);
    assert!(
        figures.contains("autoexec_tasks{status=\"failed\"} 1"),
        "{figures}"
    );
    assert!(figures.ends_with("# EOF\n"), "{figures}");
}

#[test]
fn values_of_variables_are_not_told_over_a_port() {
    let sandbox = with_tasks();
    let server = Server::of(&sandbox);
    let (_, task) = server.ask("GET", "/api/tasks/good", &[("Host", &server.address)]);
    assert!(task.contains("KEY") && !task.contains("canary"), "{task}");
}

#[test]
fn what_is_not_there_is_refused_in_words() {
    let sandbox = with_tasks();
    let server = Server::of(&sandbox);
    for (path, status, code) in [
        ("/api/tasks/nobody", 404, "unknown_task"),
        ("/api/tasks/good/logs?attempt=7", 404, "unknown_attempt"),
        ("/api/report?run=99", 404, "unknown_run"),
        ("/api/report?run=last&since=2h", 400, "wrong_range"),
        ("/api/queue?status=lost", 400, "wrong_status"),
        ("/api/queue?limit=99999999", 400, "wrong_limit"),
        ("/api/nothing", 404, "unknown_path"),
    ] {
        assert_eq!(server.refused(path), (status, code.to_owned()), "{path}");
    }
}

#[test]
fn only_who_may_gets_an_answer() {
    let sandbox = with_tasks();
    let server = Server::of(&sandbox);
    let host = ("Host", server.address.as_str());
    let bearer = format!("Bearer {}", server.token);
    let cases: &[(&str, &[Header<'_>], u16)] = &[
        ("GET", &[("Host", "evil.example")], 421),
        ("GET", &[host, ("Origin", "http://evil.example")], 403),
        ("POST", &[host], 401),
        ("POST", &[host, ("Authorization", "Bearer wrong")], 401),
        ("POST", &[host, ("Authorization", &bearer)], 405),
        ("GET", &[host, ("Authorization", &bearer)], 200),
    ];
    for (method, headers, expected) in cases {
        let (status, body) = server.ask(method, "/api/queue", headers);
        assert_eq!(status, *expected, "{method} {headers:?}: {body}");
        assert!(!body.contains(&server.token));
    }
}

#[test]
fn a_queue_that_is_not_there_yet_is_empty() {
    let sandbox = Sandbox::new();
    let server = Server::of(&sandbox);
    assert_eq!(server.get("/api/queue")["tasks"], serde_json::json!([]));
    assert_eq!(server.get("/api/report")["totals"]["tasks"], 0);
}

#[test]
fn it_ends_when_it_is_told_even_with_visitors_that_stay() {
    let sandbox = with_tasks();
    let mut server = Server::of(&sandbox);
    let _stays = TcpStream::connect(&server.address).unwrap();
    let pid = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_told_with_what_to_type() {
    let sandbox = with_tasks();
    let server = Server::of(&sandbox);
    sandbox
        .run(["serve", "--listen", &server.address])
        .fails(2, &["cannot listen to", "--listen"]);
    sandbox
        .run(["serve", "--listen", "somewhere"])
        .fails(2, &["must be an address with a port"]);
}

#[test]
fn half_requests_keep_nobody_out() {
    let sandbox = Sandbox::new();
    let server = Server::of(&sandbox);
    // Each of them would be kept for seconds, and so would be all that come behind them.
    let halves: Vec<TcpStream> = (0..230)
        .map(|_| {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
            stream
        })
        .collect();
    let (status, _) = server.ask("GET", "/api/queue", &[("Host", &server.address)]);
    assert_eq!(status, 200);
    // Who had to go was the first, and nobody waited for the limit of the last.
    let last = halves.last().unwrap();
    last.set_nonblocking(true).unwrap();
    let still_open = last.peek(&mut [0]).unwrap_err();
    assert_eq!(still_open.kind(), std::io::ErrorKind::WouldBlock);
    let mut first = halves.first().unwrap();
    assert!(matches!(first.read(&mut [0]), Ok(0) | Err(_)));
}
