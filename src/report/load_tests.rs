//! What belongs to a part of the past, with a real queue.

use super::*;
use crate::model::ids::AttemptId;
use crate::model::state::TaskEvent;
use crate::model::verdict::Verdict;
use crate::store::attempts;
use crate::store::attempts::Finish;
use crate::store::fixture::NOW;
use crate::store::fixture::Queue;
use crate::store::fixture::actor;
use crate::store::fixture::later;
use crate::store::fixture::network;
use crate::store::fixture::outcome;
use crate::store::fixture::queue;
use crate::store::fixture::success;
use crate::store::runs;
use crate::store::runs::RunEnd;

fn finish(queue: &mut Queue, attempt: AttemptId, failed: bool, at: Timestamp) {
    let outcome = outcome(i32::from(failed));
    let judged = network();
    let end = Finish {
        classification: failed.then_some(&judged),
        ..success(&outcome)
    };
    let event = if failed {
        TaskEvent::Failed { attempt }
    } else {
        TaskEvent::Succeeded { attempt }
    };
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &end, &event, &actor(), at))
        .unwrap();
}

fn end_run(queue: &mut Queue, run: RunId, at: Timestamp) {
    let end = RunEnd {
        at,
        because: "drained".to_owned(),
        exit_code: 1,
    };
    queue.store.write(|tx| runs::end(tx, run, &end)).unwrap();
}

fn report(queue: &Queue, range: Range) -> RunSummary {
    let wish = Wish {
        range,
        now: later(1000),
        presence: RunPresence::Absent,
        only: None,
    };
    load(&queue.store, &wish).unwrap().summary
}

fn verdicts(summary: &RunSummary) -> Vec<(&str, Verdict)> {
    summary
        .tasks
        .iter()
        .map(|task| (task.name.as_str(), task.verdict))
        .collect()
}

/// Two runs: in the first `one` fails and `two` succeeds, in the second `one` succeeds.
fn two_nights() -> (Queue, RunId) {
    let mut queue = queue();
    let tasks = queue.add(&["one", "two", "three"]);
    let first = queue.run();
    let attempt = queue.claim(tasks[0], first);
    finish(&mut queue, attempt, true, later(10));
    let attempt = queue.claim(tasks[1], first);
    finish(&mut queue, attempt, false, later(20));
    end_run(&mut queue, first, later(30));
    queue
        .store
        .write(|tx| {
            let event = TaskEvent::Requeued;
            crate::store::journal::record(tx, tasks[0], &event, &actor(), later(40))
        })
        .unwrap();
    let second = queue.run();
    let attempt = queue.claim(tasks[0], second);
    finish(&mut queue, attempt, false, later(50));
    end_run(&mut queue, second, later(60));
    (queue, first)
}

#[test]
fn a_report_of_everything_shows_tasks_as_they_stand() {
    let (queue, _) = two_nights();
    // A person queued the first one again: it did not heal itself.
    let summary = report(&queue, Range::SinceRead);
    assert_eq!(
        verdicts(&summary),
        [
            ("one", Verdict::Ok),
            ("two", Verdict::Ok),
            ("three", Verdict::Waiting)
        ]
    );
    assert_eq!((summary.runs.len(), summary.totals.attempts), (2, 3));
}

#[test]
fn a_report_of_an_earlier_run_shows_tasks_as_they_stood_at_its_end() {
    let (queue, first) = two_nights();
    let summary = report(&queue, Range::Run(first));
    assert_eq!(
        verdicts(&summary),
        [
            ("one", Verdict::Failed),
            ("two", Verdict::Ok),
            // It was added in the same instant in which the run began.
            ("three", Verdict::Waiting)
        ]
    );
    assert_eq!((summary.runs.len(), summary.totals.attempts), (1, 2));
}

#[test]
fn a_run_tells_also_of_those_that_died_before_it_in_the_same_night() {
    let mut queue = queue();
    let tasks = queue.add(&["one", "two", "three"]);
    let window = |hour: u64| Some(later(hour * 3600));
    let run_of = |queue: &mut Queue, hour: u64| {
        let run = queue.run();
        queue
            .store
            .write(|tx| runs::set_window(tx, run, window(hour), window(hour + 8)))
            .unwrap();
        run
    };
    let other_night = run_of(&mut queue, 0);
    let attempt = queue.claim(tasks[0], other_night);
    finish(&mut queue, attempt, false, later(10));
    let died = run_of(&mut queue, 24);
    let attempt = queue.claim(tasks[1], died);
    finish(&mut queue, attempt, true, later(20));
    let last = run_of(&mut queue, 24);
    let attempt = queue.claim(tasks[2], last);
    finish(&mut queue, attempt, false, later(30));
    end_run(&mut queue, last, later(40));

    let summary = report(&queue, Range::Run(last));
    assert_eq!(summary.runs.len(), 2);
    assert_eq!(summary.totals.attempts, 2);
    assert_eq!(summary.with(Verdict::Failed).count(), 1);
    let alone = report(&queue, Range::Run(died));
    assert_eq!((alone.runs.len(), alone.totals.attempts), (1, 1));
}

