//! The summary as a page for a terminal.
//!
//! INVARIANT: no line is wider than asked, and the first [`TOP`] lines hold the headline and every
//! needed action with its command (or, when there are too many, how to list them). Text of children
//! is shown through its sink, so nothing in it reaches the terminal as a command. Colours only repeat
//! what a word says.

use std::collections::BTreeMap;

use crate::model::ids::TaskName;
use crate::model::verdict::Verdict;
use crate::policy::pick::RunPresence;
use crate::policy::pick::WhyNot;
use crate::report::causes::Cause;
use crate::report::facts::Failure;
use crate::report::headline;
use crate::report::page::Page;
use crate::report::queue_table::why_words;
use crate::report::summary::RunSummary;
use crate::report::summary::TaskSummary;
use crate::support::clock::Zone;
use crate::support::paint::Paint;
use crate::support::table::cut;
use crate::support::table::pad;
use crate::support::table::wrap;
use crate::support::text::count;
use crate::support::text::size;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

/// The lines that hold what a person has to know.
pub const TOP: usize = 15;
/// The most tasks that a section other than the first lists one by one.
pub(crate) const LISTED: usize = 10;
/// Columns of the word for a verdict.
const WORD: usize = 11;

/// How a page looks.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Columns of the terminal.
    pub width: usize,
    /// Where the reader's clock stands.
    pub zone: Zone,
    /// With colours or without.
    pub paint: Paint,
}

/// The summary as a page.
pub fn render(summary: &RunSummary, look: Look) -> String {
    let mut page = Page::new(look);
    let headline = headline::sentence(summary, look.zone);
    let headline = wrap(&headline, look.width);
    let left = TOP.saturating_sub(headline.len());
    for line in headline {
        page.line(&look.paint.strong(&line));
    }
    let told = needs(&mut page, summary, left);
    healed(&mut page, summary);
    not_finished(&mut page, summary);
    causes(&mut page, summary, told);
    leftovers(&mut page, summary);
    figures(&mut page, summary);
    page.text
}

/// How much was told of each task that needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// What failed, why, the line that decided, and the command.
    Whole,
    /// What failed, why, and the command.
    NoLine,
    /// The command.
    Short,
}

fn needs(page: &mut Page, summary: &RunSummary, left: usize) -> Told {
    let needing = summary.needs();
    if needing.is_empty() {
        return Told::Whole;
    }
    page.section("Needs you", needing.len());
    // A blank line and the title are taken.
    let left = left.saturating_sub(2);
    let lines = left / needing.len();
    if lines >= 2 {
        for task in needing {
            need_at_length(page, task, lines >= 3);
        }
        return if lines >= 3 {
            Told::Whole
        } else {
            Told::NoLine
        };
    }
    let fit = if needing.len() <= left {
        needing.len()
    } else {
        left.saturating_sub(1)
    };
    for task in needing.iter().take(fit) {
        let command = task.next.clone().unwrap_or_default();
        let word = verdict_word(page.look.paint, task.verdict);
        let room = page.look.width.saturating_sub(2 + WORD + 2 + command.len());
        let name = pad(&cut(&named(task), room), room.min(28));
        let command = page.look.paint.command(&command);
        page.line(&format!("  {word}{name}  {command}"));
    }
    if fit < needing.len() {
        let more = needing.len() - fit;
        page.line(&format!("  and {more} more, see `autoexec queue list`"));
    }
    Told::Short
}

fn need_at_length(page: &mut Page, task: &TaskSummary, with_line: bool) {
    let paint = page.look.paint;
    let indent = " ".repeat(2 + WORD);
    let what = what_happened(task);
    let word = verdict_word(paint, task.verdict);
    page.line(&format!("  {word}{}: {what}", named(task)));
    if with_line && let Some(line) = deciding_line(task) {
        let room = page.look.width.saturating_sub(indent.len());
        let line = line.for_terminal_within(room);
        page.line(&format!("{indent}{}", paint.dim(&line)));
    }
    let logs = format!("autoexec logs {}", task.id);
    let mut commands = Vec::new();
    if task.attempts > 0 {
        commands.push(logs.clone());
    }
    commands.extend(task.next.clone().filter(|next| *next != logs));
    let commands: Vec<String> = commands.iter().map(|one| paint.command(one)).collect();
    page.line(&format!("{indent}{}", commands.join("   ")));
}

