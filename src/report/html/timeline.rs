//! The night as lanes of marks: one lane per slot, then the waits, the recoveries and the breakers.
//!
//! A pure function of attempts. What is too narrow to be seen is drawn together with its neighbours,
//! so that a picture has at most a few thousand marks whatever happened.

use std::collections::BTreeMap;

use crate::policy::classify::codes::START_AGAIN_PATTERN;
use crate::report::charts::NightChart;
use crate::report::html::marks::apart;
use crate::report::html::marks::merge;
use crate::report::summary::RunSummary;
use crate::store::BarBrief;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::text::span;

/// About so many marks in all lanes of slots together.
const MARKS: usize = 2400;
/// So many at least in each.
const LEAST: usize = 60;
/// The most lanes of one sort.
const LANES: usize = 48;

/// What became of an attempt; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Failed,
    Lost,
    Doubted,
    Stopped,
    Saved,
    Running,
    Ok,
    Wait,
    Recovery,
    Breaker,
}

impl Kind {
    pub(super) const ATTEMPTS: [Self; 7] = [
        Self::Ok,
        Self::Failed,
        Self::Doubted,
        Self::Stopped,
        Self::Saved,
        Self::Lost,
        Self::Running,
    ];

    /// The name of its class in the style sheet.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Failed => "k-failed",
            Self::Lost => "k-lost",
            Self::Doubted => "k-doubted",
            Self::Stopped => "k-stopped",
            Self::Saved => "k-saved",
            Self::Running => "k-running",
            Self::Ok => "k-ok",
            Self::Wait => "k-wait",
            Self::Recovery => "k-recovery",
            Self::Breaker => "k-breaker",
        }
    }

    /// The word for it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Lost => "end unknown",
            Self::Doubted => "suspicious",
            Self::Stopped => "stopped",
            Self::Saved => "to be started again",
            Self::Running => "running",
            Self::Ok => "ok",
            Self::Wait => "waits for its next attempt",
            Self::Recovery => "recovery",
            Self::Breaker => "breaker open",
        }
    }
}

/// The whole picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timeline {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) lanes: Vec<Lane>,
    /// Lanes for which there was no room.
    pub(super) left_out: usize,
}

/// A row of the picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lane {
    pub(super) title: String,
    pub(super) marks: Vec<Mark>,
    /// Its marks are thin.
    pub(super) is_thin: bool,
}

/// Something in a lane.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// What it shows, and the share of each; the worst first.
    pub(super) parts: Vec<(Kind, usize)>,
    /// Safe for a terminal.
    pub(super) title: String,
}

/// A stretch of time with something to say about it.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) kind: Kind,
    pub(super) title: String,
    pub(super) name: String,
}

impl Timeline {
    /// The picture of a night.
    pub(super) fn of(chart: &NightChart, summary: &RunSummary, zone: Zone) -> Self {
        let mut slots: BTreeMap<u32, Vec<Stretch>> = BTreeMap::new();
        for bar in &chart.bars {
            slots
                .entry(bar.slot)
                .or_default()
                .push(stretch(bar, chart.to, zone));
        }
        let left_out = slots.len().saturating_sub(LANES);
        let most = (MARKS / slots.len().clamp(1, LANES)).max(LEAST);
        let draw = |all: Vec<Stretch>| merge(all, chart, most, zone);
        let mut lanes: Vec<Lane> = slots
            .into_iter()
            .take(LANES)
            .map(|(slot, all)| Lane {
                title: format!("slot {}", slot + 1),
                marks: draw(all),
                is_thin: false,
            })
            .collect();
        for (title, all) in [
            ("waiting", waits(chart, zone)),
            ("recovery", recoveries(chart, summary, zone)),
        ] {
            if !all.is_empty() {
                lanes.push(Lane {
                    title: title.to_owned(),
                    marks: draw(apart(all, zone)),
                    is_thin: true,
                });
            }
        }
        for (service, all) in outages(chart, zone).into_iter().take(LANES) {
            lanes.push(Lane {
                title: service,
                marks: draw(all),
                is_thin: true,
            });
        }
        Self {
            from: chart.from,
            to: chart.to,
            lanes,
            left_out,
        }
    }

    /// The kinds that are in it, for the legend.
    pub(super) fn has(&self, kind: Kind) -> bool {
        let marks = self.lanes.iter().flat_map(|lane| &lane.marks);
        marks
            .flat_map(|mark| &mark.parts)
            .any(|(one, _)| *one == kind)
    }
}

