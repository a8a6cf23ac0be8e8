//! Bare `autoexec`.

use crate::sandbox::Sandbox;

const NOTHING: [&str; 0] = [];

#[test]
fn a_newcomer_is_told_where_to_start_and_looking_makes_nothing() {
    let sandbox = Sandbox::new();
    let told = sandbox.ok(NOTHING);
    assert!(told.contains("autoexec queue add"), "{told}");
    assert!(!sandbox.state().exists());
}

#[test]
fn what_needs_a_person_is_the_same_wherever_it_is_counted() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "night.toml",
        "[[task]]\nname = \"base\"\ncommand = \"exit 65\"\n\
         [[task]]\nname = \"load\"\ncommand = \"true\"\nafter = [\"base\"]\n\
         [[task]]\nname = \"check\"\ncommand = \"true\"\nafter = [\"load\"]\n\
         [[task]]\nname = \"old\"\ncommand = \"exit 65\"\n\
         [[task]]\nname = \"page\"\ncommand = \"true\"\nafter = [{ task = \"load\", when = \"success\" }]\n",
    );
    assert_eq!(sandbox.run(["run", "night.toml"]).code, 1);
    // Who adds a task anew has dealt with the old one once the new one has run.
    sandbox.ok(["queue", "add", "--name", "old", "--", "true"]);
    let page = sandbox.ok(NOTHING);
    assert!(page.contains("1 task is queued, 5 need you"), "{page}");
    sandbox.run(["run"]);
    let page = sandbox.ok(NOTHING);
    assert!(page.contains("nothing is queued, 4 need you"), "{page}");
    for line in [
        "failed   base (1)",
        "blocked  load (2)",
        "blocked  check (3)",
    ] {
        let line = page.lines().find(|told| told.contains(line)).unwrap();
        // What helps a blocked task is at the other end of its chain.
        assert!(line.ends_with("autoexec queue retry 1"), "{page}");
    }
    let health = sandbox.run(["health"]).stdout;
    assert!(health.contains("4 tasks need you"), "{health}");
    let report = sandbox.run(["report"]).stdout;
    assert!(report.contains("Needs you (4)"), "{report}");
}

#[test]
fn what_is_queued_is_counted() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "a", "--", "true"]);
    sandbox.ok(["queue", "add", "--name", "b", "--", "true"]);
    let told = sandbox.ok(NOTHING);
    assert!(
        told.contains("2 tasks are queued, nothing needs you"),
        "{told}"
    );
    assert!(told.contains("autoexec run"), "{told}");
}
