//! The search for expressions of users in lines, at a cost that has a bound whatever both of them are.
//!
//! What an expression may be is [`super::expression`]; which of those that match decides is [`super::user`].
//!
//! # Why no `RegexSet`
//!
//! The engine behind it makes a table of states while it reads. Where the states are too many, it goes
//! over to one that walks through all of the expressions for each byte, for as long as there is text:
//! 200 expressions like `[0-9a-z][^x]{1,40}` took 40 seconds on 256 KiB. So the same tables are used
//! here directly, and where they would grow too large, the search ends instead:
//!
//! - Making a state walks through the expressions once, at most, and keeps it. So the number of states is
//!   the budget ([`WORK`] divided by what one costs), and reading costs next to nothing besides.
//! - All expressions of a source together are searched for first. If that is given up, each is searched for
//!   by itself, with its share of the budget, so that one does not hide the others; what is given up
//!   then too counts only in the lines that were read, which are the last ones.
//! - Besides, every byte may complete every expression, of which a source has few enough
//!   ([`crate::model::pattern::MAX_PATTERNS`]).
//!
//! INVARIANT: nothing here depends on the time that it takes.

use std::sync::Mutex;
use std::sync::PoisonError;

use regex_automata::Anchored;
use regex_automata::MatchKind;
use regex_automata::PatternSet;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::Cache;
use regex_automata::hybrid::dfa::Config;
use regex_automata::hybrid::dfa::DFA;
use regex_automata::nfa::thompson::NFA;
use regex_automata::util::start;

use crate::policy::classify::expression;
use crate::policy::classify::expression::ExpressionProblem;
use crate::policy::classify::text::Lines;

/// The steps through expressions that may be made for one judgement, some nanoseconds each.
const WORK: usize = 1 << 24;
/// The most bytes of a table of states; a full one is begun anew if the budget allows it.
const TABLE: usize = 4 << 20;
/// What a state takes besides its row, in bytes, at the least; to keep it costs as many steps.
const STATE: usize = 64;
/// The most bytes that are read where each expression is searched for by itself, of all together.
const READ: usize = 64 << 20;

/// Expressions that are searched for together.
#[derive(Debug)]
pub(super) struct Search {
    together: DFA,
    /// What was learnt in earlier searches; nothing before the first.
    learnt: Mutex<Option<Cache>>,
    written: Vec<String>,
}

/// The search was given up: the budget is spent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GivenUp;

impl Search {
    /// Gets ready to search for expressions, each of which is sound by itself.
    ///
    /// # Errors
    /// When they are too large together.
    pub(super) fn of(written: Vec<String>) -> Result<Self, ExpressionProblem> {
        let nfa = expression::compile_together(&written)?;
        Ok(Self {
            together: table(nfa, WORK)?,
            learnt: Mutex::new(None),
            written,
        })
    }

    /// Hands over every line in which wanted expressions match, with their numbers, the last line first,
    /// until `meet` has an answer.
    pub(super) fn backwards<T>(
        &self,
        lines: &Lines,
        wanted: &[bool],
        mut meet: impl FnMut(usize, &[usize]) -> Option<T>,
    ) -> Option<T> {
        let mut learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_fresh = learnt.is_none();
        let cache = learnt.get_or_insert_with(|| self.together.create_cache());
        let mut found = PatternSet::new(self.written.len());
        let mut left = lines.len();
        while let Some(line) = left.checked_sub(1) {
            let text = lines.line(line);
            if search(&self.together, cache, text, &mut found).is_err() {
                cache.reset(&self.together);
                // What was learnt from other outputs is not held against this one.
                if std::mem::replace(&mut is_fresh, true) {
                    break;
                }
                continue;
            }
            left = line;
            let numbers: Vec<usize> = found
                .iter()
                .map(|number| number.as_usize())
                .filter(|number| wanted.get(*number) == Some(&true))
                .collect();
            if !numbers.is_empty()
                && let Some(answer) = meet(line, &numbers)
            {
                return Some(answer);
            }
        }
        drop(learnt);
        let alone = self.one_by_one(lines, left, wanted);
        let mut rest = alone.as_slice();
        while let [(line, _), ..] = rest {
            let same = rest.iter().take_while(|(other, _)| other == line).count();
            let (here, further) = rest.split_at(same);
            let numbers: Vec<usize> = here.iter().map(|(_, number)| *number).collect();
            if let Some(answer) = meet(*line, &numbers) {
                return Some(answer);
            }
            rest = further;
        }
        None
    }

