//! Tests of the outbox.

use super::*;
use crate::model::ids::{TaskId, TaskName};
use crate::model::notice::{Digest, FailedTask, Subscriber};
use crate::store::fixture::{NOW, Queue, later, queue};

fn subscriber(target: &str, occasions: &[Occasion]) -> Subscriber {
    Subscriber {
        target: target.to_owned(),
        name: format!("webhook {target}"),
        occasions: occasions.to_vec(),
    }
}

fn everybody() -> Vec<Subscriber> {
    vec![
        subscriber("a", &Occasion::ALL),
        subscriber("b", &[Occasion::Report]),
    ]
}

fn failed_task(id: i64) -> Notice {
    Notice::TasksFailed(Digest::of(FailedTask {
        id: TaskId::new(id),
        name: TaskName::new(&format!("task-{id}")).unwrap(),
        held: false,
        why: "network".to_owned(),
        line: None,
        at: NOW,
    }))
}

fn started() -> Notice {
    Notice::RunStarted {
        mode: "run".to_owned(),
        queued: 3,
        at: NOW,
    }
}

fn say(queue: &mut Queue, run: RunId, notice: &Notice, now: Timestamp) {
    queue
        .store
        .write(|tx| put(tx, &everybody(), Some(run), notice, now))
        .unwrap();
}

fn due(queue: &Queue, now: Timestamp) -> Vec<Waiting> {
    queue.store.messages_due(now, 100).unwrap()
}

fn try_it(queue: &mut Queue, id: i64, now: Timestamp) -> Waiting {
    let begun = queue.store.write(|tx| begin_try(tx, id, now)).unwrap();
    begun.expect("it is due")
}

fn fails(queue: &mut Queue, message: &Waiting, fault: Fault, now: Timestamp) -> After {
    queue
        .store
        .write(|tx| failed(tx, message, fault, "connection refused", now))
        .unwrap()
}

#[test]
fn everybody_who_wants_to_hear_of_it_gets_one_message_with_the_same_id() {
    let mut queue = queue();
    let run = queue.run();
    say(&mut queue, run, &Notice::Report, NOW);
    say(&mut queue, run, &started(), NOW);
    let due = due(&queue, NOW);
    let told: Vec<(&str, Occasion)> = due
        .iter()
        .map(|message| (message.target.as_str(), message.notice.occasion()))
        .collect();
    assert_eq!(
        told,
        [
            ("a", Occasion::Report),
            ("b", Occasion::Report),
            ("a", Occasion::RunStarted)
        ]
    );
    assert_eq!(due[0].message_id, due[1].message_id);
    assert_ne!(due[0].message_id, due[2].message_id);
}

#[test]
fn a_try_that_nobody_saw_the_end_of_is_made_again_with_the_same_id() {
    let mut queue = queue();
    let run = queue.run();
    say(&mut queue, run, &started(), NOW);
    let first = due(&queue, NOW).remove(0);
    try_it(&mut queue, first.id, NOW);
    let mut queue = queue.reopen();
    assert_eq!(due(&queue, NOW), [], "not at once");
    assert_eq!(queue.store.next_message().unwrap(), Some(later(10)));
    let again = due(&queue, later(10)).remove(0);
    assert_eq!((again.message_id, again.tries), (first.message_id, 1));
    queue
        .store
        .write(|tx| delivered(tx, first.id, later(11)))
        .unwrap();
    assert_eq!(due(&queue, later(100_000)), []);
    let sent = queue.store.messages_of(run, run).unwrap().remove(0);
    assert_eq!(
        (sent.state, sent.ended_at),
        (Delivery::Delivered, Some(later(11)))
    );
}

#[test]
fn waits_double_up_to_half_an_hour_and_end() {
    let mut queue = queue();
    let run = queue.run();
    say(&mut queue, run, &Notice::Report, NOW);
    let id = due(&queue, NOW)[0].id;
    let (mut now, mut waits) = (NOW, Vec::new());
    loop {
        let message = try_it(&mut queue, id, now);
        match fails(&mut queue, &message, Fault::Target, now) {
            After::Again(next) => {
                waits.push(next.since(now).as_secs());
                now = next;
            }
            After::GivenUp => break,
        }
    }
    assert_eq!(waits[..9], [10, 20, 40, 80, 160, 320, 640, 1280, 1800]);
    assert_eq!(waits.len() + 1, usize::try_from(MOST_TRIES).unwrap());
    let sent = queue.store.messages_of(run, run).unwrap().remove(0);
    assert_eq!(sent.state, Delivery::GivenUp);
    assert_eq!(sent.error.as_deref(), Some("connection refused"));
}

#[test]
fn a_message_that_its_receiver_does_not_want_is_given_up_soon_and_holds_nobody_up() {
    let mut queue = queue();
    let run = queue.run();
    say(&mut queue, run, &Notice::Report, NOW);
    say(&mut queue, run, &started(), NOW);
    let id = due(&queue, NOW)[0].id;
    let mut now = NOW;
    for last in [false, false, true] {
        let message = try_it(&mut queue, id, now);
        let after = fails(&mut queue, &message, Fault::Message, now);
        assert_eq!(after == After::GivenUp, last);
        now = now.plus(LONGEST_WAIT);
    }
    assert_eq!(due(&queue, NOW).len(), 2, "the others were due all along");
}

