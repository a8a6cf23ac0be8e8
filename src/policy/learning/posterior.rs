//! What is believed of a strategy: a beta distribution of its share of successes, and Wilson's interval.

use crate::policy::learning::PRIOR_STRENGTH;
use crate::policy::learning::chance::Chance;
use crate::policy::recovery::Counts;

/// The share of successes that the first strategy of the built-in order is believed to have.
const FIRST: f64 = 0.7;
/// By how much each further one is believed to be worse.
const FALL: f64 = 0.1;
/// And the last ones at least this.
const LEAST: f64 = 0.3;
/// The normal quantile of an interval of 95 %.
const Z: f64 = 1.959_964;

/// What is believed of a share of successes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posterior {
    alpha: f64,
    beta: f64,
}

impl Posterior {
    /// What is believed after this evidence of a strategy that stands at this place of the built-in
    /// order, from 0.
    pub fn new(rank: usize, counts: Counts) -> Self {
        let before = prior(rank);
        Self {
            alpha: PRIOR_STRENGTH * before + counts.helped,
            beta: PRIOR_STRENGTH * (1.0 - before) + counts.in_vain,
        }
    }

    /// The expected share.
    pub fn mean(self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// A share that may well be the true one.
    pub fn draw(self, chance: &mut Chance) -> f64 {
        chance.beta(self.alpha, self.beta)
    }
}

/// The share that is believed without any evidence.
pub fn prior(rank: usize) -> f64 {
    let rank = u32::try_from(rank).unwrap_or(u32::MAX);
    (FIRST - FALL * f64::from(rank)).max(LEAST)
}

/// A share and the interval in which the true one lies with a probability of 95 % (Wilson's).
pub fn wilson(helped: u32, tried: u32) -> (f64, f64, f64) {
    if tried == 0 {
        return (0.0, 0.0, 1.0);
    }
    let count = f64::from(tried);
    let share = f64::from(helped.min(tried)) / count;
    let square = Z * Z;
    let middle = share + square / (2.0 * count);
    let half = Z * (share * (1.0 - share) / count + square / (4.0 * count * count)).sqrt();
    let whole = 1.0 + square / count;
    let low = ((middle - half) / whole).clamp(0.0, share);
    let high = ((middle + half) / whole).clamp(share, 1.0);
    (share, low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 0.001
    }

    #[test]
    fn without_evidence_the_built_in_order_is_believed() {
        let means: Vec<f64> = (0..8)
            .map(|rank| Posterior::new(rank, Counts::default()).mean())
            .collect();
        assert!(near(means[0], 0.7) && near(means[1], 0.6) && near(means[7], 0.3));
        assert!(means.is_sorted_by(|one, next| one >= next));
        assert!(near(prior(usize::MAX), 0.3));
    }

    #[test]
    fn evidence_outweighs_the_built_in_order() {
        let counts = Counts {
            helped: 1.0,
            in_vain: 9.0,
            tried: 10,
        };
        let mean = Posterior::new(0, counts).mean();
        assert!(near(mean, 3.8 / 14.0), "{mean}");
    }

    #[test]
    fn the_interval_is_wilsons() {
        for (helped, tried, share, low, high) in [
            (11, 12, 0.917, 0.646, 0.985),
            (0, 5, 0.0, 0.0, 0.434),
            (5, 5, 1.0, 0.566, 1.0),
            (50, 100, 0.5, 0.404, 0.596),
            (0, 0, 0.0, 0.0, 1.0),
        ] {
            let found = wilson(helped, tried);
            assert!(
                near(found.0, share) && near(found.1, low) && near(found.2, high),
                "{helped} of {tried}: {found:?}"
            );
        }
    }
}
