//! The command line into tasks.

use std::os::unix::ffi::OsStringExt;

use super::*;
use crate::model::spec::Command;

fn context() -> Context {
    Context {
        home: Some("/home/me".into()),
        base: "/data".into(),
    }
}

fn direct(argv: &[&str]) -> CommandLine {
    CommandLine::Direct(argv.iter().map(OsString::from).collect())
}

#[test]
fn arguments_of_any_bytes_arrive_unchanged() {
    let argv = vec![
        OsString::from("printf"),
        OsString::from("two words"),
        OsString::new(),
        OsString::from("line\nfeed 'and' \"quotes\""),
        OsString::from_vec(vec![0xff, 0xfe]),
    ];
    let command = CommandLine::Direct(argv.clone());
    let loaded = from_flags(&[], command, &context(), |_| false);
    let expected: Vec<OsText> = argv.into_iter().map(OsText::from).collect();
    let spec = &loaded.tasks[0].spec;
    assert_eq!(spec.steps[0].command, Command::Direct(expected));
    assert_eq!(spec.workdir.as_str(), Some("/data"));
}

#[test]
fn a_wrong_value_is_named_by_its_option() {
    let flags = [
        Flag::new("--retries", "three"),
        Flag::new("--timeout", "0s"),
    ];
    let loaded = from_flags(&flags, direct(&["true"]), &context(), |_| false);
    let messages: Vec<&str> = loaded
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "`--retries` must be a whole number, found `three`",
            "`--timeout` must be at least 1ms, found `0s`",
        ]
    );
    assert!(loaded.tasks.is_empty());
}

/// Messages and hints of everything that is wrong.
fn said(loaded: &Loaded) -> Vec<String> {
    loaded
        .diagnostics
        .iter()
        .map(|diagnostic| {
            let hint = diagnostic.hint.as_deref().unwrap_or_default();
            format!("{}; {hint}", diagnostic.message)
        })
        .collect()
}

#[test]
fn options_may_repeat_and_values_may_hold_any_bytes() {
    let mut variable = b"B=\xff=".to_vec();
    variable.extend_from_slice(b" x");
    let flags = [
        Flag::new("--env", "A=1"),
        Flag::new("--env", OsString::from_vec(variable)),
        Flag::new("--env", "A=2"),
        Flag::new("--tag", "night"),
        Flag::new("--tag", "db"),
        Flag::new("--priority", "1"),
        Flag::new("--priority", "-2"),
        Flag::new("--workdir", "sub"),
        Flag::new("--stdin", "in"),
        Flag::new("--name", "one"),
    ];
    let loaded = from_flags(&flags, direct(&["true"]), &context(), |_| false);
    assert_eq!(said(&loaded), Vec::<String>::new());
    let spec = &loaded.tasks[0].spec;
    assert_eq!(spec.env["A"], "2".into());
    assert_eq!(spec.env["B"], OsText::new(*b"\xff= x"));
    assert_eq!(spec.tags, ["night", "db"]);
    assert_eq!(spec.priority, -2);
    assert_eq!(spec.stdin, Some("/data/sub/in".into()));
    assert_eq!(spec.name.as_str(), "one");
}

#[test]
fn all_that_is_wrong_with_a_command_line_is_told_at_once() {
    let flags = [
        Flag::new("--env", "PGHOST"),
        Flag::new("--env", "=x"),
        Flag::new("--nice", "twenty"),
        Flag::new("--name", "a b"),
        Flag::new("--timout", "3s"),
        Flag::new("--stop-signal", OsString::from_vec(vec![0xff])),
        Flag::new("--tag", ""),
    ];
    let loaded = from_flags(&flags, direct(&[]), &context(), |_| false);
    assert_eq!(
        said(&loaded),
        [
            "`--env` must be a name and a value, found no `=`; for example `--env PGHOST=db.internal`",
            "`--env` must be a name and a value, found no name before the `=`; for example `--env PGHOST=db.internal`",
            "there is no option `--timout` for a task; did you mean `--timeout`?",
            "`--nice` must be a whole number, found `twenty`; for example `--nice 10`",
            "`--name` must be a legal name, found `a b`; it may hold only letters A-Z a-z, digits, `.`, `_` and `-`; write for example `--name a-b`",
            "`--stop-signal` must be a signal, found `\\xff`; for example `--stop-signal INT`",
            "`--tag` must be a label of 1 to 64 characters on one line, found nothing; for example `--tag nightly`",
            "the command must be something to run, found nothing; ",
        ]
    );
    assert!(loaded.tasks.is_empty());
    assert!(
        loaded
            .diagnostics
            .iter()
            .all(|diagnostic| diagnostic.file.is_none())
    );
}

