//! The health of machine and queue as a page and as JSON.

use serde_json::Value;
use serde_json::json;

use crate::model::alert::Level;
use crate::policy::health::Component;
use crate::policy::health::Health;
use crate::policy::health::Reading;
use crate::report::page::Page;
use crate::report::sections::Item;
use crate::report::sections::Part;
use crate::report::sections::Section;
use crate::report::summary::RunSummary;
use crate::report::text::LISTED;
use crate::report::text::Look;
use crate::support::table::wrap;
use crate::support::text::count;

/// The name and version of the shape.
pub const SCHEMA: &str = "autoexec.health/1";
/// Columns of the word for a component.
const NAME: usize = 14;
/// Columns of the word for a level.
const WORD: usize = 9;

/// The page: a sentence, what somebody should look at with what to do, and what was found good.
pub fn text(health: &Health, look: Look) -> String {
    let mut page = Page::new(look);
    for line in wrap(&headline(health), look.width) {
        page.line(&look.paint.strong(&line));
    }
    if health.needing > 0 {
        let command = look.paint.command("autoexec");
        page.line(&format!("{command}  tells which tasks and what to type"));
    }
    let bad = health.findings();
    if !bad.is_empty() {
        page.text.push('\n');
    }
    for reading in bad {
        entry(&mut page, reading);
    }
    page.text.push('\n');
    for reading in health.readings.iter().filter(|one| !one.is_bad()) {
        entry(&mut page, reading);
    }
    page.text
}

/// `Health 85 of 100: 1 warning.`
pub fn headline(health: &Health) -> String {
    let number = |level| {
        let found = health
            .readings
            .iter()
            .filter(|one| one.level == Some(level));
        found.count()
    };
    let tasks = match health.needing {
        0 => String::new(),
        1 => "; 1 task needs you".to_owned(),
        tasks => format!("; {tasks} tasks need you"),
    };
    let told = match (number(Level::Critical), number(Level::Warning)) {
        (0, 0) if health.needing == 0 => "nothing needs you".to_owned(),
        (0, 0) => "machine and queue are well".to_owned(),
        (0, warnings) => count(warnings, "warning"),
        (critical, 0) => format!("{critical} critical"),
        (critical, warnings) => format!("{critical} critical, {}", count(warnings, "warning")),
    };
    format!("Health {} of 100: {told}{tasks}.", health.score)
}

pub(crate) fn entry(page: &mut Page, reading: &Reading) {
    let paint = page.look.paint;
    let word = match reading.level {
        None => "ok",
        Some(Level::Info) => "note",
        Some(Level::Warning) => "warning",
        Some(Level::Critical) => "critical",
    };
    let word = format!("{word:WORD$}");
    let word = match reading.level {
        None => paint.good(&word),
        Some(Level::Info) => word,
        Some(Level::Warning) => paint.warn(&word),
        Some(Level::Critical) => paint.bad(&word),
    };
    let indent = 2 + WORD + NAME;
    let room = page.look.width.saturating_sub(indent).max(20);
    let name = format!("{:NAME$}", reading.component.as_str());
    let mut lines = wrap(&reading.message, room).into_iter();
    let first = lines.next().unwrap_or_default();
    page.line(&format!("  {word}{name}{first}"));
    let hint = reading.hint.iter().flat_map(|hint| wrap(hint, room));
    for line in lines {
        page.line(&format!("{:indent$}{line}", ""));
    }
    for line in hint {
        let line = paint.command(&line);
        page.line(&format!("{:indent$}{line}", ""));
    }
}

/// One line for those who asked for something else; nothing where all is well. A load of this moment
/// is not worth it.
pub fn brief(health: &Health) -> Option<String> {
    let bad = health.findings();
    let bad: Vec<&&Reading> = bad
        .iter()
        .filter(|one| one.component != Component::Load)
        .collect();
    let (first, more) = (bad.first()?, bad.len() - 1);
    let more = match more {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!(
        "Health {} of 100: {}{more}; see `autoexec health`.",
        health.score, first.message
    ))
}

/// What stands elsewhere in a report, or is about the present and not about the night.
const NOT_IN_A_REPORT: [Component; 5] = [
    Component::Breakers,
    Component::Load,
    Component::Running,
    Component::Failures,
    Component::Runs,
];

/// The part of a report: what somebody should look at before the next night.
pub(crate) fn section(summary: &RunSummary) -> Option<Section> {
    let health = summary.health.as_ref()?;
    let items: Vec<Item> = health
        .findings()
        .into_iter()
        .filter(|one| !NOT_IN_A_REPORT.contains(&one.component))
        .take(LISTED)
        .map(|one| Item {
            text: format!("{}: {}", one.component.as_str(), one.message),
            notes: one.hint.clone().into_iter().collect(),
            ..Item::default()
        })
        .collect();
    (!items.is_empty()).then(|| Section {
        part: Part::Health,
        title: format!("Health ({} of 100)", health.score),
        items,
        command: Some("autoexec health".to_owned()),
    })
}

/// The health as a JSON value.
pub fn value(health: &Health) -> Value {
    let all: Vec<Value> = health.readings.iter().map(Reading::value).collect();
    json!({
        "schema": SCHEMA,
        "checked_at": health.at.to_rfc3339(),
        "score": health.score,
        "findings": health.finding_values(),
        "components": all,
    })
}
