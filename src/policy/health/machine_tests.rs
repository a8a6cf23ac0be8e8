//! Where a machine's good ends.

use super::*;

fn level(reading: &Reading) -> Option<Level> {
    reading.level
}

fn disk(free: u64, total: u64) -> Disk {
    Disk {
        used_by: "the queue".to_owned(),
        path: "/q".to_owned(),
        free,
        total,
        free_inodes: 1000,
        total_inodes: 1000,
    }
}

#[test]
fn a_disk_is_held_against_its_size_or_what_is_written() {
    use Level::{Critical, Warning};
    const GIB: u64 = 1 << 30;
    let written = |disk_free| Thresholds {
        disk_free,
        ..Thresholds::default()
    };
    let cases = [
        (GIB * 6, GIB * 1000, None, None),
        (GIB * 4, GIB * 1000, None, Some(Warning)),
        (GIB / 4, GIB * 1000, None, Some(Critical)),
        (GIB * 3, GIB * 20, None, None),
        (GIB, GIB * 20, None, Some(Warning)),
        (GIB * 4, GIB * 1000, Some(GIB), None),
        (GIB * 40, GIB * 1000, Some(GIB * 50), Some(Warning)),
        // Nobody can switch off what keeps a commit from failing.
        (GIB / 100, GIB * 1000, Some(0), Some(Critical)),
        (GIB * 2, GIB * 1000, Some(0), None),
    ];
    for (free, total, limit, wanted) in cases {
        let readings = disks(&[disk(free, total)], &written(limit));
        assert_eq!(readings[0].level, wanted, "{}", readings[0].message);
    }
}

#[test]
fn a_disk_without_inodes_is_told_and_one_that_counts_none_is_not() {
    let mut one = disk(1 << 40, 1 << 41);
    one.free_inodes = 3;
    let told = disks(std::slice::from_ref(&one), &Thresholds::default());
    assert_eq!(told[0].level, Some(Level::Critical));
    assert!(
        told[0].message.contains("only 3 files more"),
        "{}",
        told[0].message
    );
    one.total_inodes = 0;
    assert_eq!(disks(&[one], &Thresholds::default())[0].level, None);
}

#[test]
fn memory_is_held_against_the_largest_task_of_the_queue_too() {
    let limits = Thresholds::default();
    let of = |available, largest: Option<&(String, u64)>| {
        let total = 1000;
        let memory = Memory {
            available,
            total,
            limited: true,
        };
        super::memory(memory, largest, &limits)
    };
    assert_eq!(level(&of(500, None)), None);
    assert_eq!(level(&of(99, None)), Some(Level::Warning));
    assert_eq!(level(&of(19, None)), Some(Level::Critical));
    let told = of(500, Some(&("train".to_owned(), 600)));
    assert_eq!(level(&told), Some(Level::Warning));
    assert!(told.message.contains("control group"), "{}", told.message);
    assert_eq!(level(&of(500, Some(&("train".to_owned(), 400)))), None);
}

#[test]
fn load_counts_per_processor() {
    let of = |five_minutes, processors| {
        let load = Load {
            five_minutes,
            processors,
        };
        super::load(load, &Thresholds::default()).level
    };
    assert_eq!(of(30.0, 8), None);
    assert_eq!(of(9.0, 2), Some(Level::Warning));
    assert_eq!(of(33.0, 2), Some(Level::Critical));
}

#[test]
fn a_clock_that_was_never_set_or_was_set_back_is_told() {
    let now = Timestamp::from_millis(1_800_000_000_000);
    let minutes = Duration::from_mins;
    let of = |now, last_event, synchronised| {
        clock(ClockFacts {
            now,
            last_event,
            synchronised,
        })
        .level
    };
    assert_eq!(of(now, Some(now), Some(true)), None);
    assert_eq!(of(now, None, None), None);
    assert_eq!(of(now, None, Some(false)), Some(Level::Info));
    assert_eq!(of(now, Some(now.plus(minutes(1))), None), None);
    assert_eq!(
        of(now, Some(now.plus(minutes(3))), None),
        Some(Level::Warning)
    );
    let unset = Timestamp::from_millis(60_000);
    assert_eq!(of(unset, None, Some(true)), Some(Level::Critical));
}

#[test]
fn lingering_matters_only_to_a_timer() {
    let of = |has_timer, lingers| {
        let reading = linger(Linger { has_timer, lingers });
        reading.map(|reading| reading.level)
    };
    assert_eq!(of(false, Some(false)), None);
    assert_eq!(of(true, Some(false)), Some(Some(Level::Warning)));
    assert_eq!(of(true, Some(true)), Some(None));
    assert_eq!(of(true, None), None);
}
