//! What a pattern of the output is, and how it is written down.
//!
//! A pattern judges one line. It is tried only on lines that hold one of its `words`, which are looked
//! for in one pass over the whole output; so hundreds of patterns cost as much as one, and an
//! expression is compiled only when it is needed. Expressions are case-insensitive, work on bytes and
//! run in linear time. Named groups become extracted values.

use regex::bytes::Captures;

use crate::model::category::Category;
use crate::model::category::Retryable;
use crate::policy::classify::draft::Draft;
use crate::policy::classify::evidence::Evidence;

/// How much a pattern is to be believed against others that match in the same output.
///
/// The line with the highest rank decides; among equals the later one, standard error last.
pub(super) mod rank {
    /// Names the cause beyond doubt and beats even a signal or a time limit: out of memory.
    pub(in crate::policy::classify) const PROOF: u8 = 95;
    /// A special case that must win over the general form of the same words.
    pub(in crate::policy::classify) const SPECIAL: u8 = 85;
    /// An error of the system or the network by its own name.
    pub(in crate::policy::classify) const CAUSE: u8 = 70;
    /// A tool's own statement of what is wrong.
    pub(in crate::policy::classify) const STATEMENT: u8 = 55;
    /// A kind of error whose message may name a deeper cause elsewhere.
    pub(in crate::policy::classify) const KIND: u8 = 40;
    /// Something that usually follows from another failure.
    pub(in crate::policy::classify) const CONSEQUENCE: u8 = 25;
    /// Better than nothing.
    pub(in crate::policy::classify) const HINT: u8 = 12;
}

/// Adjusts a judgement by the rest of what is known; `false` takes the match back.
pub(super) type Refine = fn(&mut Draft, &Captures<'_>, &Evidence<'_>) -> bool;

/// A pattern of the output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pattern {
    pub(super) name: &'static str,
    pub(super) category: Category,
    pub(super) retryable: Retryable,
    /// Why such a line means that.
    pub(super) reason: &'static str,
    pub(super) rank: u8,
    /// Words of which one must stand in the line, in any case of ASCII letters.
    pub(super) words: &'static [&'static str],
    pub(super) expression: &'static str,
    /// Words that must stand somewhere in the output, in this case.
    pub(super) context: Option<&'static str>,
    /// Whether it counts in a warning or a word about a retry as in any other line.
    pub(super) in_noise: bool,
    /// Whether it counts in the name of a test.
    pub(super) in_tests: bool,
    /// Whether it counts in what a fault of the program quotes.
    pub(super) of_faults: bool,
    pub(super) ecosystem: Option<&'static str>,
    pub(super) refine: Option<Refine>,
    /// Lines that it must judge; a test tries each.
    pub(super) examples: &'static [&'static str],
}

/// Starts a pattern: the words to look for and the expression that a line with them must match.
pub(super) const fn on(words: &'static [&'static str], expression: &'static str) -> Pattern {
    Pattern {
        name: "",
        category: Category::Unknown,
        retryable: Retryable::No,
        reason: "",
        rank: rank::STATEMENT,
        words,
        expression,
        context: None,
        in_noise: false,
        in_tests: false,
        of_faults: false,
        ecosystem: None,
        refine: None,
        examples: &[],
    }
}

impl Pattern {
    /// What a match means.
    pub(super) const fn means(
        mut self,
        category: Category,
        name: &'static str,
        retryable: Retryable,
    ) -> Self {
        self.category = category;
        self.name = name;
        self.retryable = retryable;
        self
    }

    /// Why such a line means that, in one sentence.
    pub(super) const fn because(mut self, reason: &'static str) -> Self {
        self.reason = reason;
        self
    }

    /// How much it is to be believed; [`rank::STATEMENT`] where nothing is said.
    pub(super) const fn rank(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }

    /// It counts only where these words stand somewhere in the output.
    pub(super) const fn within(mut self, words: &'static str) -> Self {
        self.context = Some(words);
        self
    }

    /// It counts in warnings and words about retries too.
    pub(super) const fn even_in_noise(mut self) -> Self {
        self.in_noise = true;
        self
    }

    /// It counts in lines that name a test.
    pub(super) const fn in_tests(mut self) -> Self {
        self.in_tests = true;
        self
    }

    /// It counts in what a fault of the program quotes.
    pub(super) const fn of_faults(mut self) -> Self {
        self.of_faults = true;
        self
    }

    /// The package manager whose matter it is.
    pub(super) const fn ecosystem(mut self, name: &'static str) -> Self {
        self.ecosystem = Some(name);
        self
    }

    /// A function with the last word.
    pub(super) const fn refined(mut self, refine: Refine) -> Self {
        self.refine = Some(refine);
        self
    }

    /// Lines that it must judge.
    pub(super) const fn like(mut self, examples: &'static [&'static str]) -> Self {
        self.examples = examples;
        self
    }
}
