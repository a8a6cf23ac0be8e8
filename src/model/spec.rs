//! What somebody wants done: the definition of a task, with every default filled in.
//!
//! Not here: reading it from TOML or the command line (`taskfile`) and its life in the queue
//! ([`crate::model::state`]). The definition is stored as JSON; a field that is added later needs
//! `#[serde(default)]`, so that yesterday's queue can be read and keeps its hashes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::checks::Requirement;
use crate::model::checks::SuccessSpec;
use crate::model::dependency::After;
use crate::model::ids::TaskName;
use crate::model::pattern::PatternSpec;
use crate::model::recovery::Dependencies;
use crate::model::recovery::RecoverMode;
use crate::model::recovery::RecoverSpec;
use crate::model::retry::RetrySpec;
use crate::model::signal::Signal;
use crate::model::spans::millis;
use crate::model::spans::optional_millis;
use crate::model::timing::TimeWish;
use crate::support::bytes::OsText;

/// Bytes of output kept per attempt where nothing is written.
pub const DEFAULT_MAX_OUTPUT: u64 = 64 * 1024 * 1024;
/// Between the stop signal and the kill, where nothing is written.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// The most steps of a task: all that are finished must fit into one record of a slot file.
pub const MAX_STEPS: usize = 100;
/// The name of the only step of a task that is one command.
pub const MAIN_STEP: &str = "main";

/// The definition of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The name, unique among unfinished tasks.
    pub name: TaskName,
    /// The commands, in order; at least one.
    pub steps: Vec<StepSpec>,
    /// Where the commands run; an absolute path.
    pub workdir: OsText,
    /// Variables set for the task.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, OsText>,
    /// Which variables of the runner the task gets.
    #[serde(default)]
    pub env_inherit: EnvInherit,
    /// A file of `NAME=value` lines, read at each start; an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_file: Option<OsText>,
    /// Variables whose values are hidden wherever they appear; never the values themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// The task file in which values of them are written, which is read again at each start: they are
    /// nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets_from: Option<OsText>,
    /// The file that becomes standard input; null where nothing is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<OsText>,
    /// Labels to select by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Higher runs first.
    #[serde(default)]
    pub priority: i64,
    /// When to try again.
    #[serde(default)]
    pub retry: RetrySpec,
    /// The most time an attempt may take; none where nothing is written.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub timeout: Option<Duration>,
    /// Between the stop signal and the kill.
    #[serde(with = "millis")]
    pub grace: Duration,
    /// The signal that asks the task to end.
    pub stop_signal: Signal,
    /// What becomes of processes that outlive the command.
    #[serde(default)]
    pub leftovers: Leftovers,
    /// What to do when nobody can know whether the attempt finished.
    #[serde(default)]
    pub on_crash: OnCrash,
    /// Bytes of output kept per attempt: the head and the tail.
    pub max_output: u64,
    /// Limits of the operating system.
    #[serde(default)]
    pub limits: Limits,
    /// Niceness added to the runner's, from 0 (unchanged) to 19.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nice: Option<i32>,
    /// What counts as success.
    #[serde(default)]
    pub success: SuccessSpec,
    /// Tasks that must end first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<After>,
    /// The earliest start, as it is written; the store keeps the instant that it meant when the task
    /// was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<TimeWish>,
    /// The latest end, as it is written; see `not_before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<TimeWish>,
    /// How long an attempt usually takes, as long as there is no history.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub expect_duration: Option<Duration>,
    /// The most time from the first start, waiting included.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_timeout: Option<Duration>,
    /// How long an attempt may be silent and idle.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub idle_timeout: Option<Duration>,
    /// What must be there before an attempt starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Requirement>,
    /// Error patterns of the file that the task came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<PatternSpec>,
    /// What it talks to: the circuit breakers that hold for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service: Vec<String>,
    /// Its own ways to heal failures, tried before the built-in ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recover: Vec<RecoverSpec>,
    /// How far recoveries may go; as the machine says where nothing is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recover_mode: Option<RecoverMode>,
    /// Guarded strategies that it gives its word for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// What is tried last, in place of its steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_command: Option<Command>,
    /// Variables with values to fall back on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fallbacks: BTreeMap<String, OsText>,
    /// Variables with addresses to rotate; the first one holds until then.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<String, Vec<OsText>>,
    /// Patterns of files that may be deleted, relative to the workdir.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temp: Vec<String>,
    /// Directories that may be created; relative to the workdir where they are not absolute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ensure: Vec<OsText>,
    /// What may be installed for it.
    #[serde(default, skip_serializing_if = "Dependencies::is_empty")]
    pub dependencies: Dependencies,
}

