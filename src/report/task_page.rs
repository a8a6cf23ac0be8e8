//! One task whole: definition, attempts, events; as a page and as `autoexec.task/1`.
//!
//! Values of environment variables are not shown on the page: some are secrets.

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::model::attempt::AttemptState;
use crate::model::ids::TaskId;
use crate::model::layout::StateDir;
use crate::model::spec::Command;
use crate::model::spec::TaskSpec;
use crate::model::state::TaskStatus;
use crate::policy::mask::HIDDEN;
use crate::policy::mask::mask;
use crate::policy::mask::mask_argument;
use crate::policy::trace::TraceFacts;
use crate::process::glance::{Glance, glance};
use crate::report::again::Again;
use crate::report::attempt_lines::attempt_lines;
use crate::report::declared::remedies;
use crate::report::kept;
use crate::report::kept::Kept;
use crate::report::masked;
use crate::report::order_words::{blocked_by, order_facts, waiting_for};
use crate::report::queue_table::Line;
use crate::report::queue_table::Moment;
use crate::report::queue_table::line_value;
use crate::report::queue_table::note;
use crate::report::queue_table::status_word;
use crate::report::recovery_lines;
use crate::report::spoken::accept_command;
use crate::report::spoken::reason_of;
use crate::report::stages;
use crate::report::text::Look;
use crate::report::why_attempts::last_failed;
use crate::store::AttemptRecord;
use crate::store::Dependency;
use crate::store::LoggedEvent;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TaskLine;
use crate::store::recoveries::RecoveryRecord;
use crate::store::tasks::Task;
use crate::support::clock::Timestamp;
use crate::support::table::{Column, cut, rows};
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

/// The name and version of the shape of a whole task.
pub const SCHEMA: &str = "autoexec.task/1";
/// The most events that the page shows; JSON has them all.
const EVENTS: usize = 20;

/// Everything that is known of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// The task.
    pub task: Task,
    /// Whom it waits for.
    pub dependencies: Vec<Dependency>,
    /// Its attempts, the first one first.
    pub attempts: Vec<AttemptRecord>,
    /// What was done about its failures, oldest first.
    pub recoveries: Vec<RecoveryRecord>,
    /// Its events, the first one first.
    pub events: Vec<LoggedEvent>,
    /// Which command asked a run to call it off or to let it count as done, and when.
    pub asked_to_end: Option<(String, Timestamp)>,
    /// What makes its success hard to believe; untrusted text.
    pub doubt: Option<String>,
    /// What matters for running it again.
    pub again: Again,
    /// What an attempt that runs has printed so far.
    pub printed: Option<Glance>,
    /// What the task has behind it and what it saved.
    pub kept: Kept,
}

/// Reads everything that is known of a task, and what its attempt does at this moment.
///
/// # Errors
/// When there is no such task, or the queue cannot be read.
pub fn load(store: &Store, id: TaskId, dir: &StateDir) -> Result<Whole, StoreError> {
    let mut whole = store.read(|reader| {
        let task = reader.task(id)?;
        let doubt = reader.doubt_of(id)?;
        Ok(Whole {
            again: Again::of(reader, &task, doubt.is_some())?,
            kept: Kept::recorded(reader, id, &task.spec)?,
            task,
            dependencies: reader.dependencies_of(id)?,
            attempts: reader.attempts_of(id)?,
            recoveries: reader.recoveries_of(id)?,
            events: reader.events_of(id)?,
            asked_to_end: reader.asked_to_end(id)?,
            doubt,
            printed: None,
        })
    })?;
    whole.kept.look(store, dir, id, whole.attempts.last());
    if let Some(last) = whole.attempts.last()
        && last.state == AttemptState::Running
    {
        // Output that cannot be read at this moment is only missing from the page.
        whole.printed = glance(&dir.logs(), last.run, last.id).ok();
    }
    Ok(whole)
}

