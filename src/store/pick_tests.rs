//! What may start next, in which order, and how many tasks there are.

use super::*;
use crate::model::state::{TaskEvent, TaskStatus};
use crate::store::Filter;
use crate::store::attempts;
use crate::store::fixture::*;
use crate::store::journal;
use crate::store::tasks::OnChange;

fn picked(queue: &mut Queue, now: Timestamp, chosen: Selection) -> Vec<TaskId> {
    queue
        .store
        .write(|tx| candidates(tx, now, 10, chosen))
        .unwrap()
        .into_iter()
        .map(|candidate| candidate.id)
        .collect()
}

#[test]
fn the_most_urgent_tasks_come_first_and_a_backoff_is_waited_for() {
    let mut queue = queue();
    let ids = queue.add(&["a", "b", "c"]);
    let mut urgent = new_task("urgent");
    urgent.spec.priority = 5;
    let urgent = id_of(add_one(&mut queue, urgent, OnChange::Keep));
    assert_eq!(
        picked(&mut queue, NOW, Selection::All),
        [urgent, ids[0], ids[1], ids[2]]
    );
    let run = queue.run();
    let attempt = queue.claim(urgent, run);
    assert_eq!(picked(&mut queue, NOW, Selection::All), ids);
    let outcome = outcome(1);
    let judged = network();
    let end = attempts::Finish {
        outcome: &outcome,
        classification: Some(&judged),
        used: true,
        decision: "retry",
        next_at: Some(later(60)),
    };
    let event = TaskEvent::RetryScheduled {
        attempt,
        until: later(60),
    };
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &end, &event, &actor(), NOW))
        .unwrap();
    assert_eq!(picked(&mut queue, NOW, Selection::All), ids);
    assert_eq!(
        queue
            .store
            .next_due(Selection::All, Awaited::Hours)
            .unwrap(),
        Some(later(60))
    );
    assert_eq!(
        picked(&mut queue, later(60), Selection::All),
        [urgent, ids[0], ids[1], ids[2]]
    );
    assert_eq!(
        queue
            .store
            .next_due(Selection::All, Awaited::Hours)
            .unwrap(),
        None
    );
}

#[test]
fn a_run_of_some_tasks_sees_no_others() {
    let mut queue = queue();
    let ids = queue.add(&["a", "b", "c"]);
    let chosen = queue.store.select(&[ids[2], ids[0], ids[0]]).unwrap();
    assert_eq!(picked(&mut queue, NOW, chosen), [ids[0], ids[2]]);
    assert_eq!(queue.store.counts(chosen).unwrap().total(), 2);
    // The two ways to look agree.
    let many = Selection::Chosen { count: 5_000 };
    assert_eq!(picked(&mut queue, NOW, many), [ids[0], ids[2]]);
    assert_eq!(queue.store.next_due(many, Awaited::Attempts).unwrap(), None);
}

#[test]
fn counts_and_lists_agree() {
    let mut queue = queue();
    let ids = queue.add(&["a", "b", "c", "d"]);
    let run = queue.run();
    let attempt = queue.claim(ids[0], run);
    queue.start(attempt);
    queue
        .store
        .write(|tx| journal::record(tx, ids[1], &TaskEvent::Cancelled, &actor(), NOW))
        .unwrap();
    let counts = queue.store.counts(Selection::All).unwrap();
    for status in TaskStatus::ALL {
        let filter = Filter {
            statuses: vec![status],
            ..Filter::default()
        };
        let listed = queue.store.list(&filter).unwrap();
        assert_eq!(counts.of(status), listed.len() as u64, "{status}");
    }
    // However a list is found, it holds the same tasks in the same order.
    for first in TaskStatus::ALL {
        for second in TaskStatus::ALL.into_iter().filter(|other| *other != first) {
            let filter = Filter {
                statuses: vec![first, second],
                ..Filter::default()
            };
            let listed = queue.store.list(&filter).unwrap();
            let expected = counts.of(first) + counts.of(second);
            assert_eq!(listed.len() as u64, expected, "{first} and {second}");
            assert!(listed.is_sorted_by_key(|line| line.id));
        }
    }
    assert_eq!((counts.unfinished(), counts.total()), (3, 4));
    let page = Filter {
        after: Some(ids[0]),
        limit: Some(2),
        ..Filter::default()
    };
    let page: Vec<TaskId> = queue
        .store
        .list(&page)
        .unwrap()
        .into_iter()
        .map(|line| line.id)
        .collect();
    assert_eq!(page, ids[1..3]);
}

/// Nothing that happens for every task may read or sort more of the queue than it needs.
#[test]
fn the_length_of_the_queue_does_not_matter() {
    let queue = queue();
    queue.store.select(&[]).unwrap();
    let many = Selection::Chosen { count: FEW + 1 };
    let statements = [
        next_sql(Selection::All),
        next_sql(many),
        next_due_sql(Selection::All, Awaited::Attempts),
        next_due_sql(Selection::All, Awaited::Hours),
        next_due_sql(many, Awaited::Attempts),
        next_due_sql(many, Awaited::Hours),
        NEXT_GIVE_UP,
    ];
    for sql in statements {
        let plan: Vec<String> = queue
            .store
            .connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap()
            .query_map(
                rusqlite::params_from_iter(sql.contains('?').then_some(8)),
                |row| row.get(3),
            )
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        let plan = plan.join("; ");
        assert!(
            [
                "task_ready",
                "task_waiting",
                "task_retrying",
                "task_give_up"
            ]
            .iter()
            .any(|index| plan.contains(index)),
            "{plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "sorted: {plan}");
    }
}