impl TaskSpec {
    /// A task of one command with every default.
    pub fn of_command(name: TaskName, command: Command, workdir: OsText) -> Self {
        Self {
            name,
            steps: vec![StepSpec::of_command(MAIN_STEP.to_owned(), command)],
            workdir,
            env: BTreeMap::new(),
            env_inherit: EnvInherit::All,
            env_file: None,
            secrets: Vec::new(),
            secrets_from: None,
            stdin: None,
            tags: Vec::new(),
            priority: 0,
            retry: RetrySpec::default(),
            timeout: None,
            grace: DEFAULT_GRACE,
            stop_signal: Signal::TERM,
            leftovers: Leftovers::Kill,
            on_crash: OnCrash::Retry,
            max_output: DEFAULT_MAX_OUTPUT,
            limits: Limits::default(),
            nice: None,
            success: SuccessSpec::default(),
            after: Vec::new(),
            not_before: None,
            deadline: None,
            expect_duration: None,
            total_timeout: None,
            idle_timeout: None,
            requires: Vec::new(),
            patterns: Vec::new(),
            service: Vec::new(),
            recover: Vec::new(),
            recover_mode: None,
            allow: Vec::new(),
            fallback_command: None,
            fallbacks: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            temp: Vec::new(),
            ensure: Vec::new(),
            dependencies: Dependencies::default(),
        }
    }
}

/// One command of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSpec {
    /// The name, unique within the task; `main` for a task that is one command.
    pub name: String,
    /// What runs.
    pub command: Command,
    /// Variables set for this step besides the task's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, OsText>,
    /// Where it runs, if not where the task does; an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<OsText>,
    /// The file that becomes its standard input, if not the task's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<OsText>,
    /// The most time that it may take.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub timeout: Option<Duration>,
}

impl StepSpec {
    /// A step of one command with every default.
    pub fn of_command(name: String, command: Command) -> Self {
        Self {
            name,
            command,
            env: BTreeMap::new(),
            workdir: None,
            stdin: None,
            timeout: None,
        }
    }
}

/// A command: an argument vector, or a text for a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Executed directly; the first element is the program.
    Direct(Vec<OsText>),
    /// Handed to a shell as the last argument.
    Shell {
        /// The shell and its options, such as `/bin/sh -c`.
        shell: Vec<OsText>,
        /// The text that the shell runs.
        script: OsText,
    },
}

impl Command {
    /// The argument vector that is executed.
    pub fn argv(&self) -> Vec<OsText> {
        match self {
            Self::Direct(argv) => argv.clone(),
            Self::Shell { shell, script } => {
                let mut argv = shell.clone();
                argv.push(script.clone());
                argv
            }
        }
    }
}

/// Which variables of the runner's environment a task gets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvInherit {
    /// All, but PATH, HOME and the like as they were when the task was added.
    #[default]
    All,
    /// None.
    Nothing,
    /// These.
    Names(Vec<String>),
}

/// What becomes of processes that outlive the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leftovers {
    /// They are killed.
    #[default]
    Kill,
    /// They are killed and the attempt counts as failed.
    Fail,
    /// They may go on, if the attempt succeeded.
    Allow,
}

/// What to do with an attempt of which nobody can know whether it finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnCrash {
    /// Start it again.
    #[default]
    Retry,
    /// Put the task aside for a person.
    Ask,
    /// Count the task as failed.
    Fail,
}

/// Limits of the operating system for an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Open files per process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// CPU time per process.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub cpu: Option<Duration>,
    /// Processes of the whole attempt; needs a delegated cgroup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
}

impl Limits {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Variables as they were when a task was added, because cron's are others.
///
/// Only `PATH HOME USER LANG LC_* TZ VIRTUAL_ENV` are ever stored: any other could be a secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Surroundings(pub BTreeMap<String, OsText>);

impl Surroundings {
    /// Picks the variables that may be stored out of an environment.
    pub fn of(environment: impl Iterator<Item = (OsText, OsText)>) -> Self {
        const KEPT: [&str; 6] = ["PATH", "HOME", "USER", "LANG", "TZ", "VIRTUAL_ENV"];
        Self(
            environment
                .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value)))
                .filter(|(name, _)| KEPT.contains(&name.as_str()) || name.starts_with("LC_"))
                .collect(),
        )
    }
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
