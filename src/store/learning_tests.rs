//! What counts of the history, and what people say of it.

use super::*;
use crate::store::fixture::*;
use crate::store::rows::column;
use crate::store::teaching::{compare, end_comparison, forget, import, pin, unpin};

/// Writes down recoveries that are over, as they would stand after so many nights.
fn history(queue: &mut Queue, rows: &[(&str, &str, bool, Option<&str>)]) {
    queue
        .store
        .write(|tx| {
            for (number, (pattern, strategy, helped, variant)) in rows.iter().enumerate() {
                tx.connection
                    .execute(
                        "INSERT INTO error_recovery_history (task_id, task_name, attempt_id, run_id, \
                         error_type, category, tool, fingerprint, strategy_used, variant, risk, state, \
                         success, started_at, ended_at) VALUES (?1, 'one', ?1, 1, ?2, 'network', 'curl', \
                         'f', ?3, ?4, 'safe', ?5, ?6, ?7, ?7)",
                        params![
                            column(number + 1),
                            pattern,
                            strategy,
                            variant,
                            if *helped { "helped" } else { "in_vain" },
                            helped,
                            NOW.as_millis()
                        ],
                    )
                    .doing("make up a history")?;
            }
            Ok(())
        })
        .unwrap();
}

const REFUSED: &str = "connection_refused";
const WAIT: &str = "wait_for_reconnection";
const ROTATE: &str = "rotate_endpoint";

fn tried(queue: &Queue, strategy: &str) -> (u32, u32) {
    let rows = queue.store.learned_rows(Some(REFUSED)).unwrap();
    let row = rows.iter().find(|row| row.strategy == strategy);
    row.map_or((0, 0), |row| (row.helped, row.tried))
}

#[test]
fn evidence_comes_out_latest_first_and_of_each_strategy() {
    let mut queue = queue();
    history(
        &mut queue,
        &[
            (REFUSED, WAIT, true, None),
            (REFUSED, WAIT, false, None),
            (REFUSED, ROTATE, true, None),
            ("other", WAIT, true, None),
        ],
    );
    let figures = queue.store.figures(REFUSED).unwrap();
    let found: Vec<(&str, bool)> = figures
        .evidence
        .iter()
        .map(|one| (one.strategy.as_str(), one.helped))
        .collect();
    assert_eq!(found, [(WAIT, false), (WAIT, true), (ROTATE, true)]);
    assert_eq!(figures.evidence[0].tool.as_deref(), Some("curl"));
    assert_eq!(figures.evidence[0].category, "network");
    let rows = queue.store.learned_rows(None).unwrap();
    assert_eq!(rows.len(), 3);
}

#[test]
fn the_view_and_the_counters_hold_what_counts() {
    let mut queue = queue();
    queue
        .store
        .write(|tx| {
            tx.connection
                .execute(
                    "INSERT INTO error_patterns (name, origin, category, changed_at) \
                     VALUES (?1, 'built_in', 'network', 0)",
                    [REFUSED],
                )
                .doing("add a pattern")
        })
        .unwrap();
    history(
        &mut queue,
        &[
            (REFUSED, WAIT, true, None),
            (REFUSED, WAIT, false, None),
            (REFUSED, WAIT, true, None),
        ],
    );
    let read = |sql: &str| -> (f64, i64) {
        queue
            .store
            .connection
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    };
    let view = "SELECT success_rate, total_attempts FROM recovery_success_rates";
    assert_eq!(read(view), (66.7, 3));
    let counters = "SELECT recovered * 1.0, recoveries FROM error_patterns";
    assert_eq!(read(counters), (2.0, 3));
}