/// The line that decided, or that makes a success doubtful.
fn deciding_line(task: &TaskSummary) -> Option<&Untrusted> {
    let failure = || task.failure.as_ref().and_then(|one| one.line.as_ref());
    task.doubt.as_ref().or_else(failure)
}

/// Why a task needs a person.
fn what_happened(task: &TaskSummary) -> String {
    match (&task.hold, &task.failure) {
        _ if task.doubt.is_some() => "it ended well, which is hard to believe".to_owned(),
        (Some(hold), _) => Untrusted::from(hold.reason.as_str()).for_terminal(),
        (None, Some(failure)) => {
            let attempts = count(
                usize::try_from(task.attempts).unwrap_or_default(),
                "attempt",
            );
            format!("{}, {attempts}", failure.words())
        }
        (None, None) if task.verdict == Verdict::Blocked => {
            "a task that it needs failed".to_owned()
        }
        (None, None) => "see its output".to_owned(),
    }
}

fn healed(page: &mut Page, summary: &RunSummary) {
    let healed: Vec<&TaskSummary> = summary.with(Verdict::Recovered).collect();
    page.section("Healed itself", healed.len());
    for task in healed.iter().take(LISTED) {
        let after = task.failure.as_ref().map_or_else(String::new, |failure| {
            format!(", after {}", failure.words())
        });
        let number = task.attempts;
        page.item(&format!("{}: attempt {number} worked{after}", named(task)));
    }
    page.more(healed.len());
}

fn not_finished(page: &mut Page, summary: &RunSummary) {
    let running: Vec<&TaskSummary> = summary.with(Verdict::Running).collect();
    let seen = match summary.presence {
        RunPresence::Active => "Running now",
        RunPresence::Absent => "Running when the run was cut off",
    };
    page.section(seen, running.len());
    for task in running.iter().take(LISTED) {
        page.item(&format!(
            "{}: attempt {}",
            named(task),
            task.attempts.max(1)
        ));
    }
    page.more(running.len());

    let interrupted: Vec<&TaskSummary> = summary.with(Verdict::Interrupted).collect();
    let total = summary.not_run.len() + interrupted.len();
    let title = match summary.presence {
        RunPresence::Active => "Still to come",
        RunPresence::Absent if interrupted.is_empty() => "Did not run",
        RunPresence::Absent => "Did not finish",
    };
    page.section(title, total);
    let mut listed = 0;
    for task in interrupted.iter().take(LISTED) {
        listed += 1;
        page.item(&format!(
            "{}: it was cut short and is started again in the next run",
            named(task)
        ));
    }
    if listed + summary.not_run.len() <= LISTED {
        for task in &summary.not_run {
            let why = why_words(task.why, summary.generated_at, page.look);
            page.item(&format!("{} ({}): {why}", task.name, task.id));
        }
    } else {
        page.more(interrupted.len());
        not_run_by_reason(page, summary);
    }
    if total > 0 && summary.presence == RunPresence::Absent {
        let command = page.look.paint.command("autoexec run");
        page.line(&format!("  {command}"));
    }
}

/// One line per reason, with the number of tasks.
fn not_run_by_reason(page: &mut Page, summary: &RunSummary) {
    let mut reasons: BTreeMap<&'static str, (usize, &'static str)> = BTreeMap::new();
    for task in &summary.not_run {
        let words = match task.why {
            WhyNot::WaitingRetry { .. } => "wait for their next attempt",
            WhyNot::NotBefore { .. } => "are not to start yet",
            WhyNot::Claimed => "start as soon as a slot is free",
            WhyNot::NoSlot => "wait for their turn",
            WhyNot::NoRun => "wait for a run",
        };
        reasons.entry(task.why.as_str()).or_insert((0, words)).0 += 1;
    }
    for (number, words) in reasons.into_values() {
        page.item(&format!("{} {words}", count(number, "task")));
    }
}

fn causes(page: &mut Page, summary: &RunSummary, told: Told) {
    let needing = summary.needs();
    if told != Told::Whole && needing.len() <= LISTED {
        lines_that_decided(page, &needing, told);
        return;
    }
    let worth_telling = |cause: &&Cause| told == Told::Short || cause.tasks.len() > 1;
    let causes: Vec<&Cause> = summary.causes.iter().filter(worth_telling).collect();
    page.section("Why", causes.len());
    for cause in causes.iter().take(LISTED) {
        let failure = Failure {
            category: cause.category,
            pattern: cause.pattern.clone(),
            line: None,
        };
        let names: Vec<&str> = cause.tasks.iter().map(TaskName::as_str).collect();
        page.item(&format!(
            "{}: {} of {}: {}",
            failure.words(),
            count(cause.count, "failed attempt"),
            count(cause.tasks.len(), "task"),
            names.join(", ")
        ));
        if let Some(example) = &cause.example {
            let room = page.look.width.saturating_sub(4);
            let example = page.look.paint.dim(&example.for_terminal_within(room));
            page.line(&format!("    {example}"));
        }
    }
    page.more(causes.len());
}

