//! Lists of tasks.

use std::time::Duration;

use console::measure_text_width;
use insta::assert_snapshot;

use super::*;
use crate::model::category::Category;
use crate::model::ids::AttemptId;
use crate::model::ids::TaskId;
use crate::report::nights;
use crate::store::parking::Parked;

fn line(id: i64, name: &str, state: TaskState) -> TaskLine {
    let finished = !state.status().is_unfinished();
    TaskLine {
        waiting_for: Vec::new(),
        blocked_by: None,
        doubt: None,
        parked: None,
        rescue_round: 0,
        id: TaskId::new(id),
        name: name.to_owned(),
        state,
        priority: 0,
        attempts: u32::try_from(id % 3).unwrap(),
        used: 0,
        last_category: (id % 3 == 2).then_some(Category::Network),
        last_pattern: (id % 3 == 2).then(|| "connection_refused".to_owned()),
        added_at: nights::evening(0),
        changed_at: nights::evening(125),
        finished_at: finished.then(|| nights::evening(125)),
        tags: vec!["night".to_owned()],
    }
}

fn every_kind() -> Vec<TaskLine> {
    let due = nights::evening(200).plus(Duration::from_secs(30));
    let attempt = AttemptId::new(1);
    vec![
        line(1, "photos", TaskState::added(None)),
        line(2, "shop-dump", TaskState::added(Some(due))),
        line(3, "late", TaskState::added(Some(due))),
        line(4, "crawl", TaskState::Running { attempt }),
        line(5, "payroll", nights::held()),
        line(8, &"x".repeat(64), TaskState::Failed),
        line(9, "publish", TaskState::Skipped(Skip::Blocked)),
        line(10, "done", TaskState::Succeeded),
    ]
}

fn moment() -> Moment {
    Moment {
        stalled_after: crate::policy::trace::SILENCE,
        now: nights::evening(190),
        presence: RunPresence::Active,
        stopping: false,
        paused: None,
        opens: None,
        alone: None,
    }
}

fn table(lines: &[TaskLine], width: usize) -> String {
    table_at(lines, width, moment())
}

fn table_at(lines: &[TaskLine], width: usize, moment: Moment) -> String {
    let look = Look {
        width,
        zone: nights::ZONE,
        paint: Paint::PLAIN,
    };
    text(lines, moment, look)
}

#[test]
fn a_list_of_every_kind_fits_a_terminal() {
    let table = table(&every_kind(), 80);
    assert!(table.lines().all(|line| measure_text_width(line) <= 80));
    assert_snapshot!(table);
}

#[test]
fn a_claimed_task_has_not_started_and_waits_for_a_slot() {
    let claimed = TaskState::Queued {
        due: None,
        claim: Some(AttemptId::new(7)),
    };
    let claimed = [line(1, "photos", claimed)];
    let shown = table(&claimed, 80);
    assert!(shown.contains("0  is among the next to start"), "{shown}");
    let stopping = Moment {
        stopping: true,
        ..moment()
    };
    assert_eq!(reason(&claimed[0], stopping), Some(WhyNot::NoRun));
    let died = Moment {
        presence: RunPresence::Absent,
        ..moment()
    };
    assert_eq!(reason(&claimed[0], died), Some(WhyNot::NoRun));
}

#[test]
fn what_is_held_back_by_one_that_runs_alone_names_it() {
    let ready = line(2, "photos", TaskState::added(None));
    let told = |runs| {
        let alone = Lone {
            task: TaskId::new(1),
            attempt: AttemptId::new(1),
            runs,
        };
        let moment = Moment {
            alone: Some(alone),
            ..moment()
        };
        table_at(std::slice::from_ref(&ready), 80, moment)
    };
    let (runs, waits) = (told(true), told(false));
    assert!(
        runs.contains("waits for task 1, which runs alone"),
        "{runs}"
    );
    assert!(
        waits.contains("waits for task 1, which is to run alone"),
        "{waits}"
    );
}

#[test]
fn what_keeps_the_whole_queue_from_starting_is_told_of_each_task() {
    let ready = line(1, "photos", TaskState::added(None));
    let told = |moment| table_at(std::slice::from_ref(&ready), 80, moment);
    let paused = Moment {
        paused: Some(Some(nights::evening(200))),
        ..moment()
    };
    assert!(
        told(paused).contains("the queue is paused until 01:20"),
        "{}",
        told(paused)
    );
    let waiting = Moment {
        opens: Some(nights::evening(200)),
        ..moment()
    };
    assert!(
        told(waiting).contains("the window opens at 01:20"),
        "{}",
        told(waiting)
    );
    let mut parked = ready.clone();
    parked.parked = Some(Parked::by(
        "window",
        Some("usually takes 5 h, 2 h are left"),
    ));
    let shown = table(std::slice::from_ref(&parked), 80);
    assert!(
        shown.contains("put off: usually takes 5 h, 2 h are left"),
        "{shown}"
    );
    assert_eq!(
        reason(&parked, moment()).unwrap().as_str(),
        "would_not_finish"
    );
}

#[test]
fn a_task_that_was_stopped_with_its_run_is_not_told_to_have_failed() {
    let mut stopped = line(1, "photos", TaskState::added(None));
    stopped.last_category = Some(Category::Killed);
    stopped.last_pattern = Some("run_stopped".to_owned());
    let shown = table(&[stopped], 120);
    let expected = "waits for its turn, interrupted: the run was stopped";
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn priorities_are_shown_when_there_are_any() {
    let mut lines = every_kind();
    assert!(!table(&lines, 80).contains("PRIORITY"));
    lines[0].priority = 5;
    assert!(table(&lines, 80).contains("PRIORITY"));
}

#[test]
fn the_list_as_json() {
    let json = serde_json::to_string_pretty(&value(&every_kind()[..2], moment())).unwrap();
    assert_snapshot!(json);
}
