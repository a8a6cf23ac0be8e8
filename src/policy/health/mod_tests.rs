//! The score, and that its table is what the document says.

use super::*;

fn at() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

fn warned(component: Component) -> Reading {
    Reading::found(component, Level::Warning, "odd")
}

#[test]
fn what_is_good_or_only_good_to_know_takes_nothing() {
    let readings = vec![
        Reading::good(Component::Disk, "room"),
        Reading::found(Component::Clock, Level::Info, "alone"),
    ];
    let health = Health::of(readings, at());
    assert_eq!(health.score, 100);
    assert!(!health.needs_a_person());
    assert_eq!(Health::of(Vec::new(), at()).score, 100);
}

#[test]
fn of_each_component_the_worst_counts_and_it_counts_once() {
    let critical = Reading::found(Component::Disk, Level::Critical, "full");
    let readings = vec![
        warned(Component::Tools),
        warned(Component::Disk),
        critical.clone(),
        warned(Component::Disk),
    ];
    let health = Health::of(readings, at());
    assert_eq!(health.score, 100 - 40 - 15);
    assert_eq!(health.readings[0], critical);
    assert_eq!(health.findings()[0], &critical);
    assert!(health.needs_a_person());
}

#[test]
fn the_worst_of_everything_is_zero_and_not_less() {
    let all = WEIGHTS.iter();
    let readings = all.map(|(component, ..)| Reading::found(*component, Level::Critical, "bad"));
    assert_eq!(Health::of(readings.collect(), at()).score, 0);
}

#[test]
fn every_component_stands_once_in_the_table_and_critical_takes_more() {
    for (index, (component, name, warning, critical)) in WEIGHTS.iter().enumerate() {
        assert_eq!(*component as usize, index, "{name}");
        assert!(0 < *warning && warning < critical, "{name}");
    }
}

/// docs/health.md is the document of record for users; this tells how its tables must read.
#[test]
fn the_document_has_the_weights_and_the_limits() {
    let document = include_str!("../../../docs/health.md");
    for (_, name, warning, critical) in WEIGHTS {
        let row = format!("| `{name}` | {warning} | {critical} |");
        assert!(document.contains(&row), "docs/health.md lacks `{row}`");
    }
    let rows = document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .count();
    let limits = Thresholds::default();
    let keys = [
        (
            "disk_free",
            "5GiB, or a tenth of the disk where that is less".to_owned(),
        ),
        ("inodes_free", limits.inodes_free.to_string()),
        ("memory_free", limits.memory_free.to_string()),
        ("load", limits.load.to_string()),
        (
            "database_size",
            format!("{}GiB", limits.database_size >> 30),
        ),
        (
            "stalled_after",
            format!("{}m", limits.stalled_after.as_secs() / 60),
        ),
        (
            "no_run_for",
            format!("{}h", limits.no_run_for.as_secs() / 3600),
        ),
        ("failed", limits.failed.to_string()),
    ];
    for (key, value) in &keys {
        let row = format!("| `{key}` | {value} |");
        assert!(document.contains(&row), "docs/health.md lacks `{row}`");
    }
    assert_eq!(
        rows,
        WEIGHTS.len() + keys.len(),
        "docs/health.md has another row"
    );
}