/// What there was no room for at the top: why each task needs a person, and the line that tells.
fn lines_that_decided(page: &mut Page, needing: &[&TaskSummary], told: Told) {
    let line_of = |task: &TaskSummary| deciding_line(task).cloned();
    // The causes of the others stand at the top already.
    let without_room = |task: &&&TaskSummary| told == Told::Short || line_of(task).is_some();
    let tasks: Vec<&&TaskSummary> = needing.iter().filter(without_room).collect();
    page.section("Why", tasks.len());
    for task in tasks {
        page.item(&format!("{}: {}", named(task), what_happened(task)));
        if let Some(line) = line_of(task) {
            let room = page.look.width.saturating_sub(4);
            let line = page.look.paint.dim(&line.for_terminal_within(room));
            page.line(&format!("    {line}"));
        }
    }
}

/// Tasks whose commands left processes behind: they were ended, or may go on by the task's rule.
fn leftovers(page: &mut Page, summary: &RunSummary) {
    let left: Vec<&TaskSummary> = summary
        .tasks
        .iter()
        .filter(|task| task.leftovers > 0)
        .collect();
    page.section("Left processes behind", left.len());
    for task in left.iter().take(LISTED) {
        let number = usize::try_from(task.leftovers).unwrap_or(usize::MAX);
        let processes = match number {
            1 => "1 process".to_owned(),
            more => format!("{more} processes"),
        };
        page.item(&format!(
            "{}: {processes}, see `autoexec queue show {}`",
            named(task),
            task.id
        ));
    }
    page.more(left.len());
}

fn figures(page: &mut Page, summary: &RunSummary) {
    let totals = &summary.totals;
    if totals.tasks() == 0 {
        return;
    }
    page.title("Figures");
    let verdicts: Vec<String> = Verdict::ALL
        .iter()
        .filter(|verdict| totals.of(**verdict) > 0)
        .map(|verdict| format!("{} {}", totals.of(*verdict), words_of(*verdict)))
        .collect();
    let tasks = format!("{}: {}", count(totals.tasks(), "task"), verdicts.join(", "));
    page.wrapped(&tasks);
    if totals.attempts > 0 {
        let attempts = count(totals.attempts, "attempt");
        let repeats = if totals.retry.as_millis() < 100 {
            String::new()
        } else {
            format!(", {} of it in repeated attempts", span(totals.retry))
        };
        page.wrapped(&format!("{attempts} took {}{repeats}", span(totals.busy)));
    }
    let largest = summary.tasks.iter().max_by_key(|task| task.max_rss_bytes);
    if let Some(task) = largest.filter(|task| task.max_rss_bytes > 0) {
        let memory = size(task.max_rss_bytes);
        page.wrapped(&format!("most memory: {memory} ({})", task.name));
    }
}

/// The word for a verdict in a sentence.
const fn words_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotNeeded => "not needed",
        Verdict::Failed
        | Verdict::Held
        | Verdict::Blocked
        | Verdict::Suspicious
        | Verdict::Recovered
        | Verdict::Ok
        | Verdict::Running
        | Verdict::Interrupted
        | Verdict::Waiting
        | Verdict::Deferred
        | Verdict::Cancelled => verdict.as_str(),
    }
}

/// A verdict filled up to its column, in its colour.
fn verdict_word(paint: Paint, verdict: Verdict) -> String {
    let word = pad(words_of(verdict), WORD);
    match verdict {
        Verdict::Failed | Verdict::Blocked => paint.bad(&word),
        Verdict::Held | Verdict::Suspicious => paint.warn(&word),
        Verdict::Recovered | Verdict::Ok => paint.good(&word),
        Verdict::NotNeeded
        | Verdict::Running
        | Verdict::Interrupted
        | Verdict::Waiting
        | Verdict::Deferred
        | Verdict::Cancelled => word,
    }
}

/// A task as a page names it.
fn named(task: &TaskSummary) -> String {
    format!("{} ({})", task.name, task.id)
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
