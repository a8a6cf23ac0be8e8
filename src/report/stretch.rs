//! Which tasks and runs a part of the past has.

use crate::report::facts::Scope;
use crate::report::load::Wish;
use crate::report::range::Range;
use crate::store::Reader;
use crate::store::StoreError;
use crate::store::Touched;
use crate::store::runs::Run;
use crate::store::runs::night;
use crate::support::clock::Timestamp;

/// A part of the past, looked up.
pub(crate) struct Period {
    pub(crate) scope: Scope,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) touched: Touched,
    pub(crate) runs: Vec<Run>,
    /// Whether it reaches up to now, so that what is unfinished belongs to it.
    pub(crate) is_present: bool,
}

impl Period {
    pub(crate) fn of(reader: &Reader, wish: &Wish<'_>, runs: &[Run]) -> Result<Self, StoreError> {
        let chosen = match wish.range {
            Range::Run(run) => runs.iter().find(|known| known.id == run),
            Range::LastRun => runs.last(),
            Range::SinceRead | Range::Since(_) => None,
        };
        if let Some(run) = chosen {
            return Ok(Self::of_run(run, runs, wish.now));
        }
        let begin = runs.first().map_or(wish.now, |run| run.started_at);
        let (scope, from, touched) = match (wish.range, reader.report_read()?) {
            (Range::Since(since), _) => (Scope::Since(since), since, Touched::Since(since)),
            (_, Some(read)) => (
                Scope::SinceRead(Some(read.at)),
                read.at,
                Touched::AfterEvent(read.to),
            ),
            (_, None) => (Scope::SinceRead(None), begin, Touched::AfterEvent(0)),
        };
        let newest = runs.last().map(|run| run.id);
        // By events and not by the clock alone: it may have been set back meanwhile. Nobody need go through them
        // where every run has ended since then anyway.
        let is_earlier = |run: &Run| run.end.as_ref().is_some_and(|end| end.at < from);
        let worked = match touched {
            Touched::AfterEvent(read) if runs.iter().any(is_earlier) => reader.runs_after(read)?,
            Touched::AfterEvent(_) | Touched::Since(_) | Touched::Runs { .. } => Vec::new(),
        };
        let inside = |run: &&Run| match &run.end {
            Some(end) => end.at >= from || worked.contains(&run.id),
            // A run without an end goes on, or died; of the older ones nothing is left to tell.
            None => run.started_at >= from || Some(run.id) == newest,
        };
        Ok(Self {
            scope,
            from,
            to: wish.now,
            touched,
            runs: runs.iter().filter(inside).cloned().collect(),
            is_present: true,
        })
    }

    /// The part of a run, and of those before it whose night it goes on with.
    fn of_run(run: &Run, runs: &[Run], now: Timestamp) -> Self {
        let newest = runs.last().is_some_and(|last| last.id == run.id);
        // A run that died ended, at the latest, when the next one began.
        let next = runs.iter().find(|later| later.id > run.id);
        let to = run
            .end
            .as_ref()
            .map(|end| end.at)
            .or_else(|| next.map(|next| next.started_at))
            .unwrap_or(now);
        let night = night(runs, run.id);
        let first = night.first().unwrap_or(run);
        Self {
            scope: Scope::Runs {
                first: first.id,
                last: run.id,
            },
            from: first.started_at,
            to,
            touched: Touched::Runs {
                first: first.id,
                last: run.id,
                first_attempt: first.first_attempt,
                from: first.started_at,
                to,
            },
            runs: night.to_vec(),
            is_present: newest,
        }
    }
}
