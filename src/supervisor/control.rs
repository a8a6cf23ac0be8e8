//! The pair of pipes to the runner, never waited for.
//!
//! A runner that is stopped or busy must not stop its supervisors: they have timeouts to watch. So
//! messages wait here until the pipe takes them; there are never many, because only a few attempts can
//! be unacknowledged.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::model::message::FrameReader;
use crate::model::message::FromSupervisor;
use crate::model::message::ToSupervisor;
use crate::model::message::encode;
use crate::supervisor::complain;

/// The supervisor's end of the pipes.
#[derive(Debug)]
pub(super) struct Control {
    input: File,
    output: File,
    frames: FrameReader,
    /// Frames that the pipe has not taken yet.
    backlog: Vec<u8>,
    /// The backlog may wait until then, to go together with what follows.
    patient_until: Option<Duration>,
    gone: bool,
}

impl Control {
    /// Takes over standard input and output.
    ///
    /// # Errors
    /// When they cannot be made non-blocking.
    pub(super) fn take_over() -> io::Result<Self> {
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        let output = io::stdout().as_fd().try_clone_to_owned()?;
        Self::of(input, output)
    }

    /// Speaks by these.
    ///
    /// # Errors
    /// When they cannot be made non-blocking.
    pub(super) fn of(input: OwnedFd, output: OwnedFd) -> io::Result<Self> {
        let (input, output) = (File::from(input), File::from(output));
        rustix::io::ioctl_fionbio(&input, true)?;
        rustix::io::ioctl_fionbio(&output, true)?;
        Ok(Self {
            input,
            output,
            frames: FrameReader::default(),
            backlog: Vec::new(),
            patient_until: None,
            gone: false,
        })
    }

    /// Whether the runner is gone; it does not come back.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// What becomes readable when the runner says something or dies.
    pub(super) fn input(&self) -> Option<BorrowedFd<'_>> {
        (!self.gone).then(|| self.input.as_fd())
    }

    /// What becomes writable when the runner has read; `None` while nothing waits for it.
    pub(super) fn output(&self, now: Duration) -> Option<BorrowedFd<'_>> {
        let due = self.patient_until.is_none_or(|until| until <= now);
        (!self.gone && due && !self.backlog.is_empty()).then(|| self.output.as_fd())
    }

    /// When a message that may wait has waited long enough.
    pub(super) fn flush_at(&self) -> Option<Duration> {
        self.patient_until
    }

    /// Everything that the runner has said so far; notices its death.
    pub(super) fn take_in(&mut self) -> Vec<ToSupervisor> {
        let mut messages = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while !self.gone {
            match self.input.read(&mut buffer) {
                Ok(0) => self.gone = true,
                Ok(count) => self.frames.push(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    complain(&format_args!("the pipe from the runner fails: {error}"));
                    self.gone = true;
                }
            }
        }
        loop {
            match self.frames.next_message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => return messages,
                Err(error) => {
                    complain(&format_args!("the runner is not understood: {error}"));
                    self.gone = true;
                    return messages;
                }
            }
        }
    }

    /// Sends a message as soon as the pipe takes it.
    pub(super) fn send(&mut self, message: &FromSupervisor) {
        self.push(message);
        self.patient_until = None;
        self.flush();
    }

    /// Sends a message together with the next one, or at `until` if there is none before.
    ///
    /// A command that ends at once then wakes the runner once and not twice.
    pub(super) fn send_later(&mut self, message: &FromSupervisor, until: Duration) {
        if self.backlog.is_empty() {
            self.patient_until = Some(until);
        }
        self.push(message);
    }

    fn push(&mut self, message: &FromSupervisor) {
        match encode(message) {
            Ok(frame) => self.backlog.extend_from_slice(&frame),
            Err(error) => complain(&format_args!("a message cannot be encoded: {error}")),
        }
    }

    /// Writes what waits, as far as the pipe takes it.
    pub(super) fn flush(&mut self) {
        self.patient_until = None;
        let mut done = 0;
        while let Some(rest) = self.backlog.get(done..)
            && !rest.is_empty()
            && !self.gone
        {
            match self.output.write(rest) {
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Nobody reads any more; what was to be said stands in the slot file.
                Err(_) => self.gone = true,
            }
        }
        self.backlog.drain(..done);
    }
}
