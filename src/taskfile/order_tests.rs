//! Tests of `after`, of points in time, and of circles within a file.

use std::time::Duration;

use super::*;
use crate::taskfile::load::tests::loaded;

fn task(name: &str, more: &str) -> String {
    format!("[[task]]\nname = \"{name}\"\ncommand = \"true\"\n{more}\n")
}

fn refused(more: &str) -> (String, String) {
    let loaded = loaded(&task("one", more));
    let [only] = loaded.diagnostics.as_slice() else {
        panic!("{more}: {:?}", loaded.diagnostics);
    };
    (only.message.clone(), only.hint.clone().unwrap_or_default())
}

#[test]
fn whom_a_task_waits_for_is_a_name_or_a_name_with_an_end() {
    let text = task(
        "one",
        "after = [\"a\", { task = \"b\", when = \"failure\" }, { task = \"c\" }]",
    );
    let loaded = loaded(&text);
    assert_eq!(loaded.diagnostics, []);
    let words: Vec<String> = loaded.tasks[0].spec.after.iter().map(after_words).collect();
    assert_eq!(
        words,
        ["\"a\"", "{ task = \"b\", when = \"failure\" }", "\"c\""]
    );
}

#[test]
fn slips_in_whom_it_waits_for_are_pointed_at() {
    let table = [
        ("after = \"a\"", "found `\"a\"`", "brackets"),
        (
            "after = [7]",
            "`after` must be a list of task names",
            "write",
        ),
        ("after = [\"a b\"]", "found `a b`", "a-b"),
        ("after = [\"a\", \"a\"]", "found `a` twice", ""),
        (
            "after = [{ task = \"a\", when = \"failed\" }]",
            "found `failed`",
            "did you mean `failure`?",
        ),
        (
            "after = [{ name = \"a\" }]",
            "found `name`",
            "`{ task = \"NAME\"",
        ),
        ("after = [{ when = \"always\" }]", "found none", "NAME"),
    ];
    for (text, message, hint) in table {
        let told = refused(text);
        assert!(told.0.contains(message), "{text}: {told:?}");
        assert!(told.1.contains(hint), "{text}: {told:?}");
    }
}

#[test]
fn a_point_in_time_has_three_forms() {
    let wish = |text: &str| {
        let loaded = loaded(&task("one", &format!("not_before = \"{text}\"")));
        assert_eq!(loaded.diagnostics, [], "{text}");
        loaded.tasks[0].spec.not_before.unwrap()
    };
    let (hour, minute) = (2, 0);
    assert_eq!(wish("02:00"), TimeWish::Daily { hour, minute });
    assert_eq!(wish("2:00"), TimeWish::Daily { hour, minute });
    assert_eq!(wish("+1h 30m"), TimeWish::In(Duration::from_mins(90)));
    let instant = Timestamp::from_millis(1_795_314_000_000);
    assert_eq!(wish("2026-11-22T03:20:00+01:00"), TimeWish::At(instant));
    for text in ["02:00", "+1h 30m", "2026-11-22T02:20:00.000Z"] {
        let again = moment_words(wish(text));
        assert_eq!(wish(again.trim_matches('"')), wish(text));
    }
}

#[test]
fn a_time_that_cannot_be_meant_is_refused_with_what_to_write() {
    let table = [
        ("\"30m\"", "`+30m`"),
        ("\"25:00\"", "\"02:00\""),
        ("\"2:5\"", "\"02:00\""),
        ("\"tomorrow\"", "\"02:00\""),
        ("\"2026-11-22 02:00:00\"", "`2026-11-22T02:00:00Z`"),
        ("2026-11-22T02:00:00Z", "quotes"),
        ("2", "\"02:00\""),
        ("\"+30\"", "`30m`"),
    ];
    for (text, hint) in table {
        let told = refused(&format!("deadline = {text}"));
        assert!(
            told.0.starts_with("`deadline` must be a time, found"),
            "{told:?}"
        );
        assert!(told.1.contains(hint), "{text}: {told:?}");
    }
}

#[test]
fn every_circle_of_a_file_is_told_with_its_place() {
    let text = [
        task("a", "after = [\"c\"]"),
        task("b", "after = [\"a\"]"),
        task("c", "after = [\"b\", \"elsewhere\"]"),
        task("own", "after = [\"own\"]"),
        task("free", "after = [\"a\", \"own\"]"),
    ]
    .concat();
    let loaded = loaded(&text);
    let found = circles(&loaded.tasks);
    let told: Vec<(&str, Option<usize>)> = found
        .iter()
        .map(|one| (one.message.as_str(), one.line))
        .collect();
    assert_eq!(
        told,
        [
            (
                "tasks wait for each other: `a` waits for `c`, which waits for `b`, which waits for `a`",
                Some(4)
            ),
            ("`own` waits for itself", Some(16)),
        ]
    );
}
