//! Two strategies that are compared on purpose: which task gets which first, and which one is better.
//!
//! A task's share is decided by its number and that of the experiment, so that every attempt of it gets
//! the same, and nobody can choose. Only what came first by an experiment counts for it.

use crate::model::ids::TaskId;
use crate::policy::learning::chance::mixed;
use crate::policy::learning::posterior::wilson;

/// Fewer recoveries than this on either side decide nothing, however different they are.
pub const LEAST_PER_SIDE: u32 = 5;

/// Two strategies for a pattern that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// Its number.
    pub id: i64,
    /// One strategy.
    pub a: String,
    /// The other one.
    pub b: String,
}

/// The side of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The first strategy.
    A,
    /// The second one.
    B,
}

/// What an experiment gives a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    /// The strategy that comes first.
    pub strategy: String,
    /// What is noted with it.
    pub variant: String,
}

/// Which of two strategies is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// This one, with a probability of error of 5 %.
    Better(Side),
    /// Nobody can tell yet.
    Undecided,
}

impl Experiment {
    /// What a task gets.
    pub fn arm(&self, task: TaskId) -> Option<Arm> {
        let numbers = mixed(self.id.cast_unsigned()) ^ task.get().cast_unsigned();
        let (strategy, side) = if mixed(numbers) & 1 == 0 {
            (&self.a, Side::A)
        } else {
            (&self.b, Side::B)
        };
        Some(Arm {
            strategy: strategy.clone(),
            variant: self.variant(side),
        })
    }

    /// What is noted with the recoveries of a side.
    pub fn variant(&self, side: Side) -> String {
        let letter = match side {
            Side::A => 'a',
            Side::B => 'b',
        };
        format!("{}{letter}", self.id)
    }
}

/// Which side is better, by how often each helped and was tried: the interval of 95 % of the difference
/// of two shares (Newcombe's, from Wilson's intervals) must not hold zero.
pub fn compare(a: (u32, u32), b: (u32, u32)) -> Finding {
    if a.1 < LEAST_PER_SIDE || b.1 < LEAST_PER_SIDE {
        return Finding::Undecided;
    }
    let (one, one_low, one_high) = wilson(a.0, a.1);
    let (other, other_low, other_high) = wilson(b.0, b.1);
    let difference = one - other;
    let below = (one - one_low).hypot(other_high - other);
    let above = (one_high - one).hypot(other - other_low);
    if difference - below > 0.0 {
        Finding::Better(Side::A)
    } else if difference + above < 0.0 {
        Finding::Better(Side::B)
    } else {
        Finding::Undecided
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_shared_out_evenly_and_for_good() {
        let experiment = Experiment {
            id: 3,
            a: "run_alone".to_owned(),
            b: "wait_and_retry".to_owned(),
        };
        let sides: Vec<Arm> = (1..=1000)
            .filter_map(|task| experiment.arm(TaskId::new(task)))
            .collect();
        let first = sides
            .iter()
            .filter(|arm| arm.strategy == "run_alone")
            .count();
        assert!((440..=560).contains(&first), "{first}");
        assert_eq!(
            experiment.arm(TaskId::new(9)),
            experiment.arm(TaskId::new(9))
        );
        assert!(sides.iter().all(|arm| {
            arm.variant
                == if arm.strategy == "run_alone" {
                    "3a"
                } else {
                    "3b"
                }
        }));
        let other = Experiment {
            id: 4,
            ..experiment.clone()
        };
        let differs = (1..=100)
            .filter_map(|task| {
                Some((
                    experiment.arm(TaskId::new(task))?,
                    other.arm(TaskId::new(task))?,
                ))
            })
            .filter(|(one, other)| one.strategy != other.strategy)
            .count();
        assert!((30..=70).contains(&differs), "{differs}");
    }

    #[test]
    fn a_difference_must_be_larger_than_chance() {
        for (a, b, finding) in [
            ((9, 10), (1, 10), Finding::Better(Side::A)),
            ((1, 10), (9, 10), Finding::Better(Side::B)),
            ((6, 10), (4, 10), Finding::Undecided),
            ((4, 4), (0, 4), Finding::Undecided),
            ((60, 100), (40, 100), Finding::Better(Side::A)),
            ((50, 100), (50, 100), Finding::Undecided),
            ((0, 0), (0, 0), Finding::Undecided),
        ] {
            assert_eq!(compare(a, b), finding, "{a:?} {b:?}");
        }
    }
}
