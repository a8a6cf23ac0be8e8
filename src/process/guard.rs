//! A parent that does nothing but wait for its child, so that somebody is left when the child dies.
//!
//! The child gets a process group of its own: what a terminal sends to the group of its guard comes to
//! the guard alone, which passes it on once. Of two signals the child would take the second for a
//! growing impatience.

use std::ffi::OsString;
use std::io;
use std::io::PipeReader;
use std::io::Read as _;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;

use crate::model::signal::Signal;
use crate::policy::guard::RunDeath;
use crate::process::signals;

/// What is passed on to the child.
const PASSED_ON: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// A process that is to be guarded.
#[derive(Debug, Clone)]
pub struct Ward {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// A variable that tells it that it is guarded, and its value.
    pub told: (&'static str, String),
}

/// A guard; there is one in a process, because signals are of the whole process.
#[derive(Debug)]
pub struct Guard {
    signals: PipeReader,
    /// Somebody wants the child to end; then its death is no accident.
    pub stop_wanted: bool,
}

impl Guard {
    /// Takes the signals of this process.
    ///
    /// # Errors
    /// When a handler cannot be set.
    pub fn new() -> io::Result<Self> {
        let wanted: Vec<Signal> = PASSED_ON
            .into_iter()
            .chain([libc::SIGCHLD])
            .map(Signal::new)
            .collect();
        Ok(Self {
            signals: signals::notify_on(&wanted)?,
            stop_wanted: false,
        })
    }

    /// Starts the ward and waits for its end.
    ///
    /// # Errors
    /// When it cannot be started or waited for.
    #[expect(
        clippy::disallowed_methods,
        reason = "the guard of a run is neither a task nor a helper"
    )]
    pub fn watch(&mut self, ward: &Ward) -> io::Result<RunDeath> {
        let mut child = Command::new(&ward.program)
            .args(&ward.arguments)
            .env(ward.told.0, &ward.told.1)
            .process_group(0)
            .spawn()?;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(end_of(status));
            }
            self.listen(Some(&child), None)?;
        }
    }

    /// Waits for a while, or until somebody wants an end.
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub fn pause(&mut self, span: Duration) -> io::Result<()> {
        if self.stop_wanted {
            return Ok(());
        }
        self.listen(None, Some(span))
    }

    /// Waits for signals and passes on those that are for the child.
    fn listen(&mut self, child: Option<&Child>, patience: Option<Duration>) -> io::Result<()> {
        let timeout = patience.map(|span| Timespec {
            tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: span.subsec_nanos().into(),
        });
        let mut fds = [PollFd::from_borrowed_fd(
            self.signals.as_fd(),
            PollFlags::IN,
        )];
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut numbers = [0; 64];
        while let Ok(count @ 1..) = self.signals.read(&mut numbers) {
            for number in numbers.get(..count).unwrap_or_default() {
                let number = i32::from(*number);
                if PASSED_ON.contains(&number) {
                    self.stop_wanted = true;
                    pass_on(child, number);
                }
            }
        }
        Ok(())
    }
}

fn pass_on(child: Option<&Child>, number: i32) {
    let pid = child
        .and_then(|child| i32::try_from(child.id()).ok())
        .and_then(rustix::process::Pid::from_raw);
    let signal = rustix::process::Signal::from_named_raw(number);
    if let (Some(pid), Some(signal)) = (pid, signal) {
        // Not waited for yet, so the number is still its own; it may be dead, which we shall see.
        let _dead_already = rustix::process::kill_process(pid, signal);
    }
}

fn end_of(status: ExitStatus) -> RunDeath {
    match (status.code(), status.signal()) {
        (Some(code), _) => RunDeath::Code(code),
        (None, Some(signal)) => RunDeath::Signal(Signal::new(signal)),
        // A process that can be waited for has ended in one of these two ways.
        (None, None) => RunDeath::Code(0),
    }
}
