//! What is to be thought of this machine and this queue: findings and a score, from facts.
//!
//! Pure: who looks is `host::health`, `store::health` and `report::health`. Every component gives one reading, so
//! that a person sees what was looked at and found good, too. A fact that could not be had gives no
//! reading: not knowing is not a fault.
//!
//! # The score
//!
//! 100, less what [`WEIGHTS`] takes for each component by its worst finding, and never below 0. One
//! table, so that what a number means can be looked up; docs/health.md is made from it.
//!
//! # Limits that adapt
//!
//! A limit that fits one machine or one task is noise on another. Where nobody has written a limit, the
//! disk's is held against its size, silence and length against what the task usually takes, and
//! failures against what the failing tasks did before: a task that fails every night is no news.

use std::time::Duration;

use serde_json::{Value, json};

use crate::model::alert::Level;
use crate::policy::trace::SILENCE;
use crate::support::clock::Timestamp;

pub mod backlog;
pub mod machine;
pub mod nights;
pub mod queue;

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// Space and inodes where the queue and its tasks write.
    Disk,
    /// Memory that can still be had.
    Memory,
    /// Processes that wait for a processor.
    Load,
    /// Whether the clock can be believed.
    Clock,
    /// The queue's own file.
    Database,
    /// Services that are left alone for a while.
    Breakers,
    /// Attempts that run at this moment.
    Running,
    /// What is queued, against the hours of the night.
    Backlog,
    /// What failed in the last run, against what the same tasks did before.
    Failures,
    /// The last run, and nights without one.
    Runs,
    /// Messages to people.
    Notifications,
    /// Programs and files that queued tasks need.
    Tools,
    /// What a run started by a timer or by cron does not find in its environment.
    Environment,
    /// Whether the timer fires while nobody is logged in.
    Lingering,
}

/// What the worst finding of a component takes away: its name, for a warning, for a critical one.
pub const WEIGHTS: [(Component, &str, u8, u8); 14] = [
    (Component::Disk, "disk", 15, 40),
    (Component::Memory, "memory", 10, 25),
    (Component::Load, "load", 5, 10),
    (Component::Clock, "clock", 10, 30),
    (Component::Database, "database", 15, 60),
    (Component::Breakers, "breakers", 10, 20),
    (Component::Running, "running", 10, 20),
    (Component::Backlog, "backlog", 10, 20),
    (Component::Failures, "failures", 15, 30),
    (Component::Runs, "runs", 15, 30),
    (Component::Notifications, "notifications", 10, 20),
    (Component::Tools, "tools", 15, 25),
    (Component::Environment, "environment", 10, 20),
    (Component::Lingering, "lingering", 10, 20),
];

impl Component {
    /// The stable identifier.
    pub fn as_str(self) -> &'static str {
        WEIGHTS
            .iter()
            .find(|(component, ..)| *component == self)
            .map_or("", |(_, name, ..)| name)
    }

    fn weight(self, level: Option<Level>) -> u32 {
        let row = WEIGHTS.iter().find(|(component, ..)| *component == self);
        let (warning, critical) =
            row.map_or((0, 0), |(_, _, warning, critical)| (*warning, *critical));
        match level {
            None | Some(Level::Info) => 0,
            Some(Level::Warning) => warning.into(),
            Some(Level::Critical) => critical.into(),
        }
    }
}

/// Where good ends: `[health]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// Free bytes below which a disk is told; none: 5 GiB or a tenth of the disk, whichever is less.
    pub disk_free: Option<u64>,
    /// Free inodes, in percent.
    pub inodes_free: u8,
    /// Memory that can still be had, in percent.
    pub memory_free: u8,
    /// Processes that want to run, per processor, over five minutes.
    pub load: u16,
    /// Bytes of the database.
    pub database_size: u64,
    /// Silence of a running task.
    pub stalled_after: Duration,
    /// Time without a run although tasks are queued.
    pub no_run_for: Duration,
    /// Tasks that fail unlike before, of a hundred of a run.
    pub failed: u8,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            disk_free: None,
            inodes_free: 5,
            memory_free: 10,
            load: 4,
            database_size: 2 << 30,
            stalled_after: SILENCE,
            no_run_for: Duration::from_hours(36),
            failed: 20,
        }
    }
}

/// What was found about one component, or one part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What was looked at.
    pub component: Component,
    /// How bad it is; none: good.
    pub level: Option<Level>,
    /// What was found, a sentence fit to be shown.
    pub message: String,
    /// What to do or to type, where something can be done.
    pub hint: Option<String>,
}

impl Reading {
    /// Something good.
    pub fn good(component: Component, message: impl Into<String>) -> Self {
        Self {
            component,
            level: None,
            message: message.into(),
            hint: None,
        }
    }

    /// Something found.
    pub fn found(component: Component, level: Level, message: impl Into<String>) -> Self {
        Self {
            level: Some(level),
            ..Self::good(component, message)
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Whether somebody should look.
    pub fn is_bad(&self) -> bool {
        self.level >= Some(Level::Warning)
    }

    /// The reading as a JSON value.
    pub fn value(&self) -> Value {
        json!({
            "level": self.level.map_or("ok", |level| match level {
                Level::Info => "info",
                Level::Warning => "warning",
                Level::Critical => "critical",
            }),
            "component": self.component.as_str(),
            "message": self.message,
            "hint": self.hint,
        })
    }
}

/// What is to be thought of machine and queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// When it was looked.
    pub at: Timestamp,
    /// From 0 to 100.
    pub score: u8,
    /// What was found, in the order of the components, the worst of each first.
    pub readings: Vec<Reading>,
    /// Tasks that need a person. They take nothing from the score: a task that fails by its own fault
    /// says nothing of machine and queue.
    pub needing: u64,
}

impl Health {
    /// Judges readings.
    pub fn of(mut readings: Vec<Reading>, at: Timestamp) -> Self {
        readings.sort_by_key(|one| (one.component, std::cmp::Reverse(one.level)));
        let mut taken = 0;
        let mut judged = None;
        for reading in &readings {
            // The worst stands first; the others of its component take nothing more.
            if judged != Some(reading.component) {
                taken += reading.component.weight(reading.level);
                judged = Some(reading.component);
            }
        }
        Self {
            at,
            score: u8::try_from(100_u32.saturating_sub(taken)).unwrap_or(0),
            readings,
            needing: 0,
        }
    }

    /// What somebody should look at, the worst first.
    pub fn findings(&self) -> Vec<&Reading> {
        let mut findings: Vec<&Reading> = self.readings.iter().filter(|one| one.is_bad()).collect();
        findings.sort_by_key(|one| std::cmp::Reverse(one.level));
        findings
    }

    /// The same as JSON values.
    pub fn finding_values(&self) -> Vec<Value> {
        self.findings().into_iter().map(Reading::value).collect()
    }

    /// Whether somebody should look.
    pub fn needs_a_person(&self) -> bool {
        self.readings.iter().any(Reading::is_bad)
    }
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