#[test]
fn what_is_forgotten_counts_no_longer_and_what_follows_does() {
    let mut queue = queue();
    history(
        &mut queue,
        &[(REFUSED, WAIT, true, None), (REFUSED, ROTATE, true, None)],
    );
    queue
        .store
        .write(|tx| forget(tx, REFUSED, Some(WAIT), NOW))
        .unwrap();
    assert_eq!(
        (tried(&queue, WAIT), tried(&queue, ROTATE)),
        ((0, 0), (1, 1))
    );
    history(&mut queue, &[(REFUSED, WAIT, false, None)]);
    assert_eq!(tried(&queue, WAIT), (0, 1));
    assert_eq!(queue.store.figures(REFUSED).unwrap().evidence.len(), 2);
    queue
        .store
        .write(|tx| forget(tx, REFUSED, None, NOW))
        .unwrap();
    assert_eq!(queue.store.learned_rows(None).unwrap(), []);
    let left: i64 = queue
        .store
        .connection
        .query_row("SELECT count(*) FROM recovery_success_rates", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn pins_are_kept_until_they_are_taken_back() {
    let mut queue = queue();
    queue
        .store
        .write(|tx| {
            pin(tx, REFUSED, WAIT, Pin::Never, NOW)?;
            pin(tx, REFUSED, WAIT, Pin::First, NOW)?;
            pin(tx, REFUSED, ROTATE, Pin::Never, NOW)
        })
        .unwrap();
    let pins = queue.store.figures(REFUSED).unwrap().pins;
    assert_eq!(pins.get(WAIT), Some(&Pin::First));
    assert_eq!(pins.get(ROTATE), Some(&Pin::Never));
    let taken = |queue: &mut Queue, strategy| {
        queue
            .store
            .write(|tx| unpin(tx, REFUSED, strategy))
            .unwrap()
    };
    assert_eq!(taken(&mut queue, Some(WAIT)), 1);
    assert_eq!(taken(&mut queue, None), 1);
    assert_eq!(taken(&mut queue, None), 0);
}

#[test]
fn importing_twice_is_importing_once() {
    let mut queue = queue();
    let figures = Imported {
        strategy: WAIT.to_owned(),
        helped: 3,
        tried: 4,
        as_of: NOW,
    };
    for _ in 0..2 {
        queue
            .store
            .write(|tx| import(tx, REFUSED, &figures))
            .unwrap();
    }
    assert_eq!(queue.store.figures(REFUSED).unwrap().imported, [figures]);
    queue
        .store
        .write(|tx| forget(tx, REFUSED, None, NOW))
        .unwrap();
    assert_eq!(queue.store.figures(REFUSED).unwrap().imported, []);
}

#[test]
fn a_comparison_counts_its_own_recoveries_and_ends() {
    let mut queue = queue();
    queue
        .store
        .write(|tx| compare(tx, REFUSED, [WAIT, ROTATE], Some(3), NOW))
        .unwrap();
    let experiment = queue.store.figures(REFUSED).unwrap().experiment.unwrap();
    let (a, b) = (experiment.variant(Side::A), experiment.variant(Side::B));
    history(
        &mut queue,
        &[
            (REFUSED, WAIT, true, Some(&a)),
            (REFUSED, ROTATE, false, Some(&b)),
            (REFUSED, WAIT, true, None),
        ],
    );
    let row = queue.store.experiments(None, Past::Too).unwrap().remove(0);
    assert_eq!((row.a, row.b, row.tasks), ((1, 1), (0, 1), 2));
    assert!(row.is_running());
    let more = [
        (REFUSED, WAIT, true, Some(a.as_str())),
        (REFUSED, WAIT, true, Some(a.as_str())),
        (REFUSED, WAIT, true, Some(a.as_str())),
    ];
    history(&mut queue, &more);
    // The limit is reached: nobody gets a side any more.
    assert_eq!(queue.store.figures(REFUSED).unwrap().experiment, None);
    let begin_anew = |queue: &mut Queue| {
        queue
            .store
            .write(|tx| compare(tx, REFUSED, [ROTATE, WAIT], None, NOW))
            .unwrap();
    };
    begin_anew(&mut queue);
    assert_eq!(
        queue.store.experiments(None, Past::LeaveOut).unwrap().len(),
        1
    );
    assert_eq!(queue.store.experiments(None, Past::Too).unwrap().len(), 2);
    let end = |queue: &mut Queue| {
        queue
            .store
            .write(|tx| end_comparison(tx, REFUSED, NOW))
            .unwrap()
    };
    assert!(end(&mut queue));
    assert!(!end(&mut queue));
}
