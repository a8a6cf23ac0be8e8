//! What is to be thought of the queue: its database, breakers, running attempts, messages, and
//! what queued tasks need. Its backlog is `policy::health::backlog`.

use std::time::Duration;

use crate::model::alert::Level;
use crate::policy::health::{Component, Reading, Thresholds};
use crate::support::clock::Timestamp;
use crate::support::text::{count, size, span};

/// A log that is larger was not written back for a long time: somebody reads without end.
const LOG_TOO_LARGE: u64 = 64 << 20;
/// Below this much a fragmented file costs nothing.
const WORTH_PACKING: u64 = 64 << 20;
/// A task that usually takes less is given this much longer all the same.
const LONGER: Duration = Duration::from_mins(10);
/// Successes by which the usual is known.
const KNOWN: usize = 3;
/// Probes that failed in a row: the service is gone.
const GONE: u32 = 3;
/// A message that has waited so long is late.
const LATE: Duration = Duration::from_hours(1);
/// The most names that are told.
const NAMES: usize = 3;

/// What is known of the database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Database {
    /// Bytes of its file.
    pub bytes: u64,
    /// Bytes of the log beside it.
    pub log_bytes: u64,
    /// Bytes of it that are free.
    pub free_bytes: u64,
    /// What a quick look found damaged, fit to be shown.
    pub damage: Vec<String>,
    /// The look came to its end.
    pub looked_through: bool,
}

/// What is to be thought of a database that cannot be opened.
pub fn unusable(why: &str) -> Reading {
    Reading::found(
        Component::Database,
        Level::Critical,
        format!("the queue cannot be used: {why}"),
    )
    .hint("`autoexec db check`")
}

/// What is to be thought of the database.
pub fn database(facts: &Database, limits: &Thresholds) -> Reading {
    let is = |level, says: String| Reading::found(Component::Database, level, says);
    let takes = size(facts.bytes);
    if let Some(first) = facts.damage.first() {
        let says = format!("the database is damaged: {first}");
        return is(Level::Critical, says)
            .hint("`autoexec db check`; keep the directory as it is and restore a copy");
    }
    if facts.log_bytes > LOG_TOO_LARGE {
        let says = format!(
            "the log beside the database takes {}: somebody reads it and does not end",
            size(facts.log_bytes)
        );
        return is(Level::Warning, says).hint("see who with `fuser queue.db`");
    }
    if facts.bytes > limits.database_size {
        let most = size(limits.database_size);
        return is(
            Level::Warning,
            format!("the database takes {takes}, more than {most}"),
        )
        .hint("`autoexec db prune` removes what is old");
    }
    if facts.free_bytes > WORTH_PACKING && facts.free_bytes > facts.bytes / 2 {
        let free = size(facts.free_bytes);
        return is(
            Level::Info,
            format!("{free} of the {takes} of the database are empty"),
        );
    }
    let sound = if facts.looked_through {
        ", sound as far as a quick look shows"
    } else {
        ", not looked through in the time there was"
    };
    Reading::good(Component::Database, format!("it takes {takes}{sound}"))
}

/// A breaker that is not closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    /// The service, fit to be shown.
    pub name: String,
    /// One attempt is let through to try.
    pub half_open: bool,
    /// Since when.
    pub opened_at: Option<Timestamp>,
    /// When it is tried next, as a person reads it.
    pub next_probe: Option<String>,
    /// Probes that failed in a row.
    pub failed_probes: u32,
}

/// What is to be thought of the breakers.
pub fn breakers(open: &[Breaker], now: Timestamp) -> Vec<Reading> {
    if open.is_empty() {
        return vec![Reading::good(Component::Breakers, "none is open")];
    }
    open.iter().map(|one| breaker(one, now)).collect()
}

fn breaker(breaker: &Breaker, now: Timestamp) -> Reading {
    let name = &breaker.name;
    let since = breaker
        .opened_at
        .map_or_else(String::new, |at| format!(" for {}", span(now.since(at))));
    if breaker.half_open {
        let says = format!("`{name}` is being tried again after a failure");
        return Reading::found(Component::Breakers, Level::Info, says);
    }
    let next = breaker
        .next_probe
        .as_ref()
        .map_or_else(String::new, |at| format!(", next try {at}"));
    let level = if breaker.failed_probes >= GONE {
        Level::Critical
    } else {
        Level::Warning
    };
    let tries = match breaker.failed_probes {
        0 => String::new(),
        tries => format!(
            " and has not answered {} since",
            count(tries as usize, "try")
        ),
    };
    let says = format!("`{name}` has been left alone{since}{tries}{next}");
    Reading::found(Component::Breakers, level, says).hint(format!(
        "if it is well again: `autoexec breakers reset {name}`"
    ))
}

