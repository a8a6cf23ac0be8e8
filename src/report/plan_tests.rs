//! Plans of small nights, as values and as pages.

use super::*;
use crate::policy::window::AtEnd;
use crate::report::nights;
use crate::report::plan_page;
use crate::report::text::Look;
use crate::support::paint::Paint;

/// 22:00 in the zone of the tests.
const BEGIN: Timestamp = Timestamp::from_millis(1_700_078_400_000);

fn look(width: usize) -> Look {
    Look {
        width,
        zone: nights::ZONE,
        paint: Paint::PLAIN,
    }
}

fn usual(minutes: u64, slow: u64) -> Forecast {
    Forecast {
        p50: Duration::from_mins(minutes),
        p90: Duration::from_mins(slow),
        basis: Basis::History(9),
    }
}

fn task(id: i64, name: &str, forecast: impl Into<Option<Forecast>>) -> Task {
    Task {
        id: Some(TaskId::new(id)),
        name: name.to_owned(),
        priority: 0,
        due: None,
        deadline: None,
        was_tried: false,
        after: Vec::new(),
        forecast: forecast.into(),
        limit: None,
        has_steps: false,
        resumes: false,
        running_since: None,
        stuck: None,
        problems: Vec::new(),
    }
}

fn facts(tasks: Vec<Task>) -> Facts {
    Facts {
        now: BEGIN,
        begin: BEGIN,
        until: Some(BEGIN.plus(Duration::from_hours(9))),
        room: None,
        paused: None,
        slots: 2,
        tasks,
    }
}

fn page(tasks: Vec<Task>) -> String {
    plan_page::text(&Plan::of(facts(tasks)), look(80), false)
}

#[test]
fn what_runs_only_after_a_failure_is_told_apart_and_takes_no_time() {
    let mut tasks = vec![
        task(1, "base", usual(10, 10)),
        task(2, "load", usual(20, 20)),
        task(3, "alarm", usual(30, 30)),
        task(4, "call", usual(30, 30)),
        task(5, "tidy", usual(5, 5)),
    ];
    tasks[1].after = vec![(0, When::Success)];
    tasks[2].after = vec![(0, When::Failure)];
    tasks[3].after = vec![(2, When::Success)];
    // It runs in any case, and begins once `base`, for which `alarm` waits, is over.
    tasks[4].after = vec![(2, When::Always)];
    let plan = Plan::of(facts(tasks));
    let starts: Vec<Option<u64>> = plan
        .rows
        .iter()
        .map(|row| Some(row.usual?.start.since(BEGIN).as_secs() / 60))
        .collect();
    assert_eq!(starts, [Some(0), Some(10), None, None, Some(10)]);
    assert!(plan.rows.iter().all(|row| row.risk.is_none()));
    let shown = plan_page::text(&plan, look(80), false);
    assert!(shown.contains("3 tasks would run"), "{shown}");
    assert!(!shown.contains("Will not run"), "{shown}");
    let told = "Only if something fails (2)\n  alarm (3): if base (1) fails\n  \
                call (4): if base (1) fails\n";
    assert!(shown.contains(told), "{shown}");
    let value = serde_json::to_value(value(&plan)).unwrap();
    assert_eq!(value["tasks"][3]["only_if_fails"], "base");
    assert_eq!(value["tasks"][4]["only_if_fails"], Value::Null);
}

#[test]
fn what_the_rest_of_the_night_is_too_short_for_when_its_turn_comes_is_left_out() {
    let mut small = facts(vec![
        task(1, "long", usual(500, 530)),
        task(2, "late", usual(50, 60)),
        task(3, "behind", usual(1, 1)),
        task(4, "short", usual(5, 5)),
        task(5, "perhaps", usual(20, 25)),
    ]);
    small.slots = 1;
    small.tasks[2].after = vec![(1, When::Success)];
    small.room = Some(Room {
        end: small.until,
        whole: Some(Duration::from_hours(9)),
        at_end: AtEnd::Stop,
    });
    let plan = Plan::of(small.clone());
    let stuck: Vec<_> = plan
        .pairs()
        .map(|(task, _)| task.stuck.as_deref())
        .collect();
    let why = "waits for another night: it usually takes 1h 00m (longest of 9 successes), 40m 00s are left";
    assert_eq!(stuck, [None, Some(why), None, None, None]);
    let rows: Vec<_> = plan.pairs().map(|(_, row)| *row).collect();
    assert_eq!(rows[2].behind, Some(1));
    // Its place is taken by who stands behind it.
    let start = |row: &Row| {
        row.usual
            .map(|slotted| slotted.start.since(BEGIN).as_secs() / 60)
    };
    assert_eq!(start(&rows[3]), Some(500));
    assert_eq!(start(&rows[4]), Some(505));
    // After a slow one there are five minutes left for it.
    assert_eq!(rows[4].risk, Some(Risk::Window));
    assert_eq!(rows[3].risk, None);

    // A run that does not look at how long they take starts them all.
    small.room = None;
    let all = Plan::of(small);
    assert!(all.pairs().all(|(task, _)| task.stuck.is_none()));
}

