//! Nights as marks.

use std::time::Duration;

use super::*;
use crate::model::category::Category;
use crate::model::ids::TaskId;
use crate::report::nights;
use crate::report::nights::ZONE;
use crate::report::nights::evening;

fn bar(task: i64, slot: u32, minutes: [u64; 2]) -> BarBrief {
    BarBrief {
        task: TaskId::new(task),
        name: format!("job-{task}"),
        number: 1,
        slot,
        started_at: evening(minutes[0]),
        ended_at: Some(evening(minutes[1])),
        next_at: None,
        category: None,
        pattern: None,
        ended: None,
        doubted: false,
    }
}

fn failed(bar: BarBrief, ended: &str) -> BarBrief {
    BarBrief {
        category: Some(Category::Network),
        pattern: Some("connection_refused".to_owned()),
        ended: Some(ended.to_owned()),
        ..bar
    }
}

fn picture(bars: Vec<BarBrief>) -> Timeline {
    let chart = NightChart {
        from: evening(0),
        to: evening(600),
        window: None,
        outages: Vec::new(),
        bars,
        is_cut: false,
    };
    Timeline::of(&chart, &RunSummary::of(nights::all_ok()), ZONE)
}

#[test]
fn each_slot_has_a_lane_and_each_end_a_kind() {
    let start_again = BarBrief {
        pattern: Some(START_AGAIN_PATTERN.to_owned()),
        ..failed(bar(6, 1, [300, 330]), "by_itself")
    };
    let running = BarBrief {
        ended_at: None,
        ..bar(7, 1, [400, 0])
    };
    let doubted = BarBrief {
        doubted: true,
        ..bar(8, 1, [350, 390])
    };
    let picture = picture(vec![
        bar(1, 0, [0, 60]),
        failed(bar(2, 0, [60, 120]), "by_itself"),
        failed(bar(3, 0, [120, 180]), "stopped"),
        failed(bar(4, 0, [180, 240]), "lost"),
        bar(5, 1, [0, 200]),
        start_again,
        doubted,
        running,
    ]);
    let kinds = |lane: usize| {
        let marks = picture.lanes[lane].marks.iter();
        marks.map(|mark| mark.parts[0].0).collect::<Vec<_>>()
    };
    assert_eq!(picture.lanes.len(), 2);
    assert_eq!(
        kinds(0),
        [Kind::Ok, Kind::Failed, Kind::Stopped, Kind::Lost]
    );
    assert_eq!(
        kinds(1),
        [Kind::Ok, Kind::Saved, Kind::Doubted, Kind::Running]
    );
    let told = &picture.lanes[0].marks[1].title;
    assert_eq!(
        told,
        "job-2 (2), attempt 1: failed (connection refused), 23:00:00–00:00:00 (1h 00m)"
    );
    let last = picture.lanes[1].marks.last().unwrap();
    assert_eq!(last.to, evening(600), "what runs goes on to the end");
}

#[test]
fn the_wait_between_two_attempts_is_a_mark_of_its_own() {
    let mut first = failed(bar(1, 0, [0, 10]), "by_itself");
    first.next_at = Some(evening(40));
    let second = BarBrief {
        number: 2,
        ..bar(1, 0, [45, 60])
    };
    let mut other = failed(bar(2, 0, [10, 20]), "by_itself");
    other.next_at = Some(evening(700));
    let picture = picture(vec![first, second, other]);
    let lane = picture.lanes.last().unwrap();
    assert_eq!(lane.title, "waiting");
    // They overlap, and the second one lasts until the picture ends.
    assert_eq!(lane.marks.len(), 1);
    let mark = &lane.marks[0];
    assert_eq!((mark.from, mark.to), (evening(10), evening(600)));
    assert_eq!(mark.title, "2 waits, 22:10:00–08:00:00: job-1, job-2");
}

#[test]
fn ten_thousand_attempts_are_a_few_thousand_marks_and_none_of_them_is_lost() {
    let short = |number: i64| {
        let mut bar = bar(number, u32::try_from(number % 4).unwrap(), [0, 0]);
        let begin = evening(0).plus(Duration::from_millis(
            u64::try_from(number).unwrap() * 3_500,
        ));
        bar.started_at = begin;
        bar.ended_at = Some(begin.plus(Duration::from_secs(10)));
        if number % 100 == 0 {
            bar = failed(bar, "by_itself");
        }
        bar
    };
    let picture = picture((0..10_000).map(short).collect());
    let marks = picture.lanes.iter().flat_map(|lane| &lane.marks);
    let (mut number, mut attempts, mut bad) = (0, 0, 0);
    for mark in marks {
        number += 1;
        attempts += mark.parts.iter().map(|(_, many)| many).sum::<usize>();
        let failed = mark.parts.iter().find(|(kind, _)| *kind == Kind::Failed);
        bad += failed.map_or(0, |(_, many)| *many);
    }
    assert_eq!((attempts, bad), (10_000, 100));
    assert!(number < 3000, "{number}");
}

#[test]
fn a_night_with_many_slots_is_cut_and_says_so() {
    let bars = (0..100)
        .map(|slot| bar(1, slot, [0, 60]))
        .collect::<Vec<_>>();
    let picture = picture(bars);
    assert_eq!((picture.lanes.len(), picture.left_out), (48, 52));
}
