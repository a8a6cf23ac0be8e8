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

/// The shape that scripts rely on; it refuses what it does not know.
fn schema() -> (boon::Schemas, boon::SchemaIndex) {
    const PLACE: &str = "urn:autoexec:report:1";
    let text = include_str!("../../docs/report.schema.json");
    let mut compiler = boon::Compiler::new();
    let schema = serde_json::from_str(text).unwrap();
    compiler.add_resource(PLACE, schema).unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile(PLACE, &mut schemas).unwrap();
    (schemas, index)
}

#[test]
fn every_report_is_as_its_schema_says() {
    let (schemas, index) = schema();
    let mut healed = nights::different();
    nights::heal(&mut healed);
    for facts in [
        nights::all_ok(),
        nights::mixed(),
        nights::empty(),
        nights::unresolved(),
        nights::never_run(),
        nights::blocked(),
        nights::different(),
        nights::active(),
        nights::hostile(),
        healed,
    ] {
        let text = render(&RunSummary::of(facts));
        let report: Value = serde_json::from_str(&text).unwrap();
        if let Err(problem) = schemas.validate(&report, index) {
            panic!("{problem}\n{text}");
        }
    }
}

#[test]
fn what_the_schema_does_not_know_it_refuses() {
    let (schemas, index) = schema();
    let text = render(&RunSummary::of(nights::mixed()));
    let mut report: Value = serde_json::from_str(&text).unwrap();
    report["tasks"][0]["surprise"] = Value::from(1);
    assert!(schemas.validate(&report, index).is_err());
}
