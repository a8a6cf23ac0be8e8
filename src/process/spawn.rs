//! Starting a command of a task: the program found, the child alone in its group, its output in pipes.
//!
//! Not for helper programs ([`crate::process::helper`]).
//!
//! # Two ways
//!
//! The fast one is `posix_spawn` through the standard library, which it takes only for a program with
//! a slash and without hooks; so the program is found here first. A task with limits needs a hook
//! between fork and exec. The hook ends in an `execve` of its own: the standard library would use
//! `execvp`, which runs a script without a `#!` line in a shell, and a task must not change its meaning
//! because somebody gave it a limit. Both ways such a script is [`StartFailureKind::WrongFormat`].
//!
//! INVARIANT: nothing sticky is set on the calling process: a hard limit or niceness could not be
//! taken back.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use rustix::fs::Access;
use rustix::fs::AtFlags;
use rustix::process::Pid;
use rustix::process::PidfdFlags;

use crate::model::ids::ProcessIdentity;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::model::spec::Limits;
use crate::process::diagnosis;
use crate::process::environment::Environment;
use crate::process::environment::search_path;
use crate::process::identity;
use crate::process::limits::LIMIT_ERROR;
use crate::process::limits::Plan;
use crate::support::bytes::OsText;

/// Everything a start needs.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The program and its arguments.
    pub argv: &'a [OsText],
    /// Where the program was just found; if `None`, it is looked for.
    pub program: Option<&'a Path>,
    /// Where it runs; an absolute path.
    pub workdir: &'a Path,
    /// Its whole environment.
    pub environment: &'a Environment,
    /// What becomes its standard input; if `None`, what `streams` says.
    pub stdin: Option<&'a Path>,
    /// What its standard streams are.
    pub streams: Streams,
    /// Limits of the operating system.
    pub limits: &'a Limits,
    /// Niceness added to ours.
    pub nice: Option<i32>,
}

/// What the standard streams of a command are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// Nothing to read, and a pipe to us for each output.
    Captured,
    /// Those of the calling process.
    Inherited,
    /// Nothing to read, and both outputs to the standard error of the calling process.
    Errors,
    /// Nothing to read, a pipe to us for standard output, and our standard error.
    Answer,
}

/// A command that runs.
#[derive(Debug)]
pub struct Launched {
    /// The child, which leads its process group.
    pub process: ProcessIdentity,
    /// The read end of its standard output, where that is captured.
    pub stdout: Option<OwnedFd>,
    /// The read end of its standard error, where that is captured.
    pub stderr: Option<OwnedFd>,
    /// Readable when it is dead; `None` where the kernel has no such thing.
    pub exit: Option<OwnedFd>,
}

/// Starts a command.
///
/// # Errors
/// What was in the way, looked into as far as that is possible afterwards.
pub fn launch(launch: &Launch<'_>) -> Result<Launched, StartFailure> {
    refuse_nul(launch)?;
    let name = launch
        .argv
        .first()
        .ok_or_else(|| failure(StartFailureKind::ProgramMissing, 0, Path::new("")))?;
    let found;
    let program = if let Some(program) = launch.program {
        program
    } else {
        found = resolve(name, &search_path(launch.environment), launch.workdir)?;
        &found
    };
    let mut command = prepare(launch, program)?;
    let mut child = command.spawn().map_err(|error| {
        let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
        diagnosis::explain(errno, program, launch.workdir)
    })?;
    let pid = i32::try_from(child.id()).unwrap_or_default();
    let exit = Pid::from_raw(pid)
        .and_then(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok());
    // Nobody else collects our children, so the child is there, as a zombie at least.
    let process = identity::identity(pid).unwrap_or(ProcessIdentity { pid, start: 0 });
    Ok(Launched {
        process,
        stdout: child.stdout.take().map(OwnedFd::from),
        stderr: child.stderr.take().map(OwnedFd::from),
        exit,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts commands of tasks"
)]
fn prepare(launch: &Launch<'_>, program: &Path) -> Result<Command, StartFailure> {
    let (stdout, stderr) = match launch.streams {
        Streams::Captured => (Stdio::piped(), Stdio::piped()),
        Streams::Inherited => (Stdio::inherit(), Stdio::inherit()),
        Streams::Errors => (Stdio::from(io::stderr()), Stdio::inherit()),
        Streams::Answer => (Stdio::piped(), Stdio::inherit()),
    };
    let mut command = Command::new(program);
    if let Some((name, arguments)) = launch.argv.split_first() {
        command.arg0(name.as_os_str());
        command.args(arguments.iter().map(OsText::as_os_str));
    }
    command
        .current_dir(launch.workdir)
        .env_clear()
        .envs(
            launch
                .environment
                .iter()
                .map(|(name, value)| (name.as_os_str(), value.as_os_str())),
        )
        .process_group(0)
        .stdin(match launch.stdin {
            Some(path) => open_stdin(&launch.workdir.join(path))?,
            None if launch.streams == Streams::Inherited => Stdio::inherit(),
            None => Stdio::null(),
        })
        .stdout(stdout)
        .stderr(stderr);
    if launch.limits.processes.is_some() {
        // Only a control group can count the processes of one attempt.
        return Err(failure(
            StartFailureKind::LimitRefused,
            0,
            Path::new("processes"),
        ));
    }
    if !launch.limits.is_empty() || launch.nice.is_some() {
        Plan::new(launch, program)?.install(&mut command);
    }
    Ok(command)
}

fn open_stdin(path: &Path) -> Result<Stdio, StartFailure> {
    let refused = |errno| failure(StartFailureKind::StdinUnreadable, errno, path);
    // Without waiting, or a FIFO that nobody writes to would stop the supervisor.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| refused(error.raw_os_error().unwrap_or_default()))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(refused(libc::EISDIR));
    }
    rustix::io::ioctl_fionbio(&file, false).map_err(|error| refused(error.raw_os_error()))?;
    Ok(Stdio::from(file))
}

