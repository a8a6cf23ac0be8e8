//! The parts of a report below what needs a person, the same for every rendering.
//!
//! Texts are safe for a terminal already: whatever came from outside went through that sink, and a
//! rendering for something else escapes them once more. A line of a child's output is left to it.

use std::collections::BTreeMap;

use crate::model::ids::TaskId;
use crate::model::recovery::RecoveryState;
use crate::model::verdict::Verdict;
use crate::policy::pick::RunPresence;
use crate::report::alerted;
use crate::report::different::changed;
use crate::report::figures::figures;
use crate::report::health_page;
use crate::report::needs::Need;
use crate::report::needs::named;
use crate::report::needs::told_of;
use crate::report::not_run_words::by_reason;
use crate::report::not_run_words::reason_words;
use crate::report::summary::RunSummary;
use crate::report::summary::TaskSummary;
use crate::report::text::LISTED;
use crate::report::text::Look;
use crate::report::told;
use crate::store::RecoveryBrief;
use crate::support::text::count;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

/// The most names of a group that are written out.
const NAMES: usize = 20;

/// Which part of a report it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Why the entries at the top need a person.
    Why,
    /// What healed itself.
    Healed,
    /// What would have been done, had it been allowed.
    Suggested,
    /// What runs, or ran when the run was cut off.
    Running,
    /// What did not run or did not finish.
    NotRun,
    /// Services behind an open breaker.
    Breakers,
    /// What was told as alerts.
    Alerts,
    /// How machine and queue are.
    Health,
    /// Whom nobody could tell of it.
    NotTold,
    /// What is different against earlier nights.
    Changed,
    /// Processes that outlived their commands.
    Leftovers,
    /// Figures.
    Figures,
}

/// A part of a report.
#[derive(Debug)]
pub(crate) struct Section {
    /// Which one.
    pub(crate) part: Part,
    /// What stands above it.
    pub(crate) title: String,
    /// What it lists.
    pub(crate) items: Vec<Item>,
    /// What to type about all of it.
    pub(crate) command: Option<String>,
}

/// An entry of a part.
#[derive(Debug, Default)]
pub(crate) struct Item {
    /// What is told; may be wrapped.
    pub(crate) text: String,
    /// A line of a child's output.
    pub(crate) quote: Option<Untrusted>,
    /// What there is to say besides, a sentence each.
    pub(crate) notes: Vec<String>,
}

