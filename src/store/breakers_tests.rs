//! Breakers are read as they were written, and tasks wait for the right one.

use super::*;
use crate::policy::breaker::{BreakerSettings, Heard};
use crate::store::fixture::{NOW, later, queue};
use crate::store::parking::{self, BY_BREAKER, BY_SERVICE};
use crate::store::pick::{self, Selection};

const HOST: &str = "api.example.com";

fn failing(times: i64) -> Breaker {
    let mut breaker = Breaker::default();
    for of in 1..=times {
        let heard = Heard {
            attempt: Some(AttemptId::new(of)),
            of,
            failure: LastFailure {
                category: Category::ServerError,
                pattern: "http_503".to_owned(),
                line: Some("503".to_owned()),
            },
            asked: None,
        };
        breaker.on_failure(&heard, &BreakerSettings::default(), None, NOW);
    }
    breaker
}

#[test]
fn every_state_is_read_as_it_was_written_after_a_restart_too() {
    let mut queue = queue();
    let mut slow = failing(0);
    slow.slow_down(8);
    let mut lent = failing(5);
    lent.lend(Some(AttemptId::new(9)), later(90), later(30));
    let mut own = failing(5);
    own.lend(None, later(60), later(30));
    let mut free = lent.clone();
    free.give_back(AttemptId::new(9));
    let all = [failing(3), failing(5), slow, lent, own, free];
    queue
        .store
        .write(|tx| {
            all.iter().enumerate().try_for_each(|(number, breaker)| {
                save(tx, Kind::Service, &number.to_string(), breaker, NOW)
            })
        })
        .unwrap();
    let queue = queue.reopen();
    let kept = queue.store.breakers(Kind::Service).unwrap();
    let read: Vec<&Breaker> = kept.iter().map(|kept| &kept.breaker).collect();
    assert_eq!(read, all.iter().collect::<Vec<_>>());
    assert_eq!(queue.store.breaker(Kind::Service, "1").unwrap(), all[1]);
    let unheard_of = queue.store.breaker(Kind::Cause, "1").unwrap();
    assert_eq!(unheard_of, Breaker::default());
    let strict = queue.store.strict_breakers(Kind::Service).unwrap();
    assert_eq!(strict.len(), 5);
}

#[test]
fn what_is_parked_goes_on_by_its_service_alone_and_the_least_tried_tries_first() {
    let mut queue = queue();
    let tasks = queue.add(&["one", "two", "other", "busy"]);
    let run = queue.run();
    let attempt = queue.claim(tasks[0], run);
    let count = |queue: &mut crate::store::fixture::Queue| {
        let page = queue
            .store
            .write(|tx| pick::candidates(tx, NOW, 9, Selection::All))
            .unwrap();
        page.iter().map(|one| one.id).collect::<Vec<_>>()
    };
    queue
        .store
        .write(|tx| {
            crate::store::attempts::return_claim(
                tx,
                attempt,
                &crate::store::fixture::actor(),
                NOW,
            )?;
            tx.connection
                .execute("UPDATE task_records SET attempts = 3 WHERE id = 1", [])
                .unwrap();
            parking::park_on(tx, tasks[0], BY_BREAKER, HOST, "down")?;
            parking::park_on(tx, tasks[1], BY_BREAKER, HOST, "down")?;
            parking::park_on(tx, tasks[2], BY_BREAKER, "elsewhere", "down")?;
            parking::park_on(tx, tasks[3], BY_SERVICE, HOST, "busy")
        })
        .unwrap();
    assert!(count(&mut queue).is_empty());
    let next = queue.store.parked_on(BY_BREAKER, HOST, 9, NOW).unwrap();
    assert_eq!(next, [tasks[1], tasks[0]]);
    let parked = queue.store.task(tasks[1]).unwrap().parked.unwrap();
    assert_eq!(parked.on.as_deref(), Some(HOST));
    let let_go = queue
        .store
        .write(|tx| parking::unpark_on(tx, BY_BREAKER, HOST, None))
        .unwrap();
    assert_eq!((let_go, count(&mut queue)), (2, tasks[..2].to_vec()));
}

#[test]
fn what_became_of_breakers_is_told_by_the_hour() {
    let mut queue = queue();
    let open = failing(5).state;
    queue
        .store
        .write(|tx| {
            note(tx, HOST, &open, "5 failures", NOW)?;
            note(tx, HOST, &BreakerState::Closed, "answers again", later(60))
        })
        .unwrap();
    let told = |from, to| {
        let events = queue.store.breaker_events(from, to).unwrap();
        events.into_iter().map(|one| one.state).collect::<Vec<_>>()
    };
    assert_eq!(told(NOW, later(60)), ["open", "closed"]);
    assert_eq!(told(later(1), later(60)), ["closed"]);
}