fn refuse_nul(launch: &Launch<'_>) -> Result<(), StartFailure> {
    let holds_nul = |text: &&OsText| text.as_bytes().contains(&0);
    let found = launch
        .argv
        .iter()
        .chain(launch.environment.values())
        .find(holds_nul);
    match found {
        Some(text) => Err(StartFailure {
            kind: StartFailureKind::NulByte,
            errno: 0,
            path: text.clone(),
        }),
        None if launch.workdir.as_os_str().as_bytes().contains(&0) => {
            Err(failure(StartFailureKind::NulByte, 0, launch.workdir))
        }
        None => Ok(()),
    }
}

/// Finds a program as a shell would that stands in `workdir`: by its path if it has a slash, else along
/// `search`.
///
/// # Errors
/// When there is none, or none that may be executed.
pub fn resolve(name: &OsText, search: &OsStr, workdir: &Path) -> Result<PathBuf, StartFailure> {
    if name.as_bytes().contains(&b'/') {
        // Whether it is there is found out by starting it.
        return Ok(workdir.join(name.as_path()));
    }
    let mut forbidden = None;
    let folders = search.as_bytes().split(|byte| *byte == b':');
    for folder in folders.filter(|_| !name.is_empty()) {
        let candidate = workdir
            .join(Path::new(OsStr::from_bytes(folder)))
            .join(name.as_path());
        if !std::fs::metadata(&candidate).is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        let access = rustix::fs::accessat(
            rustix::fs::CWD,
            &candidate,
            Access::EXEC_OK,
            AtFlags::EACCESS,
        );
        match access {
            Ok(()) => return Ok(candidate),
            Err(_) => forbidden = forbidden.or(Some(candidate)),
        }
    }
    // With the directory gone a relative entry of PATH finds nothing; then that is the reason.
    if let Some(failure) = diagnosis::workdir_failure(workdir, libc::ENOENT) {
        return Err(failure);
    }
    Err(match forbidden {
        Some(program) => failure(StartFailureKind::NotExecutable, libc::EACCES, &program),
        None => failure(
            StartFailureKind::ProgramMissing,
            libc::ENOENT,
            name.as_path(),
        ),
    })
}

pub(crate) fn failure(kind: StartFailureKind, errno: i32, path: &Path) -> StartFailure {
    StartFailure {
        kind,
        errno,
        path: OsText::from(path),
    }
}

/// Whether an error number of a start is one of a limit, and which.
pub(crate) fn limit_errno(errno: i32) -> Option<i32> {
    errno.checked_sub(LIMIT_ERROR).filter(|errno| *errno > 0)
}

/// Whether an error says that this host has nothing to spare.
pub(crate) fn is_host_busy(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE)
    )
}

#[cfg(test)]
#[path = "spawn_tests.rs"]
mod tests;