impl Item {
    pub(crate) fn of(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

impl Section {
    /// A part with its number in the title; `None` when there is nothing to tell.
    pub(crate) fn of(part: Part, title: &str, number: usize, items: Vec<Item>) -> Option<Self> {
        (number > 0).then(|| Self {
            part,
            title: format!("{title} ({number})"),
            items,
            command: None,
        })
    }
}

/// Everything below what needs a person, in the order in which it is read.
pub(crate) fn sections(summary: &RunSummary, look: Look) -> Vec<Section> {
    [
        healed(summary),
        suggested(summary),
        running(summary),
        not_run(summary, look),
        alerted::section(summary, look),
        breakers(summary, look),
        health_page::section(summary),
        told::section(summary, look),
        changed(summary, look),
        leftovers(summary),
        figures(summary),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What of an entry stands at the top of a page already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Its name and its command, or less.
    Nothing,
    /// What happened.
    What,
    /// That and the line that decided.
    Line,
}

/// Why each entry needs a person: the line that tells, what it means, what helps, and who is in it.
///
/// `seen` says what of an entry stands above already; that is not repeated.
pub(crate) fn reasons(needs: &[Need<'_>], seen: impl Fn(&Need<'_>) -> Seen) -> Option<Section> {
    let told = told_of(needs, LISTED).into_iter();
    let mut items: Vec<Item> = told.map(|need| reason(need, seen(need))).collect();
    let hidden = needs.len() - items.len();
    if hidden > 0 {
        items.push(Item::of(format!("and {hidden} more")));
    }
    Section::of(Part::Why, "Why", needs.len(), items)
}

fn reason(need: &Need<'_>, seen: Seen) -> Item {
    let mut notes = Vec::new();
    if let Some(advice) = need.advice {
        notes.push(format!("{}: {}", advice.means, advice.helps));
    }
    if need.tasks.len() > 1 {
        let mut names: Vec<String> = need
            .tasks
            .iter()
            .take(NAMES)
            .map(|task| named(task))
            .collect();
        let hidden = need.tasks.len().saturating_sub(NAMES);
        if hidden > 0 {
            names.push(format!("and {hidden} more, see `autoexec queue list`"));
        }
        notes.push(names.join(", "));
    }
    let what = format!("{}: {}", need.title(), need.what);
    if seen == Seen::Nothing || need.tasks.len() > 1 {
        return Item {
            text: what,
            quote: need.quote.cloned(),
            notes,
        };
    }
    // The first of what is new stands behind the name.
    let quote = need.quote.filter(|_| seen == Seen::What).cloned();
    let first = if quote.is_none() && !notes.is_empty() {
        format!(": {}", notes.remove(0))
    } else {
        String::new()
    };
    Item {
        text: format!("{}{first}", need.title()),
        quote,
        notes,
    }
}

/// Says how many of a part were left out.
pub(crate) fn more(items: &mut Vec<Item>, number: usize) {
    if number > LISTED {
        items.push(Item::of(format!("and {} more", number - LISTED)));
    }
}

/// The first entries of a part about tasks.
fn listed(tasks: &[&TaskSummary], text: impl Fn(&TaskSummary) -> String) -> Vec<Item> {
    let mut items: Vec<Item> = tasks
        .iter()
        .take(LISTED)
        .map(|task| Item::of(text(task)))
        .collect();
    more(&mut items, tasks.len());
    items
}

fn healed(summary: &RunSummary) -> Option<Section> {
    let healed: Vec<&TaskSummary> = summary.with(Verdict::Recovered).collect();
    let items = listed(&healed, |task| {
        let after = task.failure.as_ref().map_or_else(String::new, |failure| {
            let words = failure.words();
            // What was no failure is a sentence of its own: `asked to be tried later`.
            let it = if words.starts_with("asked") {
                "it "
            } else {
                ""
            };
            format!(", after {it}{words}")
        });
        let how = task.recoveries.iter().rev();
        let how = how
            .filter(|one| one.state.verdict() == Some(true))
            .map(how_words)
            .next();
        let how = how.unwrap_or_default();
        format!(
            "{}: attempt {} worked{after}{how}",
            named(task),
            task.attempts
        )
    });
    Section::of(Part::Healed, "Healed itself", healed.len(), items)
}

/// What would have been done about failures, where recoveries are only suggested. One line for each task
/// and strategy, however often it came.
fn suggested(summary: &RunSummary) -> Option<Section> {
    let mut told: Vec<String> = Vec::new();
    for task in &summary.tasks {
        let only_told = |one: &&RecoveryBrief| one.state == RecoveryState::Suggested;
        for one in task.recoveries.iter().filter(only_told) {
            let shown = |text: &str| Untrusted::from(text).for_terminal();
            let detail = one.detail.as_deref().map(shown);
            let detail = detail.unwrap_or_else(|| "would have been tried".to_owned());
            let text = format!("{}: {}: {detail}", named(task), shown(&one.strategy));
            if !told.contains(&text) {
                told.push(text);
            }
        }
    }
    let number = told.len();
    let mut items: Vec<Item> = told.into_iter().take(LISTED).map(Item::of).collect();
    more(&mut items, number);
    Section::of(Part::Suggested, "Only suggested", number, items)
}

/// What helped: `; wait for reconnection: tcp db.internal:5432 answered after 41 s`.
fn how_words(recovery: &RecoveryBrief) -> String {
    let strategy = Untrusted::from(recovery.strategy.replace('_', " ")).for_terminal();
    let detail = recovery.detail.as_deref().map_or_else(String::new, |text| {
        format!(": {}", Untrusted::from(text).for_terminal())
    });
    format!("; what helped: {strategy}{detail}")
}

/// Services that kept failing and were left alone; they may be well again by now.
fn breakers(summary: &RunSummary, look: Look) -> Option<Section> {
    let items = summary.breakers.iter().take(LISTED).map(|breaker| {
        let name = Untrusted::from(breaker.name.as_str()).for_terminal();
        let state = breaker.state.replace('_', "-");
        let opened = match breaker.opened {
            1 => "opened once".to_owned(),
            more => format!("opened {more} times"),
        };
        let next = breaker.next_probe_at.map_or_else(String::new, |at| {
            format!(", tried next {}", look.zone.short(at, summary.generated_at))
        });
        Item {
            text: format!("{name}: {state}, {opened}{next}"),
            quote: breaker.last_line.as_deref().map(Untrusted::from),
            notes: Vec::new(),
        }
    });
    let mut items: Vec<Item> = items.collect();
    more(&mut items, summary.breakers.len());
    Section::of(
        Part::Breakers,
        "Services that were left alone for a while",
        summary.breakers.len(),
        items,
    )
}

fn running(summary: &RunSummary) -> Option<Section> {
    let running: Vec<&TaskSummary> = summary.with(Verdict::Running).collect();
    let title = match summary.presence {
        RunPresence::Active => "Running now",
        RunPresence::Absent => "Running when the run was cut off",
    };
    let items = listed(&running, |task| {
        let stalled = task.stalled.map_or_else(String::new, |stalled| {
            let long = span(summary.generated_at.since(stalled.since));
            let id = task.id;
            let words = stalled.words();
            format!("; it {words} for {long}, see `autoexec why {id}`")
        });
        format!("{}: attempt {}{stalled}", named(task), task.attempts.max(1))
    });
    Section::of(Part::Running, title, running.len(), items)
}

fn not_run(summary: &RunSummary, look: Look) -> Option<Section> {
    let interrupted: Vec<&TaskSummary> = summary.with(Verdict::Interrupted).collect();
    let total = summary.not_run.len() + interrupted.len();
    let begun: BTreeMap<TaskId, &TaskSummary> = summary
        .tasks
        .iter()
        .filter(|task| task.attempts > 0)
        .map(|task| (task.id, task))
        .collect();
    let has_run = summary
        .not_run
        .iter()
        .any(|one| begun.contains_key(&one.id));
    let title = match summary.presence {
        RunPresence::Active => "Still to come",
        RunPresence::Absent if interrupted.is_empty() && !has_run => "Did not run",
        RunPresence::Absent => "Did not finish",
    };
    let mut items = listed(&interrupted, |task| {
        format!(
            "{}: it was cut short and is started again in the next run",
            named(task)
        )
    });
    if interrupted.len() + summary.not_run.len() <= LISTED {
        items.extend(summary.not_run.iter().map(|task| {
            let why = reason_words(task, summary, look);
            let so_far = begun.get(&task.id).map(|task| so_far(task));
            let so_far = so_far.unwrap_or_default();
            Item::of(format!("{} ({}): {why}{so_far}", task.name, task.id))
        }));
    } else {
        items.extend(by_reason(summary));
    }
    let mut section = Section::of(Part::NotRun, title, total, items)?;
    // All of these tasks go on by the same command.
    let mut goes_on = summary.tasks.iter().filter(|task| {
        matches!(
            task.verdict,
            Verdict::Interrupted | Verdict::Waiting | Verdict::Deferred
        )
    });
    section.command = goes_on.find_map(|task| task.next.clone());
    Some(section)
}

/// What became of the attempts of a task that goes on: `; 2 attempts so far, the last: network (dns failure)`.
fn so_far(task: &TaskSummary) -> String {
    let attempts = usize::try_from(task.attempts).unwrap_or_default();
    let last = task.failure.as_ref();
    let last = last.map(|failure| format!(", the last: {}", failure.words()));
    let attempts = count(attempts, "attempt");
    format!("; {attempts} so far{}", last.unwrap_or_default())
}

/// Tasks whose commands left processes behind: they were ended, or may go on by the task's rule.
fn leftovers(summary: &RunSummary) -> Option<Section> {
    let left: Vec<&TaskSummary> = summary
        .tasks
        .iter()
        .filter(|task| task.leftovers > 0)
        .collect();
    let items = listed(&left, |task| {
        let processes = match task.leftovers {
            1 => "1 process".to_owned(),
            more => format!("{more} processes"),
        };
        format!(
            "{}: {processes}, see `autoexec queue show {}`",
            named(task),
            task.id
        )
    });
    Section::of(Part::Leftovers, "Left processes behind", left.len(), items)
}
