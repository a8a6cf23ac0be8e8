//! Every pattern against its own examples.

use super::*;
use crate::policy::classify::CommandEnd;
use crate::policy::classify::words;

#[test]
fn every_expression_is_accepted() {
    for pattern in families::all() {
        assert!(
            compile(pattern.expression).is_some(),
            "{} {}",
            pattern.name,
            pattern.expression
        );
    }
}

#[test]
fn every_word_is_long_enough_to_be_found() {
    for pattern in families::all() {
        for word in pattern.words {
            assert!(word.len() >= words::KEY, "{} `{word}`", pattern.name);
        }
    }
}

#[test]
fn every_pattern_has_an_example_and_matches_it() {
    for pattern in families::all() {
        assert!(
            !pattern.examples.is_empty(),
            "{} has no example",
            pattern.name
        );
        let book = Book::of(std::iter::once(pattern));
        for example in pattern.examples {
            // What must stand elsewhere in the output stands in standard output.
            let evidence = Evidence::new(CommandEnd {
                command: b"",
                exit: None,
                stdout: pattern.context.unwrap_or_default().as_bytes(),
                stderr: example.as_bytes(),
            });
            let matched = book
                .hits(&evidence)
                .into_iter()
                .any(|(entry, line)| draft(&book.entries[entry], &evidence, line).is_some());
            assert!(
                matched,
                "{} does not match its example `{example}`",
                pattern.name
            );
        }
    }
}

/// The part that the only line of standard error plays.
fn noise_role(evidence: &Evidence<'_>) -> Role {
    noise::Roles::of(&evidence.lines).role(evidence.lines.len() - 1)
}

#[test]
fn an_example_alone_is_judged_as_its_pattern_says() {
    for pattern in families::all() {
        for example in pattern.examples {
            let evidence = Evidence::new(CommandEnd {
                command: b"",
                exit: None,
                stdout: pattern.context.unwrap_or_default().as_bytes(),
                stderr: example.as_bytes(),
            });
            if noise_role(&evidence) == Role::Echo {
                continue;
            }
            let judged = Book::built_in().judge(&evidence, &UserPatterns::default());
            assert!(
                judged.is_some(),
                "nothing is made of `{example}` ({})",
                pattern.name
            );
        }
    }
}