#[test]
fn the_words_of_a_shell_command_are_joined() {
    let words = ["sort", "in", ">", "out"].map(OsString::from).to_vec();
    let loaded = from_flags(&[], CommandLine::Shell(words), &context(), |_| false);
    let spec = &loaded.tasks[0].spec;
    assert_eq!(
        spec.steps[0].command.argv(),
        ["/bin/sh", "-c", "sort in > out"].map(OsText::from)
    );
    assert!(spec.name.as_str().starts_with("sort-"), "{}", spec.name);
}

#[test]
fn a_task_without_a_name_gets_one_that_is_free() {
    let first = from_flags(&[], direct(&["/bin/true"]), &context(), |_| false);
    let first = first.tasks[0].spec.name.to_string();
    assert!(first.starts_with("true-"), "{first}");
    let second = from_flags(&[], direct(&["/bin/true"]), &context(), |name| {
        name == first
    });
    assert_eq!(second.tasks[0].spec.name.to_string(), format!("{first}-2"));
}

#[test]
fn every_line_becomes_a_task_of_the_shell() {
    let text =
        b"# a list\n\nconvert a.png\r\n  \n LANG=C sort 'x\xff' | uniq\nconvert a.png\n  # end";
    let flags = [Flag::new("--timeout", "3m")];
    let loaded = from_lines(text, &"list.txt".into(), &flags, &context(), |_| false);
    assert_eq!(said(&loaded), Vec::<String>::new());
    let scripts: Vec<OsText> = loaded
        .tasks
        .iter()
        .filter_map(|task| task.spec.steps[0].command.argv().pop())
        .collect();
    assert_eq!(
        scripts,
        [
            OsText::from("convert a.png"),
            OsText::new(*b" LANG=C sort 'x\xff' | uniq"),
            OsText::from("convert a.png"),
        ]
    );
    let names: Vec<&str> = loaded
        .tasks
        .iter()
        .map(|task| task.spec.name.as_str())
        .collect();
    assert!(
        names[0].starts_with("convert-") && names[1].starts_with("sort-"),
        "{names:?}"
    );
    assert_eq!(names[2], format!("{}-2", names[0]));
    assert!(loaded.tasks.iter().all(|task| task.spec.timeout.is_some()));
}

#[test]
fn a_list_of_commands_that_is_wrong_is_told_line_by_line_and_adds_nothing() {
    let long = "x".repeat(128 * 1024);
    let text = format!("true\na\0b\n{long}\n");
    let flags = [Flag::new("--name", "one")];
    let loaded = from_lines(text.as_bytes(), &"-".into(), &flags, &context(), |_| false);
    let lines: Vec<Option<usize>> = loaded.diagnostics.iter().map(|one| one.line).collect();
    assert_eq!(lines, [None, Some(2), Some(3)]);
    assert!(said(&loaded)[1].starts_with("the line must be a text without NUL bytes"));
    assert!(said(&loaded)[2].starts_with("the line must be shorter than 128 KiB"));
    assert!(loaded.tasks.is_empty());
}

#[test]
fn a_list_without_commands_is_nothing_to_do_and_no_error() {
    let loaded = from_lines(b"# nothing\n", &"-".into(), &[], &context(), |_| false);
    assert!(loaded.tasks.is_empty() && !loaded.has_errors());
}

#[test]
fn a_list_of_commands_that_everybody_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    std::fs::write(&list, "true\n").unwrap();
    let read = || load_lines(&list, &[], &context(), |_| false);
    assert_eq!(read().tasks.len(), 1);
    std::fs::set_permissions(&list, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(
        read().diagnostics[0].message,
        "everybody may write the list of commands, and make it run anything"
    );
    assert!(read().tasks.is_empty());
}
