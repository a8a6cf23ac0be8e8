//! In which order strategies are tried: by what was learned of them.
//!
//! The reader of the history counts; here the order is drawn. A draw with the same seed and the same
//! counts gives the same order, so that it can be explained later.

use std::collections::BTreeMap;

/// What is known of strategies for failures of one pattern (and, where there is enough evidence, of
/// one tool).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Learned {
    /// How often each helped, by its name.
    pub strategies: BTreeMap<String, Counts>,
}

/// Evidence for and against a strategy; older evidence counts less, so these are no whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counts {
    /// How often it helped.
    pub helped: f64,
    /// How often it did not.
    pub in_vain: f64,
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
    /// The candidates in the order in which they are tried.
    ///
    /// INVARIANT: every candidate comes out once, and nothing else does.
    pub fn order(&self, candidates: &[&str], _seed: u64) -> Vec<Ranked> {
        candidates
            .iter()
            .map(|strategy| Ranked {
                strategy: (*strategy).to_owned(),
                expected: None,
                draw: None,
                variant: None,
            })
            .collect()
    }
}