/// An attempt that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The task, fit to be shown.
    pub name: String,
    /// How long it has run.
    pub runs_for: Duration,
    /// How long it has printed nothing.
    pub silent_for: Duration,
    /// What nine of ten of its successes did not exceed, and how many there are.
    pub usual: Option<(Duration, usize)>,
    /// It has come to a stop while it was handed over: a sentence.
    pub stuck: Option<String>,
}

/// What is to be thought of what runs.
pub fn running(attempts: &[Running], limits: &Thresholds) -> Vec<Reading> {
    let found: Vec<Reading> = attempts.iter().filter_map(|one| odd(one, limits)).collect();
    if !found.is_empty() {
        return found;
    }
    let says = match attempts.len() {
        0 => "nothing runs".to_owned(),
        number => format!(
            "{}, none silent or longer than usual",
            count(number, "task")
        ),
    };
    vec![Reading::good(Component::Running, says)]
}

fn odd(attempt: &Running, limits: &Thresholds) -> Option<Reading> {
    let Running {
        name,
        runs_for,
        silent_for,
        ..
    } = attempt;
    let is = |says: String| {
        Reading::found(Component::Running, Level::Warning, says).hint(format!(
            "`autoexec why {name}`, `autoexec logs --follow {name}`"
        ))
    };
    if let Some(stuck) = &attempt.stuck {
        return Some(is(format!("`{name}` {stuck}")));
    }
    let known = attempt.usual.filter(|(_, successes)| *successes >= KNOWN);
    if let Some((usual, _)) = known
        && *runs_for > usual.saturating_mul(2).max(usual.saturating_add(LONGER))
    {
        let (runs, usual) = (span(*runs_for), span(usual));
        return Some(is(format!(
            "`{name}` has run for {runs}, usually at most {usual}"
        )));
    }
    // Many print only at their end: silence within the usual length is no news.
    let patience = known.map_or(limits.stalled_after, |(usual, _)| {
        usual.max(limits.stalled_after)
    });
    (*silent_for >= patience).then(|| {
        let silent = span(*silent_for);
        is(format!("`{name}` has printed nothing for {silent}"))
    })
}

/// Messages to people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outbox {
    /// Given up lately, and for whom, fit to be shown.
    pub given_up: Vec<(String, u64)>,
    /// Waiting, and since when the oldest does.
    pub waiting: Option<(u64, Timestamp)>,
    /// Targets that will not do as they are configured, a sentence each.
    pub unfit: Vec<String>,
    /// Targets that are configured; none: nobody has told.
    pub targets: Option<usize>,
}

/// What is to be thought of messages to people.
pub fn notifications(facts: &Outbox, now: Timestamp) -> Vec<Reading> {
    let is = |says: String| Reading::found(Component::Notifications, Level::Warning, says);
    let mut found: Vec<Reading> = facts
        .unfit
        .iter()
        .map(|why| is(why.clone()).hint("see `[[notify]]` in the configuration"))
        .collect();
    for (name, number) in &facts.given_up {
        let number = usize::try_from(*number).unwrap_or(usize::MAX);
        let says = format!(
            "{} to {name} could not be delivered",
            count(number, "message")
        );
        found.push(is(says));
    }
    if let Some((number, since)) = facts.waiting
        && now.since(since) >= LATE
    {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let waits = span(now.since(since));
        let says = format!(
            "{} not delivered yet, the oldest for {waits}",
            count(number, "message")
        );
        found.push(is(says));
    }
    if found.is_empty() {
        let says = match facts.targets {
            Some(0) => "nobody is told: there is no `[[notify]]`",
            _ => "nothing is undelivered",
        };
        found.push(Reading::good(Component::Notifications, says));
    }
    found
}

/// Something that queued tasks need and that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// What is missing, as a sentence fit to be shown.
    pub what: String,
    /// Who needs it, fit to be shown.
    pub tasks: Vec<String>,
}

/// What is to be thought of what tasks need: `component` is tools or environment.
pub fn lacking(component: Component, found: &[Lacking], looked_at: usize) -> Vec<Reading> {
    if found.is_empty() {
        let says = match looked_at {
            0 => "nothing is queued".to_owned(),
            number => format!("nothing is missing for {}", count(number, "queued task")),
        };
        return vec![Reading::good(component, says)];
    }
    found
        .iter()
        .map(|one| {
            let says = format!("{} (needed by {})", one.what, names(&one.tasks));
            Reading::found(component, Level::Warning, says)
        })
        .collect()
}

/// `` `a`, `b` and 3 more ``.
pub fn names(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(NAMES)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len().saturating_sub(NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
