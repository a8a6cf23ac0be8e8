//! Starting a supervisor: this program again, with the hidden subcommand and a pair of pipes.
//!
//! What the supervisor then does is `supervisor`; who speaks to it is `backend::local`.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::io::FdFlags;

use crate::model::ids::Epoch;
use crate::model::ids::QueueId;
use crate::model::ids::RunId;
use crate::model::layout::StateDir;
use crate::process::children;
use crate::support::crash;

/// The hidden subcommand, looked for before any argument is parsed.
pub const SUPERVISE: &str = "__supervise";

/// The first argument of a supervisor that serves no queue, in the place of a state directory.
pub const ALONE: &str = "alone";

/// The file below `logs/` in which supervisors complain.
pub const ERROR_LOG: &str = "supervisors.log";
/// Bytes of it after which a new one is begun; the one before is kept.
const MOST_COMPLAINTS: u64 = 1024 * 1024;

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
    /// After how much silence of a task without a limit somebody is told.
    pub stalled_after: Duration,
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
    pub fn arguments(&self) -> [OsString; 7] {
        [
            self.dir.root().into(),
            self.queue.to_string().into(),
            self.run.to_string().into(),
            self.slot.to_string().into(),
            self.epoch.0.to_string().into(),
            if self.adopt { "adopt" } else { "kill" }.into(),
            self.stalled_after.as_millis().to_string().into(),
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
        // A test puts a tracer in its place.
        let stand_in = crash::wish("__AUTOEXEC_SUPERVISOR").map(PathBuf::from);
        let mut command = Command::new(stand_in.as_deref().unwrap_or(self.executable));
        command
            .arg0("autoexec")
            .arg(SUPERVISE)
            .args(self.arguments())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(self.error_log()?);
        let mut child = children::start(&mut command)?;
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
        let path = self.dir.logs().join(ERROR_LOG);
        if path
            .symlink_metadata()
            .is_ok_and(|data| data.len() > MOST_COMPLAINTS)
        {
            // Whoever has it open goes on writing into the old one, of which there is one.
            let mut old = path.clone().into_os_string();
            old.push(".old");
            let _only_larger_than_it_should_be = std::fs::rename(&path, old);
        }
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)
    }
}

/// What a supervisor is started with that stands alone, for one command of nobody's queue.
#[derive(Debug)]
pub struct LaunchAlone<'a> {
    /// The program that is started: this one.
    pub executable: &'a Path,
    /// Names the processes of the command; of no queue that there is.
    pub queue: QueueId,
    /// The standard input of the command.
    pub stdin: Stdio,
    /// How many pipes its outputs have.
    pub outputs: Outputs,
}

/// How many pipes a command's outputs have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outputs {
    /// One for standard output and one for standard error.
    Apart,
    /// One for both, so that their order is kept.
    Together,
}

/// A supervisor that stands alone, with our ends of its pipes and of the command's.
#[derive(Debug)]
pub struct LaunchedAlone {
    /// The process, to be waited for.
    pub child: Child,
    /// What we write is read by the supervisor.
    pub commands: OwnedFd,
    /// What the supervisor writes is read here.
    pub reports: OwnedFd,
    /// The command's standard output.
    pub stdout: OwnedFd,
    /// The command's standard error, where it has a pipe of its own.
    pub stderr: Option<OwnedFd>,
}

impl LaunchAlone<'_> {
    /// Starts the supervisor. It has the standard streams that the command is to have, because it
    /// hands them on; so it speaks with us by two more descriptors.
    ///
    /// # Errors
    /// When no process can be started.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts a supervisor"
    )]
    pub fn start(self) -> io::Result<LaunchedAlone> {
        let (its_commands, commands) = io::pipe()?;
        let (reports, its_reports) = io::pipe()?;
        let (stdout, its_stdout) = io::pipe()?;
        let (stderr, its_stderr) = match self.outputs {
            Outputs::Together => (None, its_stdout.try_clone()?),
            Outputs::Apart => io::pipe().map(|(stderr, its_stderr)| (Some(stderr), its_stderr))?,
        };
        // Only these two are inherited; the supervisor closes them for the command.
        rustix::io::fcntl_setfd(&its_commands, FdFlags::empty())?;
        rustix::io::fcntl_setfd(&its_reports, FdFlags::empty())?;
        let mut command = Command::new(self.executable);
        command
            .arg0("autoexec")
            .arg(SUPERVISE)
            .arg(ALONE)
            .arg(self.queue.to_string())
            .arg(its_commands.as_raw_fd().to_string())
            .arg(its_reports.as_raw_fd().to_string())
            .stdin(self.stdin)
            .stdout(its_stdout)
            .stderr(its_stderr);
        let child = children::start(&mut command)?;
        // The command holds our copies of what is the supervisor's.
        drop(command);
        Ok(LaunchedAlone {
            child,
            commands: commands.into(),
            reports: reports.into(),
            stdout: stdout.into(),
            stderr: stderr.map(OwnedFd::from),
        })
    }
}

/// Takes over a descriptor that was inherited and whose number stands in the arguments; to be called once
/// for each, and before any descriptor is opened.
///
/// # Errors
/// When nothing is open there, or it is a standard stream.
pub fn take_over(number: i32) -> io::Result<OwnedFd> {
    if number <= 2 {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    #[expect(
        unsafe_code,
        reason = "there is no safe way to an inherited descriptor"
    )]
    // SAFETY: borrowed for one call that refuses a number that is not open; then owned by nobody
    // else, because whoever started us left it open for this and names it once.
    unsafe {
        rustix::io::fcntl_getfd(BorrowedFd::borrow_raw(number))?;
        Ok(OwnedFd::from_raw_fd(number))
    }
}
