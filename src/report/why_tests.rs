//! Answers of `why`, from real queues.

use super::*;
use crate::model::outcome::Ended;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::model::recovery::RecoveryPlan;
use crate::model::recovery::RecoveryState;
use crate::model::recovery::Risk;
use crate::model::remedy::Await;
use crate::model::remedy::Remedy;
use crate::model::state::TaskEvent;
use crate::report::nights;
use crate::store::Lone;
use crate::store::attempts;
use crate::store::attempts::Finish;
use crate::store::fixture::Queue;
use crate::store::fixture::actor;
use crate::store::fixture::later;
use crate::store::fixture::network;
use crate::store::fixture::outcome;
use crate::store::fixture::queue;
use crate::store::journal;
use crate::store::recoveries;
use crate::store::recoveries::NewRecovery;
use crate::support::paint::Paint;
use std::time::Duration;

fn look(width: usize) -> Look {
    Look {
        width,
        zone: nights::ZONE,
        paint: Paint::PLAIN,
    }
}

fn moment(seconds: u64) -> Moment {
    Moment {
        stalled_after: crate::policy::trace::SILENCE,
        now: later(seconds),
        presence: RunPresence::Absent,
        stopping: false,
        paused: None,
        opens: None,
        alone: None,
    }
}

fn asked(queue: &Queue, task: TaskId, seconds: u64) -> (Why, String) {
    asked_at(queue, task, moment(seconds))
}

fn asked_at(queue: &Queue, task: TaskId, moment: Moment) -> (Why, String) {
    let whole = crate::report::task_page::load(&queue.store, task, &queue.dir).unwrap();
    let alone = moment
        .alone
        .and_then(|lone| queue.store.name_of_lone(lone).unwrap());
    let facts = Facts {
        whole: &whole,
        moment,
        ahead: queue.store.ahead_of(task).unwrap(),
        alone,
        since: Vec::new(),
    };
    let why = Why::of(&facts, look(80));
    let page = text(&why, look(80));
    (why, page)
}

/// A task whose attempt was refused a connection, with what follows from it.
fn refused(queue: &mut Queue, event: impl Fn(crate::model::ids::AttemptId) -> TaskEvent) -> TaskId {
    let task = queue.add(&["shop-dump"])[0];
    let run = queue.run();
    let attempt = queue.claim(task, run);
    queue.start(attempt);
    let ended = outcome(7);
    let mut judged = network();
    judged.line = Some("connect: \u{1b}[31mrefused".to_owned());
    let finish = Finish {
        outcome: &ended,
        classification: Some(&judged),
        used: true,
        decision: "all 5 attempts are used up",
        next_at: None,
    };
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &finish, &event(attempt), &actor(), later(3)))
        .unwrap();
    task
}

#[test]
fn a_failed_task_tells_cause_line_meaning_decision_and_what_to_type() {
    let mut queue = queue();
    let task = refused(&mut queue, |attempt| TaskEvent::Failed { attempt });
    let (why, page) = asked(&queue, task, 100);
    assert_eq!(why.code.as_deref(), Some("connection_refused"));
    let lines: Vec<&str> = page.lines().collect();
    assert_eq!(lines[0], "shop-dump (1) failed");
    for expected in [
        "  cause      network (connection refused) (attempt 1, ",
        "  line       connect: \\e[31mrefused",
        "  meaning    ",
        "  decision   no further attempt: all 5 attempts are used up",
        "  autoexec queue retry 1  try it again",
        "  autoexec logs 1         its output",
    ] {
        assert!(
            lines.iter().any(|line| line.starts_with(expected)),
            "{expected:?} in\n{page}"
        );
    }
}

#[test]
fn a_queued_task_tells_what_it_waits_for_and_how_many_come_before_it() {
    let mut queue = queue();
    let tasks = queue.add(&["one", "two", "three"]);
    let (why, page) = asked(&queue, tasks[2], 1);
    assert_eq!(why.code.as_deref(), Some("no_run"));
    assert!(
        page.starts_with("three (3) is queued: waits for a run\n"),
        "{page}"
    );
    assert!(page.contains("2 tasks come before it"), "{page}");
    assert!(page.contains("autoexec run "), "{page}");
    let (_, first) = asked(&queue, tasks[0], 1);
    assert!(first.contains("it is the next"), "{first}");
}

