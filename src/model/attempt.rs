//! One start of a task: everything a supervisor needs to carry it out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::ids::{AttemptId, RunId, TaskId};
use crate::model::remedy::{InstalledEnvironment, RemedyOrder};
use crate::model::spans::optional_millis;
use crate::model::spec::{Surroundings, TaskSpec};
use crate::support::bytes::OsText;
use crate::support::clock::Timestamp;

/// The life of an attempt's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// Permitted, not known to have started.
    Claimed,
    /// Its supervisor said that it started.
    Running,
    /// Over; the outcome is stored.
    Ended,
}

impl AttemptState {
    /// The stable identifier, as it stands in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Running => "running",
            Self::Ended => "ended",
        }
    }
}

/// An attempt handed to a supervisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its task.
    pub task: TaskId,
    /// The run that claimed it.
    pub run: RunId,
    /// The definition.
    pub spec: TaskSpec,
    /// PATH and the like as they were when the task was added.
    pub surroundings: Surroundings,
    /// The variables that autoexec itself sets (`AUTOEXEC_TASK_ID`, …).
    pub variables: BTreeMap<String, OsText>,
    /// The time limit that holds for this attempt; a recovery may have lengthened the declared one.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub timeout: Option<Duration>,
    /// When the task is given up, by the wall clock: that may jump over what is left of `timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// Steps that are finished already: the attempt begins behind them.
    #[serde(default)]
    pub steps_done: u32,
    /// What is done before its steps, in this order; if one fails, the attempt does not start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<RemedyOrder>,
    /// Environments that were installed for the task; they come first on its paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<InstalledEnvironment>,
    /// When the first of the attempts started that go on from one another, this one included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series_started: Option<Timestamp>,
}
