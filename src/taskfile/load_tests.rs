//! Files into tasks. What is said of files that are wrong is in `slips_tests.rs`.

use std::time::Duration;

use super::*;
use crate::model::retry::Backoff;
use crate::model::signal::Signal;
use crate::model::spec::Command;
use crate::model::spec::EnvInherit;
use crate::model::spec::Leftovers;
use crate::model::spec::OnCrash;
use crate::model::spec::TaskSpec;
use crate::support::bytes::OsText;
use crate::support::paint::Paint;
use crate::taskfile::render;

const EXAMPLE: &str = include_str!("../../tasks.example.toml");

fn source(text: &str) -> Source {
    Source::new(
        Arc::new("nightly.toml".into()),
        "/data".into(),
        text.to_owned(),
    )
}

pub(crate) fn loaded(text: &str) -> Loaded {
    load_source(
        &source(text),
        Some(Path::new("/home/me")),
        &mut Names::new(),
    )
    .complete()
}

pub(super) fn told(text: &str) -> String {
    render(&loaded(text).diagnostics, Paint::PLAIN)
}

/// A task with these lines besides its name and command.
pub(super) fn with(lines: &str) -> String {
    format!("[[task]]\nname = \"one\"\ncommand = [\"true\"]\n{lines}\n")
}

fn good(text: &str) -> TaskSpec {
    let loaded = loaded(text);
    assert_eq!(render(&loaded.diagnostics, Paint::PLAIN), "", "{text}");
    TaskSpec::clone(&loaded.tasks[0].spec)
}

#[test]
fn every_key_finds_its_place_in_the_definition() {
    let spec = good(&with(
        r#"
workdir = "~/x/./y"
env = { A = "1", B = "" }
env_inherit = ["PATH"]
env_file = "night.env"
stdin = "in.txt"
tags = ["a", "b", "a"]
priority = -3
timeout = "1h 30m"
grace = "0s"
stop_signal = "sigint"
leftovers = "allow"
on_crash = "ask"
max_output = "1 MiB"
nice = 7
limits = { memory = "2GiB", files = 64, cpu = "1m", processes = 8 }
success = { exit_codes = [2, 0, 2] }
[task.retry]
max_attempts = 7
backoff = "fixed"
base = "1s"
factor = 3
cap = "2s"
jitter = 0
on = { rate_limit = { max_attempts = 8, cap = "15m" } }
"#,
    ));
    assert_eq!(spec.workdir.as_str(), Some("/home/me/x/y"));
    assert_eq!(spec.env.len(), 2);
    assert_eq!(spec.env_inherit, EnvInherit::Names(vec!["PATH".into()]));
    assert_eq!(spec.env_file, Some("/data/night.env".into()));
    assert_eq!(spec.stdin, Some("/home/me/x/y/in.txt".into()));
    assert_eq!(spec.tags, ["a", "b"]);
    assert_eq!(spec.priority, -3);
    assert_eq!(spec.timeout, Some(Duration::from_mins(90)));
    assert_eq!(spec.grace, Duration::ZERO);
    assert_eq!(spec.stop_signal, Signal::INT);
    assert_eq!(spec.leftovers, Leftovers::Allow);
    assert_eq!(spec.on_crash, OnCrash::Ask);
    assert_eq!(spec.max_output, 1024 * 1024);
    assert_eq!(spec.nice, Some(7));
    assert_eq!(spec.limits.memory, Some(2 << 30));
    assert_eq!(spec.limits.files, Some(64));
    assert_eq!(spec.limits.cpu, Some(Duration::from_mins(1)));
    assert_eq!(spec.limits.processes, Some(8));
    assert_eq!(spec.success.exit_codes, [0, 2]);
    assert_eq!(spec.retry.max_attempts, Some(7));
    assert_eq!(spec.retry.backoff, Backoff::Fixed);
    assert_eq!(spec.retry.factor.to_bits(), 3.0_f64.to_bits());
    let on = spec.retry.on[&crate::model::category::Category::RateLimit];
    assert_eq!(
        (on.max_attempts, on.cap),
        (Some(8), Some(Duration::from_mins(15)))
    );
}

