//! The values of the template: words that are ready to be shown, in the order of the page.

use serde::Serialize;

use crate::model::verdict::Verdict;
use crate::report::charts::Charts;
use crate::report::facts::Failure;
use crate::report::headline;
use crate::report::html::svg;
use crate::report::html::tables::DurationView;
use crate::report::html::tables::StrategyView;
use crate::report::html::tables::TrendView;
use crate::report::html::tables::durations;
use crate::report::html::tables::strategy;
use crate::report::html::tables::trend;
use crate::report::html::timeline::Kind;
use crate::report::html::timeline::Timeline;
use crate::report::needs::Need;
use crate::report::needs::named;
use crate::report::needs::needs;
use crate::report::sections::Item;
use crate::report::sections::Part;
use crate::report::sections::Section;
use crate::report::sections::sections;
use crate::report::summary::RunSummary;
use crate::report::summary::TaskSummary;
use crate::report::text::Look;
use crate::report::text::words_of;
use crate::support::clock::Zone;
use crate::support::paint::Paint;
use crate::support::text::count;
use crate::support::text::size;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

/// The most entries that need a person that are shown one by one.
const NEEDS: usize = 60;
/// The most names in such an entry.
const NAMES: usize = 20;
/// The most tasks in the table of all tasks.
const TASKS: usize = 500;

/// All of the page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    title: String,
    sentence: String,
    mood: &'static str,
    verdicts: Vec<Chip>,
    needs: Vec<NeedView>,
    needing: String,
    more_needs: usize,
    before: Vec<PartView>,
    night: Option<NightView>,
    after: Vec<PartView>,
    durations: Vec<DurationView>,
    strategies: Vec<StrategyView>,
    trend: Option<TrendView>,
    figures: Vec<String>,
    tasks: Vec<TaskView>,
    more_tasks: usize,
    tails: Vec<TailView>,
    generated: String,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct Chip {
    class: &'static str,
    word: &'static str,
    number: usize,
}

#[derive(Debug, Serialize)]
struct NeedView {
    class: &'static str,
    word: &'static str,
    title: String,
    what: String,
    quote: Option<String>,
    means: Option<String>,
    helps: Option<String>,
    names: Vec<String>,
    more_names: usize,
    commands: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PartView {
    title: String,
    items: Vec<ItemView>,
    command: Option<String>,
}

#[derive(Debug, Serialize)]
struct ItemView {
    text: String,
    quote: Option<String>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct NightView {
    svg: String,
    lanes: Vec<LaneView>,
    legend: Vec<LegendView>,
    note: String,
}

#[derive(Debug, Serialize)]
struct LaneView {
    title: String,
    class: &'static str,
}

#[derive(Debug, Serialize)]
struct LegendView {
    sample: String,
    word: &'static str,
}

#[derive(Debug, Serialize)]
struct TaskView {
    id: i64,
    name: String,
    class: &'static str,
    word: &'static str,
    attempts: u32,
    duration: String,
    memory: String,
    cause: String,
}

#[derive(Debug, Serialize)]
struct TailView {
    title: String,
    command: String,
    lines: Vec<String>,
}

/// The class of a verdict in the style sheet.
const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Failed | Verdict::Blocked => "bad",
        Verdict::Held | Verdict::Suspicious => "warn",
        Verdict::Ok | Verdict::Recovered => "good",
        Verdict::Running => "run",
        Verdict::NotNeeded
        | Verdict::Interrupted
        | Verdict::Waiting
        | Verdict::Deferred
        | Verdict::Cancelled => "calm",
    }
}

