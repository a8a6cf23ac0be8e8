//! `autoexec check`.

use crate::sandbox::Sandbox;

#[test]
fn a_sound_file_is_told_so_and_nothing_is_added() {
    let sandbox = Sandbox::new();
    sandbox.file("a.toml", "[[task]]\nname = \"a\"\ncommand = [\"true\"]\n");
    sandbox
        .run(["check", "a.toml"])
        .is(0, "1 task in 1 file: no errors\n", "");
    assert!(!sandbox.state().exists(), "checking touches no queue");
}

#[test]
fn everything_wrong_is_told_at_once_with_its_place() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "bad.toml",
        "[[task]]\nname = \"a\"\ncomand = \"true\"\ntimeout = \"1 parsec\"\n",
    );
    sandbox.file("late.toml", "[template.x]\nname = \"x\"\n");
    sandbox
        .run(["check", "bad.toml", "late.toml", "missing.toml"])
        .fails(
            2,
            &[
                "bad.toml:3:1",
                "`command`",
                "bad.toml:4:11",
                "late.toml:1:",
                "not supported yet",
                "missing.toml",
                "in 3 files\n",
            ],
        );
}

#[test]
fn scripts_get_places_as_numbers() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "bad.toml",
        "[[task]]\nname = \"a\"\ncommand = \"true\"\nretries = -1\n",
    );
    let answer = sandbox.run(["check", "--json", "bad.toml"]);
    assert_eq!(answer.code, 2);
    let json = answer.json();
    assert_eq!(json["schema"], "autoexec.check/1");
    assert_eq!(json["errors"], 1);
    assert_eq!(json["diagnostics"][0]["file"], "bad.toml");
    assert_eq!(json["diagnostics"][0]["line"], 4);
}

#[test]
fn what_this_machine_lacks_is_doubtful_but_no_error() {
    let sandbox = Sandbox::new();
    let task = |name: &str, rest: &str| format!("[[task]]\nname = \"{name}\"\n{rest}\n");
    let text = [
        task("typo", "command = [\"pg_dumb\", \"shop\"]"),
        task("later", "command = [\"./made-later\"]"),
        task("gone", "command = \"true\"\nworkdir = \"/no/such/place\""),
        task("fine", "command = [\"sh\", \"-c\", \"exit 0\"]"),
    ];
    sandbox.file("a.toml", text.concat());
    let answer = sandbox.run(["check", "a.toml"]);
    assert_eq!(answer.stdout, "4 tasks in 1 file: no errors, 3 warnings\n");
    answer.fails(
        0,
        &[
            "warning: no program `pg_dumb` is found along PATH\n  in a.toml:3\n",
            "warning: there is no program `./made-later` on this machine\n  in a.toml:6\n",
            "warning: there is no directory `/no/such/place` on this machine\n  in a.toml:10\n",
        ],
    );
    let json = sandbox.json(["check", "--json", "a.toml"]);
    assert_eq!(json["warnings"], 3);
    assert_eq!(json["diagnostics"][0]["line"], 3);
}

#[test]
fn explain_says_where_each_value_comes_from() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "a.toml",
        "[defaults]\ntimeout = \"2h\"\n[[task]]\nname = \"a\"\ncommand = \"true\"\nretries = 2\n",
    );
    let text = sandbox.ok(["check", "a.toml", "--explain", "a"]);
    let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap();
    assert!(line("timeout").contains("a.toml:2 [defaults]"), "{text}");
    assert!(line("retries").contains("a.toml:6"), "{text}");
    assert!(line("grace").contains("default"), "{text}");
    sandbox
        .run(["check", "a.toml", "--explain", "b"])
        .fails(2, &["there is no task named `b`"]);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_check_and_add_agree() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "a.toml",
        "[[task]]\nname = \"a\"\ncommand = \"true\"\nafter = [\"b\", \"nobody\"]\n\
         requires = [\"bad:1\", \"sh\", \"worse:2\"]\n\
         [[task]]\nname = \"b\"\ncommand = \"true\"\nafter = [\"a\"]\n\
         deadline = \"2020-01-01T00:00:00Z\"\n\
         [[task]]\nname = \"c\"\ncommand = \"true\"\nnot_before = \"+30m\"\ndeadline = \"+10m\"\n",
    );
    sandbox.ok(["queue", "add", "--", "true"]);
    for command in [&["check", "a.toml"][..], &["queue", "add", "a.toml"]] {
        sandbox.run(command.iter().copied()).fails(
            2,
            &[
                "bad:1",
                "worse:2",
                "wait for each other",
                "`a` is to wait for `nobody`, and there is no such task",
                "`b` is impossible: its deadline",
                "`c` is impossible: it may not start before",
            ],
        );
    }
}

