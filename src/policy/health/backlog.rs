//! What is to be thought of the backlog: what is queued against the hours of the nights.
//!
//! An estimate for a sentence, from what tasks usually take; what would run when is `policy::schedule`.

use std::time::Duration;

use crate::model::alert::Level;
use crate::policy::health::{Component, Reading};
use crate::support::text::{count, span};

/// So many nights are still bearable.
const BEARABLE: u64 = 3;

/// What is queued, against the nights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// Tasks that are queued.
    pub queued: usize,
    /// How long they take on all slots, as far as is known; none: nothing is known.
    pub work: Option<Duration>,
    /// Tasks of which nothing is known, of those that were looked at.
    pub unknown: usize,
    /// Attempts at once.
    pub slots: usize,
    /// The time there is for them; none where no night is known.
    pub night: Option<Nights>,
}

/// The time that nights give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nights {
    /// The next one is so long.
    Ahead(Duration),
    /// This one goes on.
    Begun {
        /// What is left of it.
        left: Duration,
        /// How long it is as a whole.
        whole: Duration,
    },
}

impl Nights {
    /// In how many nights, this one included, so much work is done.
    fn needed(self, work: Duration) -> u64 {
        let (first, whole) = match self {
            Self::Ahead(whole) => (whole, whole),
            Self::Begun { left, whole } => (left, whole),
        };
        let rest = work.saturating_sub(first);
        1 + rest.as_secs().div_ceil(whole.as_secs().max(1))
    }
}

/// How long what is queued takes with so many `slots`. `known`: what tasks take, of `looked_at` tasks
/// that were looked at; the others count as the one in the middle of those, and what was not looked at
/// is like what was. However many slots there are, the longest task takes its time.
pub fn work(
    mut known: Vec<Duration>,
    looked_at: usize,
    queued: usize,
    slots: usize,
) -> Option<Duration> {
    known.sort_unstable();
    let typical = *known.get(known.len() / 2)?;
    let longest = *known.last()?;
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let unknown = typical.saturating_mul(number(looked_at.saturating_sub(known.len())));
    let all = known.iter().sum::<Duration>().saturating_add(unknown);
    let all = all.saturating_mul(number(queued)) / number(looked_at.max(known.len()));
    Some((all / number(slots.max(1))).max(longest))
}

/// What is to be thought of the backlog.
pub fn backlog(facts: &Backlog) -> Reading {
    let queued = format!("{} queued", count(facts.queued, "task"));
    let Some(work) = facts.work.filter(|_| facts.queued > 0) else {
        return Reading::good(Component::Backlog, queued);
    };
    let guessed = match facts.unknown {
        0 => String::new(),
        unknown => format!(" ({unknown} without a history, as long as others)"),
    };
    let (slots, work_words) = (facts.slots, span(work));
    let says = format!("{queued}{guessed}, about {work_words} with {slots} at once");
    let Some(nights) = facts.night else {
        return Reading::good(Component::Backlog, says);
    };
    let (room, included) = match nights {
        Nights::Ahead(whole) => (format!("a night has {}", span(whole)), ""),
        Nights::Begun { left, .. } => (
            format!("{} are left of this night", span(left)),
            ", with the rest of this one",
        ),
    };
    let says = format!("{says}; {room}");
    let needed = nights.needed(work);
    if needed <= 1 {
        return Reading::good(Component::Backlog, says);
    }
    let level = if needed > BEARABLE {
        Level::Critical
    } else {
        Level::Warning
    };
    Reading::found(
        Component::Backlog,
        level,
        format!("{says}: that takes {needed} nights{included}"),
    )
    .hint("`autoexec plan --overnight`; more at once with `[run] parallel`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: u64) -> Duration {
        Duration::from_hours(hours)
    }

    fn of(work: Option<u64>, queued: usize, night: Nights) -> Reading {
        backlog(&Backlog {
            queued,
            work: work.map(hours),
            unknown: 0,
            slots: 4,
            night: Some(night),
        })
    }

    #[test]
    fn a_backlog_is_counted_in_nights() {
        let of = |work, queued| of(work, queued, Nights::Ahead(hours(9)));
        assert_eq!(of(Some(9), 3).level, None);
        assert_eq!(of(Some(10), 3).level, Some(Level::Warning));
        assert_eq!(
            of(Some(10), 3).message,
            "3 tasks queued, about 10h 00m with 4 at once; a night has 9h 00m: that takes 2 nights"
        );
        assert_eq!(of(Some(28), 3).level, Some(Level::Critical));
        assert_eq!(of(None, 3).level, None);
        assert_eq!(of(Some(99), 0).level, None);
    }

    #[test]
    fn of_a_night_that_has_begun_only_the_rest_counts_and_of_the_others_all() {
        let begun = Nights::Begun {
            left: hours(1),
            whole: hours(9),
        };
        assert_eq!(of(Some(1), 2, begun).level, None);
        let two = of(Some(10), 2, begun);
        assert_eq!(two.level, Some(Level::Warning));
        assert_eq!(
            two.message,
            "2 tasks queued, about 10h 00m with 4 at once; 1h 00m are left of this night: that takes \
             2 nights, with the rest of this one"
        );
        assert_eq!(of(Some(20), 2, begun).level, Some(Level::Critical));
    }

    #[test]
    fn what_nothing_is_known_of_is_said_to_be_guessed() {
        let told = backlog(&Backlog {
            queued: 3,
            work: Some(hours(2)),
            unknown: 1,
            slots: 2,
            night: None,
        });
        assert_eq!(
            told.message,
            "3 tasks queued (1 without a history, as long as others), about 2h 00m with 2 at once"
        );
    }

    #[test]
    fn slots_share_the_work_but_not_a_task() {
        let minute = Duration::from_mins(1);
        assert_eq!(work(vec![minute; 8], 8, 8, 4), Some(minute * 2));
        let mut mixed = vec![minute; 8];
        mixed.push(hours(5));
        assert_eq!(work(mixed, 9, 9, 4), Some(hours(5)));
    }

    #[test]
    fn what_has_no_history_is_as_long_as_the_one_in_the_middle() {
        let minute = Duration::from_mins(1);
        // One long task does not make a hundred unknown ones long.
        let known = vec![minute, hours(5), minute];
        assert_eq!(work(known, 103, 103, 1), Some(hours(5) + minute * 102));
        assert_eq!(work(Vec::new(), 3, 3, 1), None);
        // What was not looked at is like what was.
        assert_eq!(work(vec![minute; 2], 2, 20, 1), Some(minute * 20));
    }
}
