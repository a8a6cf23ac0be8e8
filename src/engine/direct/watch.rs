//! Watching one command after another attempt: its output, its end, and what somebody wants of it.

use std::fs::File;
use std::io;
use std::io::PipeReader;
use std::io::Read as _;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;

use crate::engine::direct::Direct;
use crate::engine::direct::DirectError;
use crate::engine::direct::Tell;
use crate::engine::direct::Telling;
use crate::engine::direct::Told;
use crate::engine::direct::hiding::redactor;
use crate::engine::direct::input::Input;
use crate::engine::direct::line::Line;
use crate::engine::direct::relay::Relay;
use crate::model::attempt::Assignment;
use crate::model::ids::AttemptId;
use crate::model::ids::ProcessIdentity;
use crate::model::ids::QueueId;
use crate::model::message::FromSupervisor;
use crate::model::message::ToSupervisor;
use crate::model::outcome::Outcome;
use crate::model::signal::Signal;
use crate::process::identity;
use crate::process::launch::LaunchAlone;
use crate::process::launch::Outputs;
use crate::process::signals;
use crate::process::sweep;
use crate::process::sweep::Remains;
use crate::support::clock::Clock;
use crate::support::clock::monotonic;

/// How long output that nobody takes is kept from a command that somebody stopped.
const STOPPED_PATIENCE: Duration = Duration::from_millis(200);
/// Reads of output after the end: the two pipes hold no more, and a process that may go on may also go on
/// writing.
const LAST_READS: usize = 64;

/// How often it is asked whether something was seen.
const LOOKS: Duration = Duration::from_millis(50);

/// A supervisor at work for us, and all that we listen to meanwhile.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    clock: &'a Clock,
    queue: QueueId,
    line: Line,
    stdout: Relay,
    stderr: Relay,
    /// Whether both outputs go through the first.
    is_one: bool,
    signals: PipeReader,
    /// The command, once it is known to run.
    process: Option<ProcessIdentity>,
    /// The first signal that wants an end.
    stopped: Option<Signal>,
    /// Whether a second one came.
    killed: bool,
}

/// What has something for us.
struct Ready {
    signals: bool,
    reports: bool,
    sources: [bool; 2],
    targets: [bool; 2],
}

impl<'a> Watch<'a> {
    /// Starts the supervisor.
    pub(super) fn begin(direct: &'a Direct<'_>, input: &Input) -> Result<Self, DirectError> {
        let failed = |doing| move |source| DirectError::Machinery { doing, source };
        let wanted: Vec<Signal> = [
            Signal::INT,
            Signal::TERM,
            Signal::HUP,
            Signal::QUIT,
            Signal::TSTP,
        ]
        .into_iter()
        .filter(|signal| !signals::is_ignored(*signal))
        .collect();
        let signals = signals::notify_on(&wanted).map_err(failed("catch signals"))?;
        let queue = QueueId(*uuid::Uuid::new_v4().as_bytes());
        let launched = LaunchAlone {
            executable: &direct.executable,
            queue,
            stdin: input.for_command(),
            outputs: if are_one(io::stdout().as_fd(), io::stderr().as_fd()) {
                Outputs::Together
            } else {
                Outputs::Apart
            },
        }
        .start()
        .map_err(failed("start the process that watches the command"))?;
        let is_one = launched.stderr.is_none();
        let relayed = failed("pass the output of the command on");
        let line = Line::new(
            launched.child,
            File::from(launched.commands),
            File::from(launched.reports),
        );
        let mut stdout =
            Relay::new(Some(launched.stdout), io::stdout().as_fd()).map_err(relayed)?;
        let mut stderr = Relay::new(launched.stderr, io::stderr().as_fd()).map_err(relayed)?;
        if let Some(redactor) = redactor(direct.spec) {
            stdout.hide(&redactor);
            stderr.hide(&redactor);
        }
        Ok(Self {
            clock: &direct.clock,
            queue,
            line,
            stdout,
            stderr,
            is_one,
            signals,
            process: None,
            stopped: None,
            killed: false,
        })
    }

    /// The signal by which somebody stopped it.
    pub(super) fn stopped(&self) -> Option<Signal> {
        self.stopped
    }

    /// Whether nobody reads our output any more, or it cannot be written.
    pub(super) fn is_cut_off(&self) -> bool {
        self.stdout.is_cut_off() || self.stderr.is_cut_off()
    }

