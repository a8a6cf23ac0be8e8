//! What only pictures show: the attempts of a night on a line of time, the last nights, and the last
//! lines of output.
//!
//! Read beside the summary and only for the page in HTML, so that the other renderings stay as fast
//! as they are. Every query has a limit.

mod outages;
mod tails;
mod trend;

use std::time::Duration;

use crate::model::ids::AttemptId;
use crate::model::layout::StateDir;
use crate::policy::pick::RunPresence;
use crate::report::summary::RunSummary;
use crate::store::BarBrief;
use crate::store::Reader;
use crate::store::Store;
use crate::store::StoreError;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;

pub use crate::report::charts::outages::Outage;
pub use crate::report::charts::tails::Tail;
pub use crate::report::charts::trend::Night;

/// The most attempts that are drawn.
const BARS: usize = 200_000;
/// The longest time that one picture shows; of more, the end is shown.
const LONGEST: Duration = Duration::from_hours(36);

/// What the pictures are made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Charts {
    /// The attempts of the report's part of the past.
    pub night: Option<NightChart>,
    /// The last nights, the oldest first.
    pub trend: Vec<Night>,
    /// The end of the output of what needs a person.
    pub tails: Vec<Tail>,
}

/// The attempts of a night.
#[derive(Debug, Clone, PartialEq)]
pub struct NightChart {
    /// Where the picture begins.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// The hours of the last run in it that kept to any.
    pub window: Option<(Timestamp, Timestamp)>,
    /// The attempts, in the order in which they were claimed.
    pub bars: Vec<BarBrief>,
    /// When services were left alone.
    pub outages: Vec<Outage>,
    /// There is more before it.
    pub is_cut: bool,
}

/// Reads what the pictures need beside a summary.
///
/// # Errors
/// When the queue cannot be read.
pub fn load(
    store: &Store,
    dir: &StateDir,
    summary: &RunSummary,
    zone: Zone,
) -> Result<Charts, StoreError> {
    let tails = tails::load(store, dir, summary)?;
    store.read(|reader| {
        Ok(Charts {
            night: night(reader, summary)?,
            trend: trend::load(reader, zone)?,
            tails,
        })
    })
}

fn night(reader: &Reader, summary: &RunSummary) -> Result<Option<NightChart>, StoreError> {
    let (Some(first), Some(last)) = (summary.runs.first(), summary.runs.last()) else {
        return Ok(None);
    };
    let end = last.ended_at.unwrap_or(summary.to);
    let begin = first.started_at.max(end.minus(LONGEST));
    let first = reader
        .run(first.id)?
        .map_or(AttemptId::new(0), |run| run.first_attempt);
    let bars = reader.bars(first, [begin, end], BARS)?;
    let Some(from) = bars.iter().map(|bar| bar.started_at).min() else {
        return Ok(None);
    };
    // A run that was killed has no end: its last attempt tells.
    let is_active = summary.presence == RunPresence::Active;
    let to = if last.ended_at.is_some() || is_active {
        end
    } else {
        let ends = bars
            .iter()
            .map(|bar| bar.ended_at.unwrap_or(bar.started_at));
        ends.max().unwrap_or(end)
    };
    let window = summary.runs.iter().rev().find_map(|run| run.window);
    // A run that waits for its window for hours says nothing by that.
    let opened = window.map_or(from, |(opened, _)| opened.min(from));
    let from = opened.max(begin);
    Ok(Some(NightChart {
        outages: outages::load(reader, from, to)?,
        from,
        to: to.max(from.plus(Duration::from_secs(1))),
        window,
        bars,
        is_cut: summary
            .runs
            .first()
            .is_some_and(|run| run.started_at < begin),
    }))
}