    /// The lines before `end` in which each wanted expression matches, the last line first.
    fn one_by_one(&self, lines: &Lines, end: usize, wanted: &[bool]) -> Vec<(usize, usize)> {
        let mut met = Vec::new();
        if end == 0 {
            return met;
        }
        let wanted = |number: &usize| wanted.get(*number) == Some(&true);
        let numbers: Vec<usize> = (0..self.written.len()).filter(wanted).collect();
        let share = |whole: usize| whole / numbers.len().max(1);
        for number in numbers.iter().copied() {
            let Some(table) = self.alone(number, share(WORK)) else {
                continue;
            };
            let mut cache = table.create_cache();
            let mut found = PatternSet::new(1);
            let mut bytes = share(READ);
            for line in (0..end).rev() {
                let text = lines.line(line);
                bytes = bytes.saturating_sub(text.len());
                if bytes == 0 || search(&table, &mut cache, text, &mut found).is_err() {
                    break;
                }
                if !found.is_empty() {
                    met.push((line, number));
                }
            }
        }
        met.sort_by_key(|(line, number)| (std::cmp::Reverse(*line), *number));
        met
    }

    fn alone(&self, number: usize, work: usize) -> Option<DFA> {
        let written = self.written.get(number)?;
        table(
            expression::compile_together(std::slice::from_ref(written)).ok()?,
            work,
        )
        .ok()
    }
}

/// A table of states for expressions that gives up when its share of work is done.
fn table(nfa: NFA, work: usize) -> Result<DFA, ExpressionProblem> {
    let row = (1 << nfa.byte_classes().stride2()) * size_of::<u32>();
    let states = work / (nfa.states().len() + STATE);
    let bytes = states.saturating_mul(row + STATE);
    let config = Config::new()
        .match_kind(MatchKind::All)
        .cache_capacity(bytes.min(TABLE))
        // A few states must fit, or there is no search at all.
        .skip_cache_capacity_check(true)
        .minimum_cache_clear_count(Some(bytes / TABLE));
    DFA::builder()
        .configure(config)
        .build_from_nfa(nfa)
        .map_err(|error| ExpressionProblem::Malformed {
            words: error.to_string(),
            character: None,
        })
}

/// Fills in the expressions that match somewhere in a line.
fn search(
    table: &DFA,
    cache: &mut Cache,
    line: &[u8],
    found: &mut PatternSet,
) -> Result<(), GivenUp> {
    found.clear();
    let begin = start::Config::new().anchored(Anchored::No);
    let mut state = table.start_state(cache, &begin).map_err(|_| GivenUp)?;
    for byte in line {
        state = table.next_state(cache, state, *byte).map_err(|_| GivenUp)?;
        if state.is_match() {
            list(table, cache, state, found);
            if found.is_full() {
                return Ok(());
            }
        }
    }
    state = table.next_eoi_state(cache, state).map_err(|_| GivenUp)?;
    if state.is_match() {
        list(table, cache, state, found);
    }
    Ok(())
}

/// Fills in the expressions that a state completes.
fn list(table: &DFA, cache: &Cache, state: LazyStateID, found: &mut PatternSet) {
    for place in 0..table.match_len(cache, state) {
        found.insert(table.match_pattern(cache, state, place));
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
