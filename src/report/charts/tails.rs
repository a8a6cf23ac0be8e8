//! The last lines of output of the tasks that need a person.

use crate::model::layout::StateDir;
use crate::policy::mask::mask;
use crate::process::logread;
use crate::report::log_text::LogText;
use crate::report::log_text::Reader;
use crate::report::summary::RunSummary;
use crate::report::summary::TaskSummary;
use crate::store::Store;
use crate::store::StoreError;
use crate::support::untrusted::Untrusted;

/// Of so many tasks at most.
const TASKS: usize = 30;
/// So many lines of each.
const LINES: usize = 40;
/// A line is cut behind so many characters.
const WIDTH: usize = 400;

/// The end of an attempt's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// What it is the output of.
    pub title: String,
    /// How to see all of it.
    pub command: String,
    /// The lines, safe for a terminal, without what looks like a secret.
    pub lines: Vec<String>,
}

/// Reads the last lines of what needs a person; output that is gone is passed over.
pub(super) fn load(
    store: &Store,
    dir: &StateDir,
    summary: &RunSummary,
) -> Result<Vec<Tail>, StoreError> {
    let mut tails = Vec::new();
    for task in summary.needs().into_iter().take(TASKS) {
        tails.extend(tail(store, dir, task)?);
    }
    Ok(tails)
}

fn tail(store: &Store, dir: &StateDir, task: &TaskSummary) -> Result<Option<Tail>, StoreError> {
    let attempts = store.attempts_of(task.id)?;
    let last = attempts
        .iter()
        .rev()
        .find_map(|one| Some((one.number, &one.outcome.as_ref()?.output)));
    let Some((number, place)) = last.filter(|(_, place)| place.length > 0) else {
        return Ok(None);
    };
    let Ok(pieces) = logread::read(&dir.logs(), place, None) else {
        return Ok(None);
    };
    let mut text = LogText::new(Reader::Terminal, None, Some(LINES));
    let mut shown = Vec::new();
    // What a damaged file has before its damage is better than nothing.
    for piece in pieces.map_while(Result::ok) {
        shown.append(&mut text.push(&piece));
    }
    shown.append(&mut text.finish());
    let shown = String::from_utf8_lossy(&shown).into_owned();
    let lines: Vec<String> = shown.lines().map(line).collect();
    let id = task.id;
    Ok((!lines.is_empty()).then(|| Tail {
        title: format!("{} ({id}), attempt {number}", task.name),
        command: format!("autoexec logs {id}"),
        lines,
    }))
}

/// A line without what looks like a secret, cut where it is long.
fn line(text: &str) -> String {
    let masked = mask(text);
    let mut cut: String = masked.chars().take(WIDTH).collect();
    if cut.len() < masked.len() {
        cut.push('…');
    }
    // A tab is the one character that a terminal may have and a page shows as something else.
    cut.split('\t')
        .map(|cell| Untrusted::from(cell).for_terminal())
        .collect::<Vec<_>>()
        .join("    ")
}