#[test]
fn a_list_runs_directly_and_a_text_runs_in_the_shell() {
    let spec = good("[[task]]\nname = \"a\"\ncommand = [\"sort\", \"\", \"in\\nfile \\\"x\\\"\"]");
    let argv = ["sort", "", "in\nfile \"x\""].map(OsText::from);
    assert_eq!(spec.steps[0].command, Command::Direct(argv.to_vec()));
    let text = "[[task]]\nname = \"a\"\ncommand = \"echo $HOME\"\n";
    assert_eq!(
        good(text).steps[0].command.argv(),
        ["/bin/sh", "-c", "echo $HOME"].map(OsText::from)
    );
    for shell in ["\"bash -eu -c\"", "[\"bash\", \"-eu\", \"-c\"]"] {
        assert_eq!(
            good(&format!("{text}shell = {shell}")).steps[0]
                .command
                .argv(),
            ["bash", "-eu", "-c", "echo $HOME"].map(OsText::from)
        );
    }
}

#[test]
fn a_task_goes_before_the_defaults_key_by_key() {
    let text = r#"
[defaults]
timeout = "2h"
retries = 9
tags = ["d"]
env = { A = "d", B = "d" }
retry = { base = "1s", on.network = { cap = "5m", max_attempts = 2 } }
[[task]]
name = "one"
command = ["true"]
tags = ["t"]
env.A = "t"
retry = { max_attempts = 3, on.network.cap = "1m" }
[[task]]
name = "two"
command = ["true"]
"#;
    let loaded = loaded(text);
    assert_eq!(loaded.diagnostics, []);
    let (one, two) = (&loaded.tasks[0].spec, &loaded.tasks[1].spec);
    assert_eq!(one.tags, ["t"]);
    assert_eq!(one.env["A"], "t".into());
    assert_eq!(one.env["B"], "d".into());
    assert_eq!(one.retry.max_attempts, Some(3));
    assert_eq!(one.retry.base, Duration::from_secs(1));
    let on = one.retry.on[&crate::model::category::Category::Network];
    assert_eq!(
        (on.max_attempts, on.cap),
        (Some(2), Some(Duration::from_mins(1)))
    );
    assert_eq!(two.retry.max_attempts, Some(10));
    assert_eq!(two.tags, ["d"]);
    assert_eq!(two.timeout, Some(Duration::from_hours(2)));
}

#[test]
fn one_name_in_two_files_and_several_bad_files_are_told_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        PathBuf::from(name)
    };
    let context = Context {
        home: None,
        base: folder.path().to_owned(),
    };
    let (a, b) = (
        file("a.toml", &with("")),
        file("b.toml", &with("nice = 99")),
    );
    let loaded = load(&[a.clone(), b, "missing.toml".into()], &context);
    let files: Vec<Option<&str>> = loaded
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.file.as_ref().and_then(OsText::as_str))
        .collect();
    assert_eq!(
        files,
        [Some("b.toml"), Some("b.toml"), Some("missing.toml")]
    );
    assert!(
        loaded.diagnostics[0]
            .hint
            .as_deref()
            .unwrap()
            .contains("a.toml:2")
    );
    assert!(loaded.tasks.is_empty());

    let alone = load(&[a], &context);
    assert_eq!(alone.tasks[0].spec.workdir, folder.path().into());
    assert_eq!(
        alone.tasks[0].place.as_ref().unwrap().to_string(),
        "a.toml:2"
    );
}

#[test]
fn the_example_is_without_fault_and_doubt() {
    let loaded = loaded(EXAMPLE);
    assert_eq!(render(&loaded.diagnostics, Paint::PLAIN), "");
    let names: Vec<&str> = loaded
        .tasks
        .iter()
        .map(|task| task.spec.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "archive",
            "verify",
            "download",
            "slow-start",
            "import",
            "summary"
        ]
    );
}

#[test]
fn files_of_other_editors_are_read_as_well() {
    let text = with("timeout = \"2h\"").replace('\n', "\r\n");
    for text in [text.clone(), format!("\u{feff}{text}")] {
        assert_eq!(good(&text).timeout, Some(Duration::from_hours(2)));
    }
    // Without an end of the last line.
    assert_eq!(good(with("nice = 3").trim_end()).nice, Some(3));
}

#[test]
fn tasks_may_stand_in_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let writer = std::thread::spawn({
        let fifo = fifo.clone();
        move || std::fs::write(fifo, with(""))
    });
    let context = Context {
        home: None,
        base: "/data".into(),
    };
    let loaded = load(&[fifo], &context);
    writer.join().unwrap().unwrap();
    assert_eq!(loaded.tasks[0].spec.workdir, "/data".into());
}
