//! What is said of files that are wrong or doubtful.

use super::tests::loaded;
use super::tests::told;
use super::tests::with;
use crate::taskfile::Severity;

/// Message and hint of the only thing that is wrong.
fn only(text: &str) -> (Severity, String, String) {
    let mut diagnostics = loaded(text).diagnostics;
    assert_eq!(diagnostics.len(), 1, "{text}: {diagnostics:#?}");
    let diagnostic = diagnostics.remove(0);
    let hint = diagnostic.hint.unwrap_or_default();
    (diagnostic.severity, diagnostic.message, hint)
}

#[test]
fn a_wrong_value_is_shown_in_its_line_with_what_to_write() {
    let file = "[[task]]\nname = \"one\"\ncommand = \"true\"\nretries = \"three\"\n";
    let expected = "\
error: `retries` must be a whole number, found `\"three\"`
 --> nightly.toml:4:11
  |
4 | retries = \"three\"
  |           ^^^^^^^
  |
  = hint: write `retries = 3`
";
    assert_eq!(told(file), expected);
    assert!(loaded(file).tasks.is_empty());
}

/// What is written, what is said of it, and what is advised.
const SLIPS: &[(&str, &str, &str)] = &[
    (
        "timout = \"2h\"",
        "no key `timout` in `[[task]]`",
        "did you mean `timeout`?",
    ),
    ("cwd = \"x\"", "no key `cwd`", "did you mean `workdir`?"),
    (
        "on_failure = \"x\"",
        "no key `on_failure`",
        "`after = [{ task = \"…\", when = \"failure\" }]`",
    ),
    (
        "on_success = \"x\"",
        "no key `on_success`",
        "when = \"success\"",
    ),
    ("wait_for = [\"x\"]", "no key `wait_for`", "`after`?"),
    (
        "max_attempts = 3",
        "no key `max_attempts`",
        "write `retry.max_attempts = …`",
    ),
    ("banana = 3", "no key `banana`", "docs/task-files.md"),
    ("retry.tries = 3", "no key `tries` in `[task.retry]`", ""),
    (
        "needs = { gpu = 1 }",
        "`needs` is not supported yet",
        "pools and leases",
    ),
    (
        "slurm.cpus = 2",
        "`slurm` is not supported yet",
        "other backends",
    ),
    (
        "retries = -1",
        "`retries` must be a whole number from 0",
        "`retries = 3`",
    ),
    (
        "retries = 3.0",
        "`retries` must be a whole number, found `3.0`",
        "`retries = 3`",
    ),
    (
        "retries = 99999999999999999999",
        "`retries` must be a whole number from",
        "",
    ),
    (
        "timeout = 90",
        "`timeout` must be a duration, found `90`",
        "`timeout = \"90s\"`",
    ),
    ("timeout = \"90\"", "`timeout` must be a duration", "`90s`"),
    (
        "timeout = \"2M\"",
        "`timeout` must be a duration",
        "minutes",
    ),
    (
        "timeout = \"0s\"",
        "`timeout` must be at least 1ms",
        "leave it out",
    ),
    (
        "timeout = 02:00:00",
        "`timeout` must be a duration, found `02:00:00`",
        "",
    ),
    (
        "max_output = 5",
        "`max_output` must be a size",
        "`\"5MiB\"`",
    ),
    (
        "max_output = \"lots\"",
        "`max_output` must be a size",
        "`64MiB`",
    ),
    (
        "limits.memory = \"0B\"",
        "`limits.memory` must be more than nothing",
        "",
    ),
    (
        "nice = 20",
        "`nice` must be a whole number from 0 to 19",
        "`nice = 10`",
    ),
    (
        "stop_signal = \"TREM\"",
        "`stop_signal` must be a signal",
        "`TERM`",
    ),
    (
        "on_crash = \"retri\"",
        "`on_crash` must be `retry`, `ask` or `fail`",
        "`retry`",
    ),
    (
        "leftovers = true",
        "`leftovers` must be `kill`, `fail` or `allow`",
        "",
    ),
    (
        "success.exit_codes = [0, 256]",
        "exit codes from 0 to 255, found `256`",
        "",
    ),
    (
        "success.exit_codes = 3",
        "exit codes from 0 to 255, found `3`",
        "`[3]`",
    ),
    ("success.exit_codes = []", "at least one exit code", ""),
    (
        "env = { PORT = 8080 }",
        "`env.PORT` must be a text, found `***`",
        "`PORT = \"…\"`",
    ),
    (
        "env = { \"A=B\" = \"\" }",
        "`A=B` cannot be the name of a variable",
        "",
    ),
    (
        "env = [\"A=B\"]",
        "`env` must be a table of texts",
        "`env = {",
    ),
    (
        "env = { A = \"a\\u0000b\" }",
        "`env.A` must be a text without NUL bytes",
        "",
    ),
    (
        "env_inherit = \"yes\"",
        "`env_inherit` must be `true`, `false` or",
        "",
    ),
    (
        "tags = \"x\"",
        "`tags` must be a list of texts",
        "`[\"x\"]`",
    ),
    ("tags = [\"\"]", "must be a label of 1 to 64 characters", ""),
    (
        "workdir = \"~bob/x\"",
        "`workdir` must be a path that can be expanded",
        "in full",
    ),
    (
        "workdir = \"\"",
        "`workdir` must be a path, found `\"\"`",
        "",
    ),
    (
        "retry.on.netwrk.cap = \"1m\"",
        "`netwrk` is not a category",
        "did you mean `network`?",
    ),
    (
        "retry.on.network = 3",
        "`retry.on.network` must be a table",
        "max_attempts",
    ),
    (
        "retry.jitter = 1.5",
        "`retry.jitter` must be a number from 0 to 1",
        "",
    ),
    (
        "retry.factor = nan",
        "`retry.factor` must be a number from 1",
        "",
    ),
    ("retry = 3", "`retry` must be a table", ""),
    (
        "retries = 1\nretry.max_attempts = 2",
        "are both written",
        "keep one",
    ),
];

