//! What is offered where, without a queue; the scripts are tried in `tests/it/completions.rs`.

use super::*;

/// The values that are offered for the last of these words.
fn offered(line: &[&str]) -> Vec<String> {
    let words: Vec<OsString> = line.iter().map(OsString::from).collect();
    candidates(&words, words.len() - 1)
        .into_iter()
        .map(|line| {
            let text = String::from_utf8(line).unwrap();
            text.trim_end().split('\t').next().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn commands_are_offered_and_options_only_to_those_who_ask() {
    let commands = offered(&["autoexec", ""]);
    for command in ["queue", "run", "completions", "man"] {
        assert!(commands.contains(&command.to_owned()), "{commands:?}");
    }
    assert!(!commands.iter().any(|word| word.starts_with('-')));
    assert!(offered(&["autoexec", "--sta"]).contains(&"--state-dir".to_owned()));
    assert_eq!(offered(&["autoexec", "queue", "rem"]), ["remove"]);
}

#[test]
fn where_nothing_else_can_follow_options_are_shown() {
    let options = offered(&["autoexec", "queue", "list", ""]);
    assert!(options.contains(&"--json".to_owned()), "{options:?}");
}

#[test]
fn the_shell_completes_files_folders_and_commands_itself() {
    assert_eq!(offered(&["autoexec", "queue", "add", "ni"]), [":files"]);
    assert_eq!(offered(&["autoexec", "--state-dir", ""]), [":folders"]);
    assert_eq!(
        offered(&["autoexec", "--state-dir=/tmp/"]),
        ["--state-dir=:folders"]
    );
    assert_eq!(
        offered(&["autoexec", "queue", "add", "--", "rsy"]),
        [":command"]
    );
}

#[test]
fn known_words_are_offered_for_what_takes_them() {
    assert_eq!(
        offered(&["autoexec", "queue", "list", "--status", "su"]),
        ["succeeded"]
    );
    assert_eq!(
        offered(&["autoexec", "queue", "list", "--category=rate"]),
        ["--category=rate_limit"]
    );
    assert_eq!(
        offered(&["autoexec", "queue", "add", "--leftovers", ""]),
        ["kill", "fail", "allow"]
    );
    assert_eq!(offered(&["autoexec", "report", "--run", ""]), ["last"]);
}

#[test]
fn nonsense_is_answered_by_nothing() {
    let mut output = Output::of_process(false);
    answer(&[], &mut output);
    answer(&["x".into()], &mut output);
    assert_eq!(offered(&["autoexec", "no-such-command", "x"]), [""; 0]);
    assert!(candidates(&["autoexec".into()], 7).len() < 100);
}

#[test]
fn a_description_is_one_line_without_control_characters() {
    let line = line("a".as_ref(), Some("b\u{1b}[31m\tc\nd"));
    assert_eq!(line, b"a\tb[31mc\n");
}

#[test]
fn only_names_that_need_no_quoting_are_offered() {
    assert!(is_plain("shop-dump.2_b"));
    for name in ["", "a b", "$(reboot)", "a'b", "a\nb", "é"] {
        assert!(!is_plain(name), "{name:?}");
    }
}
