//! Alerts in the report, and as a page of their own.
//!
//! They lie in a file beside the database, so they are noted after the summary is made, as far as they
//! fall into its part of the past. A file that cannot be read costs the report nothing but them.

use serde_json::Value;
use serde_json::json;

use crate::host::alerts::read::Found;
use crate::host::alerts::read::Wanted;
use crate::host::alerts::read::newest;
use crate::model::alert::Alert;
use crate::model::alert::Level;
use crate::model::layout::StateDir;
use crate::report::page::Page;
use crate::report::sections::Item;
use crate::report::sections::Part;
use crate::report::sections::Section;
use crate::report::summary::RunSummary;
use crate::report::text::LISTED;
use crate::report::text::Look;
use crate::support::clock::Timestamp;
use crate::support::text::count;

/// The name and version of the shape of a list of alerts.
pub const SCHEMA: &str = "autoexec.alerts/1";
/// The most alerts of a report.
const MOST: usize = 200;
/// Columns of the word for a level.
const WORD: usize = 8;

/// Notes in a summary what was told in its part of the past.
pub fn note(summary: &mut RunSummary, dir: &StateDir) {
    let wanted = Wanted {
        level: Level::Info,
        from: Some(summary.from),
        to: Some(summary.to),
        most: MOST,
    };
    if let Ok(found) = newest(dir, &wanted) {
        summary.alerts = found.alerts;
    }
}

/// The part of a report; what is only good to know is in its JSON.
pub(crate) fn section(summary: &RunSummary, look: Look) -> Option<Section> {
    let told: Vec<&Alert> = summary
        .alerts
        .iter()
        .filter(|alert| alert.level >= Level::Warning)
        .collect();
    let mut items: Vec<Item> = told
        .iter()
        .take(LISTED)
        .map(|alert| item(alert, look, summary.generated_at))
        .collect();
    if told.len() > LISTED {
        items.push(Item {
            text: format!("and {} more", told.len() - LISTED),
            ..Item::default()
        });
    }
    (!told.is_empty()).then(|| Section {
        part: Part::Alerts,
        title: format!("Alerts ({})", told.len()),
        items,
        command: Some("autoexec alerts --level warning".to_owned()),
    })
}

fn item(alert: &Alert, look: Look, now: Timestamp) -> Item {
    let at = look.zone.short(alert.timestamp, now);
    let (level, component) = (alert.level.as_str(), alert.component.for_terminal());
    let message = alert.message.for_terminal();
    Item {
        text: format!("{at} {level} {component}: {message}"),
        ..Item::default()
    }
}

/// The alerts as a page: the oldest first, so that the newest stands above the prompt.
pub fn page(found: &Found, look: Look, now: Timestamp) -> String {
    let mut page = Page::new(look);
    for alert in found.alerts.iter().rev() {
        page.text.push_str(&entry(alert, look, now));
    }
    page.text
}

/// One alert: when, how bad, and what; over as many lines as it needs.
pub fn entry(alert: &Alert, look: Look, now: Timestamp) -> String {
    let mut page = Page::new(look);
    let at = look.zone.short(alert.timestamp, now);
    let level = format!("{:WORD$}", alert.level.as_str());
    let level = match alert.level {
        Level::Info => look.paint.dim(&level),
        Level::Warning => look.paint.warn(&level),
        Level::Critical => look.paint.bad(&level),
    };
    let component = alert.component.for_terminal_within(20);
    page.line(&format!("{at}  {level}  {component}"));
    let message = alert.message.for_terminal();
    page.wrapped(&message);
    page.text
}

/// What there is to say beside the list.
pub fn notes(found: &Found) -> Vec<String> {
    let mut notes = Vec::new();
    if found.has_more {
        notes.push(
            "these are the newest; `--limit` shows more, `--level warning` passes over the rest"
                .to_owned(),
        );
    }
    if found.damaged > 0 {
        let lines = count(found.damaged, "damaged line");
        notes.push(format!("passed over {lines} of `alerts.jsonl`"));
    }
    notes
}

/// The alerts as a JSON value, the newest first.
pub fn value(found: &Found) -> Value {
    let alerts: Vec<Value> = found.alerts.iter().map(Alert::value).collect();
    json!({
        "schema": SCHEMA,
        "alerts": alerts,
        "has_more": found.has_more,
        "damaged_lines": found.damaged,
    })
}

#[cfg(test)]
#[path = "alerted_tests.rs"]
mod tests;
