//! A real queue looked at.

use super::*;
use crate::model::alert::Level;
use crate::report::health_page;
use crate::report::text::Look;
use crate::store::Access;
use crate::support::paint::Paint;

const LOOK: Look = Look {
    width: 80,
    zone: Zone::East(0),
    paint: Paint::PLAIN,
};

fn inquiry<'a>(state: &'a StateDir, limits: &'a Thresholds, now: Timestamp) -> Inquiry<'a> {
    Inquiry {
        state,
        limits,
        hours: None,
        slots: 2,
        now,
        zone: Zone::East(0),
        presence: RunPresence::Absent,
        timer: None,
        own_path: "/bin".into(),
        patience: Duration::from_secs(5),
        damage: None,
        outbox: Outbox::default(),
    }
}

fn of(health: &Health, component: Component) -> Vec<&Reading> {
    let readings = health.readings.iter();
    readings.filter(|one| one.component == component).collect()
}

#[test]
fn a_new_queue_is_looked_through_and_found_sound() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::at(folder.path());
    let now = Timestamp::from_millis(1_800_000_000_000);
    let store = Store::open(&state, Access::ReadWrite, now).unwrap();
    let limits = Thresholds::default();
    let health = look(Ok(Some(&store)), &inquiry(&state, &limits, now));
    let database = of(&health, Component::Database);
    assert_eq!(database[0].level, None, "{}", database[0].message);
    assert!(
        database[0].message.contains("sound"),
        "{}",
        database[0].message
    );
    for component in [Component::Disk, Component::Memory, Component::Runs] {
        assert_eq!(of(&health, component).len(), 1, "{component:?}");
    }
}

#[test]
fn a_queue_that_cannot_be_used_is_critical_and_the_machine_is_looked_at_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::at(folder.path());
    let limits = Thresholds::default();
    let now = Timestamp::from_millis(1_800_000_000_000);
    let health = look(
        Err("it is damaged".to_owned()),
        &inquiry(&state, &limits, now),
    );
    assert_eq!(
        of(&health, Component::Database)[0].level,
        Some(Level::Critical)
    );
    assert_eq!(of(&health, Component::Disk).len(), 1);
    assert!(health.score <= 40);
    let page = health_page::text(&health, LOOK);
    assert!(
        page.contains("the queue cannot be used: it is damaged"),
        "{page}"
    );
    assert!(
        page.lines()
            .all(|line| console::measure_text_width(line) <= 80),
        "{page}"
    );
    let value = health_page::value(&health);
    assert_eq!(value["schema"], "autoexec.health/1");
    assert_eq!(value["findings"][0]["component"], "database");
}
