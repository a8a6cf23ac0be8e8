//! The way of an attempt through its stages, and the stage at which an open one has come to a stop.
//!
//! Pure: the facts come from the attempt's row, its outcome and, while it runs, from its output.

use std::time::Duration;

use crate::support::clock::Timestamp;

/// How long a permitted attempt may take to start, and an ended one to be recorded, before that is
/// worth a word: both usually take milliseconds.
pub const HAND_OVER: Duration = Duration::from_mins(1);
/// How long an attempt may print nothing before that is worth a word, where `stalled_after` of `[health]`
/// says nothing else. Many print only at their end, so this is no fault, only a hint.
pub const SILENCE: Duration = Duration::from_mins(30);

/// A stage of an attempt, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The task could be started from then on.
    Queued,
    /// A run permitted the attempt.
    Claimed,
    /// What the task requires was looked at.
    Requirements,
    /// Its command was started.
    Started,
    /// It printed for the first time.
    FirstOutput,
    /// It printed for the last time, or for the last time so far.
    LastOutput,
    /// Its command ended.
    Ended,
    /// Its success was checked.
    Checked,
    /// The end was made durable.
    Recorded,
}

impl Stage {
    /// The stable identifier.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Claimed => "claimed",
            Self::Requirements => "requirements",
            Self::Started => "started",
            Self::FirstOutput => "first_output",
            Self::LastOutput => "last_output",
            Self::Ended => "ended",
            Self::Checked => "checked",
            Self::Recorded => "recorded",
        }
    }
}

/// What is known of an attempt's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TraceFacts {
    /// Since when the task could be started.
    pub queued_at: Option<Timestamp>,
    /// When it was claimed.
    pub claimed_at: Option<Timestamp>,
    /// How long looking at the requirements took, if there were any.
    pub required: Option<Duration>,
    /// When the command started.
    pub started_at: Option<Timestamp>,
    /// From the start to the first output.
    pub first_output: Option<Duration>,
    /// From the start to the last output so far.
    pub last_output: Option<Duration>,
    /// From the start to the end of the command.
    pub ran_for: Option<Duration>,
    /// How long the success checks took, if there were any.
    pub checked: Option<Duration>,
    /// When the attempt was over, its processes gone.
    pub over_at: Option<Timestamp>,
    /// When its end was committed.
    pub recorded_at: Option<Timestamp>,
}

/// A stage that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The stage.
    pub stage: Stage,
    /// When.
    pub at: Timestamp,
    /// Since the stage before; none for the first one, and zero where a clock was set back.
    pub after: Option<Duration>,
}

/// The stages that were reached, in their order.
pub fn trace(facts: &TraceFacts) -> Vec<Reached> {
    let since_start = |span: Option<Duration>| Some(facts.started_at?.plus(span?));
    // Whoever never started is over without having run.
    let ended = since_start(facts.ran_for).or(facts.over_at);
    let checked = facts
        .checked
        .and_then(|span| Some(since_start(facts.ran_for)?.plus(span)));
    let requirements = facts
        .required
        .and_then(|span| facts.started_at.or(Some(facts.claimed_at?.plus(span))));
    let known = [
        (Stage::Queued, facts.queued_at),
        (Stage::Claimed, facts.claimed_at),
        (Stage::Requirements, requirements),
        (Stage::Started, facts.started_at),
        (Stage::FirstOutput, since_start(facts.first_output)),
        (Stage::LastOutput, since_start(facts.last_output)),
        (Stage::Ended, ended),
        (Stage::Checked, checked),
        (Stage::Recorded, facts.recorded_at),
    ];
    let mut reached: Vec<Reached> = Vec::new();
    for (stage, at) in known {
        if let Some(at) = at {
            let after = reached.last().map(|before| at.since(before.at));
            reached.push(Reached { stage, at, after });
        }
    }
    reached
}

/// A stage that an open attempt has not left for longer than usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stalled {
    /// The last stage that it reached.
    pub stage: Stage,
    /// Since when.
    pub since: Timestamp,
}

