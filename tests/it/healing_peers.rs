//! Peers that break and come back, and tokens that run out.

use std::net::TcpListener;
use std::time::Duration;

use crate::healing::{Web, assert_recoveries, free, has, heals};
use crate::port::closed_port;
use crate::sandbox::{Sandbox, wait_until};

/// A task of one `curl`.
fn curl(name: &str, address: &str) -> String {
    format!(
        "[[task]]\nname = \"{name}\"\nretry = {{ base = \"10ms\" }}\n\
         command = [\"curl\", \"-sSi\", \"--fail-with-body\", \"{address}\"]\n"
    )
}

#[test]
fn a_server_that_is_down_for_a_moment_is_asked_again() {
    if !has("a server that is down for a moment", &["curl"]) {
        return;
    }
    let (sandbox, web) = (Sandbox::new(), Web::new());
    let port = web.serve(free());
    heals(
        &sandbox,
        &curl("fetch", &format!("http://127.0.0.1:{port}/503/2/x")),
    );
    let wanted = [("wait_and_retry", "in_vain"), ("wait_and_retry", "helped")];
    assert_recoveries(&sandbox, "fetch", &wanted);
    assert_eq!(web.asked().len(), 3);
}

#[test]
fn a_server_that_asks_for_a_wait_is_left_alone_for_so_long() {
    if !has("a server that asks for a wait", &["curl"]) {
        return;
    }
    let (sandbox, web) = (Sandbox::new(), Web::new());
    let port = web.serve(free());
    heals(
        &sandbox,
        &curl("fetch", &format!("http://127.0.0.1:{port}/429/1/x?2")),
    );
    assert_recoveries(&sandbox, "fetch", &[("wait_retry_after", "helped")]);
    let between = web.between();
    assert!(between >= Duration::from_secs(2), "{between:?}");
}

#[test]
fn a_token_that_ran_out_is_renewed_by_the_task_s_own_command() {
    if !has("a token that ran out", &["curl"]) {
        return;
    }
    let (sandbox, web) = (Sandbox::new(), Web::new());
    let port = web.serve(free());
    sandbox.file("token", "old");
    let answer = heals(
        &sandbox,
        &format!(
            r#"
[[task]]
name = "push"
command = "curl -sSf http://127.0.0.1:{port}/secret/$(cat token)"
retry = {{ base = "10ms" }}
[[task.recover]]
when = "auth"
command = "printf fresh > token"
"#
        ),
    );
    assert_recoveries(&sandbox, "push", &[("refresh_credentials", "helped")]);
    assert_eq!(web.asked(), ["/secret/old", "/secret/fresh"]);
    let told = "push: recovering: refresh_credentials (printf)";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
}

#[test]
fn what_the_task_itself_says_comes_before_anything_built_in() {
    let sandbox = Sandbox::new();
    heals(
        &sandbox,
        &format!(
            r#"
[[task]]
name = "load"
command = "test -e tunnel || {{ echo 'connect to 127.0.0.1:{}: Connection refused' >&2; exit 1; }}"
env = {{ DB = "tcp://127.0.0.1:{0}" }}
retry = {{ base = "10ms" }}
[[task.recover]]
when = "connection_refused"
command = "touch tunnel"
"#,
            closed_port()
        ),
    );
    assert_recoveries(&sandbox, "load", &[("run_command", "helped")]);
}

#[test]
fn one_failure_after_the_other_is_healed_by_what_suits_it() {
    if !has("one failure after the other", &["curl"]) {
        return;
    }
    let (sandbox, web, port) = (Sandbox::new(), Web::new(), closed_port());
    sandbox.file("token", "old");
    sandbox.file(
        "night.toml",
        format!(
            r#"
[[task]]
name = "chain"
command = "curl -sSf http://127.0.0.1:{port}/503/1/x > deep/er/out && curl -sSf http://127.0.0.1:{port}/secret/$(cat token)"
retry = {{ base = "10ms" }}
[[task.recover]]
when = "auth"
command = "printf fresh > token"
"#
        ),
    );
    let run = sandbox.start(&["run", "night.toml", "--no-progress"]);
    wait_until("the task waits for the port", || {
        let all = sandbox.json(["queue", "list", "--json"]);
        all["tasks"][0]["status"] == "recovering"
    });
    web.serve(TcpListener::bind(("127.0.0.1", port)).unwrap());
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let wanted = [
        ("create_missing_path", "helped"),
        ("wait_for_reconnection", "helped"),
        // Another failure says nothing of a mere wait.
        ("wait_and_retry", "abandoned"),
        ("refresh_credentials", "helped"),
    ];
    assert_recoveries(&sandbox, "chain", &wanted);
}

#[test]
fn an_address_that_stays_away_is_left_for_the_next_one() {
    if !has("an address that stays away", &["curl"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let (web, dead) = (Web::new(), closed_port());
    let port = web.serve(free());
    // Nobody waits for the first address while there is another one.
    heals(
        &sandbox,
        &format!(
            "[[task]]\nname = \"fetch\"\ncommand = \"curl -sSf $API/ok\"\nretry = {{ base = \"10ms\" }}\n\
             endpoints = {{ API = [\"http://127.0.0.1:{dead}\", \"http://localhost:{port}\"] }}\n"
        ),
    );
    assert_recoveries(&sandbox, "fetch", &[("rotate_endpoint", "helped")]);
}
