//! Attempts on this machine: one supervisor process per slot, spoken to over a pair of pipes.
//!
//! A message is written at once if the pipe takes it, because the dispatcher may be about to block
//! in a commit; what a full pipe does not take waits for [`Local::flush`]. Everything that
//! supervisors say arrives in one inbox, in order per slot.
//!
//! A closed pipe does not prove that a supervisor is dead: a child between fork and exec still holds
//! its slot lock. [`Said::Closed`] only tells that nothing more will be said.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use tokio::net::unix::pipe;
use tokio::sync::mpsc::UnboundedSender;

use crate::model::ids::Epoch;
use crate::model::ids::ProcessIdentity;
use crate::model::ids::QueueId;
use crate::model::ids::RunId;
use crate::model::layout::StateDir;
use crate::model::message::FrameReader;
use crate::model::message::FromSupervisor;
use crate::model::message::ToSupervisor;
use crate::model::message::encode;
use crate::process::identity;
use crate::process::launch::Launch;

/// What came from a supervisor's pipe.
#[derive(Debug)]
pub enum Said {
    /// A message.
    Message(FromSupervisor),
    /// Nothing more will come.
    Closed,
}

/// What all supervisors of a run have in common.
#[derive(Debug, Clone)]
pub struct LocalSetup {
    /// The state directory.
    pub dir: StateDir,
    /// The queue.
    pub queue: QueueId,
    /// The run.
    pub run: RunId,
    /// The epoch of the run.
    pub epoch: Epoch,
    /// The program that is started as a supervisor: this one.
    pub executable: PathBuf,
    /// Whether attempts go on when the runner dies.
    pub adopt: bool,
    /// After how much silence of a task without a limit somebody is told.
    pub stalled_after: Duration,
}

/// The supervisors of a run.
#[derive(Debug)]
pub struct Local {
    setup: LocalSetup,
    inbox: UnboundedSender<(usize, Said)>,
    lines: BTreeMap<usize, Line>,
}

/// The line to one supervisor.
#[derive(Debug)]
struct Line {
    child: Child,
    commands: pipe::Sender,
    /// What the pipe had no room for; nothing may overtake it.
    pending: VecDeque<u8>,
    /// What goes together with the next message.
    later: Vec<u8>,
}

impl Local {
    /// A backend without supervisors; what they say will arrive in `inbox` with their slot.
    pub fn new(setup: LocalSetup, inbox: UnboundedSender<(usize, Said)>) -> Self {
        Self {
            setup,
            inbox,
            lines: BTreeMap::new(),
        }
    }

    /// Starts a supervisor for a slot whose number this run has not used before.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn open(&mut self, slot: usize) -> io::Result<()> {
        let launched = Launch {
            executable: &self.setup.executable,
            dir: &self.setup.dir,
            queue: self.setup.queue,
            run: self.setup.run,
            slot,
            epoch: self.setup.epoch,
            adopt: self.setup.adopt,
            stalled_after: self.setup.stalled_after,
        }
        .start()?;
        let reports = pipe::Receiver::from_owned_fd(launched.reports)?;
        drop(tokio::spawn(listen(slot, reports, self.inbox.clone())));
        let line = Line {
            child: launched.child,
            commands: pipe::Sender::from_owned_fd(launched.commands)?,
            pending: VecDeque::new(),
            later: Vec::new(),
        };
        self.lines.insert(slot, line);
        Ok(())
    }

    /// Sends a message to a slot's supervisor.
    ///
    /// A supervisor that is gone is no error here: its [`Said::Closed`] is on the way.
    ///
    /// # Errors
    /// When the message cannot be encoded.
    pub fn send(&mut self, slot: usize, message: &ToSupervisor) -> io::Result<()> {
        let frame = encode(message)?;
        if let Some(line) = self.lines.get_mut(&slot) {
            line.pending.extend(line.later.drain(..));
            line.pending.extend(frame);
            line.write_some();
        }
        Ok(())
    }

    /// Sends a message together with the next one, for a supervisor that needs it no earlier: it is
    /// not woken up twice.
    ///
    /// # Errors
    /// When the message cannot be encoded.
    pub fn send_later(&mut self, slot: usize, message: &ToSupervisor) -> io::Result<()> {
        let frame = encode(message)?;
        if let Some(line) = self.lines.get_mut(&slot) {
            line.later.extend(frame);
        }
        Ok(())
    }

    /// Waits until a congested pipe takes bytes again; for ever when none is congested.
    pub async fn flush(&mut self) {
        for line in self.lines.values_mut() {
            if line.pending.is_empty() {
                continue;
            }
            match line.commands.writable().await {
                Ok(()) => line.write_some(),
                Err(_gone) => line.pending.clear(),
            }
            return;
        }
        std::future::pending::<()>().await;
    }

    /// The supervisor of a slot, while it lives.
    pub fn supervisor(&self, slot: usize) -> Option<ProcessIdentity> {
        let pid = i32::try_from(self.lines.get(&slot)?.child.id()).ok()?;
        identity::identity(pid)
    }

    /// Lets a supervisor go on that somebody has stopped: it could not hear a word.
    pub fn wake_up(&self, slot: usize) {
        let Some(line) = self.lines.get(&slot) else {
            return;
        };
        // It is our child and not waited for yet, so its pid is nobody else's.
        if let Some(pid) = i32::try_from(line.child.id()).ok().and_then(Pid::from_raw) {
            let _gone_or_going_on = kill_process(pid, Signal::CONT);
        }
    }

    /// Hangs up on a slot: the supervisor reads the end of its pipe. Its process, which is ours to
    /// wait for, is handed back.
    pub fn close(&mut self, slot: usize) -> Option<Child> {
        self.lines.remove(&slot).map(|line| line.child)
    }
}

impl Line {
    /// Writes what the pipe takes now.
    fn write_some(&mut self) {
        while !self.pending.is_empty() {
            let (front, _) = self.pending.as_slices();
            // Past the reactor at first: a new pipe's readiness is not known before it has run.
            match rustix::io::write(self.commands.as_fd(), front) {
                Ok(written) => drop(self.pending.drain(..written)),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    // Through the reactor once more, so that it notices that the pipe is full.
                    match self.commands.try_write(front) {
                        Ok(written) => drop(self.pending.drain(..written)),
                        Err(_full) => return,
                    }
                }
                Err(_gone) => self.pending.clear(),
            }
        }
    }
}

/// Reads what a supervisor says until its pipe ends.
async fn listen(slot: usize, reports: pipe::Receiver, inbox: UnboundedSender<(usize, Said)>) {
    let mut frames = FrameReader::default();
    let mut buffer = vec![0; 16 * 1024];
    'open: while reports.readable().await.is_ok() {
        match reports.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => frames.push(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_broken) => break,
        }
        loop {
            match frames.next_message() {
                Ok(Some(message)) => {
                    if inbox.send((slot, Said::Message(message))).is_err() {
                        break 'open;
                    }
                }
                Ok(None) => break,
                Err(_junk) => break 'open,
            }
        }
    }
    // The dispatcher may be gone already; then nobody needs to know.
    drop(inbox.send((slot, Said::Closed)));
}