/// The task as a page.
pub fn text(whole: &Whole, moment: Moment, look: Look) -> String {
    let paint = look.paint;
    let line = line_of(whole);
    let mut page = String::new();
    let mut push = |line: &str| {
        page.push_str(cut(line, look.width).trim_end());
        page.push('\n');
    };
    let status = status_word(paint, &whole.task.state);
    let note = note(&line, moment, look);
    let head = format!("{} ({})", line.name, line.id);
    push(&format!("{}: {status}, {note}", paint.strong(&head)));
    let facts = rows(
        &[Column::words(""), Column::cut_to("", 20)],
        &definition(whole, moment, look),
        look.width.saturating_sub(2),
    );
    for line in facts.lines() {
        push(&format!("  {line}"));
    }
    if !whole.attempts.is_empty() {
        push("");
        push(&paint.strong(&format!("Attempts ({})", whole.attempts.len())));
        for attempt in &whole.attempts {
            for line in attempt_lines(attempt, moment.now, look) {
                push(&line);
            }
        }
        if let Some(last) = whole.attempts.last() {
            for line in stages::lines(
                &stages::facts(whole, last),
                moment.stalled_after,
                moment.now,
                look,
            ) {
                push(&line);
            }
        }
    }
    if !whole.recoveries.is_empty() {
        push("");
        push(&paint.strong(&format!("Recoveries ({})", whole.recoveries.len())));
        for recovery in &whole.recoveries {
            for line in recovery_lines::lines(recovery, moment.now, look) {
                push(&line);
            }
        }
    }
    push("");
    push(&paint.strong("Events"));
    let hidden = whole.events.len().saturating_sub(EVENTS);
    if hidden > 0 {
        push(&format!("  {hidden} earlier ones, see `--json`"));
    }
    for event in whole.events.iter().skip(hidden) {
        push(&event_line(event, moment.now, look));
    }
    let commands: Vec<String> = commands(whole)
        .iter()
        .map(|command| paint.command(command))
        .collect();
    if !commands.is_empty() {
        push("");
        push(&commands.join("   "));
    }
    page
}

/// The task as a JSON value.
pub fn value(whole: &Whole, moment: Moment) -> impl Serialize + use<> {
    Shown {
        schema: SCHEMA,
        task: TaskValue {
            line: line_value(&line_of(whole), moment),
            source: whole.task.source.clone(),
            definition_hash: whole.task.definition_hash.clone(),
            definition: masked::definition(&whole.task.spec),
            attempts_made: whole
                .attempts
                .iter()
                .map(|attempt| attempt_value(attempt, &stages::facts(whole, attempt)))
                .collect(),
            recoveries: whole.recoveries.iter().map(recovery_lines::value).collect(),
            finished_steps: kept::finished_value(whole),
            progress: kept::progress_value(whole),
            checkpoint: kept::saved_value(whole),
            events: whole.events.iter().map(event_value).collect(),
        },
    }
}

#[derive(Serialize)]
struct Shown {
    schema: &'static str,
    task: TaskValue,
}

#[derive(Serialize)]
struct TaskValue {
    #[serde(flatten)]
    line: Line,
    source: Option<String>,
    definition_hash: String,
    definition: Value,
    attempts_made: Vec<Value>,
    recoveries: Vec<Value>,
    finished_steps: Vec<Value>,
    progress: Value,
    checkpoint: Value,
    events: Vec<Value>,
}

fn attempt_value(attempt: &AttemptRecord, facts: &TraceFacts) -> Value {
    json!({
        "id": attempt.id,
        "number": attempt.number,
        "state": attempt.state,
        "run": attempt.run,
        "started_at": attempt.started_at.map(Timestamp::to_rfc3339),
        "timeout_ms": attempt.timeout.map(|timeout| timeout.as_millis()),
        "used": attempt.used,
        "classification": attempt.classification,
        "decision": attempt.decision,
        "next_at": attempt.next_at.map(Timestamp::to_rfc3339),
        "outcome": attempt.outcome,
        "result": attempt.result.as_ref().and_then(|said| said.get("result")),
        "trace": stages::value(facts),
    })
}

fn event_value(event: &LoggedEvent) -> Value {
    json!({
        "id": event.id,
        "at": event.at.to_rfc3339(),
        "actor": event.actor,
        "attempt": event.attempt,
        "event": event.event.kind(),
        "details": event.event,
    })
}

/// A task as one line of a list.
pub(crate) fn line_of(whole: &Whole) -> TaskLine {
    let task = &whole.task;
    let last = last_failed(whole).and_then(|attempt| attempt.classification.as_ref());
    TaskLine {
        id: task.id,
        name: task.spec.name.to_string(),
        state: task.state.clone(),
        priority: task.priority,
        attempts: task.attempts,
        used: task.used,
        rescue_round: task.rescue_round,
        last_category: task.last_category,
        last_pattern: last.map(|last| last.pattern.clone()),
        added_at: task.added_at,
        changed_at: task.changed_at,
        finished_at: task.finished_at,
        tags: task.spec.tags.clone(),
        waiting_for: waiting_for(&task.state, &whole.dependencies),
        blocked_by: blocked_by(&task.state, &whole.dependencies),
        parked: task.parked.clone(),
        doubt: whole.doubt.clone(),
    }
}