/// When services were left alone, each on a lane of its own.
fn outages(chart: &NightChart, zone: Zone) -> BTreeMap<String, Vec<Stretch>> {
    let mut services: BTreeMap<String, Vec<Stretch>> = BTreeMap::new();
    for outage in &chart.outages {
        let (from, to) = (
            outage.from.unwrap_or(chart.from),
            outage.to.unwrap_or(chart.to),
        );
        let until = outage.to.map_or_else(
            || "still open".to_owned(),
            |to| format!("until {}", zone.clock_time(to)),
        );
        services
            .entry(outage.name.clone())
            .or_default()
            .push(Stretch {
                from,
                to,
                kind: Kind::Breaker,
                title: format!("open since {}, {until}", zone.clock_time(from)),
                name: outage.name.clone(),
            });
    }
    services
}

/// What became of an attempt.
fn kind(bar: &BarBrief) -> Kind {
    match (bar.ended_at, bar.category, bar.ended.as_deref()) {
        (None, ..) => Kind::Running,
        (_, None, _) if bar.doubted => Kind::Doubted,
        (_, None, _) => Kind::Ok,
        _ if bar.pattern.as_deref() == Some(START_AGAIN_PATTERN) => Kind::Saved,
        (_, _, Some("stopped")) => Kind::Stopped,
        (_, _, Some("lost")) => Kind::Lost,
        _ => Kind::Failed,
    }
}

fn stretch(bar: &BarBrief, end: Timestamp, zone: Zone) -> Stretch {
    let kind = kind(bar);
    let to = bar.ended_at.unwrap_or(end).max(bar.started_at);
    let why = match (&bar.pattern, kind) {
        (Some(pattern), Kind::Failed) => format!(" ({})", pattern.replace('_', " ")),
        _ => String::new(),
    };
    Stretch {
        from: bar.started_at,
        to,
        kind,
        title: format!(
            "{} ({}), attempt {}: {}{why}, {}–{} ({})",
            bar.name,
            bar.task,
            bar.number,
            kind.word(),
            zone.clock_time(bar.started_at),
            zone.clock_time(to),
            span(to.since(bar.started_at))
        ),
        name: bar.name.clone(),
    }
}

/// The time between a task's attempts.
fn waits(chart: &NightChart, zone: Zone) -> Vec<Stretch> {
    let mut ends: BTreeMap<_, (Timestamp, Option<Timestamp>, &BarBrief)> = BTreeMap::new();
    let mut waits = Vec::new();
    let wait = |from: Timestamp, to: Timestamp, bar: &BarBrief| Stretch {
        from,
        to,
        kind: Kind::Wait,
        title: format!(
            "{} ({}) waited for its next attempt, {}–{} ({})",
            bar.name,
            bar.task,
            zone.clock_time(from),
            zone.clock_time(to),
            span(to.since(from))
        ),
        name: bar.name.clone(),
    };
    for bar in &chart.bars {
        if let Some((ended, Some(_), _)) = ends.get(&bar.task)
            && *ended < bar.started_at
        {
            waits.push(wait(*ended, bar.started_at, bar));
        }
        if let Some(ended) = bar.ended_at {
            ends.insert(bar.task, (ended, bar.next_at, bar));
        }
    }
    let begun: BTreeMap<_, _> = chart
        .bars
        .iter()
        .map(|bar| (bar.task, bar.number))
        .collect();
    for (task, (ended, next, bar)) in ends {
        // It still waits, or did when the night was over.
        if let Some(next) = next
            && begun.get(&task) == Some(&bar.number)
            && ended < next
        {
            waits.push(wait(ended, next.min(chart.to).max(ended), bar));
        }
    }
    waits
}

fn recoveries(chart: &NightChart, summary: &RunSummary, zone: Zone) -> Vec<Stretch> {
    let mut all = Vec::new();
    for task in &summary.tasks {
        for one in &task.recoveries {
            let to = one.ended_at.unwrap_or(chart.to);
            if one.started_at > chart.to || to < chart.from {
                continue;
            }
            let detail = one.detail.as_deref().unwrap_or("");
            all.push(Stretch {
                from: one.started_at.max(chart.from),
                to,
                kind: Kind::Recovery,
                title: format!(
                    "{} ({}): {}, {}, {}–{} {detail}",
                    task.name,
                    task.id,
                    one.strategy.replace('_', " "),
                    one.state.as_str().replace('_', " "),
                    zone.clock_time(one.started_at),
                    zone.clock_time(to),
                ),
                name: task.name.to_string(),
            });
        }
    }
    all
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
