//! How far recoveries may go: the words of the machine and of the task.

use crate::healing::{GUARDED, Story, assert_recoveries, heals, runs};
use crate::sandbox::Sandbox;

/// A task that misses a directory.
fn task(more: &str) -> String {
    format!(
        "[[task]]\nname = \"write\"\ncommand = \"echo x > out/deep/file\"\n\
         retry = {{ base = \"10ms\" }}\n{more}\n"
    )
}

#[test]
fn the_machine_is_a_ceiling_and_the_task_may_stay_below() {
    for (machine, wanted, succeeds, states) in [
        ("safe", "", true, &[("create_missing_path", "helped")][..]),
        ("safe", "full", true, &[("create_missing_path", "helped")]),
        ("full", "off", false, &[]),
        ("off", "full", false, &[]),
        (
            "suggest",
            "full",
            false,
            &[("create_missing_path", "suggested")],
        ),
        (
            "full",
            "suggest",
            false,
            &[("create_missing_path", "suggested")],
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.configure(format!("[recover]\nmode = \"{machine}\"\n"));
        let more = match wanted {
            "" => String::new(),
            mode => format!("recover_mode = \"{mode}\""),
        };
        let answer = runs(&sandbox, &task(&more));
        assert_eq!(
            answer.code,
            i32::from(!succeeds),
            "{machine} {wanted}\n{}",
            answer.stderr
        );
        assert_eq!(
            sandbox.work().join("out").exists(),
            succeeds,
            "{machine} {wanted}"
        );
        assert_recoveries(&sandbox, "write", states);
    }
}

#[test]
fn a_suggestion_says_exactly_what_would_have_been_done() {
    let sandbox = Sandbox::new();
    let answer = runs(&sandbox, &task("recover_mode = \"suggest\""));
    assert!(
        answer.stderr.contains("create_missing_path"),
        "{}",
        answer.stderr
    );
    let story = Story::of(&sandbox, "write");
    assert!(story.details[0].contains("out/deep"), "{:?}", story.details);
    let why = sandbox.ok(["why", "write"]);
    assert!(
        why.contains("create_missing_path") && why.contains("out/deep"),
        "{why}"
    );
}

/// What heals a guarded failure, with the keys of the task for it.
const CASES: &[(&str, &str)] = &[
    ("make_executable", "command = [\"./plain.sh\"]"),
    (
        "remove_stale_lock",
        "temp = [\"run/*.lock\"]\ncommand = \"mkdir -p run; test -e run/seen || touch run/seen run/job.lock; \
         test ! -e run/job.lock || { echo \\\"fatal: Unable to create '$PWD/run/job.lock': File exists.\\\" >&2; \
         echo 'Another git process seems to be running' >&2; exit 128; }\"",
    ),
    (
        "fetch_again",
        "temp = [\"got/*.gz\"]\ncommand = \"mkdir -p got; test -e got/a.gz || { if test -e got/seen; then \
         echo x | gzip > got/a.gz; else echo x | gzip | head -c 9 > got/a.gz; touch got/seen; fi; }; gzip -t got/a.gz\"",
    ),
];

#[test]
fn what_is_guarded_takes_the_words_of_machine_and_task() {
    for (strategy, keys) in CASES {
        for (machine, task) in [(true, true), (true, false), (false, true)] {
            let sandbox = Sandbox::new();
            sandbox.configure(if machine { GUARDED } else { "" });
            sandbox.file("plain.sh", "#!/bin/sh\nexit 0\n");
            let allow = if task {
                format!("allow = [\"{strategy}\"]\n")
            } else {
                String::new()
            };
            let text =
                format!("[[task]]\nname = \"job\"\n{keys}\n{allow}retry = {{ base = \"10ms\" }}\n");
            if machine && task {
                heals(&sandbox, &text);
                let story = Story::of(&sandbox, "job");
                assert!(story.helped(strategy), "{:?}", story.recoveries);
            } else {
                let answer = runs(&sandbox, &text);
                assert_eq!(answer.code, 1, "{strategy}\n{}", answer.stderr);
                let refused = ((*strategy).to_owned(), "refused".to_owned());
                let story = Story::of(&sandbox, "job");
                assert!(
                    story.recoveries.contains(&refused),
                    "{:?}",
                    story.recoveries
                );
                assert!(
                    story.details.concat().contains("`allow = "),
                    "{:?}",
                    story.details
                );
            }
        }
    }
}