#[test]
fn each_slip_has_its_sentence_and_its_hint() {
    for (line, message, hint) in SLIPS {
        let (severity, said, advised) = only(&with(line));
        assert_eq!(severity, Severity::Error);
        assert!(said.contains(message), "{line}: {said}");
        assert!(advised.contains(hint), "{line}: {advised}");
    }
}

#[test]
fn each_doubt_is_a_warning_and_no_error() {
    for (task, message) in [
        (
            "command = [\"ls\", \"$HOME/x\"]",
            Some("`$HOME` is passed on as it stands"),
        ),
        ("command = [\"awk\", \"{ print $NF }\"]", None),
        ("command = [\"ssh\", \"host\", \"-c\", \"$HOME\"]", None),
        (
            "command = \"a | b\"",
            Some("only the last command of a pipe"),
        ),
        ("command = \"a | b\"\nshell = \"bash -o pipefail -c\"", None),
        (
            "command = \"a\\nb\"",
            Some("goes on after a line that failed"),
        ),
        ("command = \"set -e\\na\\nb\"", None),
        (
            "command = \"a\"\nshell = \"bash\"",
            Some("its last argument"),
        ),
        (
            "command = \"a\"\nlimits.memory = \"512M\"",
            Some("counts in powers of 1000"),
        ),
    ] {
        let text = format!("[[task]]\nname = \"one\"\n{task}\n");
        let loaded = loaded(&text);
        assert_eq!(loaded.tasks.len(), 1, "{task}");
        let said: Vec<&str> = loaded
            .diagnostics
            .iter()
            .map(|diagnostic| diagnostic.message.as_str())
            .collect();
        assert_eq!(
            said.len(),
            usize::from(message.is_some()),
            "{task}: {said:?}"
        );
        if let Some(message) = message {
            assert!(said[0].contains(message), "{task}: {said:?}");
            assert_eq!(loaded.diagnostics[0].severity, Severity::Warning);
        }
    }
}

