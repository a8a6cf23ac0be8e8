//! A supervisor in a part of the control group tree that was delegated to it.
//!
//! Only root can make such a part without systemd; elsewhere these tests are skipped and say so.

use crate::driver::Driver;
use crate::driver::by_itself;
use crate::driver::line_of;
use crate::driver::process_in;
use autoexec::model::ids::AttemptId;
use autoexec::model::outcome::Containment;
use autoexec::model::outcome::LeftoverFate;
use autoexec::model::spec::Leftovers;
use autoexec::process::cgroup::Base;
use autoexec::process::identity;
use autoexec::process::sweep::sweep;
use rustix::fs::XattrFlags;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

/// Leaves a process behind that nobody could find: no mark, another session, a parent that is gone, and
/// deaf to TERM. Its pid stands in `leader`.
fn hide(driver: &Driver) -> &'static str {
    let stay = "trap '' TERM; exec >&- 2>&-; echo $$ > leader; /bin/sleep 600; :";
    std::fs::write(driver.work().join("stay"), stay).unwrap();
    "env -i setsid /bin/sh -c '/bin/sh ./stay & exit'; while ! [ -s leader ]; do sleep 0.01; done"
}

/// A delegated group for one test; gone at its end.
struct Delegated(PathBuf);

impl Delegated {
    fn make(test: &str) -> Option<Self> {
        let name = format!("autoexec-test-{test}-{}", std::process::id());
        let place = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
            .iter()
            .map(Path::new)
            .filter(|root| root.join("cgroup.procs").exists())
            .map(|root| root.join(&name))
            .find(|place| std::fs::create_dir(place).is_ok())
            .map(Self)
            .filter(|place| {
                let mark = "trusted.delegate";
                rustix::fs::setxattr(&place.0, mark, b"1", XattrFlags::empty()).is_ok()
            });
        if place.is_none() {
            // Not by a macro, whose words the test harness would keep back.
            let words = b"skipped: no control group can be delegated here\n";
            std::io::stderr().write_all(words).unwrap();
        }
        place
    }

    fn has(&self, driver: &Driver) -> bool {
        self.0.join(driver.group()).exists()
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        let name = self.0.file_name().unwrap().to_str().unwrap();
        Base::at(self.0.parent().unwrap()).remove(name);
    }
}

#[test]
fn nobody_escapes_from_a_delegated_group_and_the_group_goes_with_its_supervisor() {
    let Some(place) = Delegated::make("attempt") else {
        return;
    };
    let mut driver = Driver::start_in(&place.0);
    assert!(place.has(&driver));
    let task = driver.shell(1, hide(&driver));
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(0));
    assert_eq!(outcome.containment, Containment::Cgroup);
    assert!(outcome.leftover_count >= 1);
    let is_killed = |fate| fate == LeftoverFate::Killed;
    assert!(outcome.leftovers.iter().all(|left| is_killed(left.fate)));
    let hidden = line_of(&driver.work().join("leader")).parse().unwrap();
    assert_eq!(identity::identity(hidden), None);
    // The group serves the next attempt too.
    let task = driver.task(2, &["true"]);
    assert_eq!(driver.run(task).leftover_count, 0);
    driver.runner_dies();
    driver.wait();
    assert!(!place.has(&driver));
}

#[test]
fn what_hides_from_a_dead_supervisor_is_found_in_its_group() {
    let Some(place) = Delegated::make("dead") else {
        return;
    };
    let mut driver = Driver::start_in(&place.0);
    let task = driver.shell(1, &format!("{}; exec sleep 600", hide(&driver)));
    driver.assign(task);
    let leader = driver.work().join("leader");
    let hidden = process_in(&leader).unwrap();
    driver.child.kill().unwrap();
    driver.wait();
    let attempts = [AttemptId::new(1)];
    let without = sweep(driver.queue, &attempts, &[driver.own], None);
    assert!(without.is_clean());
    assert!(identity::is_alive(hidden));
    let group = driver.group();
    let report = sweep(driver.queue, &attempts, &[driver.own], Some(&group));
    assert!(report.is_clean());
    assert!(!identity::is_alive(hidden));
    Base::at(&place.0).remove(&group);
    assert!(!place.has(&driver));
}

#[test]
fn a_process_that_may_stay_keeps_the_group() {
    let Some(place) = Delegated::make("stays") else {
        return;
    };
    let mut driver = Driver::start_in(&place.0);
    let mut task = driver.shell(1, hide(&driver));
    task.spec.leftovers = Leftovers::Allow;
    let outcome = driver.run(task);
    assert!(
        outcome
            .leftovers
            .iter()
            .all(|left| left.fate == LeftoverFate::Allowed)
    );
    driver.wait();
    let hidden = process_in(&driver.work().join("leader")).unwrap();
    assert!(identity::is_alive(hidden));
    assert!(place.has(&driver));
    let group = driver.group();
    let report = sweep(driver.queue, &[], &[driver.own], Some(&group));
    assert!(report.is_clean());
    assert!(!identity::is_alive(hidden));
    Base::at(&place.0).remove(&group);
}
