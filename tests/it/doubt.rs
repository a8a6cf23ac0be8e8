//! A success that is hard to believe: where it is told, and how a person accepts it.

use crate::sandbox::Sandbox;

const DOUBTED: &str =
    "[[task]]\nname = \"load\"\ncommand = \"echo 'pg_dump: error: connection refused' >&2\"\n";

#[test]
fn a_doubted_success_is_told_everywhere_until_somebody_accepts_it() {
    let sandbox = Sandbox::new();
    sandbox.file("night.toml", DOUBTED);
    assert_eq!(sandbox.run(["run", "night.toml"]).code, 1);
    let accept = "autoexec queue complete 1 --reason TEXT";
    for (command, wanted) in [
        (&["queue", "list"][..], "suspicious: "),
        (&[], "Needs you (1)"),
        (&[], "autoexec why 1"),
        (&["queue", "show", "load"], "connection refused"),
        (&["queue", "show", "load"], accept),
        (&["why", "load"], "ended well, which is hard to believe"),
        (&["why", "load"], accept),
        (&["report"], accept),
        (&["report"], "connection refused"),
    ] {
        let told = sandbox.ok(command);
        assert!(told.contains(wanted), "{command:?}: {wanted} in {told}");
    }
    let listed = sandbox.json(["queue", "list", "--json"]);
    assert_eq!(listed["tasks"][0]["status"], "succeeded", "{listed}");
    let done = sandbox.ok(["queue", "complete", "load", "--reason", "looked at it"]);
    assert_eq!(done, "`load` is accepted as done\n");
    for command in [&["queue", "list"][..], &[], &["report"]] {
        let told = sandbox.ok(command);
        assert!(!told.contains("load"), "{command:?}: {told}");
    }
    for command in ["queue show", "why"] {
        let told = sandbox.ok(command.split(' ').chain(["load"]));
        assert!(told.contains("looked at it"), "{command}: {told}");
    }
    let again = sandbox.run(["queue", "complete", "load", "--reason", "again"]);
    assert_eq!(again.stderr, "`load` has succeeded; nothing was changed\n");
    sandbox.ok(["db", "check"]);
}

#[test]
fn every_doubted_success_is_named_however_much_else_needs_a_person() {
    let sandbox = Sandbox::new();
    let mut file = DOUBTED.to_owned();
    for number in 0..40 {
        let code = (number + 10).to_string();
        file.extend([
            "[[task]]\nname = \"f",
            code.as_str(),
            "\"\ncommand = \"exit ",
        ]);
        file.extend([code.as_str(), "\"\n"]);
    }
    sandbox.file("night.toml", &file);
    assert_eq!(sandbox.run(["run", "night.toml"]).code, 1);
    let told = sandbox.ok(["report"]);
    assert!(told.contains("load (1)"), "{told}");
}