#[test]
fn a_task_that_is_held_back_by_one_that_runs_alone_names_it() {
    let mut queue = queue();
    let tasks = queue.add(&["lone", "other"]);
    let run = queue.run();
    let attempt = queue.claim(tasks[0], run);
    let of = |runs, presence| Moment {
        presence,
        alone: Some(Lone {
            task: tasks[0],
            attempt,
            runs,
        }),
        ..moment(1)
    };
    let (_, waits) = asked_at(&queue, tasks[1], of(false, RunPresence::Active));
    assert!(
        waits.contains("held back  `lone` (1) is to run alone; "),
        "{waits}"
    );
    assert!(waits.contains("autoexec why 1 "), "{waits}");
    let (_, itself) = asked_at(&queue, tasks[0], of(false, RunPresence::Active));
    assert!(!itself.contains("held back"), "{itself}");

    queue.start(attempt);
    let (_, waits) = asked_at(&queue, tasks[1], of(true, RunPresence::Active));
    assert!(
        waits.contains("held back  `lone` (1) runs alone, "),
        "{waits}"
    );
    let (_, without) = asked_at(&queue, tasks[1], of(true, RunPresence::Absent));
    assert!(!without.contains("held back"), "{without}");
}

#[test]
fn a_task_between_two_attempts_tells_when_and_why() {
    let mut queue = queue();
    let task = refused(&mut queue, |attempt| TaskEvent::RetryScheduled {
        attempt,
        until: later(600),
    });
    let (why, page) = asked(&queue, task, 100);
    assert_eq!(why.code.as_deref(), Some("waiting_retry"));
    assert!(page.contains("next attempt at 00:23"), "{page}");
    assert!(page.contains("another attempt: "), "{page}");
}

#[test]
fn a_task_that_is_put_aside_tells_the_reason() {
    let mut queue = queue();
    let task = queue.add(&["one"])[0];
    let hold = crate::model::state::Hold {
        code: "by_hand".to_owned(),
        reason: "look at it first".to_owned(),
    };
    let event = TaskEvent::Held(hold);
    queue
        .store
        .write(|tx| journal::record(tx, task, &event, &actor(), later(1)))
        .unwrap();
    let (why, page) = asked(&queue, task, 100);
    assert_eq!(why.code.as_deref(), Some("by_hand"));
    assert!(page.contains("look at it first"), "{page}");
    assert!(page.contains("autoexec queue release 1"), "{page}");
}

#[test]
fn no_line_is_wider_than_the_page() {
    let mut queue = queue();
    let task = refused(&mut queue, |attempt| TaskEvent::Failed { attempt });
    let (why, _) = asked(&queue, task, 100);
    for width in [40, 60, 80] {
        let page = text(&why, look(width));
        let widest = page.lines().map(|line| line.chars().count()).max();
        assert!(widest.unwrap() <= width, "{page}");
    }
}

#[test]
fn a_task_that_is_being_recovered_tells_what_it_waits_for_and_until_when() {
    let mut queue = queue();
    let task = refused(&mut queue, |attempt| TaskEvent::RecoveryStarted { attempt });
    let plan = RecoveryPlan {
        strategy: "wait_for_reconnection".to_owned(),
        risk: Risk::Observe,
        remedy: Remedy::Await(Await::Tcp {
            host: "db.internal".to_owned(),
            port: 5432,
        }),
        about: Some("db.internal:5432".to_owned()),
        undo: None,
        timeout: Duration::from_mins(2),
    };
    let attempt = crate::report::task_page::load(&queue.store, task, &queue.dir)
        .unwrap()
        .attempts[0]
        .id;
    let new = NewRecovery {
        attempt,
        failure: &network(),
        tool: "",
        fingerprint: "f",
        strategy: &plan.strategy,
        risk: plan.risk,
        plan: Some(&plan),
        variant: None,
        expected: None,
        draw: None,
        seed: None,
        state: RecoveryState::Pending,
        detail: None,
    };
    queue
        .store
        .write(|tx| recoveries::begin(tx, &new, later(3)))
        .unwrap();
    let (why, page) = asked(&queue, task, 60);
    assert_eq!(why.code.as_deref(), Some("wait_for_reconnection"));
    let until = look(80).zone.short(later(123), later(60));
    assert_eq!(
        why.sentence,
        format!("waits until db.internal:5432 answers, at most until {until}")
    );
    assert!(page.contains("cause      network"), "{page}");
    assert!(page.contains("autoexec queue release 1"), "{page}");
    assert!(!page.contains("--follow"), "{page}");
}

