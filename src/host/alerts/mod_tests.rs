//! Appending by many, rotation, and what is read of it.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::host::alerts::follow::Follower;
use crate::host::alerts::read::{Found, Wanted, newest};
use crate::model::alert::Alert;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn tell(dir: &StateDir, message: &str, now: i64) {
    append(dir, Level::Warning, "test", message, &Value::Null, at(now)).unwrap();
}

fn messages(alerts: &[Alert]) -> Vec<String> {
    let shown = alerts.iter().map(|alert| alert.message.for_json());
    shown.collect()
}

fn all(dir: &StateDir) -> Found {
    newest(dir, &Wanted::newest(usize::MAX)).unwrap()
}

#[test]
fn an_alert_is_one_line_whatever_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    let details = json!({ "free": 7 });
    let text = "disk\nfull \"now\"";
    append(&dir, Level::Critical, "store", text, &details, at(0)).unwrap();
    append(&dir, Level::Info, "run", "ended", &Value::Null, at(1)).unwrap();
    let written = fs::read_to_string(dir.alerts()).unwrap();
    let lines: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["level"], "CRITICAL");
    assert_eq!(lines[0]["message"], text);
    assert_eq!(lines[0]["details"]["free"], 7);
    assert_eq!(lines[0]["timestamp"], "1970-01-01T00:00:00.000Z");
    let mode = dir.alerts().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let found = all(&dir);
    assert_eq!(messages(&found.alerts), ["ended", text]);
    assert_eq!(found.alerts[1].value(), lines[0]);
}

#[test]
fn a_link_or_a_fifo_in_place_of_the_file_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    let elsewhere = folder.path().join("elsewhere");
    std::os::unix::fs::symlink(&elsewhere, dir.alerts()).unwrap();
    append(&dir, Level::Info, "run", "x", &Value::Null, at(0)).unwrap_err();
    assert!(!elsewhere.exists());
    newest(&dir, &Wanted::newest(1)).unwrap_err();
    fs::remove_file(dir.alerts()).unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mknodat(rustix::fs::CWD, dir.alerts(), fifo, mode, 0).unwrap();
    append(&dir, Level::Info, "run", "x", &Value::Null, at(0)).unwrap_err();
    assert_eq!(all(&dir), Found::default());
}

#[test]
fn damaged_lines_are_counted_and_damage_only_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    tell(&dir, "first", 1);
    // A writer that died in the middle of its line, and one that wrote something else.
    let mut file = OpenOptions::new().append(true).open(dir.alerts()).unwrap();
    file.write_all(b"\xff\xfe{}\n{\"timestamp\":\"2026-")
        .unwrap();
    tell(&dir, "second", 2);
    let found = all(&dir);
    assert_eq!(messages(&found.alerts), ["second", "first"]);
    assert_eq!(found.damaged, 2);
}

#[test]
fn only_what_is_wanted_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    for (now, level) in [Level::Info, Level::Critical, Level::Warning, Level::Info]
        .into_iter()
        .enumerate()
    {
        let now = i64::try_from(now).unwrap();
        append(
            &dir,
            level,
            "c",
            &format!("at {now}"),
            &Value::Null,
            at(now),
        )
        .unwrap();
    }
    let wanted = |level, from, most| Wanted {
        level,
        from,
        to: None,
        most,
    };
    let given = |wanted: Wanted| messages(&newest(&dir, &wanted).unwrap().alerts);
    assert_eq!(given(wanted(Level::Warning, None, 9)), ["at 2", "at 1"]);
    assert_eq!(given(wanted(Level::Info, Some(at(3)), 9)), ["at 3"]);
    let cut = newest(&dir, &wanted(Level::Warning, None, 1)).unwrap();
    assert_eq!(
        (messages(&cut.alerts), cut.has_more),
        (vec!["at 2".into()], true)
    );
    let whole = newest(&dir, &wanted(Level::Warning, None, 2)).unwrap();
    assert!(!whole.has_more);
}

#[test]
fn files_stay_within_their_number_and_size_and_are_read_through() {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    let long = "x".repeat(4000);
    let count = 6 * MOST_BYTES / 4100;
    for number in 0..count {
        tell(
            &dir,
            &format!("{number} {long}"),
            i64::try_from(number).unwrap(),
        );
    }
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), FILES as usize);
    for number in 0..FILES {
        let size = place(&dir, number).metadata().unwrap().len();
        assert!(size <= MOST_BYTES, "{number}: {size}");
    }
    let found = all(&dir);
    let times: Vec<i64> = found
        .alerts
        .iter()
        .map(|alert| alert.timestamp.as_millis())
        .collect();
    assert!(times.is_sorted_by(|newer, older| newer == &(older + 1)));
    assert!(times.len() as u64 > 4 * MOST_BYTES / 4200);
}

#[test]
fn a_rotation_after_a_death_in_the_middle_of_one_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    for number in [0, 1, 3, 4] {
        let old = format!("file {number}");
        let line = line(Level::Info, "c", &old, &Value::Null, at(0)).unwrap();
        fs::write(place(&dir, number), line).unwrap();
    }
    assert!(rotate(&dir, &open(&dir).unwrap()).unwrap());
    tell(&dir, "new", 1);
    let expected = ["new", "file 0", "file 1", "file 3", "file 4"];
    assert_eq!(messages(&all(&dir).alerts), expected);
}

#[test]
fn many_who_write_at_once_lose_no_line_while_files_are_rotated() {
    const EACH: i64 = 120;
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    let long = "y".repeat(3500);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (dir, long) = (&dir, &long);
            scope.spawn(move || {
                for number in 0..EACH {
                    tell(dir, &format!("{writer}-{number} {long}"), number);
                }
            });
        }
    });
    let found = all(&dir);
    let mut told: Vec<String> = messages(&found.alerts);
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 8 * usize::try_from(EACH).unwrap());
    assert_eq!(found.damaged, 0);
    assert!(place(&dir, 1).exists(), "nothing was rotated");
}

#[test]
fn what_is_too_long_is_cut_so_that_it_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    let details = json!({ "output": "z".repeat(1 << 20) });
    append(
        &dir,
        Level::Info,
        "c",
        &"ä".repeat(1 << 20),
        &details,
        at(0),
    )
    .unwrap();
    let found = all(&dir);
    assert_eq!(found.alerts[0].message.as_bytes().len(), LONGEST_MESSAGE);
    assert!(found.alerts[0].details["left_out_bytes"].as_u64() > Some(1 << 20));
}

#[test]
fn a_follower_sees_everything_once_through_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    let wanted = Wanted::newest(usize::MAX);
    let mut early = Follower::from_now(&dir).unwrap();
    assert_eq!(early.poll(&wanted).unwrap(), []);
    tell(&dir, "before", 0);
    assert_eq!(messages(&early.poll(&wanted).unwrap()), ["before"]);
    let mut follower = Follower::from_now(&dir).unwrap();
    tell(&dir, "one", 1);
    assert_eq!(messages(&follower.poll(&wanted).unwrap()), ["one"]);
    tell(&dir, "two", 2);
    for new in ["three", "four"] {
        assert!(rotate(&dir, &open(&dir).unwrap()).unwrap());
        tell(&dir, new, 3);
    }
    let told = messages(&follower.poll(&wanted).unwrap());
    assert_eq!(told, ["two", "three", "four"]);
    assert_eq!(follower.poll(&wanted).unwrap(), []);
}
