//! The evening check, as a value and as a page.

use super::*;
use crate::model::ids::TaskName;
use crate::model::spec::Command;
use crate::policy::window::ClockTime;
use crate::report::evening_page;
use crate::report::page::Page;
use crate::report::text::Look;
use crate::support::paint::Paint;
use chrono::DateTime;
use jiff::tz::TimeZone;

fn at(text: &str) -> Timestamp {
    Timestamp::from(DateTime::parse_from_rfc3339(text).unwrap().to_utc())
}

fn hours() -> Hours {
    let time = |hour| ClockTime::new(hour, 0).unwrap();
    Hours::new(time(22), time(7), TimeZone::get("Europe/Berlin").unwrap()).unwrap()
}

fn task(name: &str) -> TaskSpec {
    TaskSpec::of_command(
        TaskName::new(name).unwrap(),
        Command::Direct(vec!["true".into()]),
        "/".into(),
    )
}

fn page(evening: &Evening) -> String {
    let mut page = Page::new(Look {
        width: 80,
        zone: Zone::East(0),
        paint: Paint::PLAIN,
    });
    evening_page::write(&mut page, evening);
    evening_page::recoveries(&mut page, &evening.recoveries);
    page.text
}

fn health(readings: Vec<Reading>) -> Health {
    Health::of(readings, at("2026-10-24T18:00:00Z"))
}

#[test]
fn a_switch_of_the_clocks_is_told_with_how_long_the_night_is() {
    let told = |now: &str| {
        let hours = hours();
        let reading = switch(&hours, hours.window(at(now)).unwrap());
        reading.map(|reading| reading.message)
    };
    assert_eq!(
        told("2026-10-24T18:00:00Z").unwrap(),
        "the clocks are put back by 1h 00m in this night: it is 10h 00m long"
    );
    assert_eq!(
        told("2026-03-28T18:00:00Z").unwrap(),
        "the clocks are put forward by 1h 00m in this night: it is 8h 00m long"
    );
    assert_eq!(told("2026-10-23T18:00:00Z"), None);
}

#[test]
fn tasks_that_lack_the_same_stand_together_and_what_is_good_takes_a_line() {
    let mut needs = Needs::default();
    let safe = (RecoverMode::Safe, &[][..]);
    let lacks = ["no program `x` is found along PATH".to_owned()];
    let unset = ["the variable `KEY` is not set".to_owned()];
    needs.add(("a", &task("a")), (&lacks, &unset), safe);
    needs.add(("b", &task("b")), (&lacks, &[]), safe);
    let found = health(vec![
        Reading::good(Component::Disk, "much is free"),
        Reading::found(Component::Load, Level::Critical, "of this moment"),
    ]);
    let evening = Evening::of(&found, needs, vec![starter(None)]);
    let shown = page(&evening);
    assert!(
        shown.starts_with("\nBefore the night: 2 things to look at\n"),
        "{shown}"
    );
    assert!(
        shown.contains("found along PATH (needed by `a`, `b`)"),
        "{shown}"
    );
    assert!(shown.contains("(needed by `a`)"), "{shown}");
    assert!(
        shown.contains("nothing begins the night by itself"),
        "{shown}"
    );
    assert!(shown.contains("looked at and good: disk"), "{shown}");
    assert!(!shown.contains("of this moment"), "{shown}");
    assert_eq!(evening.value()["findings"].as_array().unwrap().len(), 2);
    assert_eq!(evening.recoveries.len(), 1, "both may have the same done");
}

#[test]
fn what_recovery_may_do_is_told_once_for_tasks_alike() {
    let mut needs = Needs::default();
    let safe = (RecoverMode::Safe, &[][..]);
    for name in ["a", "b"] {
        needs.add((name, &task(name)), (&[], &[]), safe);
    }
    let mut tidy = task("tidy");
    tidy.temp = vec!["*.tmp".into()];
    needs.add(("tidy", &tidy), (&[], &[]), safe);
    let mut quiet = task("quiet");
    quiet.recover_mode = Some(RecoverMode::Off);
    needs.add(("quiet", &quiet), (&[], &[]), safe);
    let evening = Evening::of(&health(Vec::new()), needs, Vec::new());
    let shown = page(&evening);
    assert!(
        shown.starts_with("\nBefore the night: nothing to look at\n"),
        "{shown}"
    );
    for expected in [
        "for `a`, `b`, `tidy`: wait_and_retry, ",
        "for `tidy` also: clean_temp\n",
        "nothing for `quiet`: recovery is off",
        "for `tidy` only with your word (`allow` in the task and under `[recover]`):",
        "remove_stale_lock, fetch_again",
    ] {
        assert!(shown.contains(expected), "no `{expected}` in\n{shown}");
    }
    assert!(!shown.contains("make_executable"), "{shown}");
    let value = evening.value();
    assert_eq!(value["recoveries"][0]["tasks"], json!(["a", "b"]));
    assert_eq!(value["recoveries"][0]["mode"], "safe");
    assert_eq!(
        value["recoveries"][0]["not_allowed"][0]["strategy"],
        "make_executable"
    );
}

#[test]
fn the_coming_night_fits_a_line() {
    let backlog = Backlog {
        queued: 14,
        work: Some(Duration::from_mins(190)),
        unknown: 0,
        slots: 4,
        night: None,
    };
    let bad = health(vec![
        Reading::found(Component::Disk, Level::Warning, "little is free"),
        Reading::found(Component::Load, Level::Warning, "of this moment"),
    ]);
    let zone = Zone::East(7_200);
    let line = |now: &str, found: &Health| {
        let now = at(now);
        brief(found, Some(&backlog), hours().window(now), (now, zone)).unwrap()
    };
    assert_eq!(
        line("2026-07-21T18:00:00Z", &bad),
        "Tonight 22:00-07:00: 14 tasks, about 3h 10m; 1 thing to look at: \
         `autoexec plan --overnight`"
    );
    assert_eq!(
        line("2026-07-21T23:00:00Z", &health(Vec::new())),
        "This night until 07:00: 14 tasks, about 3h 10m: `autoexec plan --overnight`"
    );
    let nothing = Backlog {
        queued: 0,
        ..backlog.clone()
    };
    let now = at("2026-07-21T18:00:00Z");
    assert_eq!(
        brief(&bad, Some(&nothing), hours().window(now), (now, zone)),
        None
    );
}