    /// The ends of what the last attempt wrote.
    pub(super) fn tails(&self) -> (&[u8], &[u8]) {
        (self.stdout.tail(), self.stderr.tail())
    }

    /// Has an attempt carried out; `None` if it was stopped before it started.
    pub(super) fn attempt(
        &mut self,
        assignment: Assignment,
        tell: &mut Tell<'_>,
    ) -> Result<Option<Outcome>, DirectError> {
        let id = assignment.attempt;
        self.stdout.begin();
        self.stderr.begin();
        self.process = None;
        self.send(&ToSupervisor::Assign(Box::new(assignment)))?;
        let mut outcome = None;
        let mut last_reads = 0;
        loop {
            let is_over = outcome.is_some();
            let is_pending = self.stdout.is_pending() || self.stderr.is_pending();
            let patience = match (is_pending, self.stopped) {
                (false, _) => Some(Duration::ZERO),
                (true, Some(_)) => Some(STOPPED_PATIENCE),
                (true, None) => None,
            };
            let patience = patience.filter(|_| is_over);
            let ready = self.listen(patience)?;
            if ready.signals {
                self.heed(tell);
            }
            if ready.reports {
                outcome = self.hear().or(outcome);
            }
            let moved = self.pass_on(&ready);
            if outcome.is_none() && self.line.is_gone() {
                return self.lost(id).map(|()| None);
            }
            last_reads += usize::from(is_over && ready.sources.contains(&true));
            let is_dry = is_over && !moved && patience.is_some();
            if is_dry || (last_reads > LAST_READS && !is_pending) {
                if self.stdout.release() | self.stderr.release() {
                    continue;
                }
                break;
            }
        }
        self.send(&ToSupervisor::Acknowledge { attempt: id })?;
        Ok(outcome)
    }

    /// Takes in what the supervisor says; the end of the attempt, if that was it.
    fn hear(&mut self) -> Option<Outcome> {
        let mut outcome = None;
        for message in self.line.take_in() {
            match message {
                FromSupervisor::Started { process, .. } => self.process = Some(process),
                FromSupervisor::Ended { outcome: ended, .. } => outcome = Some(*ended),
                // Who starts nothing leaves, and that is heard.
                FromSupervisor::NotStarted { .. }
                | FromSupervisor::Ready { .. }
                | FromSupervisor::Progress { .. } => {}
            }
        }
        outcome
    }

    /// The supervisor is gone and has not told an end. That is well if it was stopped before it started
    /// the command.
    fn lost(&mut self, attempt: AttemptId) -> Result<(), DirectError> {
        // Only when it is collected have its orphans come to us.
        self.line.hang_up();
        let remains = Remains {
            attempt,
            supervisor: self.line.identity(),
            group: None,
        };
        let left = sweep::sweep_inherited(self.queue, &[remains]);
        if self.stopped.is_some() && self.process.is_none() && left.found.is_empty() {
            return Ok(());
        }
        Err(DirectError::Lost)
    }

    /// Waits before the next attempt; `false` if somebody does not want it any more.
    pub(super) fn wait(
        &mut self,
        span: Duration,
        tell: &mut Tell<'_>,
    ) -> Result<bool, DirectError> {
        self.wait_or(span, None, tell)
    }

    /// The same, or until something is seen.
    pub(super) fn wait_or(
        &mut self,
        span: Duration,
        is_seen: Option<&dyn Fn() -> bool>,
        tell: &mut Tell<'_>,
    ) -> Result<bool, DirectError> {
        let until = monotonic().saturating_add(span);
        loop {
            let left = until.saturating_sub(monotonic());
            if left.is_zero() || is_seen.is_some_and(|is_seen| is_seen()) {
                return Ok(true);
            }
            let patience = is_seen.map_or(left, |_| left.min(LOOKS));
            let ready = self.listen(Some(patience))?;
            if ready.signals {
                self.heed(tell);
            }
            if ready.reports {
                let _nothing_runs = self.line.take_in();
            }
            if self.stopped.is_some() {
                return Ok(false);
            }
            if self.line.is_gone() {
                return Err(DirectError::Lost);
            }
        }
    }

    /// Lets the supervisor go: by what signal it was stopped, and what could not be written.
    pub(super) fn finish(mut self) -> (Option<Signal>, Option<io::Error>) {
        self.line.hang_up();
        let unwritten = self.stdout.take_failure().or(self.stderr.take_failure());
        (self.stopped, unwritten)
    }

