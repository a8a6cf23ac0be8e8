//! Pages and conditions of lists give what going through all tasks would give.

use super::*;
use crate::model::state::Hold;
use crate::model::state::TaskEvent;
use crate::store::fixture;
use crate::store::fixture::*;
use crate::store::journal;
use crate::store::pick::Selection;

/// Some tasks of each of three statuses, in turns.
fn mixed() -> Queue {
    let mut queue = queue();
    let names: Vec<String> = (0..60).map(|number| format!("t{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (number, task) in queue.add(&names).into_iter().enumerate() {
        let event = match number % 3 {
            0 => TaskEvent::Cancelled,
            1 => TaskEvent::Held(Hold {
                code: "by_hand".to_owned(),
                reason: "wait".to_owned(),
            }),
            _ => continue,
        };
        queue
            .store
            .write(|tx| journal::record(tx, task, &event, &actor(), NOW))
            .unwrap();
    }
    queue
}

#[test]
fn every_filter_finds_what_going_through_all_finds() {
    use TaskStatus as S;
    let queue = mixed();
    let all = queue.store.list(&Filter::default()).unwrap();
    assert_eq!(all.len(), 60);
    let chosen: [&[S]; 6] = [
        &[S::Queued],
        &[S::Held],
        &[S::Cancelled],
        &[S::Queued, S::Held],
        &[S::Queued, S::Cancelled, S::Failed],
        &[S::Queued, S::Succeeded, S::Held],
    ];
    for statuses in chosen {
        for (after, limit) in [(None, None), (None, Some(7)), (Some(all[20].id), Some(7))] {
            let filter = Filter {
                statuses: statuses.to_vec(),
                after,
                limit,
                ..Filter::default()
            };
            let wanted: Vec<TaskId> = all
                .iter()
                .filter(|line| statuses.contains(&line.state.status()))
                .filter(|line| after.is_none_or(|after| line.id > after))
                .map(|line| line.id)
                .collect();
            let found = queue.store.list(&filter).unwrap();
            let found: Vec<TaskId> = found.into_iter().map(|line| line.id).collect();
            let page = wanted.len().min(limit.unwrap_or(usize::MAX));
            assert_eq!(found, wanted[..page], "{filter:?}");
            assert_eq!(
                queue.store.count(&filter).unwrap(),
                wanted.len(),
                "{filter:?}"
            );
        }
    }
    let counts = queue.store.counts(Selection::All).unwrap();
    let counted = queue.store.count_unfinished(Selection::All).unwrap();
    assert_eq!((counts.unfinished(), counted), (40, 40));
    let unfinished = queue.store.counts_of_unfinished().unwrap();
    for status in TaskStatus::ALL {
        let wanted = if status.is_unfinished() {
            counts.of(status)
        } else {
            0
        };
        assert_eq!(unfinished.of(status), wanted, "{status}");
    }
    assert!(!queue.store.is_empty().unwrap());
    assert!(fixture::queue().store.is_empty().unwrap());
}
