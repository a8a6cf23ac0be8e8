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
