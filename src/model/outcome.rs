//! How an attempt ended: facts, as the supervisor saw them.
//!
//! No judgement here: whether a code means success and what a failure means is
//! `policy::classify`. An outcome must fit into one page of a slot file, so every list in it is
//! bounded ([`MAX_LEFTOVERS`], [`MAX_NOTES`]).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::category::{Category, Retryable};
use crate::model::ids::ProcessIdentity;
use crate::model::remedy::RemedyResult;
use crate::model::signal::Signal;
use crate::model::spans::{millis, optional_millis};
use crate::support::bytes::OsText;
use crate::support::clock::Timestamp;

/// The most left-over processes that an outcome names; more are counted.
pub const MAX_LEFTOVERS: usize = 8;
/// The most remarks that an outcome carries.
pub const MAX_NOTES: usize = 8;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The end itself.
    pub ended: Ended,
    /// When the command started; `None` if it never did or nobody knows.
    pub started_at: Option<Timestamp>,
    /// When the attempt was over, its processes gone.
    pub ended_at: Timestamp,
    /// From start to the end of the command, on a clock that does not jump.
    #[serde(with = "millis")]
    pub duration: Duration,
    /// What the command and its waited-for descendants used.
    pub usage: Usage,
    /// Where its output is and how much there was.
    pub output: OutputPlace,
    /// Processes that outlived the command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<Leftover>,
    /// How many outlived it, named above or not.
    #[serde(default)]
    pub leftover_count: u32,
    /// By what means the processes were held together.
    pub containment: Containment,
    /// The kernel's counter proves that memory ran out in the attempt's cgroup.
    #[serde(default)]
    pub out_of_memory: bool,
    /// Remarks for the report, such as "memory is limited per process, not for the whole attempt".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What else the attempt did and said.
    #[serde(default, skip_serializing_if = "Account::is_empty")]
    pub account: Account,
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The command ended by itself.
    ByItself(Exit),
    /// Its time was up and it was stopped.
    TimedOut {
        /// The limit that was reached.
        #[serde(with = "millis")]
        limit: Duration,
        /// How the command then ended.
        exit: Exit,
        /// Whether the kill was needed after the grace.
        killed: bool,
    },
    /// It was silent and idle for too long and was stopped.
    WentSilent {
        /// The limit that was reached.
        #[serde(with = "millis")]
        limit: Duration,
        /// How the command then ended.
        exit: Exit,
        /// Whether the kill was needed after the grace.
        killed: bool,
    },
    /// We stopped it.
    Stopped {
        /// Why.
        reason: StopReason,
        /// How the command then ended.
        exit: Exit,
        /// Whether the kill was needed.
        killed: bool,
    },
    /// The command never ran.
    CouldNotStart(StartFailure),
    /// Nobody saw the end: the attempt may or may not have finished.
    Lost(LossCause),
}

/// How a process ended, as `wait4` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// With an exit code.
    Code(i32),
    /// By a signal.
    Signal {
        /// The signal.
        signal: Signal,
        /// Whether a core was dumped.
        core: bool,
    },
}

/// Why we stopped an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// Somebody cancelled the task, or removes it.
    Cancelled,
    /// Somebody put the task aside.
    Held,
    /// Somebody declared the task done.
    Completed,
    /// The run ends: a signal or `autoexec stop`.
    RunStopped,
    /// The window of the night ends.
    WindowEnded,
    /// The runner died and the configuration says that attempts die with it.
    RunnerGone,
}

/// A command that could not be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartFailure {
    /// What was in the way.
    pub kind: StartFailureKind,
    /// The error number of the system call; 0 where none was made.
    pub errno: i32,
    /// The program, interpreter, directory or file that it is about.
    pub path: OsText,
}