#[test]
fn a_file_without_tasks_or_with_strange_tables_is_refused() {
    for (text, message) in [
        ("", "the task file holds no task"),
        ("[defaults]\n", "the task file holds no task"),
        (
            "[task]\nname = \"x\"",
            "`task` must be a list of tables, found a single table",
        ),
        ("task = 3", "`task` must be a list of tables, found `3`"),
        ("task = [3]", "`task` must be a list of tables, found `3`"),
        (
            "[[tasks]]",
            "there is no key `tasks` at the top of the file",
        ),
        ("[template.x]", "`template` is not supported yet"),
        (
            "[[defaults]]\n[[task]]\nname = \"a\"\ncommand = \"b\"",
            "`defaults` must be a table, found a list",
        ),
    ] {
        assert_eq!(only(text).1, message, "{text}");
    }
    let (_, message, hint) = only(&format!("[defaults]\nname = \"x\"\n{}", with("")));
    assert_eq!(message, "`name` cannot stand in `[defaults]`");
    assert!(hint.contains("[[task]]"));
}

#[test]
fn a_misspelt_key_is_not_missed_as_well() {
    let (_, message, hint) = only("[[task]]\nname = \"a\"\ncomand = \"x\"\n");
    assert_eq!(message, "there is no key `comand` in `[[task]]`");
    assert_eq!(hint, "did you mean `command`?");
}

#[test]
fn missing_and_doubled_names_are_pointed_at() {
    let told = told(
        "[[task]]\n[[task]]\nname = \"a b\"\ncommand = \"x\"\n[[task]]\nname = \"c\"\ncommand = \"x\"\n[[task]]\nname = \"c\"\ncommand = \"\"\n",
    );
    for part in [
        "error: this task has no `name`\n --> nightly.toml:1:1",
        "error: this task has no `command`\n --> nightly.toml:1:1",
        "error: `name` must be a legal name, found `\"a b\"`\n --> nightly.toml:3:8",
        "write for example `name = \"a-b\"`",
        "error: a second task is called `c`\n --> nightly.toml:9:8",
        "the first one is at nightly.toml:6",
        "error: `command` must be something to run, found `\"\"`\n  --> nightly.toml:10:11",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn all_errors_of_syntax_are_told_and_none_that_only_follows_from_them() {
    let told = told(
        "[[task]]\nname = \"a\"\ncommand = foo\n\n[[task]]\nname = \"b\"\nname = \"c\"\ncommand = \"x\nretries = \ntimout = \"1s\"\n",
    );
    let headlines: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with("error"))
        .collect();
    assert_eq!(
        headlines,
        [
            "error: this is not TOML: a text must stand in quotes",
            "error: this is not TOML: the key is written twice",
            "error: this is not TOML: the text in quotes does not end",
            "error: this is not TOML: the value is missing",
            "error: there is no key `timout` in `[[task]]`",
        ]
    );
}

#[test]
fn escapes_in_a_file_do_not_reach_the_terminal() {
    let told =
        told("[[task]]\nname = \"\u{1b}[2J\u{202e}\"\n\"\\u001b[31mx\" = 1\ncommand = \"x\"\n");
    assert!(told.contains("\\e[2J"), "{told}");
    assert!(told.chars().all(|c| c == '\n' || !c.is_control()), "{told}");
    assert!(!told.contains('\u{202e}'));
}

#[test]
fn a_planned_key_is_not_supported_yet_and_a_list_of_one_text_is_doubtful() {
    let text = told("[[task]]\nname = \"a\"\ncommand = [\"ls | wc\"]\ntemplate = \"x\"\n");
    assert!(text.contains("not supported yet"), "{text}");
    assert!(!text.contains("did you mean"), "{text}");
    assert!(text.contains("is the name of one program"), "{text}");
}
