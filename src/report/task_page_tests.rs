//! The page of one task, with a real queue.

use insta::assert_snapshot;

use super::*;
use crate::model::state::TaskEvent;
use crate::policy::pick::RunPresence;
use crate::report::nights;
use crate::store::attempts;
use crate::store::attempts::Finish;
use crate::store::fixture::actor;
use crate::store::fixture::later;
use crate::store::fixture::network;
use crate::store::fixture::outcome;
use crate::store::fixture::queue;
use crate::support::paint::Paint;

fn whole() -> Whole {
    let mut queue = queue();
    let task = queue.add(&["shop-dump"])[0];
    let run = queue.run();
    let attempt = queue.claim(task, run);
    queue.start(attempt);
    let mut outcome = outcome(7);
    outcome
        .notes
        .push("memory is limited per process".to_owned());
    let mut judged = network();
    judged.line = Some("connect: \u{1b}[31mrefused".to_owned());
    let finish = Finish {
        outcome: &outcome,
        classification: Some(&judged),
        used: true,
        decision: "fail",
        next_at: None,
    };
    let event = TaskEvent::Failed { attempt };
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &finish, &event, &actor(), later(3)))
        .unwrap();
    Whole {
        dependencies: Vec::new(),
        task: queue.store.task(task).unwrap(),
        attempts: queue.store.attempts_of(task).unwrap(),
        recoveries: Vec::new(),
        events: queue.store.events_of(task).unwrap(),
        asked_to_end: None,
        again: crate::report::again::Again::default(),
        doubt: None,
        printed: None,
        kept: Kept::default(),
    }
}

const MOMENT: Moment = Moment {
    stalled_after: crate::policy::trace::SILENCE,
    now: Timestamp::from_millis(1_700_000_100_000),
    presence: RunPresence::Absent,
    stopping: false,
    paused: None,
    opens: None,
    alone: None,
};

#[test]
fn a_failed_task_tells_its_whole_story() {
    let look = Look {
        width: 80,
        zone: nights::ZONE,
        paint: Paint::PLAIN,
    };
    assert_snapshot!(text(&whole(), MOMENT, look));
}

#[test]
fn json_has_the_definition_and_every_attempt() {
    let value = serde_json::to_value(value(&whole(), MOMENT)).unwrap();
    assert_eq!(value["schema"], "autoexec.task/1");
    assert_eq!(value["task"]["name"], "shop-dump");
    assert_eq!(value["task"]["status"], "failed");
    assert_eq!(value["task"]["definition"]["name"], "shop-dump");
    let attempt = &value["task"]["attempts_made"][0];
    assert_eq!(attempt["classification"]["pattern"], "connection_refused");
    assert_eq!(attempt["outcome"]["duration"], 2000);
    let kinds: Vec<&str> = value["task"]["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    assert_eq!(kinds, ["added", "claimed", "started", "failed"]);
}

#[test]
fn words_that_a_shell_would_take_apart_are_quoted() {
    let command = Command::Direct(vec!["cp".into(), "a b".into(), "it's".into(), "".into()]);
    assert_eq!(command_words(&command), r"cp 'a b' 'it'\''s' ''");
}

#[test]
fn what_a_task_declares_for_its_failures_is_told_without_values_of_variables() {
    let mut whole = whole();
    let spec = &mut whole.task.spec;
    let addresses = vec!["https://a.example".into(), "https://b.example".into()];
    spec.endpoints.insert("API".to_owned(), addresses);
    spec.fallbacks.insert("REGION".to_owned(), "s3cret".into());
    spec.fallback_command = Some(Command::Direct(vec!["./from-mirror.sh".into()]));
    spec.recover_mode = Some(crate::model::recovery::RecoverMode::Suggest);
    spec.temp = vec!["cache/*.part".to_owned()];
    let look = Look {
        width: 80,
        zone: nights::ZONE,
        paint: Paint::PLAIN,
    };
    let page = text(&whole, MOMENT, look);
    for told in [
        "API: https://a.example, https://b.example",
        "./from-mirror.sh",
        "REGION",
        "suggest",
        "cache/*.part",
    ] {
        assert!(page.contains(told), "{told} in\n{page}");
    }
    assert!(!page.contains("s3cret"), "{page}");
}