#[test]
fn a_dead_target_is_found_dead_once_and_not_by_each_of_its_messages() {
    let mut queue = queue();
    let run = queue.run();
    say(&mut queue, run, &Notice::Report, NOW);
    say(&mut queue, run, &started(), NOW);
    let first = try_it(&mut queue, 1, NOW);
    assert_eq!(first.target, "a");
    fails(&mut queue, &first, Fault::Target, NOW);
    let left: Vec<String> = due(&queue, NOW).into_iter().map(|one| one.target).collect();
    assert_eq!(left, ["b"]);
}

#[test]
fn a_flood_of_failures_is_few_messages_that_tell_all() {
    let mut queue = queue();
    let run = queue.run();
    let mut sent = Vec::new();
    // Five hundred failures within nine hours.
    for number in 0..500 {
        let now = later(number * 65);
        say(
            &mut queue,
            run,
            &failed_task(i64::try_from(number).unwrap()),
            now,
        );
        for message in due(&queue, now) {
            let message = try_it(&mut queue, message.id, now);
            queue
                .store
                .write(|tx| delivered(tx, message.id, now))
                .unwrap();
            sent.push(message);
        }
    }
    let end = later(500 * 65);
    queue.store.write(|tx| run_ends(tx, run, end)).unwrap();
    sent.extend(due(&queue, end));
    assert!(sent.len() <= 10, "{} messages", sent.len());
    let told: u64 = sent
        .iter()
        .map(|message| {
            let Notice::TasksFailed(digest) = &message.notice else {
                panic!("{message:?}")
            };
            digest.count()
        })
        .sum();
    assert_eq!(told, 500);
}

#[test]
fn a_message_that_may_have_been_sent_takes_up_nothing_more() {
    let mut queue = queue();
    let run = queue.run();
    say(&mut queue, run, &failed_task(1), NOW);
    say(&mut queue, run, &failed_task(2), NOW);
    try_it(&mut queue, 1, later(2));
    say(&mut queue, run, &failed_task(3), later(2));
    assert_eq!(queue.store.messages_of(run, run).unwrap().len(), 2);
}

#[test]
fn the_end_of_a_run_makes_its_beginning_old_news() {
    let mut queue = queue();
    let run = queue.run();
    say(&mut queue, run, &started(), NOW);
    let message = due(&queue, NOW).remove(0);
    try_it(&mut queue, message.id, NOW);
    queue.store.write(|tx| run_ends(tx, run, later(5))).unwrap();
    assert_eq!(due(&queue, later(50)), []);
    let sent = queue.store.messages_of(run, run).unwrap().remove(0);
    assert_eq!(sent.state, Delivery::Expired);
}

#[test]
fn the_beginning_of_a_run_that_was_over_at_once_goes_out_before_its_end_or_never() {
    let mut queue = queue();
    let run = queue.run();
    say(&mut queue, run, &started(), NOW);
    queue.store.write(|tx| run_ends(tx, run, NOW)).unwrap();
    assert_eq!(due(&queue, later(1)).len(), 1);
    queue.store.write(|tx| expire(tx, later(120))).unwrap();
    assert_eq!(due(&queue, later(120)), []);
}

#[test]
fn what_nobody_wants_to_hear_any_more_expires_and_a_report_stays() {
    let mut queue = queue();
    let run = queue.run();
    say(&mut queue, run, &started(), NOW);
    say(&mut queue, run, &Notice::Report, NOW);
    try_it(&mut queue, 1, NOW);
    let next_morning = later(9 * 3600);
    let old = queue.store.write(|tx| expire(tx, next_morning)).unwrap();
    assert_eq!(old.len(), 1);
    assert_eq!(
        due(&queue, next_morning).len(),
        2,
        "two targets want the report"
    );
}

#[test]
fn a_clock_that_was_set_back_keeps_no_message_back() {
    let mut queue = queue();
    let run = queue.run();
    say(&mut queue, run, &Notice::Report, NOW);
    let long_before = NOW.minus(Duration::from_hours(48));
    assert_eq!(due(&queue, long_before).len(), 2);
    assert_eq!(due(&queue, NOW.minus(Duration::from_mins(5))).len(), 0);
}

#[test]
fn asking_for_it_makes_everything_due() {
    let mut queue = queue();
    let run = queue.run();
    say(&mut queue, run, &Notice::Report, NOW);
    let message = try_it(&mut queue, 1, NOW);
    fails(&mut queue, &message, Fault::Target, NOW);
    assert_eq!(due(&queue, later(1)).len(), 1);
    queue.store.write(|tx| hurry(tx, later(1))).unwrap();
    assert_eq!(due(&queue, later(1)).len(), 2);
}
