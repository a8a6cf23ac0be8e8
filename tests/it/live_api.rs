//! `autoexec serve`: health, circuit breakers, and many visitors during a run.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use serde_json::Value;

use crate::sandbox::{Sandbox, wait_until};
use crate::server::Server;

/// Tasks of a service that is down: its breaker opens at the second failure.
fn with_open_breaker() -> Sandbox {
    let sandbox = Sandbox::new();
    let text = "[breaker]\nfailures = 2\nopen_for = \"1h\"\nmax_open = \"1h\"\n";
    sandbox.configure(text);
    let down = "echo 'curl: (7) Failed to connect to api.example port 443: Connection refused' >&2; exit 7";
    let mut file = String::new();
    for number in 0..2 {
        write!(
            file,
            "[[task]]\nname = \"job-{number}\"\nservice = \"api.example\"\nretries = 0\n\
             command = [\"/bin/sh\", \"-c\", \"{down}\"]\n"
        )
        .unwrap();
    }
    sandbox.file("tasks.toml", file);
    sandbox.ok(["queue", "add", "tasks.toml"]);
    // None is left that would wait for the service.
    assert_eq!(sandbox.run(["run", "-j", "1"]).code, 1);
    sandbox
}

fn state_of(server: &Server) -> Value {
    server.get("/api/health/circuit-breakers")["breakers"][0]["state"].clone()
}

#[test]
fn health_is_told_and_is_as_the_command_tells_it() {
    let sandbox = Sandbox::new();
    let server = Server::of(&sandbox);
    assert_eq!(
        server.get("/api/health/detailed")["schema"],
        "autoexec.health/1"
    );
    sandbox.ok(["queue", "add", "--name", "good", "--", "true"]);
    sandbox.ok(["run"]);
    drop(server);
    let server = Server::of(&sandbox);
    let told = server.get("/api/health/detailed");
    assert!(told["score"].as_u64().unwrap() <= 100);
    let answer = sandbox.run(["health", "--json"]);
    let of_command: Value = serde_json::from_slice(&answer.raw_stdout).unwrap();
    let components = |health: &Value| -> Vec<String> {
        let all = health["components"].as_array().unwrap();
        all.iter().map(|one| one["component"].to_string()).collect()
    };
    assert_eq!(components(&told), components(&of_command));
}

#[test]
fn a_breaker_is_shown_and_closed_by_whoever_has_the_token() {
    let sandbox = with_open_breaker();
    let server = Server::of(&sandbox);
    assert_eq!(state_of(&server), "open");
    let host = ("Host", server.address.as_str());
    let (_, figures) = server.ask("GET", "/metrics", &[host]);
    for line in [
        "autoexec_breaker_state{service=\"api.example\"} 2",
        "autoexec_attempts_total ",
        "autoexec_health_score ",
        "autoexec_alerts_last_day{level=\"CRITICAL\"} ",
    ] {
        assert!(figures.contains(line), "{line} in {figures}");
    }
    let reset = "/api/health/circuit-breakers/api.example/reset";
    let (status, _) = server.ask("POST", reset, &[host]);
    assert_eq!(status, 401);
    assert_eq!(state_of(&server), "open");
    let bearer = format!("Bearer {}", server.token);
    let token = ("Authorization", bearer.as_str());
    let elsewhere = reset.replace("api.example", "nobody");
    let (status, body) = server.ask("POST", &elsewhere, &[host, token]);
    assert!(status == 404 && body.contains("unknown_breaker"), "{body}");
    let (status, body) = server.ask("GET", reset, &[host]);
    assert!(status == 405 && body.contains("wrong_method"), "{body}");
    let (status, body) = server.ask("POST", reset, &[host, token]);
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("\"result\":\"reset\""), "{body}");
    assert_eq!(state_of(&server), "closed");
}

