//! The order in which strategies are tried.

use super::*;

const CANDIDATES: [&str; 3] = ["wait_for_reconnection", "rotate_endpoint", "wait_and_retry"];

fn counts(helped: u32, in_vain: u32) -> Counts {
    Counts {
        helped: f64::from(helped),
        in_vain: f64::from(in_vain),
        tried: helped + in_vain,
    }
}

fn knowing(known: &[(&str, Counts)]) -> Learned {
    let strategies = known
        .iter()
        .map(|(name, counts)| ((*name).to_owned(), *counts));
    Learned {
        strategies: strategies.collect(),
        ..Learned::default()
    }
}

fn names(ranked: &[Ranked]) -> Vec<&str> {
    ranked.iter().map(|one| one.strategy.as_str()).collect()
}

#[test]
fn below_five_samples_the_built_in_order_holds() {
    let learned = knowing(&[("wait_and_retry", counts(4, 0))]);
    for seed in 0..50 {
        let ranked = learned.order(&CANDIDATES, seed);
        assert_eq!(names(&ranked), CANDIDATES);
        assert!(ranked.iter().all(|one| one.draw.is_none()));
        let expected: Vec<bool> = ranked.iter().map(|one| one.expected.is_some()).collect();
        assert_eq!(expected, [false, false, true]);
    }
}

#[test]
fn from_five_samples_on_the_order_is_drawn_and_can_be_drawn_again() {
    let learned = knowing(&[
        ("wait_for_reconnection", counts(0, 12)),
        ("rotate_endpoint", counts(12, 0)),
    ]);
    let mut first = 0;
    for seed in 0..200 {
        let ranked = learned.order(&CANDIDATES, seed);
        assert_eq!(ranked, learned.order(&CANDIDATES, seed));
        assert!(ranked.is_sorted_by(|one, next| one.draw >= next.draw));
        let mut sorted = names(&ranked);
        sorted.sort_unstable();
        assert_eq!(
            sorted,
            ["rotate_endpoint", "wait_and_retry", "wait_for_reconnection"]
        );
        first += u32::from(ranked[0].strategy == "rotate_endpoint");
    }
    assert!(first > 160, "{first}");
}

#[test]
fn a_pinned_strategy_comes_first_or_never() {
    let mut learned = knowing(&[("rotate_endpoint", counts(12, 0))]);
    let before = learned.order(&CANDIDATES, 5);
    learned.pins.insert("wait_and_retry".to_owned(), Pin::First);
    learned
        .pins
        .insert("rotate_endpoint".to_owned(), Pin::Never);
    let ranked = learned.order(&CANDIDATES, 5);
    assert_eq!(names(&ranked), ["wait_and_retry", "wait_for_reconnection"]);
    assert_eq!(ranked[0].draw, None);
    let draw = |all: &[Ranked], name: &str| {
        all.iter()
            .find(|one| one.strategy == name)
            .and_then(|one| one.draw)
    };
    assert_eq!(
        draw(&ranked, "wait_for_reconnection"),
        draw(&before, "wait_for_reconnection")
    );
}

#[test]
fn an_experiment_puts_its_strategy_first_and_a_person_before_it() {
    let mut learned = knowing(&[("rotate_endpoint", counts(12, 0))]);
    learned.arm = Some(Arm {
        strategy: "wait_and_retry".to_owned(),
        variant: "7b".to_owned(),
    });
    let ranked = learned.order(&CANDIDATES, 1);
    assert_eq!(ranked[0].strategy, "wait_and_retry");
    assert_eq!(ranked[0].variant.as_deref(), Some("7b"));
    assert!(ranked[1..].iter().all(|one| one.variant.is_none()));
    learned
        .pins
        .insert("wait_for_reconnection".to_owned(), Pin::First);
    let ranked = learned.order(&CANDIDATES, 1);
    assert_eq!(ranked[0].strategy, "wait_for_reconnection");
    assert!(ranked.iter().all(|one| one.variant.is_none()));
}

#[test]
fn an_experiment_about_something_that_does_not_suit_changes_nothing() {
    let learned = Learned {
        arm: Some(Arm {
            strategy: "clean_temp".to_owned(),
            variant: "1a".to_owned(),
        }),
        ..Learned::default()
    };
    assert_eq!(names(&learned.order(&CANDIDATES, 1)), CANDIDATES);
    assert_eq!(learned.order(&[], 1), []);
}
