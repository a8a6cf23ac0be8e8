//! Torn and senseless files: never a panic, never half a result.

use proptest::prelude::*;

use super::tests::loaded;
use crate::support::paint::Paint;
use crate::taskfile::KEYS;
use crate::taskfile::explain;
use crate::taskfile::render;

const EXAMPLE: &str = include_str!("../../tasks.example.toml");

/// What may come of a torn file: it is refused, or it reads as the whole file up to its last task,
/// and that one up to its last step, because nobody can see that a complete text was meant to go on.
#[test]
fn a_file_torn_at_any_byte_is_refused_or_complete_up_to_its_last_step() {
    let whole = loaded(EXAMPLE).tasks;
    let mut accepted = 0;
    for cut in 0..EXAMPLE.len() {
        let Some(text) = EXAMPLE.get(..cut) else {
            continue;
        };
        let torn = loaded(text);
        assert_eq!(torn.tasks.is_empty(), torn.has_errors(), "cut at {cut}");
        let Some((last, before)) = torn.tasks.split_last() else {
            continue;
        };
        accepted += 1;
        assert!(toml::from_str::<toml::Table>(text).is_ok(), "cut at {cut}");
        for (task, original) in before.iter().zip(&whole) {
            assert_eq!(task.spec, original.spec, "cut at {cut}");
        }
        let original = &whole[before.len()].spec;
        assert_eq!(last.spec.name, original.name, "cut at {cut}");
        let steps = &last.spec.steps;
        assert!(original.steps.starts_with(steps), "cut at {cut}: {steps:?}");
        assert!(!steps.is_empty(), "cut at {cut}");
    }
    assert!(accepted > 0);
}

/// Pieces of which senseless files are made; most of them look like something.
fn piece() -> impl Strategy<Value = String> {
    let key = proptest::sample::select(KEYS).prop_map(|key| key.name.to_owned());
    let value = prop_oneof![
        proptest::sample::select(KEYS).prop_map(|key| key.example.to_owned()),
        Just("[[]]".to_owned()),
        Just("{}".to_owned()),
        Just("-1".to_owned()),
        Just("1e999".to_owned()),
        Just("\"\\u0000\"".to_owned()),
        Just("1979-05-27".to_owned()),
        "[\"'\\[\\]{}=.,\\\\a-z0-9# ]{0,12}",
    ];
    let line = (key, value).prop_map(|(key, value)| format!("{key} = {value}\n"));
    prop_oneof![
        4 => line,
        1 => Just("[[task]]\n".to_owned()),
        1 => Just("[defaults]\n".to_owned()),
        1 => Just("[task.retry]\n".to_owned()),
        1 => "\\PC{0,20}\n?",
    ]
}

proptest! {
    #[test]
    fn junk_is_refused_or_understood_and_always_told_with_places(
        pieces in proptest::collection::vec(piece(), 0..12)
    ) {
        let text = pieces.concat();
        let loaded = loaded(&text);
        prop_assert!(loaded.tasks.is_empty() || !loaded.has_errors());
        prop_assert!(!loaded.tasks.is_empty() || loaded.has_errors());
        let lines = text.matches('\n').count() + 1;
        for diagnostic in &loaded.diagnostics {
            prop_assert!(diagnostic.line.is_none_or(|line| (1..=lines).contains(&line)));
            prop_assert!(!diagnostic.message.chars().any(char::is_control));
        }
        let shown = render(&loaded.diagnostics, Paint::PLAIN);
        prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
    }

    #[test]
    fn a_task_that_is_accepted_is_explained_without_a_stumble(
        lines in proptest::collection::vec(piece(), 0..6)
    ) {
        let text = format!("[[task]]\nname = \"one\"\ncommand = \"true\"\n{}", lines.concat());
        for task in &loaded(&text).tasks {
            prop_assert!(explain(task).lines().count() > 20);
        }
    }
}

#[test]
fn a_monster_of_a_file_is_told_in_bounded_words() {
    let headers = "[[task]]\n".repeat(20_000);
    let warnings: Vec<String> = (0..2_000)
        .map(|number| format!("[[task]]\nname = \"t{number}\"\ncommand = \"a | b\"\n"))
        .collect();
    let warnings = warnings.concat();
    let one_line = format!("task = [{}]", "{ name = 3 }, ".repeat(20_000));
    let deep = format!("a = {}", "[".repeat(100_000));
    for text in [headers, format!("{warnings}[[task]]\n"), one_line, deep] {
        let loaded = loaded(&text);
        assert!(loaded.has_errors() && loaded.tasks.is_empty());
        assert!(loaded.diagnostics.len() <= 2_000);
    }
}
