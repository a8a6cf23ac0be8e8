//! Files of a timer: written, found again, removed; nobody else's is touched.

use super::*;
use crate::host::timer::units::{Night, service, timer};
use std::time::Duration;

fn texts(state: &Path) -> (String, String) {
    let night = Night {
        program: Path::new("/usr/bin/autoexec"),
        state,
        config: None,
        variables: Vec::new(),
        stop_limit: Duration::from_mins(3),
        start: "22:00".to_owned(),
        zone: None,
    };
    (service(&night).unwrap(), timer(&night))
}

#[test]
fn what_is_written_is_enabled_found_by_its_queue_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("systemd/user");
    let (state, other) = (Path::new("/var/my queue"), Path::new("/var/my"));
    let (service, timer) = texts(state);
    let units = Units::new(&folder, "night");
    assert_eq!(find(&folder, state), None);
    for _ in 0..2 {
        units.write(&service, &timer).unwrap();
    }
    let found = find(&folder, state).unwrap();
    assert_eq!((found.units, found.enabled), (units.clone(), true));
    assert!(folder.join("timers.target.wants/night.timer").exists());
    assert_eq!(find(&folder, other), None);
    assert!(units.remove().unwrap());
    assert!(!units.remove().unwrap());
    assert_eq!(find(&folder, state), None);
}

#[test]
fn a_unit_of_somebody_else_is_neither_replaced_nor_removed() {
    let folder = tempfile::tempdir().unwrap();
    let units = Units::new(folder.path(), "autoexec");
    fs::write(units.service(), "[Service]\nExecStart=/bin/true\n").unwrap();
    let (service, timer) = texts(Path::new("/q"));
    assert!(matches!(
        units.write(&service, &timer),
        Err(TimerError::Foreign { .. })
    ));
    assert!(!units.timer().exists());
    assert!(matches!(units.remove(), Err(TimerError::Foreign { .. })));
    assert!(
        fs::read_to_string(units.service())
            .unwrap()
            .contains("/bin/true")
    );
}
