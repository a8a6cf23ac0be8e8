//! What a task has behind it: finished steps, how far it says it is, and the values of its checkpoint.
//!
//! While an attempt runs its finished steps stand in the page of its slot; they are recorded when it
//! is collected. Whatever cannot be read at this moment is only missing here.

use serde_json::Value;
use serde_json::json;

use crate::model::attempt::AttemptState;
use crate::model::ids::TaskId;
use crate::model::layout::StateDir;
use crate::model::slot::SlotEntry;
use crate::model::spec::TaskSpec;
use crate::policy::mask::mask;
use crate::process::checkpoint::values;
use crate::process::checkpoint::values::Listed;
use crate::process::slotfile;
use crate::process::telling;
use crate::process::telling::Told;
use crate::report::masked;
use crate::report::task_page::Whole;
use crate::report::text::Look;
use crate::store::AttemptRecord;
use crate::store::Reader;
use crate::store::StoreError;
use crate::store::checkpoints::FinishedStep;
use crate::support::clock::Timestamp;
use crate::support::text::size;
use crate::support::untrusted::Untrusted;

/// The most values that are looked into and that a page lists.
const VALUES: usize = 10;
/// Bytes of a value that are read.
const BEGINNING: usize = 200;
/// Columns of a value, and of a message, on a page.
const COLUMNS: usize = 60;

/// What a task has behind it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept {
    /// The steps that are recorded as finished, the first one first.
    pub finished: Vec<FinishedStep>,
    /// How many steps are finished at this moment.
    pub steps_done: u32,
    /// What the attempt that runs said last of itself.
    pub told: Option<Told>,
    /// The values that it saved, by name, with the beginnings of the first ones.
    pub values: Vec<(Listed, Option<Vec<u8>>)>,
}

impl Kept {
    /// Reads what is recorded of a task.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub(crate) fn recorded(
        reader: &Reader,
        task: TaskId,
        spec: &TaskSpec,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            finished: reader.checkpoints_of(task)?,
            steps_done: reader.finished_steps(task, spec)?,
            told: None,
            values: Vec::new(),
        })
    }

    /// Looks at what the task saved, and at how far its last attempt is if that runs.
    pub(crate) fn look(
        &mut self,
        reader: &Reader,
        dir: &StateDir,
        task: TaskId,
        last: Option<&AttemptRecord>,
    ) {
        let folder = dir.checkpoint(task);
        let listed = values::list(&folder).unwrap_or_default();
        let looked_into = |(place, one): (usize, Listed)| {
            let read = || {
                values::beginning(&folder, &one.key, BEGINNING)
                    .ok()
                    .flatten()
            };
            let beginning = if place < VALUES { read() } else { None };
            (one, beginning)
        };
        self.values = listed.into_iter().enumerate().map(looked_into).collect();
        if let Some(last) = last.filter(|last| last.state == AttemptState::Running) {
            self.told = telling::read(&dir.progress(last.id));
            let now = steps_done(reader, dir, last).unwrap_or_default();
            self.steps_done = self.steps_done.max(now);
        }
    }
}

/// How many steps are finished, by the word of the supervisor of an attempt that runs.
fn steps_done(reader: &Reader, dir: &StateDir, attempt: &AttemptRecord) -> Option<u32> {
    let slot = usize::try_from(attempt.slot?).ok()?;
    let pages = slotfile::read_pages(&dir.slot(attempt.run, slot)).ok()?;
    let records = slotfile::latest(&pages, reader.queue().ok()?);
    match records.get(&attempt.id)?.entry {
        SlotEntry::Running { steps_done, .. } => Some(steps_done),
        SlotEntry::Starting { .. } | SlotEntry::NotStarted(_) | SlotEntry::Ended(_) => None,
    }
}

/// Whether an attempt of the task runs.
fn runs(whole: &Whole) -> bool {
    let last = whole.attempts.last();
    last.is_some_and(|last| last.state == AttemptState::Running)
}

/// The step that runs, or with which the next attempt begins: `fit (2 of 3)`. None where a task is a
/// single command.
pub(crate) fn step_words(whole: &Whole) -> Option<String> {
    let steps = &whole.task.spec.steps;
    let done = usize::try_from(whole.kept.steps_done).ok()?;
    let step = steps.get(done).filter(|_| steps.len() > 1)?;
    let name = Untrusted::from(step.name.as_str()).for_terminal();
    Some(format!("{name} ({} of {})", done + 1, steps.len()))
}

