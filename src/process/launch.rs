//! Starting a supervisor: this program again, with the hidden subcommand and a pair of pipes.
//!
//! What the supervisor then does is `supervisor`; who speaks to it is `backend::local`.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::model::ids::Epoch;
use crate::model::ids::QueueId;
use crate::model::ids::RunId;
use crate::model::layout::StateDir;

/// The hidden subcommand, looked for before any argument is parsed.
pub const SUPERVISE: &str = "__supervise";

/// The file below `logs/` in which supervisors complain.
pub const ERROR_LOG: &str = "supervisors.log";

/// What a supervisor is told in its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    /// The program that is started: this one.
    pub executable: &'a Path,
    /// The state directory.
    pub dir: &'a StateDir,
    /// The queue.
    pub queue: QueueId,
    /// The run.
    pub run: RunId,
    /// The slot; its file must not exist yet.
    pub slot: usize,
    /// The run's epoch, never read from the file by the supervisor.
    pub epoch: Epoch,
    /// Whether its attempts go on when the runner dies.
    pub adopt: bool,
}

/// A supervisor that was started, with our ends of its pipes.
#[derive(Debug)]
pub struct Launched {
    /// The process, to be waited for.
    pub child: Child,
    /// What we write is read by the supervisor.
    pub commands: OwnedFd,
    /// What the supervisor writes is read here.
    pub reports: OwnedFd,
}

impl Launch<'_> {
    /// The arguments behind the hidden subcommand, as `supervisor` reads them.
    pub fn arguments(&self) -> [OsString; 6] {
        [
            self.dir.root().into(),
            self.queue.to_string().into(),
            self.run.to_string().into(),
            self.slot.to_string().into(),
            self.epoch.0.to_string().into(),
            if self.adopt { "adopt" } else { "kill" }.into(),
        ]
    }

    /// Starts the supervisor.
    ///
    /// # Errors
    /// When no process can be started or its error log cannot be opened.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts a supervisor"
    )]
    pub fn start(&self) -> io::Result<Launched> {
        let mut child = Command::new(self.executable)
            .arg0("autoexec")
            .arg(SUPERVISE)
            .args(self.arguments())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(self.error_log()?)
            .spawn()?;
        let (Some(commands), Some(reports)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the supervisor was started without pipes"));
        };
        Ok(Launched {
            child,
            commands: OwnedFd::from(commands),
            reports: OwnedFd::from(reports),
        })
    }

    /// Where a supervisor complains. Not the runner's standard error: a supervisor may outlive the
    /// runner, and cron waits for everybody who holds that.
    fn error_log(&self) -> io::Result<File> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(self.dir.logs().join(ERROR_LOG))
    }
}
