//! What was done about failures, and how often it helps: figures for a report.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::report::summary::TaskSummary;
use crate::store::RateBrief;

/// Figures over all recoveries of a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recoveries {
    /// Those of which it is known whether they helped.
    pub attempted: usize,
    /// Those that helped.
    pub succeeded: usize,
    /// How long one took that helped, in the middle.
    pub median: Option<Duration>,
}

impl Recoveries {
    /// Counts those of all tasks.
    pub fn of(tasks: &[TaskSummary]) -> Self {
        let mut found = Self::default();
        let mut spans = Vec::new();
        for recovery in tasks.iter().flat_map(|task| &task.recoveries) {
            let Some(helped) = recovery.state.verdict() else {
                continue;
            };
            found.attempted += 1;
            if helped {
                found.succeeded += 1;
                spans.extend(recovery.ended_at.map(|at| at.since(recovery.started_at)));
            }
        }
        spans.sort_unstable();
        found.median = spans.get(spans.len() / 2).copied();
        found
    }
}

/// How often a strategy helped against a pattern so far.
#[derive(Debug, Clone, PartialEq)]
pub struct StrategyRate {
    /// The pattern of the failures.
    pub pattern: String,
    /// The strategy.
    pub strategy: String,
    /// How often it is known whether it helped.
    pub attempts: u64,
    /// How often it did.
    pub succeeded: u64,
    /// The share, 0 to 1.
    pub rate: f64,
    /// Where the true share lies with a probability of 95 %: from here (Wilson's interval) …
    pub rate_low: f64,
    /// … to here.
    pub rate_high: f64,
}

/// The rates of what was tried for these tasks.
pub fn rates(all: &[RateBrief], tasks: &[TaskSummary]) -> Vec<StrategyRate> {
    let recoveries = tasks.iter().flat_map(|task| &task.recoveries);
    let tried: BTreeSet<(&str, &str)> = recoveries
        .map(|one| (one.pattern.as_str(), one.strategy.as_str()))
        .collect();
    let wanted =
        |rate: &&RateBrief| tried.contains(&(rate.pattern.as_str(), rate.strategy.as_str()));
    all.iter().filter(wanted).map(rate).collect()
}

fn rate(brief: &RateBrief) -> StrategyRate {
    let (rate, rate_low, rate_high) = wilson(brief.succeeded, brief.tried);
    StrategyRate {
        pattern: brief.pattern.clone(),
        strategy: brief.strategy.clone(),
        attempts: brief.tried,
        succeeded: brief.succeeded,
        rate,
        rate_low,
        rate_high,
    }
}

/// A share and Wilson's interval of 95 % around it.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of recoveries are far below 2^53"
)]
fn wilson(succeeded: u64, tried: u64) -> (f64, f64, f64) {
    const Z: f64 = 1.96;
    if tried == 0 {
        return (0.0, 0.0, 1.0);
    }
    let all = tried as f64;
    let share = succeeded as f64 / all;
    let weight = 1.0 + Z * Z / all;
    let middle = (share + Z * Z / (2.0 * all)) / weight;
    let reach = Z / weight * (share * (1.0 - share) / all + Z * Z / (4.0 * all * all)).sqrt();
    (share, (middle - reach).max(0.0), (middle + reach).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_wide_for_little_evidence_and_stays_within_its_bounds() {
        let (share, low, high) = wilson(11, 12);
        assert!((share - 0.9167).abs() < 1e-3, "{share}");
        assert!((low - 0.646).abs() < 1e-3, "{low}");
        assert!((high - 0.985).abs() < 1e-3, "{high}");
        assert_eq!(wilson(0, 0), (0.0, 0.0, 1.0));
        let (_, low, high) = wilson(3, 3);
        assert!(low > 0.4 && high <= 1.0, "{low} {high}");
    }
}
