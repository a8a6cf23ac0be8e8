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