#[test]
fn what_was_read_is_not_told_again() {
    let (mut queue, _) = two_nights();
    let wish = Wish {
        range: Range::SinceRead,
        now: later(1000),
        presence: RunPresence::Absent,
        only: None,
    };
    let read = load(&queue.store, &wish).unwrap().read;
    queue
        .store
        .write(|tx| runs::mark_report_read(tx, read))
        .unwrap();
    let summary = report(&queue, Range::SinceRead);
    assert_eq!(verdicts(&summary), [("three", Verdict::Waiting)]);
    assert!(summary.runs.is_empty() && summary.ever_run);
    assert_eq!(summary.totals.attempts, 0);
}

#[test]
fn what_needs_a_person_is_told_until_somebody_deals_with_it() {
    let mut queue = queue();
    let task = queue.add(&["one"])[0];
    let run = queue.run();
    let attempt = queue.claim(task, run);
    finish(&mut queue, attempt, true, later(10));
    end_run(&mut queue, run, later(30));
    let read = ReportRead {
        to: queue.store.last_event().unwrap(),
        at: later(40),
    };
    queue
        .store
        .write(|tx| runs::mark_report_read(tx, read))
        .unwrap();
    let summary = report(&queue, Range::SinceRead);
    assert_eq!(verdicts(&summary), [("one", Verdict::Failed)]);
    assert_eq!((summary.needs().len(), summary.totals.attempts), (1, 0));
    // The same thing was added again: that it failed is told until the new one has run.
    let anew = queue.add(&["one"])[0];
    let summary = report(&queue, Range::SinceRead);
    assert_eq!(
        verdicts(&summary),
        [("one", Verdict::Failed), ("one", Verdict::Waiting)]
    );
    let [needing] = summary.needs()[..] else {
        panic!("one needs a person");
    };
    assert_eq!((needing.id, needing.anew), (task, Some(anew)));
    assert_eq!(
        needing.next.as_deref(),
        Some(format!("autoexec why {anew}").as_str())
    );
    let run = queue.run();
    let attempt = queue.claim(anew, run);
    finish(&mut queue, attempt, false, later(60));
    end_run(&mut queue, run, later(70));
    for range in [Range::SinceRead, Range::LastRun] {
        assert!(report(&queue, range).needs().is_empty());
    }
}

#[test]
fn a_report_can_be_about_chosen_tasks_only() {
    let (queue, _) = two_nights();
    let all = report(&queue, Range::LastRun);
    let only = [all.tasks[0].id];
    let wish = Wish {
        range: Range::LastRun,
        now: later(1000),
        presence: RunPresence::Absent,
        only: Some(&only),
    };
    let chosen = load(&queue.store, &wish).unwrap().summary;
    assert_eq!(verdicts(&chosen), [("one", Verdict::Ok)]);
}

#[test]
fn a_run_that_never_was_is_told_by_its_number() {
    let (queue, _) = two_nights();
    let wish = Wish {
        range: Range::Run(RunId::new(99)),
        now: NOW,
        presence: RunPresence::Absent,
        only: None,
    };
    let error = load(&queue.store, &wish).unwrap_err();
    assert_eq!(error.to_string(), "there is no run 99");
}

#[test]
fn a_queue_without_any_run_has_a_report_of_its_last_run_too() {
    let mut queue = queue();
    queue.add(&["one"]);
    let summary = report(&queue, Range::LastRun);
    assert!(!summary.ever_run);
    assert_eq!(verdicts(&summary), [("one", Verdict::Waiting)]);
}

#[test]
fn a_run_in_which_the_clock_was_set_back_is_told_although_it_ended_before_the_last_report() {
    let mut queue = queue();
    let task = queue.add(&["one"])[0];
    let read = ReportRead {
        to: queue.store.last_event().unwrap(),
        at: later(1000),
    };
    queue
        .store
        .write(|tx| runs::mark_report_read(tx, read))
        .unwrap();
    let run = queue.run();
    let attempt = queue.claim(task, run);
    finish(&mut queue, attempt, false, later(10));
    end_run(&mut queue, run, later(30));
    let summary = report(&queue, Range::SinceRead);
    assert_eq!(summary.runs.len(), 1);
    assert_eq!(verdicts(&summary), [("one", Verdict::Ok)]);
}
