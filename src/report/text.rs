//! The summary as a page for a terminal.
//!
//! INVARIANT: no line is wider than asked, and the first [`TOP`] lines hold the headline and every
//! needed action with its command (or, when there are too many, how to list them). Text of children
//! is shown through its sink, so nothing in it reaches the terminal as a command. Colours only repeat
//! what a word says.

use console::measure_text_width;

use crate::model::verdict::Verdict;
use crate::report::headline;
use crate::report::needs::Need;
use crate::report::needs::needs;
use crate::report::needs::told_of;
use crate::report::page::Page;
use crate::report::sections::Section;
use crate::report::sections::Seen;
use crate::report::sections::reasons;
use crate::report::sections::sections;
use crate::report::summary::RunSummary;
use crate::support::clock::Zone;
use crate::support::paint::Paint;
use crate::support::table::cut;
use crate::support::table::pad;
use crate::support::table::wrap;

/// The lines that hold what a person has to know.
pub const TOP: usize = 15;
/// The most tasks that a section other than the first lists one by one.
pub(crate) const LISTED: usize = 10;
/// The most lines of a page that one line of output takes.
const QUOTED: usize = 3;
/// Columns of the word for a verdict.
const WORD: usize = 11;
/// The least columns of a task's name where every task has one line, if there is room.
const NAME: usize = 28;

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
    let needs = needs(summary, look.zone);
    let told = at_the_top(&mut page, &needs, left);
    let untold: Vec<Need<'_>> = needs
        .into_iter()
        .filter(|need| is_untold(need, told, look.width))
        .collect();
    let seen = |need: &Need<'_>| {
        if told == Told::Short || is_head_cut(need, look.width) {
            Seen::Nothing
        } else if told == Told::NoLine || is_cut(need, told, look.width) {
            Seen::What
        } else {
            Seen::Line
        }
    };
    if let Some(reasons) = reasons(&untold, seen) {
        section(&mut page, &reasons);
    }
    for part in sections(summary, look) {
        section(&mut page, &part);
    }
    page.text
}

/// Whether something about an entry had no room at the top.
fn is_untold(need: &Need<'_>, told: Told, width: usize) -> bool {
    let is_told = match told {
        Told::Short => false,
        Told::NoLine => need.quote.is_none() && need.advice.is_none(),
        Told::Whole => need.advice.is_none(),
        Told::Helped => true,
    };
    !is_told || need.tasks.len() > 1 || is_cut(need, told, width)
}

/// Whether what happened, or the line that decided where it stands there, is wider than the top.
fn is_cut(need: &Need<'_>, told: Told, width: usize) -> bool {
    let room = width.saturating_sub(2 + WORD);
    let quote = need.quote.filter(|_| told >= Told::Whole);
    quote.is_some_and(|quote| measure_text_width(&quote.for_terminal()) > room)
        || is_head_cut(need, width)
}

/// Whether what happened is wider than the top.
fn is_head_cut(need: &Need<'_>, width: usize) -> bool {
    measure_text_width(&headed(need)) > width.saturating_sub(2 + WORD)
}

/// How much was told of each entry that needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// The command.
    Short,
    /// What failed, why, and the command.
    NoLine,
    /// What failed, why, the line that decided, and the command.
    Whole,
    /// All that, and what helps.
    Helped,
}

fn at_the_top(page: &mut Page, needs: &[Need<'_>], left: usize) -> Told {
    if needs.is_empty() {
        return Told::Helped;
    }
    let tasks: usize = needs.iter().map(|need| need.tasks.len()).sum();
    page.section("Needs you", tasks);
    // A blank line and the title are taken.
    let left = left.saturating_sub(2);
    let told = match left / needs.len() {
        0 | 1 => Told::Short,
        2 => Told::NoLine,
        3 => Told::Whole,
        _ => Told::Helped,
    };
    if told > Told::Short {
        for need in needs {
            at_length(page, need, told);
        }
        return told;
    }
    let fit = if needs.len() <= left {
        needs.len()
    } else {
        left.saturating_sub(1)
    };
    let shown = told_of(needs, fit);
    let longest = shown.iter().map(|need| need.command().len()).max();
    let around = 2 + WORD + 2 + longest.unwrap_or_default();
    let room = page.look.width.saturating_sub(around);
    let widest = shown.iter().map(|need| measure_text_width(&need.title()));
    let names = widest.max().unwrap_or_default().max(NAME).min(room);
    for need in &shown {
        let word = verdict_word(page.look.paint, need.verdict);
        let name = pad(&cut(&need.title(), names), names);
        let command = page.look.paint.command(&need.command());
        page.line(&format!("  {word}{name}  {command}"));
    }
    let told: usize = shown.iter().map(|need| need.tasks.len()).sum();
    if shown.len() < needs.len() {
        let more = tasks - told;
        page.line(&format!("  and {more} more, see `autoexec queue list`"));
    }
    Told::Short
}

/// Who it is and why, in one line.
fn headed(need: &Need<'_>) -> String {
    format!("{}: {}", need.title(), need.what)
}

fn at_length(page: &mut Page, need: &Need<'_>, told: Told) {
    let paint = page.look.paint;
    let indent = " ".repeat(2 + WORD);
    let word = verdict_word(paint, need.verdict);
    page.line(&format!("  {word}{}", headed(need)));
    let room = page.look.width.saturating_sub(indent.len());
    if told >= Told::Whole
        && let Some(line) = need.quote
    {
        let line = line.for_terminal_within(room);
        page.line(&format!("{indent}{}", paint.dim(&line)));
    }
    if told >= Told::Helped
        && let Some(advice) = need.advice
    {
        page.line(&format!("{indent}{}", cut(advice.helps, room)));
    }
    // On a narrow page the command that helps is worth more than the way to the output.
    let mut commands: Vec<&str> = need.commands.iter().map(String::as_str).collect();
    while commands.len() > 1 && commands.join("   ").len() > room {
        commands.remove(0);
    }
    let commands: Vec<String> = commands.iter().map(|one| paint.command(one)).collect();
    page.line(&format!("{indent}{}", commands.join("   ")));
}

/// A part below what needs a person.
fn section(page: &mut Page, section: &Section) {
    page.title(&section.title);
    let room = page.look.width.saturating_sub(4);
    for item in &section.items {
        let mut lines = wrap(&item.text, page.look.width.saturating_sub(2)).into_iter();
        page.item(&lines.next().unwrap_or_default());
        let rest: Vec<String> = lines.collect();
        for line in wrap(&rest.join(" "), room) {
            page.line(&format!("    {line}"));
        }
        if let Some(quote) = &item.quote {
            for line in wrap(&quote.for_terminal(), room).iter().take(QUOTED) {
                let line = page.look.paint.dim(&cut(line, room));
                page.line(&format!("    {line}"));
            }
        }
        for note in &item.notes {
            for line in wrap(note, room) {
                page.line(&format!("    {line}"));
            }
        }
    }
    if let Some(command) = &section.command {
        let command = page.look.paint.command(command);
        page.line(&format!("  {command}"));
    }
}

/// The word for a verdict in a sentence.
pub(crate) const fn words_of(verdict: Verdict) -> &'static str {
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

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
