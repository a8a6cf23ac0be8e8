//! Several tasks of one name: which of them comes back when what they were skipped for is done.

use super::*;

#[test]
fn a_newer_task_of_the_name_keeps_an_older_one_from_coming_back() {
    let mut queue = queue();
    let night = [new_task("a"), waiting("b", &[("a", When::Success)])];
    let old = add(&mut queue, &night, OnChange::Keep).unwrap();
    happen(&mut queue, old[0], &fail());
    let new = add(&mut queue, &night, OnChange::Keep).unwrap();
    assert_ne!(old, new);
    assert!(happen(&mut queue, old[0], &complete()).is_empty());
    assert_eq!(
        queue.store.state(old[1]).unwrap(),
        TaskState::Skipped(Skip::Blocked)
    );
}

#[test]
fn of_two_of_a_name_that_were_skipped_the_newer_one_comes_back() {
    let mut queue = queue();
    let night = [new_task("a"), waiting("b", &[("a", When::Success)])];
    let ids = add(&mut queue, &night, OnChange::Keep).unwrap();
    happen(&mut queue, ids[0], &TaskEvent::Cancelled);
    let again = add(&mut queue, &night[1..], OnChange::Keep).unwrap();
    assert_ne!(again[0], ids[1]);
    let followed = happen(&mut queue, ids[0], &complete());
    assert_eq!(followed, [("b".to_owned(), Follow::Revived)]);
    let blocked = TaskState::Skipped(Skip::Blocked);
    assert_eq!(queue.store.state(ids[1]).unwrap(), blocked);
    assert_eq!(queue.store.state(again[0]).unwrap(), TaskState::added(None));
}

#[test]
fn an_older_one_that_was_queued_again_keeps_a_newer_one_from_coming_back() {
    let mut queue = queue();
    let ids = add(&mut queue, &[new_task("a"), new_task("b")], OnChange::Keep).unwrap();
    happen(&mut queue, ids[0], &TaskEvent::Cancelled);
    happen(&mut queue, ids[1], &TaskEvent::Cancelled);
    let newer = [waiting("b", &[("a", When::Success)])];
    let newer = add(&mut queue, &newer, OnChange::Keep).unwrap();
    happen(&mut queue, ids[1], &TaskEvent::Requeued);
    assert!(happen(&mut queue, ids[0], &complete()).is_empty());
    assert_eq!(
        queue.store.state(newer[0]).unwrap(),
        TaskState::Skipped(Skip::Blocked)
    );
}
