//! What would run when, as a page for a terminal.

use std::time::Duration;

use crate::policy::forecast::Basis;
use crate::policy::forecast::Forecast;
use crate::policy::schedule::Slotted;
use crate::report::evening_page;
use crate::report::page::Page;
use crate::report::plan::Plan;
use crate::report::plan::Risk;
use crate::report::plan::Row;
use crate::report::plan::Task;
use crate::report::text::Look;
use crate::support::clock::Timestamp;
use crate::support::table::Column;
use crate::support::table::titled;
use crate::support::table::wrap;
use crate::support::text::count;
use crate::support::text::span;

/// The most tasks that the page lists; JSON has them all.
pub const LISTED: usize = 40;

/// The plan as a page.
pub fn text(plan: &Plan, look: Look, all: bool) -> String {
    let mut page = Page::new(look);
    for line in wrap(&headline(plan, look), look.width) {
        page.line(&look.paint.strong(&line));
    }
    if let Some(until) = plan.facts.paused {
        let until = until.map_or_else(String::new, |until| {
            format!(" until {}", clock(plan, look, until))
        });
        let words = format!("The queue is paused{until}: nothing starts before `autoexec resume`.");
        for line in wrap(&words, look.width) {
            page.line(&look.paint.warn(&line));
        }
    }
    if let Some(evening) = &plan.evening {
        evening_page::write(&mut page, evening);
    }
    let mut placed: Vec<(&Task, &Row, Slotted)> = plan
        .pairs()
        .filter_map(|(task, row)| Some((task, row, row.usual?)))
        .collect();
    placed.sort_by_key(|(_, _, slotted)| (slotted.start, slotted.slot));
    let most = if all { usize::MAX } else { LISTED };
    if !placed.is_empty() {
        let cells: Vec<Vec<String>> = placed
            .iter()
            .take(most)
            .map(|(task, row, slotted)| cells(plan, task, row, *slotted, look))
            .collect();
        let columns = [
            Column::numbers("SLOT"),
            Column::words("START"),
            Column::cut_to("END", 5),
            Column::cut_to("TASK", 12),
            Column::cut_to("", 6),
        ];
        page.text.push('\n');
        let table = titled(&columns, &cells, look.width, |title| {
            look.paint.strong(title)
        });
        page.text.push_str(&table);
        if placed.len() > most {
            let hidden = placed.len() - most;
            page.item(&format!("and {hidden} more: `plan --all`"));
        }
    }
    at_risk(&mut page, plan, look, most);
    stuck(&mut page, plan, most);
    conditional(&mut page, plan, most);
    // The evening check has told it, for tasks alike together.
    if plan.evening.is_none() {
        in_the_way(&mut page, plan, most);
    }
    // What comes of failures is read last: most evenings nobody needs it.
    if let Some(evening) = &plan.evening {
        evening_page::recoveries(&mut page, &evening.recoveries);
    }
    page.text
}

/// `23:10`; the day stands beside it only where it is not the coming night.
fn clock(plan: &Plan, look: Look, instant: Timestamp) -> String {
    let now = plan.facts.now;
    let apart = instant.since(now).max(now.since(instant));
    if apart < Duration::from_hours(24) {
        look.zone.at(instant).format("%H:%M").to_string()
    } else {
        look.zone.short(instant, now)
    }
}

fn headline(plan: &Plan, look: Look) -> String {
    let facts = &plan.facts;
    let short = |instant| clock(plan, look, instant);
    let begin = if facts.begin > facts.now {
        format!("From {}", short(facts.begin))
    } else {
        "From now".to_owned()
    };
    let until = facts
        .until
        .map_or_else(String::new, |until| format!(" to {}", short(until)));
    let tasks = plan.rows.iter().filter(|row| row.usual.is_some()).count();
    let slots = count(facts.slots, "slot");
    let ends = |of: fn(&Row) -> Option<Slotted>| {
        plan.rows
            .iter()
            .filter_map(of)
            .map(|slotted| slotted.end)
            .max()
    };
    let last = match (ends(|row| row.usual), ends(|row| row.slow)) {
        (Some(usual), Some(slow)) if short(slow) != short(usual) => format!(
            ", the last ends at {}, {} at a slow pace",
            short(usual),
            short(slow)
        ),
        (Some(usual), _) => format!(", the last ends at {}", short(usual)),
        (None, _) => String::new(),
    };
    let tasks = match tasks {
        0 => "nothing would run".to_owned(),
        _ => format!("{} would run", count(tasks, "task")),
    };
    format!("{begin}{until} on {slots}: {tasks}{last}.")
}