impl Page {
    pub(super) fn of(summary: &RunSummary, charts: &Charts, zone: Zone) -> Self {
        let look = Look {
            width: 80,
            zone,
            paint: Paint::PLAIN,
        };
        let needs = needs(summary, zone);
        let tasks: usize = needs.iter().map(|need| need.tasks.len()).sum();
        let mut before = Vec::new();
        let mut after = Vec::new();
        let mut figures = Vec::new();
        for section in sections(summary, look) {
            match section.part {
                Part::Healed
                | Part::Suggested
                | Part::Running
                | Part::NotRun
                | Part::Breakers
                | Part::Alerts
                | Part::NotTold => {
                    before.push(part(section));
                }
                Part::Health | Part::Changed | Part::Leftovers | Part::Why => {
                    after.push(part(section));
                }
                Part::Figures => figures.extend(section.items.into_iter().map(|item| item.text)),
            }
        }
        let mut listed: Vec<&TaskSummary> = summary.tasks.iter().collect();
        listed.sort_by_key(|task| (task.verdict, task.id));
        let totals = &summary.totals;
        let chips = Verdict::ALL.into_iter().filter(|one| totals.of(*one) > 0);
        Self {
            title: title(summary),
            sentence: headline::sentence(summary, zone),
            mood: needs.first().map_or("good", |need| class(need.verdict)),
            verdicts: chips
                .map(|verdict| Chip {
                    class: class(verdict),
                    word: words_of(verdict),
                    number: totals.of(verdict),
                })
                .collect(),
            needing: count(tasks, "task"),
            more_needs: needs.len().saturating_sub(NEEDS),
            needs: needs.iter().take(NEEDS).map(need).collect(),
            before,
            night: charts.night.as_ref().map(|night| {
                let timeline = Timeline::of(night, summary, zone);
                night_view(
                    &timeline,
                    night.is_cut,
                    svg::night(&timeline, night.window, zone),
                )
            }),
            after,
            durations: durations(&summary.durations),
            strategies: summary.strategies.iter().map(strategy).collect(),
            trend: (charts.trend.len() > 1).then(|| trend(charts)),
            figures,
            more_tasks: listed.len().saturating_sub(TASKS),
            tasks: listed.into_iter().take(TASKS).map(task).collect(),
            tails: charts
                .tails
                .iter()
                .map(|tail| TailView {
                    title: tail.title.clone(),
                    command: tail.command.clone(),
                    lines: tail.lines.clone(),
                })
                .collect(),
            generated: zone
                .at(summary.generated_at)
                .format("%-d %B %Y, %H:%M (UTC%:z)")
                .to_string(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// What the window of a browser is called: the verdict first.
fn title(summary: &RunSummary) -> String {
    let state = match summary.needs().len() {
        0 => "nothing needs you".to_owned(),
        1 => "1 needs you".to_owned(),
        number => format!("{number} need you"),
    };
    summary.runs.last().map_or_else(
        || format!("autoexec: {state}"),
        |run| format!("autoexec run {}: {state}", run.id),
    )
}

fn need(need: &Need<'_>) -> NeedView {
    let names: Vec<String> = if need.tasks.len() > 1 {
        let tasks = need.tasks.iter().take(NAMES);
        tasks.map(|task| named(task)).collect()
    } else {
        Vec::new()
    };
    NeedView {
        class: class(need.verdict),
        word: words_of(need.verdict),
        title: need.title(),
        what: need.what.clone(),
        quote: need.quote.map(Untrusted::for_terminal),
        means: need.advice.as_ref().map(|one| one.means.to_owned()),
        helps: need.advice.as_ref().map(|one| one.helps.to_owned()),
        more_names: match names.len() {
            0 => 0,
            shown => need.tasks.len() - shown,
        },
        names,
        commands: need.commands.clone(),
    }
}

fn part(section: Section) -> PartView {
    PartView {
        title: section.title,
        items: section.items.into_iter().map(item).collect(),
        command: section.command,
    }
}

fn item(item: Item) -> ItemView {
    ItemView {
        text: item.text,
        quote: item.quote.as_ref().map(Untrusted::for_terminal),
        notes: item.notes,
    }
}

fn night_view(timeline: &Timeline, is_cut: bool, svg: String) -> NightView {
    let also = [Kind::Wait, Kind::Recovery, Kind::Breaker];
    let kinds = Kind::ATTEMPTS.into_iter().chain(also);
    let mut note = String::new();
    if is_cut {
        note.push_str("The last 36 hours are shown. ");
    }
    if timeline.left_out > 0 {
        note.push_str(&count(timeline.left_out, "more slot"));
        note.push_str(" are left out. ");
    }
    NightView {
        lanes: timeline
            .lanes
            .iter()
            .map(|lane| LaneView {
                title: Untrusted::from(lane.title.as_str()).for_terminal(),
                class: if lane.is_thin { "thin" } else { "" },
            })
            .collect(),
        legend: kinds
            .filter(|kind| timeline.has(*kind))
            .map(|kind| LegendView {
                sample: svg::sample(kind),
                word: kind.word(),
            })
            .collect(),
        svg,
        note: note.trim_end().to_owned(),
    }
}

fn task(task: &TaskSummary) -> TaskView {
    let failure = task.failure.as_ref();
    TaskView {
        id: task.id.get(),
        name: task.name.to_string(),
        class: class(task.verdict),
        word: words_of(task.verdict),
        attempts: task.attempts,
        duration: if task.attempts == 0 {
            String::new()
        } else {
            span(task.duration)
        },
        memory: match task.max_rss_bytes {
            0 => String::new(),
            bytes => size(bytes),
        },
        cause: failure.map_or_else(String::new, Failure::words),
    }
}