#[test]
fn an_unknown_task_to_wait_for_is_a_doubt_where_there_is_no_queue() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "a.toml",
        "[[task]]\nname = \"a\"\ncommand = \"true\"\nafter = [\"nobody\"]\n",
    );
    sandbox.run(["check", "a.toml"]).fails(
        0,
        &["warning: `a` is to wait for `nobody`, and there is no such task"],
    );
    sandbox
        .run(["queue", "add", "a.toml"])
        .fails(2, &["error: `a` is to wait for `nobody`"]);
    sandbox.file(
        "b.toml",
        "[[task]]\nname = \"b\"\ncommand = \"true\"\ndeadline = \"2020-01-01T00:00:00Z\"\n",
    );
    sandbox
        .run(["queue", "add", "b.toml"])
        .fails(2, &["b.toml:4", "`b` is impossible"]);
}

#[test]
fn every_task_in_the_documents_can_be_written_like_that() {
    let documents = [
        include_str!("../../README.md"),
        include_str!("../../docs/recoveries.md"),
    ];
    let blocks = documents
        .iter()
        .flat_map(|text| text.split("```toml\n").skip(1));
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let mut checked = 0;
    for block in blocks.filter(|block| block.contains("[[task]]")) {
        let sandbox = Sandbox::new();
        sandbox.file("tasks.toml", block);
        let answer = sandbox.run(["check", "tasks.toml"]);
        // What another block of the page declares is only missing here.
        let about_another = answer.stderr.contains("`dump`") && block.contains("after");
        assert!(
            answer.code == 0 || about_another,
            "{}\n{block}",
            answer.stderr
        );
        checked += 1;
    }
    assert!(checked >= 4, "{checked}");
}

#[test]
fn no_error_shows_the_value_of_a_variable_or_of_a_secret() {
    let sandbox = Sandbox::new();
    let files = [
        "[task.env]\nAPI_TOKEN = \"hunter2hunter2\nPORT = 5432\n",
        "env = { API_TOKEN = hunter2hunter2, PIN = 77665544 }\n",
        "secrets = \"hunter2hunter2\"\n",
        "secrets = [\"hunter2 hunter2\"]\nretries = -1\n",
        "retries = -1\n[task.env]\nPIN = 77665544\nA = [\"hunter2hunter2\"]\n",
        "[task.env]\nA = \"\"\"x\nhunter2hunter2\\q\n\"\"\"\n",
        "[task.env]\nAPI_TOKEN hunter2hunter2\n",
        "[task.env]\nAPI_TOKEN = \"hunter2\\qhunter2\"\n",
        "api_token = \"hunter2hunter2\"\n",
        "step = [{ name = \"a\", comand = \"x\", env = { A = \"hunter2hunter2\" } }]\n",
        "comand = \"curl -H 'Authorization: Bearer hunter2hunter2'\"\n",
        "timeout = \"password=hunter2hunter2\"\n",
    ];
    for text in files {
        sandbox.file("a.toml", format!("[[task]]\nname = \"a\"\n{text}"));
        for arguments in [vec!["check", "a.toml"], vec!["check", "--json", "a.toml"]] {
            let answer = sandbox.run(&arguments);
            assert_eq!(answer.code, 2, "{text}");
            let said = format!("{}{}", answer.stdout, answer.stderr);
            assert!(
                !said.contains("hunter2") && !said.contains("77665544"),
                "{text}\n{said}"
            );
        }
    }
}

#[test]
fn what_holds_for_a_task_is_told_without_what_looks_like_a_secret() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "a.toml",
        "[[task]]\nname = \"a\"\ncommand = \"PGPASSWORD=hunter2hunter2 true\"\nenv = { \
         API_TOKEN = \"hunter2hunter2\", URL = \"https://me:hunter2hunter2@h/\", STAGE = \"blue\" }\n",
    );
    let answer = sandbox.run(["check", "--explain", "a", "a.toml"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let said = format!("{}{}", answer.stdout, answer.stderr);
    assert!(!said.contains("hunter2"), "{said}");
    assert!(
        said.contains("blue") && said.contains("PGPASSWORD=***"),
        "{said}"
    );
}
