//! Alerts on a page and in a report, also those that try to command the terminal.

use super::*;
use crate::host::alerts::append;
use crate::report::json;
use crate::report::markdown;
use crate::report::nights;
use crate::report::text;
use crate::support::clock::Zone;
use crate::support::paint::Paint;

const LOOK: Look = Look {
    width: 80,
    zone: Zone::East(0),
    paint: Paint::PLAIN,
};

fn told(level: Level, message: &str) -> Alert {
    Alert {
        timestamp: Timestamp::from_millis(1_700_000_000_000),
        level,
        component: "task".into(),
        message: message.into(),
        details: Value::Null,
    }
}

#[test]
fn only_what_was_told_in_the_part_of_the_past_is_in_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    let mut summary = RunSummary::of(nights::mixed());
    let (from, to) = (summary.from, summary.to);
    let second = std::time::Duration::from_secs(1);
    for (at, message) in [
        (from.minus(second), "too early"),
        (from.plus(second), "slow"),
        (to.plus(second), "too late"),
    ] {
        append(&dir, Level::Warning, "task", message, &Value::Null, at).unwrap();
    }
    append(&dir, Level::Info, "run", "by the way", &Value::Null, to).unwrap();
    note(&mut summary, &dir);
    let messages: Vec<String> = summary
        .alerts
        .iter()
        .map(|one| one.message.for_json())
        .collect();
    assert_eq!(messages, ["by the way", "slow"]);
    let page = text::render(&summary, LOOK);
    assert!(page.contains("\nAlerts (1)\n"), "{page}");
    assert!(page.contains(" WARNING task: slow\n"), "{page}");
    assert!(!page.contains("by the way"), "{page}");
    let marks = markdown::render(&summary, Zone::East(0));
    assert!(marks.contains("WARNING task: slow"), "{marks}");
    let value: Value = serde_json::from_str(&json::render(&summary)).unwrap();
    assert_eq!(value["alerts"][1]["message"], "slow");
    assert_eq!(value["alerts"][1]["level"], "WARNING");
}

#[test]
fn an_alert_cannot_command_the_terminal_and_stays_within_its_width() {
    let hostile = "\u{1b}]0;owned\u{7} \u{202e}txt ".repeat(30);
    let found = Found {
        alerts: vec![told(Level::Critical, &hostile)],
        has_more: true,
        damaged: 2,
    };
    let page = page(&found, LOOK, Timestamp::from_millis(1_700_000_000_000));
    assert!(!page.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{page}");
    assert!(
        page.lines()
            .all(|line| console::measure_text_width(line) <= 80)
    );
    assert!(page.starts_with("22:13  CRITICAL  task\n"), "{page}");
    assert_eq!(
        notes(&found)[1],
        "passed over 2 damaged lines of `alerts.jsonl`"
    );
}
