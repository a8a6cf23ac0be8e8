//! `autoexec stop`.

use crate::sandbox::Sandbox;

#[test]
fn without_a_run_there_is_nothing_to_stop() {
    let sandbox = Sandbox::new();
    let told = "no run is active; nothing to stop\n";
    sandbox.run(["stop"]).is(0, "", told);
    sandbox.ok(["queue", "add", "--", "true"]);
    sandbox.run(["stop"]).is(0, "", told);
}
