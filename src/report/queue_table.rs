//! The list of tasks, as a table for a terminal and as `autoexec.queue/1`.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::model::category::Category;
use crate::model::cause_words::after_words;
use crate::model::cause_words::cause_words;
use crate::model::ids::TaskName;
use crate::model::state::Skip;
use crate::model::state::TaskState;
use crate::model::verdict::Verdict;
use crate::policy::pick::Candidate;
use crate::policy::pick::RunPresence;
use crate::policy::pick::Standing;
use crate::policy::pick::WhyNot;
use crate::policy::pick::why_not;
use crate::report::order_words::skipped_words;
use crate::report::parked;
use crate::report::text::Look;
use crate::report::text::words_of;
use crate::store::Lone;
use crate::store::Reader;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TaskLine;
use crate::support::clock::Timestamp;
use crate::support::paint::Paint;
use crate::support::table::Column;
use crate::support::table::titled;
use crate::support::untrusted::Untrusted;

/// The name and version of the shape of the list.
pub const SCHEMA: &str = "autoexec.queue/1";

/// What holds for every line of a list.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The present instant.
    pub now: Timestamp,
    /// How long a task may print nothing before that is worth a word.
    pub stalled_after: Duration,
    /// Whether a run is active.
    pub presence: RunPresence,
    /// Whether that run has told its attempts to stop.
    pub stopping: bool,
    /// Whether the queue is paused, and until when.
    pub paused: Option<Option<Timestamp>>,
    /// When the window of that run opens, if that lies ahead.
    pub opens: Option<Timestamp>,
    /// The attempt of that run beside which nothing starts.
    pub alone: Option<Lone>,
}

impl Moment {
    /// Adds what the queue itself knows.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub fn look_into(mut self, store: &Store) -> Result<Self, StoreError> {
        self.stopping = store.is_stopping()?;
        let pause = store.pause()?.filter(|pause| pause.holds(self.now));
        self.paused = pause.map(|pause| pause.until);
        if self.presence == RunPresence::Active {
            let run = store.last_run()?.filter(|run| run.end.is_none());
            self.opens = run.and_then(|run| run.window_start);
            self.alone = store.read(Reader::lone)?;
        }
        Ok(self)
    }

    /// Who keeps a task from starting, by being alone, if nothing else does.
    pub(crate) fn held_back_by(&self, line: &TaskLine, why: &WhyNot) -> Option<Lone> {
        let is_ready = matches!(why, WhyNot::NoSlot | WhyNot::Claimed);
        let holds_back = |lone: &Lone| is_ready && lone.holds_back(line.id, &line.state);
        self.alone.filter(holds_back)
    }
}

/// The list as a table with a title line.
pub fn text(lines: &[TaskLine], moment: Moment, look: Look) -> String {
    let with_priority = lines.iter().any(|line| line.priority != 0);
    let mut columns = vec![
        Column::numbers("ID"),
        Column::cut_to("NAME", 16),
        Column::words("STATUS"),
        Column::numbers("ATTEMPTS"),
    ];
    if with_priority {
        columns.push(Column::numbers("PRIORITY"));
    }
    columns.push(Column::cut_to("", 8));
    let cells: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let mut row = vec![
                line.id.to_string(),
                Untrusted::from(line.name.as_str()).for_terminal(),
                status_word(look.paint, &line.state),
                line.starts().to_string(),
            ];
            if with_priority {
                row.push(line.priority.to_string());
            }
            row.push(note(line, moment, look));
            row
        })
        .collect();
    titled(&columns, &cells, look.width, |title| {
        look.paint.strong(title)
    })
}

/// The list as a JSON value.
pub fn value(lines: &[TaskLine], moment: Moment) -> impl Serialize + use<> {
    List {
        schema: SCHEMA,
        tasks: lines.iter().map(|line| line_value(line, moment)).collect(),
    }
}

#[derive(Serialize)]
struct List {
    schema: &'static str,
    tasks: Vec<Line>,
}