/// How far the attempt that runs says it is: `40 % rows loaded`.
pub(crate) fn told_words(whole: &Whole) -> Option<String> {
    let told = whole.kept.told.as_ref()?;
    let message = told.message.as_ref().map_or_else(String::new, |message| {
        let message = Untrusted::from(mask(message));
        format!(" {}", message.for_terminal_within(COLUMNS))
    });
    Some(format!("{} %{message}", told.percent))
}

/// What the next attempt of a task that does not run finds: which steps it need not do again.
pub(crate) fn kept_words(whole: &Whole) -> Option<String> {
    let is_worth = whole.kept.steps_done > 0 && !runs(whole);
    let step = step_words(whole).filter(|_| is_worth)?;
    Some(format!("the next attempt begins with step {step}"))
}

/// Rows for the page of the task: a name and a value each.
pub(crate) fn rows(whole: &Whole, now: Timestamp, look: Look) -> Vec<(&'static str, String)> {
    let kept = &whole.kept;
    let mut told = Vec::new();
    for step in &kept.finished {
        let name = Untrusted::from(step.step.as_str()).for_terminal();
        let attempt = whole.attempts.iter().find(|one| one.id == step.attempt);
        let number = attempt.map_or_else(String::new, |one| format!("attempt {}, ", one.number));
        let at = look.zone.short(step.at, now);
        told.push(("finished", format!("{name} ({number}{at})")));
    }
    if runs(whole) {
        told.extend(step_words(whole).map(|words| ("at step", words)));
        told.extend(told_words(whole).map(|words| ("says", words)));
    }
    for (one, beginning) in kept.values.iter().take(VALUES) {
        let value = beginning.as_ref().map_or_else(String::new, |bytes| {
            let value = Untrusted::new(bytes.clone()).for_json();
            let value = masked::saved(&whole.task.spec, one.key.as_str(), &value);
            let value = Untrusted::from(value).for_terminal_within(COLUMNS);
            format!(": {value}")
        });
        let bytes = size(one.bytes);
        told.push(("saved", format!("{} ({bytes}){value}", one.key.as_str())));
    }
    let hidden = kept.values.len().saturating_sub(VALUES);
    if hidden > 0 {
        let id = whole.task.id;
        let more = format!("{hidden} more, see `autoexec checkpoint list --task {id}`");
        told.push(("saved", more));
    }
    told
}

/// The finished steps as JSON.
pub(crate) fn finished_value(whole: &Whole) -> Vec<Value> {
    let finished = whole.kept.finished.iter();
    finished
        .map(|step| {
            json!({
                "step": step.step,
                "number": step.number,
                "attempt": step.attempt,
                "at": step.at.to_rfc3339(),
            })
        })
        .collect()
}

/// How far the attempt that runs is, as JSON; null if none runs.
pub(crate) fn progress_value(whole: &Whole) -> Value {
    if !runs(whole) {
        return Value::Null;
    }
    let steps = &whole.task.spec.steps;
    let done = usize::try_from(whole.kept.steps_done).unwrap_or_default();
    let told = whole.kept.told.as_ref();
    json!({
        "step": steps.get(done).map(|step| &step.name),
        "steps_done": done,
        "steps": steps.len(),
        "percent": told.map(|told| told.percent),
        "message": told.and_then(|told| told.message.as_deref().map(mask)),
    })
}

/// What the task saved, as JSON.
pub(crate) fn saved_value(whole: &Whole) -> Value {
    let values: Vec<Value> = whole
        .kept
        .values
        .iter()
        .map(|(one, beginning)| {
            let text = beginning.as_ref().map(|bytes| {
                let text = Untrusted::new(bytes.clone()).for_json();
                masked::saved(&whole.task.spec, one.key.as_str(), &text)
            });
            json!({
                "key": one.key.as_str(),
                "bytes": one.bytes,
                "set_at": one.set_at.map(Timestamp::to_rfc3339),
                "beginning": text,
            })
        })
        .collect();
    json!({ "values": values })
}