#[test]
fn a_task_that_is_to_run_alone_says_so_while_it_waits() {
    let mut queue = queue();
    let task = refused(&mut queue, |attempt| TaskEvent::RetryScheduled {
        attempt,
        until: later(4),
    });
    let new = NewRecovery {
        attempt: queue.store.attempts_of(task).unwrap()[0].id,
        failure: &network(),
        tool: "",
        fingerprint: "f",
        strategy: "run_alone",
        risk: Risk::Observe,
        plan: None,
        variant: None,
        expected: None,
        draw: None,
        seed: None,
        state: RecoveryState::Applied,
        detail: None,
    };
    queue
        .store
        .write(|tx| recoveries::begin(tx, &new, later(3)))
        .unwrap();
    let page = asked(&queue, task, 60).1;
    let told = "it is to run alone, and starts when nothing else runs";
    assert!(page.contains(told), "{page}");
}

#[test]
fn a_success_after_a_failure_gives_no_advice() {
    let mut queue = queue();
    let task = refused(&mut queue, |attempt| TaskEvent::RetryScheduled {
        attempt,
        until: later(4),
    });
    let run = queue.run();
    let attempt = queue.claim(task, run);
    queue.start(attempt);
    let ended = outcome(0);
    let event = TaskEvent::Succeeded { attempt };
    let finish = crate::store::fixture::success(&ended);
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &finish, &event, &actor(), later(9)))
        .unwrap();
    let (_, page) = asked(&queue, task, 100);
    assert!(page.contains("cause      network"), "{page}");
    assert!(!page.contains("advice"), "{page}");
}

/// An attempt that did not start, because the recovery before it failed.
fn remedy_failed(queue: &mut Queue, task: TaskId, run: crate::model::ids::RunId) {
    let attempt = queue.claim(task, run);
    let mut ended = outcome(1);
    ended.ended = Ended::CouldNotStart(StartFailure {
        kind: StartFailureKind::RemedyFailed,
        errno: 0,
        path: "vpn".into(),
    });
    let mut judged = network();
    judged.category = crate::model::category::Category::Unknown;
    judged.pattern = "remedy_failed".to_owned();
    judged.line = Some("the recovery `vpn` failed: exit code 1".to_owned());
    let finish = Finish {
        outcome: &ended,
        classification: Some(&judged),
        used: false,
        decision: "vpn was run as often as it may",
        next_at: None,
    };
    let event = TaskEvent::Failed { attempt };
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &finish, &event, &actor(), later(9)))
        .unwrap();
}

#[test]
fn a_recovery_that_failed_stands_beside_the_cause_and_not_in_its_place() {
    let mut queue = queue();
    let task = refused(&mut queue, |attempt| TaskEvent::RetryScheduled {
        attempt,
        until: later(4),
    });
    let first = queue.store.attempts_of(task).unwrap()[0].id;
    let run = queue.store.attempts_of(task).unwrap()[0].run;
    let new = NewRecovery {
        attempt: first,
        failure: &network(),
        tool: "",
        fingerprint: "f",
        strategy: "vpn",
        risk: Risk::Guarded,
        plan: None,
        variant: None,
        expected: None,
        draw: None,
        seed: None,
        state: RecoveryState::Applied,
        detail: Some("exit code 1"),
    };
    queue
        .store
        .write(|tx| recoveries::begin(tx, &new, later(3)))
        .unwrap();
    remedy_failed(&mut queue, task, run);
    let (why, page) = asked(&queue, task, 100);
    assert_eq!(why.code.as_deref(), Some("connection_refused"));
    for expected in [
        "shop-dump (1) failed after 2 attempts, of which 1 counts",
        "  cause      network (connection refused) (attempt 1, ",
        "  recovery   the recovery `vpn` failed: exit code 1",
        "  decision   no further attempt: vpn was run as often as it may",
        "  attempts   1: network (connection refused); vpn was given up",
        "             2: did not start, as the recovery before it failed",
        "  autoexec logs 1 --attempt 1  its output",
        "  autoexec logs 1              what the recovery wrote",
    ] {
        assert!(
            page.lines().any(|line| line.starts_with(expected)),
            "{expected:?} in\n{page}"
        );
    }
    let line = &queue.store.list(&crate::store::Filter::default()).unwrap()[0];
    assert_eq!(
        line.last_category,
        Some(crate::model::category::Category::Network)
    );
    assert_eq!(line.last_pattern.as_deref(), Some("connection_refused"));
}