/// What the definition says, a name and a value per row.
fn definition(whole: &Whole, moment: Moment, look: Look) -> Vec<Vec<String>> {
    let task = &whole.task;
    let spec = &task.spec;
    let mut told: Vec<(&str, String)> = Vec::new();
    for step in &spec.steps {
        let command = command_words(&step.command);
        told.push(if spec.steps.len() == 1 {
            ("command", command)
        } else {
            let name = Untrusted::from(step.name.as_str()).for_terminal();
            ("step", format!("{name}: {command}"))
        });
    }
    told.push(("workdir", spec.workdir.untrusted().for_terminal()));
    if let Some(source) = &task.source {
        told.push(("from", Untrusted::from(source.as_str()).for_terminal()));
    }
    told.push(("added", look.zone.short(task.added_at, moment.now)));
    told.extend(order_facts(whole, moment.now, look));
    if task.priority != 0 {
        told.push(("priority", task.priority.to_string()));
    }
    if !spec.tags.is_empty() {
        told.push(("tags", Untrusted::from(spec.tags.join(", ")).for_terminal()));
    }
    if !spec.env.is_empty() {
        let names: Vec<&str> = spec.env.keys().map(String::as_str).collect();
        told.push(("sets", Untrusted::from(names.join(", ")).for_terminal()));
    }
    if let Some(timeout) = spec.timeout {
        told.push(("timeout", span(timeout)));
    }
    told.push(("retry", retry_words(spec)));
    told.extend(remedies(spec));
    told.extend(kept::rows(whole, moment.now, look));
    told.into_iter()
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect()
}

fn retry_words(spec: &TaskSpec) -> String {
    match spec.retry.max_attempts {
        Some(1) => "never".to_owned(),
        Some(most) => format!("up to {most} attempts"),
        None => format!(
            "up to {} attempts, 2 when nothing tells why it failed",
            spec.retry.announced_limit()
        ),
    }
}

/// A command as it could be typed, without what looks like a secret.
pub(crate) fn command_words(command: &Command) -> String {
    match command {
        Command::Direct(argv) => {
            let mut before: Option<String> = None;
            let words: Vec<String> = argv
                .iter()
                .map(|word| {
                    let word = word.untrusted().for_terminal();
                    // Hidden before it is quoted, as quoting takes the value of a secret apart.
                    let masked = mask_argument(before.as_deref(), &word);
                    before = Some(word);
                    if masked == HIDDEN {
                        masked
                    } else {
                        quoted(&masked)
                    }
                })
                .collect();
            words.join(" ")
        }
        Command::Shell { script, .. } => mask(&script.untrusted().for_terminal()),
    }
}

/// A word in quotes where a shell would take it apart.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn event_line(event: &LoggedEvent, now: Timestamp, look: Look) -> String {
    let time = look.zone.clock_time(event.at);
    let day = look.zone.short(event.at, now);
    let day = day.rsplit_once(' ').map_or("", |(day, _)| day);
    let at = look.paint.dim(format!("{day} {time}").trim_start());
    let what = event.event.kind().replace('_', " ");
    let actor = Untrusted::from(event.actor.as_str()).for_terminal();
    let reason = reason_of(&event.event).map_or_else(String::new, |reason| {
        format!(": {}", Untrusted::from(reason).for_terminal())
    });
    format!("  {at}  {what} ({actor}){reason}")
}

/// What to type next.
fn commands(whole: &Whole) -> Vec<String> {
    let id = whole.task.id;
    let mut commands = Vec::new();
    if !whole.attempts.is_empty() {
        commands.push(format!("autoexec logs {id}"));
    }
    let status = whole.task.status();
    if status == TaskStatus::Held {
        commands.push(format!("autoexec queue release {id}"));
    } else if matches!(status, TaskStatus::Failed | TaskStatus::Cancelled) {
        commands.push(format!("autoexec queue retry {id}"));
    }
    if whole.doubt.is_some() {
        commands.push(accept_command(id));
    }
    commands
}

#[cfg(test)]
#[path = "task_page_tests.rs"]
mod tests;
