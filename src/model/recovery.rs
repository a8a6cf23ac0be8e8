//! Recoveries: what may be done about a failure, as data.
//!
//! Which strategy suits a failure is `policy::recovery`; what is then done is a
//! [`Remedy`]. Output of a program may select one and supplies nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::category::Category;
use crate::model::ids::RecoveryId;
use crate::model::remedy::Await;
use crate::model::remedy::Remedy;
use crate::model::spans::millis;
use crate::model::spec::Command;
use crate::support::bytes::OsText;
use crate::support::clock::Timestamp;

/// How far recoveries may go. The machine's mode is a ceiling over the task's.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum RecoverMode {
    /// Plain retries only.
    Off,
    /// Everything is worked out and told, nothing is done.
    Suggest,
    /// What observes, and what changes only what the task declared. Guarded strategies need the word
    /// of the machine and of the task.
    #[default]
    Safe,
    /// As `safe`, and the task gives its word for every guarded strategy that the machine allows.
    Full,
}

/// What a strategy may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nothing.
    Observe,
    /// What the task declared, or an empty directory beneath its workdir.
    Safe,
    /// More than that, within declared lists.
    Guarded,
    /// A person has to act.
    Manual,
}

/// A task's own way to heal a failure: `[[task.recover]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverSpec {
    /// The failures that it is for.
    pub when: RecoverWhen,
    /// What runs, where the task runs.
    pub command: Command,
    /// The most time that it may take.
    #[serde(with = "millis")]
    pub timeout: Duration,
    /// How often it may be used for one task.
    pub max_uses: u32,
}

impl RecoverSpec {
    /// The most time that it may take, where nothing is written.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);
    /// How often it may be used, where nothing is written.
    pub const DEFAULT_MAX_USES: u32 = 1;
}

/// Something about recoveries that is told and kept although nothing is done: what would have been
/// done, and what was refused.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveryNote {
    /// The strategy's stable name.
    pub strategy: String,
    /// Its risk class.
    pub risk: Risk,
    /// [`RecoveryState::Suggested`] or [`RecoveryState::Refused`].
    pub state: RecoveryState,
    /// What would have been done; none where it was refused before that was worked out.
    pub plan: Option<RecoveryPlan>,
    /// A sentence: what would have been done, or why it is refused; untrusted text.
    pub why: String,
}

/// The failures that a task's own recovery is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoverWhen {
    /// All of a category.
    Category(Category),
    /// Those of a named pattern.
    Pattern(String),
    /// Those whose output matches an expression.
    Matches(String),
}

/// What may be installed for a task: all of it, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dependencies {
    /// For Python.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<DependencyList>,
    /// For Node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<DependencyList>,
}

impl Dependencies {
    /// Whether nothing may be installed.
    pub const fn is_empty(&self) -> bool {
        self.python.is_none() && self.node.is_none()
    }
}

/// Where the names of what may be installed stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DependencyList {
    /// In a file, such as `requirements.txt` or `package-lock.json`; relative to the workdir.
    File(OsText),
    /// Pinned names, such as `requests==2.32.3`.
    Names(Vec<String>),
}

/// What this machine says of recoveries; a run is given it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecoveryConfig {
    /// How far they may go; what a task wants is never more than this.
    pub mode: RecoverMode,
    /// Guarded strategies that it allows.
    pub allow: Vec<String>,
    /// How services are probed, by their names.
    pub probes: BTreeMap<String, Await>,
}

/// The slower rounds of attempts that follow when the ordinary ones are used up and the cause heals
/// with time; a run is given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RescueConfig {
    /// How many rounds; 0: none.
    pub max: u32,
    /// How long after the failure each begins; the last one holds for all further rounds.
    pub delays: Vec<Duration>,
}

impl Default for RescueConfig {
    fn default() -> Self {
        Self {
            max: 3,
            delays: [5, 15, 45].map(Duration::from_mins).to_vec(),
        }
    }
}

impl RescueConfig {
    /// How long after a failure a round begins, counted from 1; `None` if there is no such round.
    pub fn delay(&self, round: u32) -> Option<Duration> {
        if round == 0 || round > self.max {
            return None;
        }
        let index = usize::try_from(round - 1).ok()?;
        self.delays
            .get(index)
            .or_else(|| self.delays.last())
            .copied()
    }
}

/// A strategy that was chosen for a failure, with all that carrying it out needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoveryPlan {
    /// The strategy's stable name.
    pub strategy: String,
    /// Its risk class.
    pub risk: Risk,
    /// What is done.
    pub remedy: Remedy,
    /// What it is about, in a few words, such as `db.internal:5432`; untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How to undo it, in a sentence; none where there is nothing to undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
    /// The most time that it may take.
    #[serde(with = "millis")]
    pub timeout: Duration,
}

/// What became of a recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryState {
    /// Decided, and waiting or to be done before the next attempt.
    Pending,
    /// The remedy is done; the next attempt will tell.
    Applied,
    /// The verify probe or the next attempt says that it helped.
    Helped,
    /// It was done and did not help.
    InVain,
    /// It could not be done, or took too long.
    Failed,
    /// Not done: the mode is `suggest`.
    Suggested,
    /// Not done: it is not allowed or not declared.
    Refused,
    /// Nobody needs it any more: the task was cancelled, or the run ended.
    Abandoned,
}

impl RecoveryState {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Applied,
        Self::Helped,
        Self::InVain,
        Self::Failed,
        Self::Suggested,
        Self::Refused,
        Self::Abandoned,
    ];

    /// The stable identifier, as it stands in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Helped => "helped",
            Self::InVain => "in_vain",
            Self::Failed => "failed",
            Self::Suggested => "suggested",
            Self::Refused => "refused",
            Self::Abandoned => "abandoned",
        }
    }

    /// Reads a stable identifier.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// Whether it counts as evidence for or against the strategy.
    pub const fn verdict(self) -> Option<bool> {
        match self {
            Self::Helped => Some(true),
            Self::InVain | Self::Failed => Some(false),
            Self::Pending | Self::Applied | Self::Suggested | Self::Refused | Self::Abandoned => {
                None
            }
        }
    }
}

/// One recovery of a task, as the history keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRecovery {
    /// Its number.
    pub id: RecoveryId,
    /// The strategy.
    pub strategy: String,
    /// The pattern of the failure that it was for.
    pub pattern: String,
    /// The fingerprint of that failure.
    pub fingerprint: String,
    /// All of the plan; none where it was refused before there was one, or cannot be read any more.
    pub plan: Option<RecoveryPlan>,
    /// What became of it.
    pub state: RecoveryState,
    /// When it was decided.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}
