//! The summary as Markdown: for a pull request, a mail or a pager.
//!
//! The same parts in the same order as on the page for a terminal, with room for all of them.
//!
//! INVARIANT: nothing from outside becomes markup. Words are escaped or stand in code spans, output
//! stands in fences that it cannot close, and there is no raw HTML and no link.

use crate::report::headline;
use crate::report::needs::Need;
use crate::report::needs::needs;
use crate::report::sections::Item;
use crate::report::sections::Section;
use crate::report::sections::Seen;
use crate::report::sections::reasons;
use crate::report::sections::sections;
use crate::report::summary::RunSummary;
use crate::report::text::Look;
use crate::report::text::words_of;
use crate::support::clock::Zone;
use crate::support::paint::Paint;
use crate::support::table::wrap;
use crate::support::text::count;
use crate::support::untrusted::Untrusted;
use crate::support::untrusted::fenced;
use crate::support::untrusted::line_begin;

/// Columns of a line of words.
const WIDTH: usize = 80;
/// Below an entry of a list.
const INDENT: &str = "  ";

/// The summary as Markdown.
pub fn render(summary: &RunSummary, zone: Zone) -> String {
    let look = Look {
        width: WIDTH,
        zone,
        paint: Paint::PLAIN,
    };
    let mut page = String::from("# autoexec report\n\n");
    let sentence = headline::sentence(summary, zone);
    words(&mut page, "", &sentence);
    let needs = needs(summary, zone);
    if !needs.is_empty() {
        let tasks = needs.iter().map(|need| need.tasks.len()).sum();
        title(&mut page, &format!("Needs you ({})", count(tasks, "task")));
        for need in &needs {
            needed(&mut page, need);
        }
        let together: Vec<Need<'_>> = needs
            .into_iter()
            .filter(|need| need.tasks.len() > 1)
            .collect();
        if let Some(mut who) = reasons(&together, |_| Seen::Nothing) {
            "Told together".clone_into(&mut who.title);
            // The line and the advice stand above already.
            for item in &mut who.items {
                item.quote = None;
                item.notes = item.notes.split_off(item.notes.len().saturating_sub(1));
            }
            section(&mut page, &who);
        }
    }
    for part in sections(summary, look) {
        section(&mut page, &part);
    }
    page
}

fn needed(page: &mut String, need: &Need<'_>) {
    let text = format!("{}: {}", need.title(), need.what);
    entry(page, &format!("**{}** ", words_of(need.verdict)), &text);
    if let Some(quote) = need.quote {
        page.push('\n');
        page.push_str(&fenced(&quote.for_terminal(), INDENT));
    }
    if let Some(advice) = need.advice {
        page.push('\n');
        words(page, INDENT, &format!("{}: {}", advice.means, advice.helps));
    }
    page.push('\n');
    page.push_str(&fenced(&need.commands.join("\n"), INDENT));
    page.push('\n');
}

fn section(page: &mut String, section: &Section) {
    title(page, &section.title);
    for item in &section.items {
        listed(page, item);
    }
    if let Some(command) = &section.command {
        page.push('\n');
        page.push_str(&fenced(command, ""));
    }
}

fn listed(page: &mut String, item: &Item) {
    entry(page, "", &item.text);
    if let Some(quote) = &item.quote {
        page.push('\n');
        page.push_str(&fenced(&quote.for_terminal(), INDENT));
    }
    for note in &item.notes {
        page.push('\n');
        words(page, INDENT, note);
    }
}

fn title(page: &mut String, title: &str) {
    page.push_str(if page.ends_with("\n\n") {
        "## "
    } else {
        "\n## "
    });
    page.push_str(title);
    page.push_str("\n\n");
}

/// An entry of a list; `lead` is markup of ours.
fn entry(page: &mut String, lead: &str, text: &str) {
    let text = format!("{lead}{}", escaped(text));
    for (number, line) in wrap(&text, WIDTH - INDENT.len()).iter().enumerate() {
        page.push_str(if number == 0 { "- " } else { INDENT });
        push_line(page, line);
    }
}

/// Words over as many lines as they need.
fn words(page: &mut String, indent: &str, text: &str) {
    for line in wrap(&escaped(text), WIDTH - indent.len()) {
        page.push_str(indent);
        push_line(page, &line);
    }
}

fn push_line(page: &mut String, line: &str) {
    page.push_str(&line_begin(line));
    page.push('\n');
}

/// Text that is safe for a terminal, made safe for Markdown; commands of ours in backticks stay.
fn escaped(text: &str) -> String {
    const COMMAND: &str = "`autoexec ";
    let mut shown = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find(COMMAND) {
        let (before, command) = rest.split_at(begin);
        let Some(end) = command.get(1..).and_then(|inside| inside.find('`')) else {
            break;
        };
        let (command, behind) = command.split_at(end + 2);
        shown.push_str(&Untrusted::from(before).for_markdown());
        shown.push_str(command);
        rest = behind;
    }
    shown.push_str(&Untrusted::from(rest).for_markdown());
    shown
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
