//! The line to a supervisor that stands alone.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::process::Child;

use rustix::process::Pid;

use crate::model::ids::ProcessIdentity;
use crate::model::message::FrameReader;
use crate::model::message::FromSupervisor;
use crate::model::message::ToSupervisor;
use crate::model::message::encode;
use crate::model::signal::Signal;
use crate::process::identity;

/// A supervisor and our ends of its pipes.
#[derive(Debug)]
pub(super) struct Line {
    child: Child,
    identity: Option<ProcessIdentity>,
    commands: Option<File>,
    reports: File,
    frames: FrameReader,
    gone: bool,
}

impl Line {
    /// Speaks with a supervisor that was just started.
    pub(super) fn new(child: Child, commands: File, reports: File) -> Self {
        let pid = i32::try_from(child.id()).unwrap_or_default();
        Self {
            identity: identity::identity(pid),
            child,
            commands: Some(commands),
            reports,
            frames: FrameReader::default(),
            gone: false,
        }
    }

    /// What becomes readable when it speaks; `None` once it is gone.
    pub(super) fn reports(&self) -> Option<BorrowedFd<'_>> {
        (!self.gone).then(|| self.reports.as_fd())
    }

    /// Whether it will never speak again.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Who it is, for a sweep.
    pub(super) fn identity(&self) -> Option<ProcessIdentity> {
        self.identity
    }

    /// Says something; a supervisor that is gone is noticed where it does not answer.
    ///
    /// # Errors
    /// When the message cannot be encoded.
    pub(super) fn send(&mut self, message: &ToSupervisor) -> io::Result<()> {
        let frame = encode(message)?;
        if let Some(commands) = &mut self.commands
            && commands.write_all(&frame).is_err()
        {
            self.commands = None;
        }
        Ok(())
    }

    /// What it has said, after its pipe became readable.
    pub(super) fn take_in(&mut self) -> Vec<FromSupervisor> {
        let mut buffer = [0; 16 * 1024];
        match self.reports.read(&mut buffer) {
            Ok(count @ 1..) => self.frames.push(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => self.gone = true,
        }
        let mut messages = Vec::new();
        loop {
            match self.frames.next_message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => return messages,
                Err(_junk) => {
                    self.gone = true;
                    return messages;
                }
            }
        }
    }

    /// Passes a signal on: the supervisor takes it for the command's.
    pub(super) fn signal(&self, signal: Signal) {
        // It is our child and not waited for yet, so its pid is nobody else's.
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let raw = rustix::process::Signal::from_named_raw(signal.number());
        if let (Some(pid), Some(raw)) = (pid, raw) {
            let _gone = rustix::process::kill_process(pid, raw);
        }
    }

    /// Hangs up and waits until it is gone.
    pub(super) fn hang_up(&mut self) {
        self.commands = None;
        let _collected = self.child.wait();
    }
}