#[test]
fn each_task_stands_with_its_slot_its_hours_and_what_it_usually_takes() {
    let mut train = task(3, "train", usual(160, 200));
    train.after = vec![(0, When::Success)];
    let shown = page(vec![
        task(1, "shop-dump", usual(25, 40)),
        task(2, "new", None),
        train,
    ]);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(
        lines[0].starts_with("From now to 07:00 on 2 slots: 3 tasks would run"),
        "{shown}"
    );
    for expected in [
        "   1  22:00  22:25-22:40  shop-dump (1)  usually 25m 00s",
        "   2  22:00  ?            new (2)        no history, counted as 2h 40m",
        "   1  22:25  01:05-02:00  train (3)      usually 2h 40m",
    ] {
        assert!(lines.contains(&expected), "{expected:?} in\n{shown}");
    }
}

#[test]
fn what_may_not_end_in_time_is_told_and_is_no_fault() {
    let long = task(1, "long", usual(500, 600));
    let mut late = task(2, "late", usual(10, 20));
    late.deadline = Some(BEGIN.plus(Duration::from_mins(15)));
    let plan = Plan::of(facts(vec![long, late]));
    assert!(!plan.has_problems());
    let shown = plan_page::text(&plan, look(80), false);
    assert!(shown.contains("At risk (2)"), "{shown}");
    assert!(
        shown.contains("long (1): may run until 08:00, and the window ends before"),
        "{shown}"
    );
    assert!(
        shown.contains("late (2): may run until 22:20, and its deadline is before"),
        "{shown}"
    );
}

#[test]
fn who_waits_for_a_task_that_cannot_run_will_not_run_either() {
    let mut held = task(1, "held", None);
    held.stuck = Some("put aside: look at it".to_owned());
    let mut second = task(2, "second", None);
    second.after = vec![(0, When::Success)];
    let mut third = task(3, "third", None);
    third.after = vec![(1, When::Success)];
    let shown = page(vec![held, second, third]);
    for expected in [
        "nothing would run",
        "Will not run (3)",
        "held (1): put aside: look at it",
        "second (2): waits for held (1)",
        "third (3): waits for second (2)",
    ] {
        assert!(shown.contains(expected), "{expected:?} in\n{shown}");
    }
    assert!(!shown.contains("At risk"), "{shown}");
}

#[test]
fn what_is_in_the_way_needs_a_person() {
    let mut one = task(1, "one", None);
    one.problems = vec!["there is no program `x` on this machine".to_owned()];
    let plan = Plan::of(facts(vec![one]));
    assert!(plan.has_problems());
    let shown = plan_page::text(&plan, look(80), false);
    assert!(shown.contains("In the way (1)"), "{shown}");
    let json = serde_json::to_value(value(&plan)).unwrap();
    assert_eq!(json["schema"], SCHEMA);
    assert_eq!(json["tasks"][0]["start_p50"], "2023-11-15T20:00:00.000Z");
    assert_eq!(json["tasks"][0]["forecast"], Value::Null);
}

#[test]
fn a_pause_is_told_first() {
    let paused = Facts {
        paused: Some(None),
        ..facts(vec![task(1, "one", None)])
    };
    let shown = plan_page::text(&Plan::of(paused), look(80), false);
    let second = shown.lines().nth(1).unwrap();
    assert_eq!(
        second,
        "The queue is paused: nothing starts before `autoexec resume`."
    );
}

#[test]
fn a_long_plan_is_cut_and_no_line_is_too_wide() {
    let tasks: Vec<Task> = (1..200)
        .map(|id| {
            task(
                id,
                &format!("a-task-with-a-rather-long-name-{id}"),
                usual(1, 2),
            )
        })
        .collect();
    let plan = Plan::of(facts(tasks));
    for width in [40, 80] {
        let shown = plan_page::text(&plan, look(width), false);
        assert!(shown.contains("and 159 more"), "{shown}");
        let widest = shown
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap();
        assert!(widest <= width, "{shown}");
    }
}

#[test]
fn a_task_without_a_history_counts_as_no_more_than_it_may_take() {
    let mut short = task(2, "new", None);
    short.limit = Some(Duration::from_secs(30));
    let plan = page(vec![task(1, "long", usual(160, 200)), short]);
    assert!(plan.contains("no history, counted as 30.0s"), "{plan}");
    assert!(plan.contains("the last ends at 00:40"), "{plan}");
}
