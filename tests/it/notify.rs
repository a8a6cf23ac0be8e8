//! Notifications of the real program to real receivers on loopback that behave badly.

use std::path::Path;
use std::time::{Duration, Instant};

use autoexec::model::notice::Occasion;
use autoexec::notify::secret::{Secret, SecretSource};
use autoexec::notify::webhook::{Format, Webhook};
use autoexec::notify::{Letter, Surroundings, Target, Urgency, Way, send};
use autoexec::support::clock::Timestamp;

use crate::post_office::{Manner, PostOffice};
use crate::sandbox::{Answer, Sandbox, wait_until};

fn webhook(url: &str, allow_private: bool) -> Target {
    Target {
        number: 1,
        occasions: vec![Occasion::Report],
        way: Way::Webhook(Webhook {
            url: SecretSource::Written(Secret::new(url)),
            format: Format::Json,
            token: None,
            allow_private,
            proxy: false,
        }),
    }
}

fn send_to(target: &Target) -> Result<(), String> {
    let letter = Letter {
        id: "an-id".to_owned(),
        occasion: Occasion::Report,
        urgency: Urgency::Routine,
        subject: "all well".to_owned(),
        text: "all well\n".to_owned(),
        html: None,
        details: serde_json::Value::Null,
        run: None,
        run_uuid: None,
        at: Timestamp::from_millis(0),
    };
    let around = Surroundings {
        variable: &|_| None,
        home: None,
        folder: Path::new("/"),
    };
    send(target, &letter, around).map_err(|error| error.to_string())
}

#[test]
fn whatever_a_receiver_answers_is_told_in_words_of_ours() {
    for (manner, words) in [
        (Manner::Status(503), "it is in trouble (answer 503)"),
        (Manner::Status(404), "the address or token may be old"),
        (Manner::Status(413), "it does not take this message"),
        (Manner::Redirects, "a redirect, which is not followed"),
        (Manner::Floods, "its answer is"),
        (Manner::Breaks, ""),
        (Manner::Babbles, ""),
    ] {
        let office = PostOffice::open(&[manner]);
        let told = send_to(&webhook(&format!("{}/hunter2", office.url), true)).unwrap_err();
        assert!(told.contains(words), "{manner:?}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
        assert_eq!(office.received().len(), 1, "{manner:?}");
    }
}

#[test]
fn a_receiver_that_does_not_answer_is_given_up_after_seconds() {
    for manner in [Manner::Hangs, Manner::Drips] {
        let office = PostOffice::open(&[manner]);
        let begun = Instant::now();
        let told = send_to(&webhook(&office.url, true)).unwrap_err();
        assert_eq!(told, "it does not answer in time", "{manner:?}");
        // Whoever hangs does so for ten minutes.
        assert!(begun.elapsed() < Duration::from_mins(2), "{manner:?}");
    }
}

#[test]
fn an_address_within_is_not_reached_unless_it_is_meant() {
    let office = PostOffice::open(&[Manner::Takes]);
    let port = office.url.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        let told = send_to(&webhook(&format!("https://{host}:{port}/x"), false)).unwrap_err();
        assert!(
            told.contains("own network") || told.contains("cannot be resolved"),
            "{host}: {told}"
        );
    }
    assert_eq!(office.received(), Vec::<String>::new());
    assert_eq!(send_to(&webhook(&office.url, true)), Ok(()));
}

/// A message about failed tasks, and not a report that tells of one.
const TASK_FAILED: &str = "\"occasion\":\"task_failed\",\"ok\"";

/// A sandbox whose configuration tells the receiver of everything.
fn watched(office: &PostOffice, on: &str, format: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let url = format!("{}/hunter2-secret?token=hunter2", office.url);
    let content = format!(
        "[[notify]]\non = {on}\nwebhook = {{ url = \"{url}\", format = \"{format}\", \
         allow_private = true }}\n"
    );
    sandbox.configure(content);
    sandbox
}

fn headers(request: &str, name: &str) -> String {
    let line = request
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with(name));
    line.and_then(|line| line.split_once(": "))
        .map(|(_, value)| value.to_owned())
        .unwrap()
}

