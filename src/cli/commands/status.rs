//! Bare `autoexec`: what is queued, what needs a person, and where to start.

use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, Ending};
use crate::model::state::TaskStatus;
use crate::store::pick::Selection;
use crate::store::{Filter, Store, StoreError, TaskLine};
use crate::support::clock::Zone;
use crate::support::paint::Paint;
use crate::support::table::pad;
use crate::support::text::count;

/// The most tasks that are named.
const NAMED: usize = 5;

/// What to start with, and what it does.
const STARTS: [(&str, &str); 3] = [
    ("autoexec queue add -- CMD ARG…", "queue a command"),
    ("autoexec run", "run what is queued"),
    ("autoexec report", "what happened since you last looked"),
];

/// Prints the short status.
///
/// # Errors
/// When the queue cannot be read.
pub fn carry_out(invocation: &mut Invocation<'_>) -> Answer {
    let paint = invocation.output.paint();
    let mut lines = Vec::new();
    match invocation.look_into_queue()? {
        Some(store) => {
            lines.push(in_numbers(&store)?);
            if let Some(run) = invocation.active_run() {
                let since = Zone::Local.at(run.since).format("%H:%M");
                lines.push(format!(
                    "a run is active: process {}, since {since}",
                    run.process.pid
                ));
            }
            lines.extend(needing(&store, paint)?);
        }
        None => lines.push("nothing was ever queued here".to_owned()),
    }
    lines.push(String::new());
    for (command, what) in STARTS {
        lines.push(format!("  {}  {what}", paint.command(&pad(command, 30))));
    }
    for line in lines {
        invocation.output.line(&line);
    }
    Ok(Ending::Well)
}

/// How many tasks stand where; only what there is is named.
fn in_numbers(store: &Store) -> Result<String, StoreError> {
    let counts = store.counts(Selection::All)?;
    let parts: Vec<String> = TaskStatus::ALL
        .into_iter()
        .map(|status| (counts.of(status), status))
        .filter(|(number, _)| *number > 0)
        .map(|(number, status)| format!("{number} {status}"))
        .collect();
    let total = count(
        usize::try_from(counts.total()).unwrap_or(usize::MAX),
        "task",
    );
    Ok(if parts.is_empty() {
        "the queue is empty".to_owned()
    } else {
        format!("{total}: {}", parts.join(", "))
    })
}

/// The tasks that need a person, each with the command that says more.
fn needing(store: &Store, paint: Paint) -> Result<Vec<String>, StoreError> {
    let tasks = store.list(&Filter {
        statuses: vec![TaskStatus::Held, TaskStatus::Failed],
        ..Filter::default()
    })?;
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let mut lines = vec![
        String::new(),
        paint.strong(&format!("needs you: {}", count(tasks.len(), "task"))),
    ];
    // The newest are what somebody looks for.
    for task in tasks.iter().rev().take(NAMED) {
        lines.push(format!("  {}", about(task, paint)));
    }
    if tasks.len() > NAMED {
        lines.push(format!(
            "  … and {} more: {}",
            tasks.len() - NAMED,
            paint.command("autoexec queue list")
        ));
    }
    Ok(lines)
}

fn about(task: &TaskLine, paint: Paint) -> String {
    let what = match task.last_category {
        Some(category) => format!("{} ({category})", task.state.status()),
        None => task.state.status().to_string(),
    };
    let command = format!("autoexec queue show {}", task.id);
    format!("{} {what}: {}", task.name, paint.command(&command))
}