    fn send(&mut self, message: &ToSupervisor) -> Result<(), DirectError> {
        self.line
            .send(message)
            .map_err(|source| DirectError::Machinery {
                doing: "tell the command to the process that watches it",
                source,
            })
    }

    /// Waits until something is there, at most for `patience`.
    fn listen(&self, patience: Option<Duration>) -> Result<Ready, DirectError> {
        let timeout = patience.map(|span| Timespec {
            tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: span.subsec_nanos().into(),
        });
        let wanted = [
            (Some(self.signals.as_fd()), PollFlags::IN),
            (self.line.reports(), PollFlags::IN),
            (self.stdout.source(), PollFlags::IN),
            (self.stderr.source(), PollFlags::IN),
            (self.stdout.target(), PollFlags::OUT),
            (self.stderr.target(), PollFlags::OUT),
        ];
        let mut fds: Vec<PollFd<'_>> = wanted
            .iter()
            .filter_map(|(fd, flags)| Some(PollFd::from_borrowed_fd((*fd)?, *flags)))
            .collect();
        let polled = match poll(&mut fds, timeout.as_ref()) {
            Ok(count) => count > 0,
            Err(rustix::io::Errno::INTR) => false,
            Err(error) => {
                return Err(DirectError::Machinery {
                    doing: "listen to the command",
                    source: error.into(),
                });
            }
        };
        let mut answers = fds.iter().map(|fd| polled && !fd.revents().is_empty());
        let mut of = |index: usize| {
            let is_asked = wanted.get(index).is_some_and(|(fd, _)| fd.is_some());
            is_asked && answers.next().unwrap_or(false)
        };
        Ok(Ready {
            signals: of(0),
            reports: of(1),
            sources: [of(2), of(3)],
            targets: [of(4), of(5)],
        })
    }

    /// Moves output by one step each; whether there was any.
    fn pass_on(&mut self, ready: &Ready) -> bool {
        let relays = [&mut self.stdout, &mut self.stderr];
        for ((relay, has_input), takes_output) in
            relays.into_iter().zip(ready.sources).zip(ready.targets)
        {
            if has_input {
                relay.read();
            }
            if takes_output || (has_input && relay.is_file()) {
                relay.write();
            }
        }
        ready.sources.contains(&true) || ready.targets.contains(&true)
    }

    /// Tells something where the command writes too.
    pub(super) fn say(&mut self, told: &Told, tell: &mut Tell<'_>) {
        tell(&Telling {
            at: self.clock.now(),
            told,
            breaks_line: self.stderr.breaks_line() | (self.is_one && self.stdout.breaks_line()),
        });
    }

    /// Does what signals demand.
    fn heed(&mut self, tell: &mut Tell<'_>) {
        let mut numbers = [0; 64];
        let Ok(count) = self.signals.read(&mut numbers) else {
            return;
        };
        for number in numbers.get(..count).unwrap_or_default() {
            let signal = Signal::new(i32::from(*number));
            if signal == Signal::TSTP {
                self.rest();
                continue;
            }
            if self.killed {
                continue;
            }
            self.killed = self.stopped.is_some() || signal == Signal::QUIT;
            self.stopped.get_or_insert(signal);
            self.line.signal(match signal {
                _ if self.killed => Signal::QUIT,
                Signal::HUP => Signal::TERM,
                other => other,
            });
            let killed = self.killed;
            self.say(&Told::Stopping { signal, killed }, tell);
        }
    }

    /// Ctrl-Z: the command rests as long as we do.
    fn rest(&self) {
        let signal_command = |signal| {
            let Some(process) = self.process else { return };
            let group = rustix::process::Pid::from_raw(process.pid);
            // Only while it is the one that was started.
            if let Some(group) = group.filter(|_| identity::is_alive(process)) {
                let _gone = rustix::process::kill_process_group(group, signal);
            }
        };
        signal_command(rustix::process::Signal::STOP);
        let own = rustix::process::getpid();
        let _goes_on_here = rustix::process::kill_process(own, rustix::process::Signal::STOP);
        signal_command(rustix::process::Signal::CONT);
    }
}

/// Whether both are the same file, pipe or terminal, so that the order of what is written to them shows.
fn are_one(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let place = |fd| rustix::fs::fstat(fd).map(|stat| (stat.st_dev, stat.st_ino));
    matches!((place(one), place(other)), (Ok(one), Ok(other)) if one == other)
}
