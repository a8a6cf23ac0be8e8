//! Why a run could not begin or had to end.

use std::io;
use std::path::PathBuf;

use crate::host::state_dir::StateDirError;
use crate::process::runlock::RunLockError;
use crate::store::StoreError;

/// A failure of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The state directory cannot be used.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The run lock cannot be had: another run is active, or the file is out of reach.
    #[error(transparent)]
    Lock(#[from] RunLockError),
    /// The queue cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue could no longer be written; whoever has to know was told at once.
    #[error(transparent)]
    Halted(StoreError),
    /// A file of the engine's own cannot be read or written.
    #[error("cannot {doing} `{}`", .path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The machine does not give what every process needs.
    #[error("cannot {doing}")]
    Machine {
        /// What was tried.
        doing: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Supervisors die before they say a word, so no attempt can be started.
    #[error("the processes that watch over attempts end at once; `{}` says why", .log.display())]
    NoSupervisor {
        /// Where they complain.
        log: PathBuf,
        /// How many commands were started before that.
        started: u64,
    },
    /// A file of the queue was removed or replaced under a living run.
    #[error("`{}` was removed or replaced while the run was active", .path.display())]
    Displaced {
        /// The file.
        path: PathBuf,
    },
    /// The limit of open files is too low for a run.
    #[error("only {allowed} files may be open, and a run needs {needed}")]
    TooFewFiles {
        /// The limit.
        allowed: u64,
        /// What is needed.
        needed: u64,
    },
    /// A living run did not answer a request in time.
    #[error("{} does not answer", .pid.map_or_else(|| "the run".to_owned(), |pid| format!("the run of process {pid}")))]
    NoAnswer {
        /// The run's process, if it is known.
        pid: Option<i32>,
    },
    /// No run is active, and what was asked of the last one is not there to be answered.
    #[error("nobody has granted or refused what was asked: the request is gone from the queue")]
    Unanswered,
}
