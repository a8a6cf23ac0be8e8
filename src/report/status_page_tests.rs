//! The page of bare `autoexec`.

use insta::assert_snapshot;

use super::*;
use crate::model::state::Hold;
use crate::model::state::TaskEvent;
use crate::policy::pick::RunPresence;
use crate::report::nights;
use crate::store::fixture::actor;
use crate::store::fixture::later;
use crate::store::fixture::queue;
use crate::store::journal;
use crate::support::paint::Paint;

fn look() -> Look {
    Look {
        width: 80,
        zone: nights::ZONE,
        paint: Paint::PLAIN,
    }
}

#[test]
fn a_new_queue_says_how_to_begin() {
    assert_snapshot!(of_nothing(look()));
}

#[test]
fn what_needs_a_person_comes_with_its_command() {
    let mut queue = queue();
    let tasks = queue.add(&["photos", "shop-dump", "crawl"]);
    let hold = TaskEvent::Held(Hold {
        code: "by_hand".to_owned(),
        reason: "somebody wants to look".to_owned(),
    });
    queue
        .store
        .write(|tx| journal::record(tx, tasks[1], &hold, &actor(), later(5)))
        .unwrap();
    let counts = queue.store.counts_of_unfinished().unwrap();
    let mut needing = PresentNeeds::read(&queue.store, LISTED).unwrap();
    assert_eq!(needing.in_all, 1);
    needing.in_all = 3;
    let moment = Moment {
        stalled_after: crate::policy::trace::SILENCE,
        now: later(60),
        presence: RunPresence::Absent,
        stopping: false,
        paused: None,
        opens: None,
        alone: None,
    };
    let status = Status {
        counts: &counts,
        is_empty: false,
        needing: &needing,
        active: None,
    };
    assert_snapshot!(text(status, moment, look()));
    let active = Status {
        active: Some((RunId::new(7), later(1))),
        ..status
    };
    assert_snapshot!(text(active, moment, look()));
    let stopping = Moment {
        stopping: true,
        paused: None,
        opens: None,
        alone: None,
        ..moment
    };
    let told = text(active, stopping, look());
    let words = "Run 7 has been going since 00:13 and is stopping: ";
    assert!(told.starts_with(words), "{told}");
}