/// The stage at which an open attempt has come to a stop, if it has; `silence` is how long it may
/// print nothing.
pub fn stalled(facts: &TraceFacts, silence: Duration, now: Timestamp) -> Option<Stalled> {
    if facts.recorded_at.is_some() {
        return None;
    }
    let last = *trace(facts).last()?;
    let patience = match last.stage {
        // Waiting for its turn is explained otherwise.
        Stage::Queued => return None,
        Stage::Claimed | Stage::Requirements | Stage::Ended | Stage::Checked => HAND_OVER,
        Stage::Started | Stage::FirstOutput | Stage::LastOutput | Stage::Recorded => silence,
    };
    (now.since(last.at) >= patience).then_some(Stalled {
        stage: last.stage,
        since: last.at,
    })
}

impl Stalled {
    /// What it stands at, fit to follow the name of a task and to be followed by "for 40m".
    pub const fn words(self) -> &'static str {
        match self.stage {
            Stage::Queued | Stage::Claimed => "was permitted to start and has not started",
            Stage::Requirements => "has looked at its requirements and has not started",
            Stage::Started => "has printed nothing since its start",
            Stage::FirstOutput | Stage::LastOutput => "has printed nothing more",
            Stage::Ended | Stage::Checked | Stage::Recorded => {
                "has ended and its end is not recorded"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000 * seconds)
    }

    const fn span(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn whole() -> TraceFacts {
        TraceFacts {
            queued_at: Some(at(0)),
            claimed_at: Some(at(10)),
            required: Some(span(1)),
            started_at: Some(at(12)),
            first_output: Some(span(3)),
            last_output: Some(span(50)),
            ran_for: Some(span(60)),
            checked: Some(span(2)),
            over_at: Some(at(75)),
            recorded_at: Some(at(76)),
        }
    }

    fn told(facts: &TraceFacts) -> Vec<(&'static str, i64)> {
        trace(facts)
            .iter()
            .map(|reached| (reached.stage.as_str(), reached.at.as_millis() / 1_000))
            .collect()
    }

    #[test]
    fn every_stage_has_its_time() {
        assert_eq!(
            told(&whole()),
            [
                ("queued", 0),
                ("claimed", 10),
                ("requirements", 12),
                ("started", 12),
                ("first_output", 15),
                ("last_output", 62),
                ("ended", 72),
                ("checked", 74),
                ("recorded", 76),
            ]
        );
        let spans: Vec<Option<Duration>> = trace(&whole()).iter().map(|one| one.after).collect();
        assert_eq!(spans[..2], [None, Some(span(10))]);
    }

    #[test]
    fn an_attempt_that_never_ran_has_an_end_all_the_same() {
        let facts = TraceFacts {
            queued_at: Some(at(0)),
            claimed_at: Some(at(10)),
            over_at: Some(at(11)),
            recorded_at: Some(at(11)),
            ..TraceFacts::default()
        };
        let expected = [
            ("queued", 0),
            ("claimed", 10),
            ("ended", 11),
            ("recorded", 11),
        ];
        assert_eq!(told(&facts), expected);
    }

    #[test]
    fn an_open_attempt_is_stalled_where_it_stands_for_too_long() {
        let open = |facts: TraceFacts| TraceFacts {
            over_at: None,
            ran_for: None,
            checked: None,
            recorded_at: None,
            ..facts
        };
        let silent = open(whole());
        assert_eq!(stalled(&silent, SILENCE, at(62 + 1_799)), None);
        assert!(stalled(&silent, span(600), at(62 + 600)).is_some());
        assert!(stalled(&silent, span(3_600), at(62 + 1_800)).is_none());
        let found = stalled(&silent, SILENCE, at(62 + 1_800)).unwrap();
        assert_eq!((found.stage, found.since), (Stage::LastOutput, at(62)));
        let claimed = TraceFacts {
            required: None,
            started_at: None,
            ..silent
        };
        assert_eq!(stalled(&claimed, SILENCE, at(69)), None);
        let found = stalled(&claimed, SILENCE, at(70)).unwrap();
        assert_eq!(found.stage, Stage::Claimed);
        assert_eq!(stalled(&whole(), SILENCE, at(1_000_000)), None);
    }

    #[test]
    fn a_clock_that_was_set_back_gives_no_negative_spans() {
        let facts = TraceFacts {
            queued_at: Some(at(100)),
            claimed_at: Some(at(10)),
            ..TraceFacts::default()
        };
        assert_eq!(trace(&facts)[1].after, Some(Duration::ZERO));
    }
}
