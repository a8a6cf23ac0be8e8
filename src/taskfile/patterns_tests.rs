//! `[[pattern]]` as it is written, and every way to write it wrong.

use super::*;
use crate::taskfile::load::tests::loaded;

const SOUND: &str = "[[pattern]]\nname = \"gpu_lost\"\nmatches = 'GPU (?P<device>\\d+) lost'\n\
                     exit_codes = [9, 3]\ntool = \"trainer\"\ncategory = \"resource\"\n\
                     retryable = \"yes\"\nstrategies = [\"run_alone\"]\n";

fn file() -> OsText {
    OsText::from("patterns.toml")
}

fn refused(text: &str) -> Vec<(usize, usize, String, String)> {
    let found = read_patterns(&file(), text, Others::Refuse).unwrap_err();
    found
        .into_iter()
        .map(|one| {
            (
                one.line.unwrap(),
                one.column.unwrap(),
                one.message,
                one.hint.unwrap_or_default(),
            )
        })
        .collect()
}

fn with(line: &str) -> String {
    format!("[[pattern]]\nname = \"x\"\ncategory = \"auth\"\n{line}\n")
}

#[test]
fn a_pattern_is_read_whole_and_every_task_of_the_file_carries_it() {
    let expected = PatternSpec {
        name: "gpu_lost".to_owned(),
        matches: Some("GPU (?P<device>\\d+) lost".to_owned()),
        exit_codes: vec![3, 9],
        tool: Some("trainer".to_owned()),
        category: Category::Resource,
        retryable: Some(Retryable::Yes),
        strategies: vec!["run_alone".to_owned()],
    };
    let alone = read_patterns(&file(), SOUND, Others::Refuse).unwrap();
    assert_eq!(alone, std::slice::from_ref(&expected));
    let text = format!(
        "[[task]]\nname = \"a\"\ncommand = \"x\"\n[[task]]\nname = \"b\"\ncommand = \"y\"\n{SOUND}"
    );
    let loaded = loaded(&text);
    assert_eq!(loaded.diagnostics, []);
    for task in loaded.tasks {
        assert_eq!(task.spec.patterns, std::slice::from_ref(&expected));
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_to_write() {
    for (line, column, message, hint) in [
        (
            "matches = \"(a{1000}){1000}\"",
            11,
            "`pattern.matches` cannot be used: it grows larger than 256 KiB when it is compiled",
            "write smaller numbers of repetitions",
        ),
        (
            "matches = 'lost ('",
            11,
            "`pattern.matches` cannot be used: unclosed group at character 6",
            "put a backslash before",
        ),
        (
            "matches = ''",
            11,
            "`pattern.matches` cannot be used: it matches every line",
            "leave `matches` out",
        ),
        (
            "matches = 7",
            11,
            "`pattern.matches` must be a regular expression, found `7`",
            "in single quotes",
        ),
        (
            "exit_codes = [300]",
            15,
            "`pattern.exit_codes` must be a list of exit codes from 0 to 255, found `300`",
            "",
        ),
        (
            "exit_codes = [3]\nstrategies = [\"run_alnoe\"]",
            14,
            "there is no strategy `run_alnoe`",
            "did you mean `run_alone`?",
        ),
        (
            "exit_codes = [3]\ntool = \"/bin/curl -s\"",
            8,
            "`tool` must be the name of a program, found `/bin/curl -s`",
            "the name alone",
        ),
        (
            "exit_codes = [3]\nretryable = \"maybe\"",
            13,
            "`pattern.retryable` must be `yes`, `no` or `after_fix`, found `\"maybe\"`",
            "",
        ),
        (
            "exit_codes = [3]\nmatch = \"x\"",
            1,
            "there is no key `match` in `[[pattern]]`",
            "did you mean `matches`?",
        ),
    ] {
        let found = refused(&with(line));
        assert_eq!(found.len(), 1, "{found:?}");
        let lines = 4 + line.matches('\n').count();
        assert_eq!((found[0].0, found[0].1), (lines, column), "{found:?}");
        assert_eq!(found[0].2, message);
        assert!(found[0].3.contains(hint), "{found:?}");
    }
}

#[test]
fn a_pattern_that_says_too_little_is_refused() {
    assert_eq!(refused(&with(""))[0].2, "the pattern `x` matches nothing");
    let found = refused("[[pattern]]\nmatches = \"x\"\n");
    let messages: Vec<&str> = found.iter().map(|one| one.2.as_str()).collect();
    assert_eq!(
        messages,
        [
            "this pattern has no `name`",
            "this pattern has no `category`"
        ]
    );
    let unknown = refused("[[pattern]]\nname = \"x\"\nmatches = \"x\"\ncategory = \"netwrok\"\n");
    assert_eq!(unknown[0].3, "did you mean `network`?");
}

#[test]
fn names_are_unique_and_those_of_facts_are_taken() {
    let twice = format!("{SOUND}{SOUND}");
    assert_eq!(
        refused(&twice)[0].2,
        "a second pattern is called `gpu_lost`"
    );
    let fact = "[[pattern]]\nname = \"own_timeout\"\nmatches = \"x\"\ncategory = \"timeout\"\n";
    assert!(refused(fact)[0].2.contains("sees itself"));
    let built_in = "[[pattern]]\nname = \"disk_full\"\nmatches = \"x\"\ncategory = \"timeout\"\n";
    assert!(read_patterns(&file(), built_in, Others::Refuse).is_ok());
}

#[test]
fn one_source_holds_at_most_two_hundred() {
    let many = |count: usize| -> String {
        let one =
            |n| format!("[[pattern]]\nname = \"p{n}\"\nmatches = \"x{n}\"\ncategory = \"auth\"\n");
        (0..count).map(one).collect::<Vec<_>>().concat()
    };
    assert_eq!(
        read_patterns(&file(), &many(200), Others::Refuse)
            .unwrap()
            .len(),
        200
    );
    assert_eq!(refused(&many(201))[0].2, "there are more than 200 patterns");
}

#[test]
fn what_else_stands_in_the_file_is_passed_over_or_refused() {
    let text = format!("[run]\nparallel = 2\n{SOUND}");
    assert_eq!(
        read_patterns(&file(), &text, Others::PassOver)
            .unwrap()
            .len(),
        1
    );
    assert!(refused(&text)[0].2.contains("holds nothing but"));
    assert!(refused("[[pattern]\n")[0].2.contains("this is not TOML"));
}
