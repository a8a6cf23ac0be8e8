//! The shape that scripts rely on.

use insta::assert_snapshot;

use super::*;
use crate::report::nights;

fn pretty(summary: &RunSummary) -> String {
    serde_json::to_string_pretty(&value(summary)).unwrap()
}

#[test]
fn a_mixed_night_as_json() {
    assert_snapshot!(pretty(&RunSummary::of(nights::mixed())));
}

#[test]
fn a_queue_that_never_ran_has_every_part_too() {
    assert_snapshot!(pretty(&RunSummary::of(nights::never_run())));
}

#[test]
fn hostile_text_is_data_in_json() {
    let text = render(&RunSummary::of(nights::hostile()));
    assert_eq!(text.lines().count(), 1);
    let parsed: Value = serde_json::from_str(&text).unwrap();
    let cause = parsed["tasks"][0]["cause"].as_str().unwrap();
    assert!(cause.starts_with("\u{1b}[2J"), "{cause:?}");
}