/// A task in a list as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    id: i64,
    name: String,
    status: &'static str,
    why: Option<&'static str>,
    waiting_for: Vec<String>,
    blocked_by: Option<String>,
    not_before: Option<String>,
    hold: Option<Value>,
    skip: Option<Skip>,
    priority: i64,
    attempts: u32,
    used: u32,
    category: Option<&'static str>,
    doubt: Option<String>,
    tags: Vec<String>,
    added_at: String,
    changed_at: String,
    finished_at: Option<String>,
}

/// A task as it stands in JSON lists.
pub(crate) fn line_value(line: &TaskLine, moment: Moment) -> Line {
    let why = reason(line, moment);
    Line {
        id: line.id.get(),
        name: line.name.clone(),
        status: line.state.status().as_str(),
        why: why.as_ref().map(WhyNot::as_str),
        waiting_for: line.waiting_for.clone(),
        blocked_by: line.blocked_by.as_ref().map(|other| other.name.clone()),
        not_before: why.as_ref().and_then(until).map(Timestamp::to_rfc3339),
        hold: if let TaskState::Held(hold) = &line.state {
            Some(json!({ "code": hold.code, "reason": hold.reason }))
        } else {
            None
        },
        skip: if let TaskState::Skipped(skip) = &line.state {
            Some(*skip)
        } else {
            None
        },
        priority: line.priority,
        attempts: line.starts(),
        used: line.used,
        category: line.last_category.map(Category::as_str),
        doubt: (line.doubt.clone()).map(|doubt| Untrusted::from(doubt).for_json()),
        tags: line.tags.clone(),
        added_at: line.added_at.to_rfc3339(),
        changed_at: line.changed_at.to_rfc3339(),
        finished_at: line.finished_at.map(Timestamp::to_rfc3339),
    }
}

/// Why a queued task is not running; `None` for any other.
pub(crate) fn reason(line: &TaskLine, moment: Moment) -> Option<WhyNot> {
    let TaskState::Queued { due, claim } = &line.state else {
        return None;
    };
    let candidate = Candidate {
        task: line.id,
        priority: line.priority,
        due: *due,
        claim: *claim,
        attempts: line.attempts,
        rescue_round: line.rescue_round,
        waiting_for: line
            .waiting_for
            .first()
            .and_then(|name| TaskName::new(name).ok()),
    };
    if let Some(parked) = &line.parked {
        return Some(parked::reason(parked));
    }
    let standing = Standing {
        run: moment.presence,
        stopping: moment.stopping,
        paused: moment.paused,
        opens: moment.opens,
    };
    Some(why_not(&candidate, standing, moment.now))
}

const fn until(why: &WhyNot) -> Option<Timestamp> {
    match why {
        WhyNot::WaitingRetry { until }
        | WhyNot::RescueRound { until, .. }
        | WhyNot::NotBefore { until } => Some(*until),
        WhyNot::Paused { until } => *until,
        WhyNot::WindowClosed { opens } => Some(*opens),
        WhyNot::BreakerOpen { next_probe_at, .. } => *next_probe_at,
        WhyNot::FailedAlike { next_try, .. } => *next_try,
        WhyNot::WaitingFor { .. }
        | WhyNot::ServiceFull { .. }
        | WhyNot::WouldNotFinish { .. }
        | WhyNot::Claimed
        | WhyNot::NoSlot
        | WhyNot::NoRun => None,
    }
}