#[test]
fn a_run_that_is_active_hears_of_it_and_goes_on() {
    let sandbox = with_open_breaker();
    sandbox.file("up", "");
    let service = "api.example";
    sandbox.file(
        "more.toml",
        format!(
            "[[task]]\nname = \"waits\"\nservice = \"{service}\"\ncommand = [\"true\"]\n\
             [[task]]\nname = \"holds\"\ncommand = [\"/bin/sh\", \"-c\", \"until test -e go; do sleep 0.05; done\"]\n"
        ),
    );
    sandbox.ok(["queue", "add", "more.toml"]);
    let server = Server::of(&sandbox);
    let run = sandbox.start(&["run", "-j", "2"]);
    let status = |task: &str| server.get(&format!("/api/tasks/{task}"))["task"]["status"].clone();
    wait_until("one task runs", || status("holds") == "running");
    assert_eq!(status("waits"), "queued");
    let bearer = format!("Bearer {}", server.token);
    let (code, body) = server.ask(
        "POST",
        "/api/health/circuit-breakers/api.example/reset",
        &[("Host", &server.address), ("Authorization", &bearer)],
    );
    assert_eq!(code, 200, "{body}");
    wait_until("the other one has run", || status("waits") == "succeeded");
    sandbox.file("go", "");
    assert_eq!(sandbox.answer_of(run).code, 0);
}

#[test]
fn many_visitors_at_once_do_not_hold_a_run_up() {
    let sandbox = Sandbox::new();
    for number in 0..30 {
        let name = format!("quick-{number}");
        sandbox.ok(["queue", "add", "--name", &name, "--", "true"]);
    }
    let server = Server::of(&sandbox);
    // These say half of what they want and stay, or want something and never read it.
    let mut half = TcpStream::connect(&server.address).unwrap();
    half.write_all(b"GET /api/queue HTTP/1.1\r\nHost: ")
        .unwrap();
    let mut deaf = TcpStream::connect(&server.address).unwrap();
    write!(
        deaf,
        "GET /live.css HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.address
    )
    .unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for visitor in 0..8 {
            let (server, over) = (&server, &over);
            scope.spawn(move || {
                let paths = [
                    "/live",
                    "/",
                    "/api/health/detailed",
                    "/api/queue",
                    "/metrics",
                    "/api/report",
                ];
                let mut visits = 0;
                while !over.load(Ordering::SeqCst) || visits < paths.len() {
                    let path = paths[(visits + visitor) % paths.len()];
                    let (status, body) = server.ask("GET", path, &[("Host", &server.address)]);
                    // A machine that has nothing to spare may say so.
                    let is_slow = status == 503 && body.contains("\"too_slow\"");
                    assert!(status == 200 || is_slow, "{path}: {body}");
                    visits += 1;
                }
            });
        }
        let answer = sandbox.run(["run", "-j", "2"]);
        over.store(true, Ordering::SeqCst);
        assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    });
    assert_eq!(
        server.get("/api/queue?status=succeeded")["tasks"]
            .as_array()
            .unwrap()
            .len(),
        30
    );
    // Nobody reads any more: the log in front of the database can be emptied as a whole.
    sandbox.ok(["db", "check"]);
}

#[test]
fn every_path_that_is_described_is_served() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "one", "--", "true"]);
    sandbox.ok(["run"]);
    let server = Server::of(&sandbox);
    let description = server.get("/api/openapi.json");
    let bearer = format!("Bearer {}", server.token);
    for (path, operations) in description["paths"].as_object().unwrap() {
        let filled = path
            .replace("{id}", "1")
            .replace("{run}", "last")
            .replace("{name}", "x");
        for (method, operation) in operations.as_object().unwrap() {
            let headers = [
                ("Host", server.address.as_str()),
                ("Authorization", &bearer),
            ];
            let (status, body) = server.ask(&method.to_uppercase(), &filled, &headers);
            let answers = operation["responses"].as_object().unwrap();
            assert!(
                answers.contains_key(&status.to_string()),
                "{path}: {status} {body}"
            );
            assert!(
                !body.contains("unknown_path") && status != 405,
                "{path}: {body}"
            );
        }
    }
}

#[test]
fn what_cannot_be_understood_is_refused_in_the_usual_shape() {
    let sandbox = Sandbox::new();
    let server = Server::of(&sandbox);
    for path in [
        "/api/queue?limit=many",
        "/api/queue?unknown=1",
        "/api/tasks/%ff",
        "/report/none",
        "/report/-1",
    ] {
        let (status, body) = server.ask("GET", path, &[("Host", &server.address)]);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (status, &body["schema"]),
            (400, &Value::from("autoexec.error/1")),
            "{path}"
        );
    }
}
