//! The patterns of one source, compiled so that hundreds of them cost as much as one.
//!
//! Which of several sources and patterns decides is [`super::user`]; what an expression may be is
//! [`super::expression`].

use std::sync::OnceLock;

use regex::bytes::Regex;

use crate::model::pattern::PatternSpec;
use crate::policy::classify::expression;
use crate::policy::classify::expression::ExpressionProblem;
use crate::policy::classify::search::Search;
use crate::policy::classify::text::Lines;

/// The patterns of one source.
#[derive(Debug, Default)]
pub struct PatternSet {
    specs: Vec<PatternSpec>,
    /// The expressions of those that have one.
    any: Option<Search>,
    /// Which pattern each of its members is of.
    owners: Vec<usize>,
    /// The expressions one by one, compiled when their groups are needed.
    single: Vec<OnceLock<Option<Regex>>>,
}

impl PatternSet {
    /// Takes over patterns, each of which is sound by itself.
    ///
    /// # Errors
    /// When they are too large together.
    pub fn new(specs: Vec<PatternSpec>) -> Result<Self, ExpressionProblem> {
        let owners: Vec<usize> = specs
            .iter()
            .enumerate()
            .filter(|(_, spec)| spec.matches.is_some())
            .map(|(number, _)| number)
            .collect();
        let any = if owners.is_empty() {
            None
        } else {
            let written = specs.iter().filter_map(|spec| spec.matches.clone());
            Some(Search::of(written.collect())?)
        };
        Ok(Self {
            single: specs.iter().map(|_| OnceLock::new()).collect(),
            specs,
            any,
            owners,
        })
    }

    /// Takes over patterns of which some may have become unsound, such as those that another version
    /// stored; the names of those that were left out come with them.
    pub fn of_the_sound(specs: Vec<PatternSpec>) -> (Self, Vec<String>) {
        match Self::new(specs.clone()) {
            Ok(set) => return (set, Vec::new()),
            Err(_) if specs.is_empty() => return (Self::default(), Vec::new()),
            Err(_) => {}
        }
        let is_sound = |spec: &PatternSpec| {
            let written = spec.matches.as_deref();
            written.is_none_or(|written| expression::compile(written).is_ok())
        };
        let (sound, unsound): (Vec<_>, Vec<_>) = specs.into_iter().partition(is_sound);
        let names = |specs: &[PatternSpec]| -> Vec<String> {
            specs.iter().map(|spec| spec.name.clone()).collect()
        };
        let mut left_out = names(&unsound);
        let set = Self::new(sound.clone()).unwrap_or_else(|_| {
            left_out.extend(names(&sound));
            Self::default()
        });
        (set, left_out)
    }

    /// The patterns, in the order in which they are written.
    pub fn specs(&self) -> &[PatternSpec] {
        &self.specs
    }

    pub(super) fn spec(&self, name: &str) -> Option<&PatternSpec> {
        self.specs.iter().find(|spec| spec.name == name)
    }

    pub(super) fn expression(&self, number: usize) -> Option<&Regex> {
        let written = self.specs.get(number)?.matches.as_deref()?;
        self.single
            .get(number)?
            .get_or_init(|| expression::compile(written).ok())
            .as_ref()
    }

    /// Hands over every line that a wanted pattern matches, with the numbers of the patterns in the order in
    /// which they are written, the last line first, until `meet` has an answer.
    pub(super) fn backwards<T>(
        &self,
        lines: &Lines,
        wanted: impl Fn(usize) -> bool,
        mut meet: impl FnMut(usize, &[usize]) -> Option<T>,
    ) -> Option<T> {
        let members: Vec<bool> = self.owners.iter().map(|owner| wanted(*owner)).collect();
        if !members.contains(&true) {
            return None;
        }
        self.any
            .as_ref()?
            .backwards(lines, &members, |line, found| {
                let numbers: Vec<usize> = found
                    .iter()
                    .filter_map(|member| self.owners.get(*member).copied())
                    .collect();
                meet(line, &numbers)
            })
    }
}
