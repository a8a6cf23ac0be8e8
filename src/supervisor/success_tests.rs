//! Files as success checks see them.

use super::*;
use std::fs;
use std::time::SystemTime;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn begin(&self, name: &str) -> Success {
        let spec = SuccessSpec {
            files: vec![name.into()],
            ..SuccessSpec::default()
        };
        *Success::begin(&spec, self.0.path()).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn age(&self, name: &str, seconds: i64) {
        let before = Timestamp::from_millis(Clock::System.now().as_millis() - seconds * 1000);
        let file = fs::File::open(self.path(name)).unwrap();
        let time = SystemTime::UNIX_EPOCH
            + Duration::from_millis(before.as_millis().unsigned_abs())
            + Duration::from_nanos(7);
        file.set_modified(time).unwrap();
    }
}

fn unmet(success: Success) -> Option<String> {
    success.unmet(&SuccessSpec::default(), Duration::ZERO)
}

#[test]
fn a_task_with_an_exit_code_only_has_no_checks() {
    let spec = SuccessSpec {
        exit_codes: vec![0, 3],
        ..SuccessSpec::default()
    };
    assert!(Success::begin(&spec, Path::new("/")).is_none());
}

#[test]
fn a_file_that_the_attempt_wrote_is_fresh_whatever_its_clock_says() {
    let place = Place::new();
    let success = place.begin("x");
    place.write("x", "new");
    // Copied with its old time.
    place.age("x", 9_999);
    assert_eq!(unmet(success), None);

    let success = place.begin("x");
    place.write("x", "longer");
    place.age("x", 9_999);
    assert_eq!(unmet(success), None);
}

#[test]
fn a_file_that_nobody_touched_is_old_also_if_its_time_lies_ahead() {
    let place = Place::new();
    place.write("x", "old");
    for age in [3600, 1, -3600] {
        place.age("x", age);
        let success = place.begin("x");
        assert_eq!(
            unmet(success).unwrap(),
            "`x` is older than the attempt",
            "{age}"
        );
    }
}

#[test]
fn what_is_not_there_or_empty_or_something_else_is_told_as_such() {
    let place = Place::new();
    assert_eq!(unmet(place.begin("x")).unwrap(), "`x` is missing");
    let success = place.begin("x");
    place.write("x", "");
    assert_eq!(unmet(success).unwrap(), "`x` is empty");
    let success = place.begin("folder");
    fs::create_dir(place.path("folder")).unwrap();
    assert_eq!(unmet(success).unwrap(), "`folder` is empty");
    let success = place.begin("folder");
    place.write("folder/x", "x");
    assert_eq!(unmet(success), None);
    assert_eq!(
        unmet(place.begin("/dev/null")).unwrap(),
        "`/dev/null` is neither a file nor a folder"
    );
    let success = place.begin("\u{1b}x");
    assert_eq!(unmet(success).unwrap(), "`\\ex` is missing");
}

#[test]
fn a_file_inside_a_folder_makes_it_fresh() {
    let place = Place::new();
    fs::create_dir(place.path("out")).unwrap();
    place.write("out/x", "old");
    place.age("out/x", 3600);
    place.age("out", 3600);
    let success = place.begin("out");
    assert_eq!(unmet(success).unwrap(), "`out` is older than the attempt");
    let success = place.begin("out");
    place.write("out/x", "new");
    assert_eq!(unmet(success), None);
}

#[test]
fn a_file_of_an_earlier_attempt_of_the_series_counts_and_one_from_before_does_not() {
    let place = Place::new();
    place.write("x", "earlier");
    place.age("x", 60);
    let ago = |seconds| Clock::System.now().minus(Duration::from_secs(seconds));
    for (series, expected) in [
        (Some(ago(600)), None),
        (None, None),
        (Some(ago(30)), Some("`x` is older than the attempt")),
    ] {
        let mut success = place.begin("x");
        success.goes_on(series);
        assert_eq!(unmet(success).as_deref(), expected);
    }
}

#[test]
fn what_was_written_in_the_last_tick_before_the_start_is_not_blamed() {
    let place = Place::new();
    place.write("x", "just now");
    let mut success = place.begin("x");
    // Whatever the machine was busy with meanwhile.
    let written = look(&place.path("x")).unwrap().unwrap().millis();
    success.start = Timestamp::from_millis(written + 5);
    assert_eq!(unmet(success), None);
}
