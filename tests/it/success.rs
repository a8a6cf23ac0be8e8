//! `success`: a task that ended well and did not do what was wanted.

use crate::sandbox::Sandbox;

#[test]
fn a_dump_that_is_empty_is_no_success_and_is_tried_once_more() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "nightly.toml",
        "[[task]]\nname = \"dump\"\ncommand = \"echo once >> runs; : > shop.dump\"\n\
         success = { files = [\"shop.dump\"] }\nretry = { base = \"10ms\" }\n",
    );
    let answer = sandbox.run(["run", "nightly.toml"]);
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(sandbox.read("runs"), "once\nonce\n");
    let shown = sandbox.json(["queue", "show", "dump", "--json"]);
    assert_eq!(shown["task"]["category"], "validation", "{shown}");
    let report = sandbox.json(["report", "--format", "json"]);
    let told = report.to_string();
    assert!(told.contains("success_check_failed"), "{told}");
    assert!(told.contains("`shop.dump` is empty"), "{told}");
}

#[test]
fn a_task_whose_checks_are_met_at_the_second_attempt_has_recovered() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "nightly.toml",
        "[[task]]\nname = \"dump\"\n\
         command = \"echo once >> runs; test $(wc -l < runs) -lt 2 || echo data > shop.dump; echo done\"\n\
         retry = { base = \"10ms\" }\n\
         [task.success]\nfiles = [\"shop.dump\"]\nstdout_matches = \"^done$\"\noutput_rejects = \"ERROR\"\n\
         command = [\"grep\", \"-q\", \"data\", \"shop.dump\"]\nmin_duration = \"1ms\"\n",
    );
    let answer = sandbox.run(["run", "nightly.toml"]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    let report = sandbox.json(["report", "--format", "json"]);
    assert_eq!(report["tasks"][0]["verdict"], "recovered", "{report}");
}

#[test]
fn a_file_from_the_night_before_is_not_taken_for_a_fresh_one() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("shop.dump", "old");
    let file = std::fs::File::open(dump).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    sandbox.file(
        "nightly.toml",
        "[[task]]\nname = \"dump\"\ncommand = [\"true\"]\nsuccess = { files = [\"shop.dump\"] }\nretries = 0\n",
    );
    let answer = sandbox.run(["run", "nightly.toml"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer
            .stderr
            .contains("`shop.dump` is older than the attempt"),
        "{}",
        answer.stderr
    );
}

#[test]
fn a_file_of_a_step_that_is_not_repeated_still_counts() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "nightly.toml",
        "[[task]]\nname = \"two\"\nretry = { base = \"10ms\", max_attempts = 3, on = { unknown = { max_attempts = 3 } } }\n\
         success = { files = [\"made\"] }\n\
         [[task.step]]\nname = \"make\"\ncommand = \"echo once >> runs; echo data > made\"\n\
         [[task.step]]\nname = \"use\"\ncommand = \"test -e again || { touch again; exit 1; }\"\n",
    );
    let answer = sandbox.run(["run", "nightly.toml"]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(sandbox.read("runs"), "once\n");
}
