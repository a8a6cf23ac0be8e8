//! `autoexec report`: the page, JSON, ranges, files, and what counts as read.

use crate::sandbox::Sandbox;
use crate::sandbox::wait_until;
use crate::window::at;

/// One task that succeeds, one that fails at once, one that fails first and then succeeds.
fn night(sandbox: &Sandbox) {
    let add = |name: &str, script: &str, retries: &str| {
        sandbox.ok([
            "queue",
            "add",
            "--name",
            name,
            "--retries",
            retries,
            "--",
            "/bin/sh",
            "-c",
            script,
        ]);
    };
    add("good", "echo fine", "0");
    add("bad", "echo 'no such user' >&2; exit 67", "0");
    // Exit code 75 asks to be tried again.
    add("shaky", "test -e ready || { touch ready; exit 75; }", "1");
    let answer = sandbox.run(["run", "-j", "1"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
}

#[test]
fn a_queue_that_never_ran_has_a_report() {
    let sandbox = Sandbox::new();
    let told =
        "Nothing has run yet. Nothing is queued; add tasks with\n`autoexec queue add FILE`.\n";
    sandbox.run(["report"]).is(0, told, "");
    assert!(!sandbox.state().exists(), "looking makes nothing");
}

#[test]
fn the_page_says_what_needs_a_person_and_what_healed_itself() {
    let sandbox = Sandbox::new();
    night(&sandbox);
    let page = sandbox.ok(["report"]);
    assert!(page.starts_with("Run 1 went from"), "{page}");
    let top: Vec<&str> = page.lines().take(15).collect();
    assert!(
        top.iter().any(|line| line.contains("bad (2): auth")),
        "{page}"
    );
    assert!(
        top.iter()
            .any(|line| line.ends_with("autoexec queue retry 2")),
        "{page}"
    );
    assert!(
        page.contains("Healed itself (1)\n  shaky (3): attempt 2 worked"),
        "{page}"
    );
    assert!(
        page.contains("3 tasks: 1 failed, 1 recovered, 1 ok\n"),
        "{page}"
    );
}

#[test]
fn json_has_the_documented_shape() {
    let sandbox = Sandbox::new();
    night(&sandbox);
    let report = sandbox.json(["report", "--json"]);
    assert_eq!(report["schema"], "autoexec.report/1");
    assert_eq!(report["runs"][0]["ended_because"], "drained");
    assert_eq!(report["runs"][0]["exit_code"], 1);
    assert_eq!(report["totals"]["tasks"], 3);
    assert_eq!(report["totals"]["attempts"], 4);
    let verdicts: Vec<&str> = report["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["ok", "failed", "recovered"]);
    assert_eq!(report["tasks"][1]["category"], "auth");
    assert_eq!(report["tasks"][1]["next"], "autoexec queue retry 2");
    assert_eq!(report["causes"][0]["count"], 1);
    assert_eq!(report["changes"].as_array().map(Vec::len), Some(0));
    assert_eq!(report["strategies"][0]["strategy"], "wait_and_retry");
    for later in ["breakers", "alerts"] {
        assert_eq!(report[later].as_array().map(Vec::len), Some(0), "{later}");
    }
}

#[test]
fn a_report_into_a_pipe_does_not_count_as_read() {
    let sandbox = Sandbox::new();
    night(&sandbox);
    sandbox.stop_clock();
    assert_eq!(sandbox.ok(["report"]), sandbox.ok(["report"]));
}

#[test]
fn a_report_can_be_about_one_run_or_a_span_of_time() {
    let sandbox = Sandbox::new();
    night(&sandbox);
    sandbox.ok(["queue", "add", "--name", "more", "--", "true"]);
    sandbox.ok(["run"]);
    let names = |arguments: &[&str]| {
        let report = sandbox.json(arguments);
        let tasks = report["tasks"].as_array().unwrap();
        let names = tasks
            .iter()
            .map(|task| task["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let all = ["good", "bad", "shaky", "more"];
    assert_eq!(names(&["report", "--json", "--run", "last"]), ["more"]);
    assert_eq!(names(&["report", "--json", "--since", "1h"]), all);
    assert_eq!(names(&["report", "--json"]), all);
    sandbox
        .run(["report", "--run", "9"])
        .fails(2, &["there is no run 9", "--run last"]);
    sandbox.run(["report", "--since", "yesterday"]).fails(
        2,
        &["cannot read `--since`", "expected a span such as `12h`"],
    );
}

#[test]
fn a_report_is_written_to_a_file_in_the_form_that_its_name_asks_for() {
    let sandbox = Sandbox::new();
    night(&sandbox);
    sandbox
        .run(["report", "--output", "page.txt"])
        .is(0, "", "the report is in `page.txt`\n");
    assert!(sandbox.read("page.txt").starts_with("Run 1 went from"));
    sandbox.ok(["report", "-o", "night.html"]);
    assert!(sandbox.read("night.html").starts_with("<!doctype html>"));
    sandbox.ok(["report", "--output", "report.json"]);
    let json: serde_json::Value = serde_json::from_str(&sandbox.read("report.json")).unwrap();
    assert_eq!(json["schema"], "autoexec.report/1");
    sandbox
        .run(["report", "--output", "missing/page.txt"])
        .fails(
            2,
            &[
                "cannot write the report to `missing/page.txt`",
                "a folder that exists",
            ],
        );
}

#[test]
fn the_form_of_a_report_can_be_named() {
    let sandbox = Sandbox::new();
    night(&sandbox);
    sandbox.stop_clock();
    let json = sandbox.json(["report", "--format", "json"]);
    assert_eq!(json["schema"], "autoexec.report/1");
    assert_eq!(
        sandbox.ok(["report", "--format", "terminal"]),
        sandbox.ok(["report"])
    );
    sandbox.ok(["report", "--format", "terminal", "-o", "page.json"]);
    assert!(sandbox.read("page.json").starts_with("Run 1 went from"));
    let html = sandbox.ok(["report", "--format", "html"]);
    assert!(html.starts_with("<!doctype html>"), "{html}");
}

#[test]
fn a_report_as_markdown_is_shown_and_written() {
    let sandbox = Sandbox::new();
    night(&sandbox);
    let page = sandbox.ok(["report", "--format", "markdown"]);
    assert!(
        page.starts_with("# autoexec report\n\nRun 1 went from"),
        "{page}"
    );
    let entry =
        "## Needs you (1 task)\n\n- **failed** bad (2): auth (bad credentials), 1 attempt\n";
    assert!(page.contains(entry), "{page}");
    assert!(
        page.contains("  ```\n  exit code 67: the user is not known\n  ```\n"),
        "{page}"
    );
    assert!(page.contains("\n  autoexec queue retry 2\n"), "{page}");
    sandbox.ok(["report", "--output", "night.md"]);
    assert!(sandbox.read("night.md").starts_with("# autoexec report\n"));
    sandbox.ok(["report", "--format", "markdown", "-o", "night.txt"]);
    assert!(sandbox.read("night.txt").starts_with("# autoexec report\n"));
}

#[test]
fn tasks_of_one_cause_are_one_entry_with_a_command_that_works() {
    let sandbox = Sandbox::new();
    for number in 1..=4 {
        let name = format!("sync-{number}");
        let script = format!(
            "echo 'curl: (6) Could not resolve host: api.x.org' >&2; echo {number}; exit 6"
        );
        sandbox.ok([
            "queue",
            "add",
            "--name",
            &name,
            "--retries",
            "0",
            "--",
            "/bin/sh",
            "-c",
            &script,
        ]);
    }
    sandbox.run(["run"]);
    let page = sandbox.ok(["report"]);
    let entry = "4 tasks: one cause, network (dns failure), ";
    assert!(
        page.lines().take(15).any(|line| line.contains(entry)),
        "{page}"
    );
    let command = "autoexec queue retry --all-failed --category network";
    assert!(
        page.lines().take(15).any(|line| line.ends_with(command)),
        "{page}"
    );
    let report = sandbox.json(["report", "--json"]);
    assert_eq!(report["causes"].as_array().unwrap().len(), 1);
    assert_eq!(report["causes"][0]["tasks"].as_array().unwrap().len(), 4);
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    sandbox.ok(words);
    let report = sandbox.json(["report", "--json"]);
    assert_eq!(report["totals"]["waiting"], 4);
}

#[test]
fn a_task_that_worked_in_an_earlier_night_says_so_when_it_fails() {
    let sandbox = Sandbox::new();
    // A time of another day would carry its date.
    sandbox.set_clock(at("2026-11-21T12:00:00Z"));
    let script = "test ! -e broken";
    for _ in 0..2 {
        let add = "queue add --name job --retries 0 --shell --";
        sandbox.ok(add.split(' ').chain([script]));
        sandbox.run(["run"]);
        sandbox.file("broken", "");
    }
    let page = sandbox.ok(["report"]);
    let words = "Different from earlier nights (1)\n  job (2): it last worked [TIME]; its definition is the same\n";
    assert!(page.contains(words), "{page}");
    let report = sandbox.json(["report", "--json"]);
    assert_eq!(report["changes"][0]["what"], "broke");
    assert_eq!(report["changes"][0]["redefined"], false);
}

#[test]
fn output_that_tries_to_command_the_terminal_is_only_shown() {
    let sandbox = Sandbox::new();
    let script = r"printf '\033[2J\033]0;title\007 permission denied\n' >&2; exit 77";
    sandbox.ok([
        "queue", "add", "--name", "evil", "--", "/bin/sh", "-c", script,
    ]);
    sandbox.run(["run"]);
    let page = sandbox.run(["report"]).raw_stdout;
    assert!(!page.contains(&0x1b) && !page.contains(&7));
    let list = sandbox.run(["queue", "show", "evil"]).raw_stdout;
    assert!(!list.contains(&0x1b) && !list.contains(&7));
}

#[test]
fn processes_that_outlived_their_command_are_named() {
    let sandbox = Sandbox::new();
    // It leaves when the other process is what it will be called.
    let script = "setsid sleep 300 & until [ \"$(cat /proc/$!/comm)\" = sleep ]; do sleep 0.01; done; exit 0";
    sandbox.ok([
        "queue", "add", "--name", "daemon", "--", "/bin/sh", "-c", script,
    ]);
    sandbox.ok(["run"]);
    let page = sandbox.ok(["report"]);
    assert!(
        page.contains("Left processes behind (1)\n  daemon (1): 1 process, see"),
        "{page}"
    );
    let whole = sandbox.ok(["queue", "show", "daemon"]);
    assert!(whole.contains("left behind: `sleep` (process "), "{whole}");
    assert!(whole.contains(" was killed"), "{whole}");
}

#[test]
fn a_success_with_an_error_as_its_last_word_is_suspicious() {
    let sandbox = Sandbox::new();
    let add = |name: &str, script: &str| {
        sandbox.ok([
            "queue", "add", "--name", name, "--", "/bin/sh", "-c", script,
        ]);
    };
    let error = |of: &str| {
        format!(
            "echo 'pg_dump: error: connection to server at \"{of}\" failed: Connection refused' >&2"
        )
    };
    // Two streams that are read in one go have no order.
    let kept = |words: &str| format!("{}; sleep 0.1", crate::sandbox::until_kept(words));
    add(
        "dump",
        &format!("echo dumping; {}; {}", kept("dumping"), error("db")),
    );
    add(
        "healed",
        &format!("{}; {}; echo 'worked at last'", error("shop"), kept("shop")),
    );
    add("grep", "echo 'app.log: Connection refused'");
    let answer = sandbox.run(["run", "-j", "1"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert!(answer.stderr.contains("1 suspicious"), "{}", answer.stderr);
    let report = sandbox.json(["report", "--json"]);
    assert_eq!(report["totals"]["suspicious"], 1);
    assert_eq!(report["totals"]["ok"], 2);
    assert_eq!(report["tasks"][0]["verdict"], "suspicious");
    let doubt = report["tasks"][0]["doubt"].as_str().unwrap();
    assert!(doubt.starts_with("pg_dump: error"), "{doubt}");
    let page = sandbox.ok(["report"]);
    let top: Vec<&str> = page.lines().take(15).collect();
    assert!(
        top.iter()
            .any(|line| line.trim().starts_with("suspicious dump (1):")),
        "{page}"
    );
    assert!(
        top.iter().any(|line| line.contains("pg_dump: error")),
        "{page}"
    );
    assert!(
        top.iter().any(|line| line.contains("autoexec logs 1")),
        "{page}"
    );
}

#[test]
fn a_running_task_that_prints_nothing_for_long_is_named_with_its_stage() {
    let sandbox = Sandbox::new();
    let script = "echo one; sleep 600";
    sandbox.ok(["queue", "add", "--name", "quiet", "--", "sh", "-c", script]);
    let run = sandbox.start(&["run", "--no-progress"]);
    wait_until("it prints", || {
        sandbox.run(["why", "quiet"]).stdout.contains("last line")
    });
    let page = sandbox.ok(["report"]);
    assert!(page.contains("quiet (1): attempt 1\n"), "{page}");
    sandbox.set_clock(format!("+{}", 40 * 60_000));
    let page = sandbox.ok(["report"]);
    let silent = "quiet (1): attempt 1; it has printed nothing more for [SPAN]";
    assert!(page.contains(silent), "{page}");
    let json = sandbox.json(["report", "--format", "json"]);
    assert_eq!(json["tasks"][0]["stalled"]["stage"], "last_output");
    sandbox.ok(["stop", "--now"]);
    sandbox.answer_of(run);
}

#[test]
fn what_changed_since_a_task_last_worked_is_told_everywhere() {
    let sandbox = Sandbox::new();
    for (content, region) in [("good\n", "eu"), ("much worse than before\n", "us")] {
        sandbox.file("in.csv", content);
        let region = format!("REGION={region}");
        sandbox.ok([
            "queue",
            "add",
            "--name",
            "job",
            "--retries",
            "0",
            "--env",
            &region,
            "--",
            "grep",
            "-q",
            "good",
            "in.csv",
        ]);
        sandbox.run(["run"]);
    }
    let words = "different since then: `env` of its definition; its variables; `in.csv` had";
    let flat = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for page in [sandbox.ok(["report"]), sandbox.ok(["why", "job"])] {
        let page = flat(page);
        assert!(page.contains(words), "{page}");
    }
    let html = sandbox.ok(["report", "--format", "html"]);
    assert!(html.contains("<code>in.csv</code> had "), "{html}");
    let report = sandbox.json(["report", "--json"]);
    let changed = report["tasks"][1]["changed"].as_array().unwrap();
    let what: Vec<&str> = changed
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(what, ["definition", "environment", "input"]);
    assert_eq!(changed[2]["bytes_before"], 5);
}