/// Why a task does not run, in words.
pub(crate) fn why_words(why: &WhyNot, now: Timestamp, look: Look) -> String {
    match why {
        WhyNot::WaitingFor { upstream } => format!("waits for `{upstream}`"),
        WhyNot::WaitingRetry { until } => {
            format!("next attempt at {}", look.zone.short(*until, now))
        }
        WhyNot::RescueRound { round, until } => {
            let at = look.zone.short(*until, now);
            format!("its attempts are used up; rescue round {round} at {at}")
        }
        WhyNot::NotBefore { until } => format!("not before {}", look.zone.short(*until, now)),
        WhyNot::Paused { until: None } => "the queue is paused".to_owned(),
        WhyNot::Paused { until: Some(until) } => {
            format!("the queue is paused until {}", look.zone.short(*until, now))
        }
        WhyNot::WindowClosed { opens } => {
            format!("the window opens at {}", look.zone.short(*opens, now))
        }
        WhyNot::WouldNotFinish { detail } => format!("put off: {detail}"),
        WhyNot::BreakerOpen {
            service,
            next_probe_at,
        } => {
            let words = parked::probe_words(service, *next_probe_at, now, look);
            format!("waits for {words}")
        }
        WhyNot::ServiceFull { service } => {
            let service = Untrusted::from(service.as_str()).for_terminal();
            format!("enough others use {service}, which asked us to slow down")
        }
        WhyNot::FailedAlike { detail, next_try } => {
            parked::alike_words(detail, *next_try, now, look)
        }
        WhyNot::Claimed => "is among the next to start".to_owned(),
        WhyNot::NoSlot => "waits for its turn".to_owned(),
        WhyNot::NoRun => "waits for a run".to_owned(),
    }
}

/// What there is to say of a task besides its status.
pub(crate) fn note(line: &TaskLine, moment: Moment, look: Look) -> String {
    let at = |instant| look.zone.short(instant, moment.now);
    let pattern = line.last_pattern.as_deref().unwrap_or_default();
    match &line.state {
        TaskState::Queued { .. } => {
            let why = reason(line, moment).map_or_else(String::new, |why| {
                match moment.held_back_by(line, &why) {
                    Some(by) if by.runs => {
                        format!("waits for task {}, which runs alone", by.task)
                    }
                    Some(by) => format!("waits for task {}, which is to run alone", by.task),
                    None => why_words(&why, moment.now, look),
                }
            });
            let why = match line.waiting_for.len() {
                0 | 1 => why,
                all => format!("{why} and {} more", all - 1),
            };
            match line.last_category {
                Some(category) => format!("{why}, {}", after_words(category, pattern)),
                None => why,
            }
        }
        TaskState::Running { .. } | TaskState::Recovering { .. } => {
            format!("since {}", at(line.changed_at))
        }
        TaskState::Held(hold) => Untrusted::from(hold.reason.as_str()).for_terminal(),
        TaskState::Failed => {
            let category = line.last_category.unwrap_or(Category::Unknown);
            format!(
                "{}, {}",
                cause_words(category, pattern),
                at(line.changed_at)
            )
        }
        TaskState::Skipped(skip) => skipped_words(*skip, line.blocked_by.as_ref()),
        TaskState::Succeeded if line.doubt.is_some() => {
            let doubt = Untrusted::from(line.doubt.clone().unwrap_or_default());
            format!("suspicious: {}", doubt.for_terminal())
        }
        TaskState::Succeeded | TaskState::Cancelled => at(line.changed_at),
    }
}

/// A status in its colour. A skipped task is called what the report calls it, because that says why.
pub(crate) fn status_word(paint: Paint, state: &TaskState) -> String {
    let word = state.status().as_str();
    match state {
        TaskState::Failed => paint.bad(word),
        TaskState::Skipped(Skip::Blocked) => paint.bad(words_of(Verdict::Blocked)),
        TaskState::Skipped(Skip::NotNeeded) => words_of(Verdict::NotNeeded).to_owned(),
        TaskState::Held(_) => paint.warn(word),
        TaskState::Succeeded => paint.good(word),
        TaskState::Running { .. } | TaskState::Recovering { .. } => paint.strong(word),
        TaskState::Queued { .. } | TaskState::Cancelled => word.to_owned(),
    }
}

#[cfg(test)]
#[path = "queue_table_tests.rs"]
mod tests;
