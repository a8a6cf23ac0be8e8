//! In which order strategies are tried: by what was learned of them.
//!
//! The reader of the history counts; here the order is drawn. A draw with the same seed and the same
//! counts gives the same order, so that it can be explained later. How counts come about and why the
//! order is drawn is [`crate::policy::learning`].

use std::collections::BTreeMap;

use crate::policy::learning::Arm;
use crate::policy::learning::LEAST_SAMPLES;
use crate::policy::learning::Pin;
use crate::policy::learning::Posterior;
use crate::policy::learning::chance::Chance;

/// What is known of strategies for failures of one pattern (and, where there is enough evidence, of
/// one tool).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Learned {
    /// How often each helped, by its name.
    pub strategies: BTreeMap<String, Counts>,
    /// What a person has said of strategies, by their names.
    pub pins: BTreeMap<String, Pin>,
    /// What an experiment gives the task.
    pub arm: Option<Arm>,
}

/// Evidence for and against a strategy; older evidence counts less, so these are no whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counts {
    /// How often it helped.
    pub helped: f64,
    /// How often it did not.
    pub in_vain: f64,
    /// How many recoveries that rests on.
    pub tried: u32,
}

impl Counts {
    /// Adds a recovery that is worth so much.
    pub fn add(&mut self, helped: bool, worth: f64) {
        if helped {
            self.helped += worth;
        } else {
            self.in_vain += worth;
        }
        self.tried = self.tried.saturating_add(1);
    }
}

/// A strategy in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Its stable name.
    pub strategy: String,
    /// The share of successes that is expected, from 0 to 1; none where nothing is known.
    pub expected: Option<f64>,
    /// What was drawn for it; none where nothing was drawn.
    pub draw: Option<f64>,
    /// Which variant of it, where two are compared.
    pub variant: Option<String>,
}

impl Learned {
    /// The candidates, which come in the built-in order, in the order in which they are tried.
    ///
    /// INVARIANT: every candidate that nobody has pinned to `never` comes out once, and nothing else
    /// does.
    pub fn order(&self, candidates: &[&str], seed: u64) -> Vec<Ranked> {
        let counts = |name: &str| self.strategies.get(name).copied().unwrap_or_default();
        let known: u32 = candidates
            .iter()
            .map(|name| counts(name).tried)
            .fold(0, u32::saturating_add);
        let mut chance = (known >= LEAST_SAMPLES).then(|| Chance::new(seed));
        let mut ranked: Vec<Ranked> = Vec::new();
        for (rank, name) in candidates.iter().enumerate() {
            let counts = counts(name);
            let posterior = Posterior::new(rank, counts);
            // Drawn for those that are not tried, too, so that a pin does not change the others' draws.
            let draw = chance.as_mut().map(|chance| posterior.draw(chance));
            if self.pins.get(*name) == Some(&Pin::Never) {
                continue;
            }
            ranked.push(Ranked {
                strategy: (*name).to_owned(),
                expected: (counts.tried > 0).then(|| posterior.mean()),
                draw,
                variant: None,
            });
        }
        ranked.sort_by(|one, other| {
            let drawn = |ranked: &Ranked| ranked.draw.unwrap_or_default();
            drawn(other).total_cmp(&drawn(one))
        });
        self.put_first(&mut ranked);
        ranked
    }

    /// Puts the strategy of an experiment first, and before it what a person wants first.
    fn put_first(&self, ranked: &mut [Ranked]) {
        if let Some(arm) = &self.arm
            && let Some(place) = ranked.iter().position(|one| one.strategy == arm.strategy)
            && let Some(up_to) = ranked.get_mut(..=place)
        {
            up_to.rotate_right(1);
            if let Some(first) = up_to.first_mut() {
                first.variant = Some(arm.variant.clone());
                first.draw = None;
            }
        }
        let is_pinned = |one: &Ranked| self.pins.get(&one.strategy) == Some(&Pin::First);
        ranked.sort_by_key(|one| !is_pinned(one));
        if ranked.first().is_some_and(is_pinned) {
            for one in ranked {
                // What a person wants first is not chosen by chance, and then neither side is tried
                // as an experiment says.
                if is_pinned(one) {
                    one.draw = None;
                }
                one.variant = None;
            }
        }
    }
}

#[cfg(test)]
#[path = "learned_tests.rs"]
mod tests;
