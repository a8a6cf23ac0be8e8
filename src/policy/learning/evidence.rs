//! From recoveries that were tried to counts that are worth something now.

use std::collections::BTreeMap;

use crate::model::ids::TaskId;
use crate::policy::learning::HALF_LIFE;
use crate::policy::learning::HALF_LIFE_COUNT;
use crate::policy::learning::LEAST_SAMPLES;
use crate::policy::learning::MOST_IMPORTED;
use crate::policy::learning::Pin;
use crate::policy::learning::experiment::Experiment;
use crate::policy::recovery::Counts;
use crate::policy::recovery::Learned;
use crate::support::clock::Timestamp;

/// A recovery of which it is known whether it helped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The strategy's stable name.
    pub strategy: String,
    /// Whether it helped.
    pub helped: bool,
    /// When that was known.
    pub at: Timestamp,
    /// The program that had failed; none where nobody knows.
    pub tool: Option<String>,
    /// The category of the failure, by its stable identifier.
    pub category: String,
}

/// Figures that another machine has learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The strategy's stable name.
    pub strategy: String,
    /// How often it helped there.
    pub helped: u32,
    /// How often it was tried there.
    pub tried: u32,
    /// When that was so.
    pub as_of: Timestamp,
}

/// All that is known of strategies for one pattern.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Recoveries, of each strategy the latest first.
    pub evidence: Vec<Evidence>,
    /// What other machines know.
    pub imported: Vec<Imported>,
    /// What a person has said, by the names of the strategies.
    pub pins: BTreeMap<String, Pin>,
    /// Two strategies that are being compared.
    pub experiment: Option<Experiment>,
}

/// The failure that something is wanted against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// The program that failed; empty where nobody knows.
    pub tool: &'a str,
    /// The category of the failure, by its stable identifier.
    pub category: &'a str,
    /// The task; none where it is not about one.
    pub task: Option<TaskId>,
}

/// What is known now, fit for drawing an order.
pub fn learned(figures: &Figures, context: Context<'_>, now: Timestamp) -> Learned {
    let is_alike = |one: &&Evidence| {
        one.category == context.category && one.tool.as_deref().unwrap_or_default() == context.tool
    };
    let alike: Vec<&Evidence> = figures.evidence.iter().filter(is_alike).collect();
    let enough = usize::try_from(LEAST_SAMPLES).is_ok_and(|least| alike.len() >= least);
    let strategies = if enough && !context.tool.is_empty() {
        weighed(alike, &[], now)
    } else {
        weighed(figures.evidence.iter().collect(), &figures.imported, now)
    };
    let experiment = figures.experiment.as_ref();
    Learned {
        strategies,
        pins: figures.pins.clone(),
        arm: experiment.and_then(|experiment| experiment.arm(context.task?)),
    }
}

/// Counts of each strategy, old and outnumbered evidence being worth less.
pub fn weighed(
    evidence: Vec<&Evidence>,
    imported: &[Imported],
    now: Timestamp,
) -> BTreeMap<String, Counts> {
    let mut strategies: BTreeMap<String, Counts> = BTreeMap::new();
    for one in evidence {
        let counts = strategies.entry(one.strategy.clone()).or_default();
        let newer = f64::from(counts.tried) / f64::from(HALF_LIFE_COUNT);
        counts.add(one.helped, freshness(one.at, now) * 0.5_f64.powf(newer));
    }
    for one in imported.iter().filter(|one| one.tried > 0) {
        let counts = strategies.entry(one.strategy.clone()).or_default();
        let tried = f64::from(one.tried);
        let weight = freshness(one.as_of, now) * (MOST_IMPORTED / tried).min(1.0);
        counts.helped += f64::from(one.helped) * weight;
        counts.in_vain += f64::from(one.tried.saturating_sub(one.helped)) * weight;
        counts.tried = counts.tried.saturating_add(one.tried);
    }
    strategies
}

/// What is left of the worth of something that was known then. A clock that was set back makes nothing
/// worth more than it was.
fn freshness(then: Timestamp, now: Timestamp) -> f64 {
    let halves = now.since(then).as_secs_f64() / HALF_LIFE.as_secs_f64();
    0.5_f64.powf(halves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn one(strategy: &str, helped: bool, days: u64, tool: &str) -> Evidence {
        Evidence {
            strategy: strategy.to_owned(),
            helped,
            at: NOW.minus(Duration::from_hours(24 * days)),
            tool: Some(tool.to_owned()).filter(|tool| !tool.is_empty()),
            category: "network".to_owned(),
        }
    }

    fn context(tool: &str) -> Context<'_> {
        Context {
            tool,
            category: "network",
            task: None,
        }
    }

    #[test]
    fn evidence_loses_half_of_its_worth_in_thirty_days() {
        let all = [
            one("a", true, 0, ""),
            one("a", false, 30, ""),
            one("b", true, 60, ""),
        ];
        let counts = weighed(all.iter().collect(), &[], NOW);
        let (a, b) = (counts["a"], counts["b"]);
        assert!((a.helped - 1.0).abs() < 1e-9);
        assert!((a.in_vain - 0.5 * 0.5_f64.powf(0.02)).abs() < 1e-9);
        assert!((b.helped - 0.25).abs() < 1e-9);
        assert_eq!((a.tried, b.tried), (2, 1));
    }

    #[test]
    fn no_number_of_recoveries_weighs_more_than_a_bound() {
        let all = vec![one("a", true, 0, ""); 2000];
        let counts = weighed(all.iter().collect(), &[], NOW)["a"];
        assert!(counts.helped < 75.0, "{}", counts.helped);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nothing_worth_more() {
        let mut future = one("a", true, 0, "");
        future.at = NOW.plus(Duration::from_hours(10_000));
        let counts = weighed(vec![&future], &[], NOW)["a"];
        assert!((counts.helped - 1.0).abs() < 1e-9);
    }

    #[test]
    fn evidence_of_the_same_program_counts_alone_once_there_is_enough() {
        let mut figures = Figures::default();
        figures
            .evidence
            .extend((0..4).map(|_| one("a", true, 0, "psql")));
        figures
            .evidence
            .extend((0..9).map(|_| one("a", false, 0, "curl")));
        let few = learned(&figures, context("psql"), NOW);
        assert_eq!(few.strategies["a"].tried, 13);
        figures.evidence.push(one("b", false, 0, "psql"));
        let enough = learned(&figures, context("psql"), NOW);
        assert_eq!(enough.strategies["a"].tried, 4);
        assert!(enough.strategies["a"].in_vain.abs() < 1e-9);
        // Where nobody knows the program, all that is known counts.
        let unknown = learned(&figures, context(""), NOW);
        assert_eq!(unknown.strategies["a"].tried, 13);
    }

    #[test]
    fn figures_of_other_machines_have_a_bounded_worth() {
        let imported = [Imported {
            strategy: "a".to_owned(),
            helped: 900,
            tried: 1000,
            as_of: NOW,
        }];
        let counts = weighed(Vec::new(), &imported, NOW)["a"];
        assert!((counts.helped - 18.0).abs() < 1e-9);
        assert!((counts.in_vain - 2.0).abs() < 1e-9);
    }
}
