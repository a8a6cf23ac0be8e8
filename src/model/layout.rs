//! Where things lie below the state directory.
//!
//! Only names; `host::state_dir` makes and checks them.

use std::path::{Path, PathBuf};

use crate::model::ids::{AttemptId, RunId, TaskId};

/// A state directory: one queue and all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// The state directory at this absolute path.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.0.join("queue.db")
    }

    /// Slot files and the epoch.
    pub fn slots(&self) -> PathBuf {
        self.0.join("slots")
    }

    /// The epoch that fences off supervisors of earlier runs.
    pub fn epoch(&self) -> PathBuf {
        self.slots().join("epoch")
    }

    /// The slot file of slot `number` of a run.
    pub fn slot(&self, run: RunId, number: usize) -> PathBuf {
        self.slots().join(slot_file_name(run, number))
    }

    /// Output of attempts.
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// What tasks saved, one directory per task.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// What a task saved.
    pub fn checkpoint(&self, task: TaskId) -> PathBuf {
        self.checkpoints().join(task.to_string())
    }

    /// What running tasks say of themselves.
    pub fn said(&self) -> PathBuf {
        self.0.join("said")
    }

    /// The result file of an attempt.
    pub fn result(&self, attempt: AttemptId) -> PathBuf {
        self.said().join(format!("{attempt}.json"))
    }

    /// What an attempt said last of its progress.
    pub fn progress(&self, attempt: AttemptId) -> PathBuf {
        self.said().join(format!("{attempt}.progress"))
    }

    /// Files kept as proof.
    pub fn evidence(&self) -> PathBuf {
        self.0.join("evidence")
    }

    /// What was installed for tasks, each in a folder of its own.
    pub fn environments(&self) -> PathBuf {
        self.0.join("environments")
    }

    /// Written reports.
    pub fn reports(&self) -> PathBuf {
        self.0.join("reports")
    }

    /// Copies of the database made before a migration.
    pub fn backups(&self) -> PathBuf {
        self.0.join("backups")
    }

    /// What needs somebody's attention, one JSON object per line; written without the database.
    pub fn alerts(&self) -> PathBuf {
        self.0.join("alerts.jsonl")
    }

    /// Held by whoever changes the queue.
    pub fn run_lock(&self) -> PathBuf {
        self.0.join("run.lock")
    }

    /// Held by whoever delivers notifications.
    pub fn courier_lock(&self) -> PathBuf {
        self.0.join("courier.lock")
    }

    /// The FIFO on which a run is told that there is something new.
    pub fn wake(&self) -> PathBuf {
        self.0.join("run.wake")
    }

    /// Space that is given back when the disk is full, so that the end can be recorded.
    pub fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

/// The name of the slot file of slot `number` of a run.
pub fn slot_file_name(run: RunId, number: usize) -> String {
    format!("{run}-{number}")
}

/// The name below `logs/` of the append-only file that takes a slot's small outputs.
pub fn segment_name(run: RunId, number: usize) -> String {
    format!("{run}-{number}.seg")
}

/// The name below `logs/` of the file of an attempt whose output is large.
pub fn log_name(attempt: AttemptId) -> String {
    format!("{attempt}.log")
}

/// The marker in the environment of every process of an attempt.
pub const MARK_VARIABLE: &str = "AUTOEXEC_MARK";
