//! How long a task will take, by what it took before.
//!
//! # The estimator
//!
//! The durations of the newest [`NEWEST`] attempts that succeeded, of tasks of the same name. `p50` is
//! their median, `p90` the smallest of them that at least nine of ten do not exceed (nearest rank):
//! values that really occurred, on which two odd nights out of twenty have no effect.
//!
//! With fewer than ten successes the nearest rank is the longest of them. That is what can be said,
//! not a promise: of three nights, the longest is exceeded by every fourth that follows. With fewer
//! than [`FEW`] the task's own `expect_duration` counts as well where it is longer. Without any success
//! it alone counts; without that too nothing is known, and nothing is made up.

use std::time::Duration;

/// How many successes are looked at: the newest ones, because tasks grow.
pub const NEWEST: usize = 20;
/// With fewer successes than this, what the definition declares counts beside them.
pub const FEW: usize = 3;

/// How long a task will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// As likely longer as shorter.
    pub p50: Duration,
    /// Nine of ten times not longer.
    pub p90: Duration,
    /// What it rests on.
    pub basis: Basis,
}

/// What a forecast rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// So many successes.
    History(usize),
    /// `expect_duration`.
    Declared,
}

/// The forecast from the durations of successes, the newest first, and `expect_duration`; `None` where
/// nothing is known.
pub fn forecast(history: &[Duration], declared: Option<Duration>) -> Option<Forecast> {
    let mut sorted: Vec<Duration> = history.iter().take(NEWEST).copied().collect();
    sorted.sort_unstable();
    let count = sorted.len();
    let (Some(p50), Some(p90)) = (rank(&sorted, 50), rank(&sorted, 90)) else {
        return declared.map(|span| Forecast {
            p50: span,
            p90: span,
            basis: Basis::Declared,
        });
    };
    let declared = declared.filter(|span| count < FEW && *span > p90);
    Some(Forecast {
        p50,
        p90: declared.unwrap_or(p90),
        basis: declared.map_or(Basis::History(count), |_| Basis::Declared),
    })
}

/// The smallest value that at least so many of a hundred do not exceed.
fn rank(sorted: &[Duration], of_hundred: usize) -> Option<Duration> {
    let place = (sorted.len() * of_hundred).div_ceil(100);
    sorted.get(place.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(history: &[u64]) -> Vec<Duration> {
        history
            .iter()
            .map(|span| Duration::from_mins(*span))
            .collect()
    }

    type Told = Option<(u64, u64, Basis)>;

    fn of(history: &[u64], declared: Option<u64>) -> Told {
        let forecast = forecast(&minutes(history), declared.map(Duration::from_mins))?;
        let whole = |span: Duration| span.as_secs() / 60;
        Some((whole(forecast.p50), whole(forecast.p90), forecast.basis))
    }

    #[test]
    fn few_nights_give_their_longest_and_many_leave_the_odd_ones_out() {
        use Basis::Declared;
        use Basis::History;
        let odd: Vec<u64> = [600, 700].into_iter().chain(10..28).collect();
        let cases: [(&[u64], Option<u64>, Told); 10] = [
            (&[], None, None),
            (&[], Some(30), Some((30, 30, Declared))),
            (&[10], None, Some((10, 10, History(1)))),
            (&[10], Some(30), Some((10, 30, Declared))),
            (&[10, 40], Some(30), Some((10, 40, History(2)))),
            (&[10, 20, 15], Some(90), Some((15, 20, History(3)))),
            (&[9, 8, 7, 6, 5, 4, 3, 2, 1], None, Some((5, 9, History(9)))),
            (
                &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
                None,
                Some((5, 9, History(10))),
            ),
            (&odd, None, Some((19, 27, History(20)))),
            (&[0, 0, 0], None, Some((0, 0, History(3)))),
        ];
        for (history, declared, wanted) in cases {
            assert_eq!(of(history, declared), wanted, "{history:?} {declared:?}");
        }
    }

    #[test]
    fn only_the_newest_nights_count() {
        let newest_first: Vec<u64> = std::iter::repeat_n(10, NEWEST).chain([500; 30]).collect();
        assert_eq!(
            of(&newest_first, None),
            Some((10, 10, Basis::History(NEWEST)))
        );
    }
}
