//! `autoexec db`.

use crate::sandbox::Sandbox;

fn with_a_task() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "x", "--", "true"]);
    sandbox
}

#[test]
fn a_copy_is_a_queue_of_its_own() {
    let sandbox = with_a_task();
    let answer = sandbox.run(["db", "backup", "copy.db"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    sandbox
        .run(["db", "backup", "copy.db"])
        .fails(2, &["`[SANDBOX]/work/copy.db` exists already"]);

    let other = Sandbox::new();
    other.ok(["queue", "add", "--name", "y", "--", "true"]);
    std::fs::copy(
        sandbox.work().join("copy.db"),
        other.state().join("queue.db"),
    )
    .unwrap();
    for left in ["queue.db-wal", "queue.db-shm"] {
        drop(std::fs::remove_file(other.state().join(left)));
    }
    let list = other.json(["queue", "list", "--json"]);
    assert_eq!(list["tasks"][0]["name"], "x");
}