/// What kept a command from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartFailureKind {
    /// No such program, by path or on `PATH`.
    ProgramMissing,
    /// The script's `#!` line or the binary's loader names a program that is not there.
    InterpreterMissing,
    /// The working directory is not there or is no directory.
    WorkdirMissing,
    /// The working directory may not be entered.
    WorkdirForbidden,
    /// The program may not be executed.
    NotExecutable,
    /// The program is of a format that this machine cannot run.
    WrongFormat,
    /// Arguments and environment are too long.
    TooLong,
    /// An argument or variable holds a NUL byte.
    NulByte,
    /// The file for standard input cannot be opened.
    StdinUnreadable,
    /// The `env_file` cannot be read or has a line that is no `NAME=value`.
    EnvFileUnreadable,
    /// A limit or niceness could not be set.
    LimitRefused,
    /// Something that the task requires is not there; the path holds it as it is written.
    RequirementMissing,
    /// The checkpoint's directory cannot be made.
    CheckpointUnusable,
    /// A remedy that was to come before it failed; the path holds the strategy's name.
    RemedyFailed,
    /// This host has no processes, memory or descriptors to spare: not the task's fault.
    HostBusy,
    /// Anything else; the error number tells.
    Other,
}

/// Why the end of an attempt is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossCause {
    /// The machine was restarted.
    Reboot,
    /// The supervisor died before it recorded an outcome.
    SupervisorDied,
}

/// What an attempt used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Peak resident memory of its largest process, in bytes; 0 where it had less than the
    /// supervisor that started it, so that nobody can tell.
    pub max_rss_bytes: u64,
    /// CPU time in user mode.
    #[serde(with = "millis")]
    pub cpu_user: Duration,
    /// CPU time in the kernel.
    #[serde(with = "millis")]
    pub cpu_system: Duration,
}

/// Where the output of an attempt lies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutputPlace {
    /// File name below `logs/`; `None` when nothing was written.
    pub file: Option<String>,
    /// Where in the file the attempt's frames begin.
    pub offset: u64,
    /// How many bytes of frames there are.
    pub length: u64,
    /// Bytes that the command wrote to standard output.
    pub stdout_bytes: u64,
    /// Bytes that the command wrote to standard error.
    pub stderr_bytes: u64,
    /// Bytes between head and tail that were not kept.
    pub dropped_bytes: u64,
    /// The disk was full or failed while output was written; what came then is missing.
    #[serde(default)]
    pub write_failed: bool,
    /// From the start to the first byte of output.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub first_after: Option<Duration>,
    /// From the start to the last byte of output.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_after: Option<Duration>,
}

/// What an attempt did and said besides ending.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// How many steps of the task are finished now, those of earlier attempts included.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub steps_done: u32,
    /// The task saved something: files of its checkpoint changed, or another step is finished.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub checkpoint_changed: bool,
    /// What the checkpoint of a task that asks to be started again holds now, as a short hash; none where
    /// not all of it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<String>,
    /// What the task said of itself in its result file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// A sentence about the first success check that is not met; untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmet: Option<String>,
    /// What it hung on when it was stopped for its silence: wait channel, children, open files;
    /// untrusted text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hang: Vec<String>,
    /// How the remedies before it ended, in their order, up to the first that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<RemedyResult>,
    /// What it found when it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<FoundThere>,
    /// How long looking at its requirements took.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub required: Option<Duration>,
    /// How long its success checks took.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub checked: Option<Duration>,
}

/// What an attempt found when it started, to be compared with another one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FoundThere {
    /// A hash of its variables, without what differs at every start and what looks like a secret.
    pub environment: String,
    /// The programs that it runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<FoundFile>,
    /// The files that it reads, as far as its definition names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<FoundFile>,
}

/// A file as an attempt found it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FoundFile {
    /// Its path, as the definition names it or where it was found; untrusted text.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was changed last, in seconds since the epoch.
    pub modified: i64,
}

impl Account {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// What a task says of itself beats every guess.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Said {
    /// A sentence; untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The category of its failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// Whether running again can work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<Retryable>,
    /// Seconds to wait before the next attempt.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub retry_after: Option<Duration>,
}

/// A process that outlived its command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// The process.
    pub process: ProcessIdentity,
    /// Its name as the kernel keeps it, at most 15 bytes; untrusted.
    pub name: OsText,
    /// What became of it.
    pub fate: LeftoverFate,
}

/// What became of a left-over process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftoverFate {
    /// It was killed and is gone.
    Killed,
    /// It may go on, by the task's rule.
    Allowed,
    /// It did not go although it was killed.
    Unkillable,
}

/// By what means the processes of an attempt are held together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Containment {
    /// A control group of its own: a process escapes only by moving itself to another group.
    Cgroup,
    /// The supervisor inherits orphans; a process escapes only together with the supervisor's death.
    Subreaper,
    /// The process group alone.
    Group,
}