fn cells(plan: &Plan, task: &Task, row: &Row, usual: Slotted, look: Look) -> Vec<String> {
    let short = |instant| clock(plan, look, instant);
    let end = match (task.forecast, row.slow) {
        (None, _) => "?".to_owned(),
        (Some(_), Some(slow)) if short(slow.end) != short(usual.end) => {
            format!("{}-{}", short(usual.end), short(slow.end))
        }
        (Some(_), _) => short(usual.end),
    };
    let slot = match usual.slot {
        usize::MAX => "-".to_owned(),
        slot => (slot + 1).to_string(),
    };
    let note = match (task.running_since, task.forecast) {
        (Some(since), _) => format!("runs since {}", short(since)),
        (None, None) => {
            let counted = span(task.counted_as(plan.assumed));
            format!("no history, counted as {counted}")
        }
        (None, Some(forecast)) => format!("{} {}", basis(forecast), span(forecast.p50)),
    };
    vec![slot, short(usual.start), end, shown(task), note]
}

const fn basis(forecast: Forecast) -> &'static str {
    match forecast.basis {
        Basis::History(_) => "usually",
        Basis::Declared => "declared",
    }
}

/// `shop-dump (12)`, without a number where it has none yet.
fn shown(task: &Task) -> String {
    match task.id {
        Some(id) => format!("{} ({id})", task.name),
        None => task.name.clone(),
    }
}

fn at_risk(page: &mut Page, plan: &Plan, look: Look, most: usize) {
    let risky: Vec<String> = plan
        .pairs()
        .filter_map(|(task, row)| Some((task, row, row.risk?)))
        .map(|(task, row, risk)| {
            let end = row.slow.or(row.usual).map(|slotted| slotted.end);
            let end = end.map_or_else(String::new, |end| clock(plan, look, end));
            let why = match risk {
                Risk::Window => format!("may run until {end}, and the window ends before"),
                Risk::Deadline => format!("may run until {end}, and its deadline is before"),
                Risk::NoTurn => "the slots may be busy with others until the end".to_owned(),
            };
            format!("{}: {why}", shown(task))
        })
        .collect();
    list(page, "At risk", &risky, most);
}

fn stuck(page: &mut Page, plan: &Plan, most: usize) {
    let stuck: Vec<String> = plan
        .pairs()
        .filter_map(|(task, row)| {
            if let Some(why) = &task.stuck {
                return Some(format!("{}: {why}", shown(task)));
            }
            let upstream = plan.facts.tasks.get(row.behind?)?;
            Some(format!("{}: waits for {}", shown(task), shown(upstream)))
        })
        .collect();
    list(page, "Will not run", &stuck, most);
}

fn conditional(page: &mut Page, plan: &Plan, most: usize) {
    let conditional: Vec<String> = plan
        .pairs()
        .filter(|(task, row)| task.stuck.is_none() && row.behind.is_none())
        .filter_map(|(task, row)| {
            let other = plan.facts.tasks.get(row.condition?)?;
            Some(format!("{}: if {} fails", shown(task), shown(other)))
        })
        .collect();
    list(page, "Only if something fails", &conditional, most);
}

fn in_the_way(page: &mut Page, plan: &Plan, most: usize) {
    let problems: Vec<String> = plan
        .facts
        .tasks
        .iter()
        .flat_map(|task| {
            let name = shown(task);
            task.problems
                .iter()
                .map(move |problem| format!("{name}: {problem}"))
        })
        .collect();
    list(page, "In the way", &problems, most);
}

fn list(page: &mut Page, title: &str, lines: &[String], most: usize) {
    page.section(title, lines.len());
    for line in lines.iter().take(most) {
        page.wrapped(line);
    }
    if lines.len() > most {
        page.item(&format!("and {} more", lines.len() - most));
    }
}