#[test]
fn one_id_binds_the_beginning_and_the_end_of_a_run() {
    let office = PostOffice::open(&[Manner::Takes]);
    let on = "[\"run_started\", \"run_finished\"]";
    let sandbox = watched(&office, on, "healthchecks");
    sandbox.ok(["queue", "add", "--name", "good", "--", "true"]);
    sandbox.ok(["run"]);
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
    assert_eq!(sandbox.run(["run"]).code, 1);
    let paths: Vec<String> = office
        .received()
        .iter()
        .map(|request| request.lines().next().unwrap().to_owned())
        .collect();
    let [start, success, again, fail] = paths.as_slice() else {
        panic!("{paths:?}")
    };
    let id = |line: &str| line.split("rid=").nth(1).unwrap().to_owned();
    assert!(start.starts_with("POST /hunter2-secret/start?"), "{start}");
    assert!(success.starts_with("POST /hunter2-secret?"), "{success}");
    assert!(fail.starts_with("POST /hunter2-secret/fail?"), "{fail}");
    assert_eq!(id(start), id(success));
    assert_eq!(id(again), id(fail));
    assert_ne!(id(start), id(again));
}

/// Every file below a folder, but for the ballast, which is large and empty.
fn files(folder: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), found);
        } else if kind.is_file() && entry.file_name() != "ballast" {
            found.extend(std::fs::read(entry.path()));
        }
    }
}

fn gives_nothing_away(sandbox: &Sandbox, answer: &Answer) {
    let mut found = vec![
        answer.raw_stdout.clone(),
        answer.stderr.clone().into_bytes(),
    ];
    files(&sandbox.state(), &mut found);
    for content in found {
        let has = content.windows(7).any(|seven| seven == b"hunter2");
        assert!(!has, "{}", String::from_utf8_lossy(&content));
    }
}

#[test]
fn a_dead_target_delays_no_task_and_shows_in_exit_code_report_and_alerts() {
    let office = PostOffice::open(&[Manner::Status(500)]);
    let sandbox = watched(&office, "[\"run_started\", \"report\"]", "json");
    sandbox.ok(["queue", "add", "--name", "good", "--", "true"]);
    let answer = sandbox.run(["-v", "run"]);
    answer.fails(
        1,
        &["warning: could not tell webhook #1 (json, 127.0.0.1): it is in trouble (answer 500)"],
    );
    gives_nothing_away(&sandbox, &answer);
    let report = sandbox.ok(["report", "--run", "last"]);
    assert!(report.contains("Not told (1)"), "{report}");
    let json = sandbox.json(["report", "--run", "last", "--json"]);
    assert_eq!(json["runs"][0]["exit_code"], 1);
    assert_eq!(json["tasks"][0]["verdict"], "ok");
    assert_eq!(json["notifications"][1]["state"], "waiting");
    // Each was tried at once, and not without end.
    let tries = office.received().len();
    assert!((2..=6).contains(&tries), "{tries}");
}

#[test]
fn what_was_left_is_delivered_when_somebody_sends_the_report() {
    let office = PostOffice::open(&[
        Manner::Status(500),
        Manner::Status(500),
        Manner::Status(500),
        Manner::Takes,
    ]);
    let sandbox = watched(&office, "[\"report\", \"task_failed\"]", "json");
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
    assert_eq!(sandbox.run(["run"]).code, 1);
    wait_until("the receiver has recovered", || {
        sandbox.run(["report", "--send"]).code == 0
    });
    let bodies = office.received();
    assert!(bodies.last().unwrap().contains(TASK_FAILED), "{bodies:?}");
    let json = sandbox.json(["report", "--run", "last", "--json"]);
    let states: Vec<&str> = json["notifications"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["state"].as_str())
        .collect();
    assert!(!states.contains(&"waiting"), "{json}");
    let ids: Vec<String> = bodies
        .iter()
        .filter(|body| body.contains(TASK_FAILED))
        .map(|request| headers(request, "idempotency-key"))
        .collect();
    assert!(
        ids.iter().all(|id| *id == ids[0]),
        "one message, one id: {ids:?}"
    );
}

#[test]
fn nobody_to_send_a_report_to_is_said_with_what_to_write() {
    let sandbox = Sandbox::new();
    sandbox
        .run(["report", "--send"])
        .fails(2, &["nobody is to be told of reports", "[[notify]]"]);
}
