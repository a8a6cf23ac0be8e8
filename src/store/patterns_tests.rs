//! The table of error patterns: what counts, what is counted, and what an update leaves alone.

use super::*;
use crate::store::attempts;
use crate::store::fixture::*;

fn refused(category: Category) -> BuiltInRow<'static> {
    BuiltInRow {
        name: "connection_refused",
        category,
        retryable: Retryable::Yes,
        reason: "nobody listens there",
        examples: &["Connection refused"],
        strategies: &["wait_for_reconnection"],
        stands_for: None,
    }
}

fn alias() -> BuiltInRow<'static> {
    BuiltInRow {
        name: "refusal",
        stands_for: Some("connection_refused"),
        ..refused(Category::Network)
    }
}

fn mine(name: &str) -> PatternSpec {
    PatternSpec {
        name: name.to_owned(),
        matches: Some("pool \\w+ empty".to_owned()),
        exit_codes: vec![3, 7],
        tool: Some("render".to_owned()),
        category: Category::Resource,
        retryable: Some(Retryable::Yes),
        strategies: vec!["run_alone".to_owned()],
    }
}

fn of_name(queue: &Queue, name: &str) -> Option<StoredPattern> {
    let rows = queue.store.patterns().unwrap();
    rows.into_iter().find(|row| row.spec.name == name)
}

fn update(queue: &mut Queue, version: &str, rows: &[BuiltInRow<'_>]) {
    queue
        .store
        .write(|tx| bring_up_to_date(tx, version, rows, NOW))
        .unwrap();
}

/// Lets an attempt fail by a connection that was refused.
fn fail_once(queue: &mut Queue, name: &str) {
    let task = queue.add(&[name])[0];
    let run = queue.run();
    let attempt = queue.claim(task, run);
    queue.start(attempt);
    let outcome = outcome(1);
    let network = network();
    let finish = attempts::Finish {
        outcome: &outcome,
        classification: Some(&network),
        used: true,
        decision: "fail",
        next_at: None,
    };
    let event = crate::model::state::TaskEvent::Failed { attempt };
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &finish, &event, &actor(), later(3)))
        .unwrap();
}

#[test]
fn an_update_keeps_what_the_user_said() {
    let mut queue = queue();
    update(&mut queue, "1", &[refused(Category::Network), alias()]);
    queue
        .store
        .write(|tx| {
            put(tx, &mine("refusal"), NOW)?;
            set_enabled(tx, "connection_refused", false, NOW)
        })
        .unwrap();
    update(&mut queue, "2", &[refused(Category::ServerError), alias()]);
    let built_in = of_name(&queue, "connection_refused").unwrap();
    assert_eq!(built_in.spec.category, Category::ServerError);
    assert!(!built_in.enabled);
    let own = of_name(&queue, "refusal").unwrap();
    assert_eq!((own.origin, &own.spec), (Origin::User, &mine("refusal")));

    update(&mut queue, "3", &[]);
    assert_eq!(of_name(&queue, "connection_refused"), None);
    assert!(of_name(&queue, "refusal").is_some());
    assert_eq!(queue.store.patterns_of().unwrap().as_deref(), Some("3"));
}

#[test]
fn failures_are_counted_for_a_pattern_and_its_other_names() {
    let mut queue = queue();
    fail_once(&mut queue, "before");
    update(&mut queue, "1", &[refused(Category::Network), alias()]);
    fail_once(&mut queue, "after");
    for name in ["connection_refused", "refusal"] {
        let met = of_name(&queue, name).unwrap().sightings;
        assert_eq!((met.seen, met.last), (2, Some(later(3))), "{name}");
    }
    assert_eq!(queue.store.sightings("connection_refused").unwrap().seen, 2);
    assert_eq!(
        queue.store.sightings("other").unwrap(),
        Sightings::default()
    );
}

#[test]
fn a_pattern_of_the_user_takes_a_name_and_gives_it_back() {
    let mut queue = queue();
    fail_once(&mut queue, "one");
    update(&mut queue, "1", &[refused(Category::Network)]);
    let before = queue.store.pattern_changes().unwrap();
    queue
        .store
        .write(|tx| put(tx, &mine("connection_refused"), NOW))
        .unwrap();
    assert!(queue.store.pattern_changes().unwrap() > before);
    let taken = of_name(&queue, "connection_refused").unwrap();
    assert_eq!(taken.origin, Origin::User);
    assert_eq!(taken.sightings.seen, 1);
    queue
        .store
        .write(|tx| {
            assert!(remove(tx, "connection_refused")?);
            assert!(!remove(tx, "connection_refused")?);
            restore_built_in(tx, &refused(Category::Network), NOW)
        })
        .unwrap();
    let back = of_name(&queue, "connection_refused").unwrap();
    assert_eq!((back.origin, back.sightings.seen), (Origin::BuiltIn, 1));
}

#[test]
fn a_switch_says_whether_it_changed_anything() {
    let mut queue = queue();
    update(&mut queue, "1", &[refused(Category::Network)]);
    let mut switch = |name: &str, on| {
        queue
            .store
            .write(|tx| set_enabled(tx, name, on, NOW))
            .unwrap()
    };
    assert_eq!(switch("connection_refused", true), Some(false));
    assert_eq!(switch("connection_refused", false), Some(true));
    assert_eq!(switch("banana", false), None);
}
