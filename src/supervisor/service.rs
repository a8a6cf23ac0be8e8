//! The life of a supervisor: take assignments, carry them out one by one, leave in good order.
//!
//! What the runner and signals say meanwhile is `orders`, the attempt itself is `attempt`.

use std::collections::VecDeque;
use std::io;
use std::io::PipeReader;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;

use crate::model::attempt::Assignment;
use crate::model::ids::AttemptId;
use crate::model::ids::ProcessIdentity;
use crate::model::layout::slot_file_name;
use crate::model::message::FromSupervisor;
use crate::model::message::NotStartedReason;
use crate::model::signal::Signal;
use crate::model::slot::SlotEntry;
use crate::model::spec::OnCrash;
use crate::process::cgroup;
use crate::process::cgroup::Group;
use crate::process::checkpoint::spare::Spare;
use crate::process::cores;
use crate::process::environment::Inherited;
use crate::process::epoch;
use crate::process::identity;
use crate::process::launch;
use crate::process::logfile::SlotLog;
use crate::process::signals;
use crate::process::slotfile::Durability;
use crate::process::slotfile::SlotFile;
use crate::process::slotfile::SlotFileError;
use crate::supervisor::Arguments;
use crate::supervisor::Post;
use crate::supervisor::attempt;
use crate::supervisor::complain;
use crate::supervisor::control::Control;
use crate::supervisor::fit::fit;
use crate::support::clock::monotonic;
use crate::support::crash;

/// How long a leaving supervisor waits for its runner to read what it has to say.
const FAREWELL: Duration = Duration::from_secs(5);
/// Bytes read from a command in one go.
const BUFFER: usize = 128 * 1024;

/// Why a supervisor cannot begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum BeginError {
    /// It is in the session of somebody else and cannot leave it.
    #[error("cannot open a session of its own")]
    Session(#[source] rustix::io::Errno),
    /// Something else of its own process cannot be set up.
    #[error("cannot {doing}")]
    SetUp {
        /// What.
        doing: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The slot file cannot be used.
    #[error(transparent)]
    Slot(#[from] SlotFileError),
}

/// How much longer a supervisor stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stay {
    /// It takes assignments.
    Serving,
    /// It carries out what it has.
    Finishing,
    /// It starts nothing more, for this reason.
    Leaving(NotStartedReason),
}

/// A supervisor at work.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) arguments: Arguments,
    pub(super) own: ProcessIdentity,
    pub(super) control: Control,
    pub(super) log: SlotLog,
    pub(super) inherited: Inherited,
    pub(super) buffer: Vec<u8>,
    pub(super) signals: PipeReader,
    pub(super) slot: SlotFile,
    /// Where control groups were delegated to us: ours, which we are in.
    pub(super) group: Option<Group>,
    /// What becomes the checkpoint directory of a task; a command of nobody's queue has none.
    pub(super) spare: Option<Spare>,
    pub(super) inbox: VecDeque<Assignment>,
    pub(super) stay: Stay,
    /// The runner or a signal has said something that was not listened to yet.
    pub(super) heard: bool,
    /// A signal came that was not looked at yet.
    pub(super) signalled: bool,
    /// What follows from the runner's death was done.
    pub(super) mourned: bool,
}

impl Service {
    /// Comes to life: a session of its own, clean signals, the slot lock, and a word to the runner.
    pub(super) fn begin(arguments: Arguments) -> Result<Self, BeginError> {
        let failed = |doing| move |source: io::Error| BeginError::SetUp { doing, source };
        let control = match &arguments.post {
            Post::Slot(_) => Control::take_over(),
            Post::Alone(channels) => launch::take_over(channels.commands)
                .and_then(|commands| Ok((commands, launch::take_over(channels.reports)?)))
                .and_then(|(commands, reports)| Control::of(commands, reports)),
        }
        .map_err(failed("use the pipes to its runner"))?;
        rustix::process::setsid().map_err(BeginError::Session)?;
        signals::reset_all();
        let stop = [Signal::TERM, Signal::INT, Signal::QUIT];
        let signals = signals::notify_on(&stop).map_err(failed("catch signals"))?;
        // Caught and not ignored, which commands would inherit. XFSZ: under a limit of file size a log
        // ends, and not its supervisor.
        let harmless = [
            libc::SIGHUP,
            libc::SIGPIPE,
            libc::SIGUSR1,
            libc::SIGUSR2,
            libc::SIGXFSZ,
        ];
        for number in harmless {
            signals::catch(Signal::new(number)).map_err(failed("catch signals"))?;
        }
        signals::close_inherited_on_exec();
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            .map_err(|error| failed("become the parent of orphans")(error.into()))?;
        // Assignments hold environments, and so perhaps secrets: none of it goes into a core file.
        cores::forbid().map_err(failed("switch off core dumps"))?;
        // No directory is kept busy by us.
        std::env::set_current_dir("/").map_err(failed("go to the root directory"))?;
        let boot = identity::boot_id().map_err(failed("read the boot id"))?;
        let own = identity::own().map_err(failed("read its own start time"))?;
        let (slot, log, group, spare) = match &arguments.post {
            Post::Slot(post) => {
                let path = post.state.slot(post.run, post.number);
                // CRASH: no slot file, or an empty one: whatever was assigned was never started.
                crash::point("supervisor_before_lock");
                let slot = SlotFile::create(&path, arguments.queue, boot)?;
                // A kernel that refuses leaves us at the weaker level, which every outcome tells.
                let group = cgroup::Base::find()
                    .zip(cgroup::name(arguments.queue, &path))
                    .and_then(|(base, name)| Group::enter(&base, &name).ok());
                let log = SlotLog::new(&post.state.logs(), post.run, post.number);
                let name = slot_file_name(post.run, post.number);
                let spare = Spare::of_slot(&post.state.checkpoints(), &name);
                (slot, log, group, Some(spare))
            }
            Post::Alone(_) => {
                let slot = SlotFile::in_memory(arguments.queue, boot)?;
                (slot, SlotLog::nowhere(), None, None)
            }
        };
        let mut service = Self {
            log,
            own,
            control,
            inherited: Inherited::take(),
            buffer: vec![0; BUFFER],
            signals,
            slot,
            group,
            spare,
            inbox: VecDeque::new(),
            stay: Stay::Serving,
            heard: false,
            signalled: false,
            mourned: false,
            arguments,
        };
        service
            .control
            .send(&FromSupervisor::Ready { supervisor: own });
        Ok(service)
    }

    /// Serves until there is nothing more to do, then leaves.
    pub(super) fn serve(&mut self) {
        let mut may_wait = false;
        loop {
            // Before every start: what the runner said meanwhile, and whether it still lives.
            self.listen((!may_wait).then_some(Duration::ZERO), &[]);
            // Whatever is wanted of an attempt that is over comes too late.
            let _late = self.take_orders(None);
            if matches!(self.stay, Stay::Leaving(_)) {
                break;
            }
            if self.slot.has_room()
                && let Some(next) = self.inbox.pop_front()
            {
                self.carry_out(&next);
                // Nothing else is to be done, and nobody has spoken whom we have not heard.
                may_wait = self.inbox.is_empty() && self.stay == Stay::Serving && !self.has_news();
                continue;
            }
            if self.stay == Stay::Finishing && self.inbox.is_empty() {
                break;
            }
            may_wait = true;
        }
        self.leave();
    }

    /// Carries out one attempt under the fence.
    fn carry_out(&mut self, assignment: &Assignment) {
        let id = assignment.attempt;
        let starting = SlotEntry::Starting {
            supervisor: self.own,
        };
        let durability = match assignment.spec.on_crash {
            OnCrash::Retry => Durability::Cached,
            OnCrash::Ask | OnCrash::Fail => Durability::Synced,
        };
        // CRASH: nothing is known of the attempt; its claim goes back to the queue.
        crash::point("supervisor_before_starting");
        if let Err(error) = self.slot.write(id, starting, durability) {
            complain(&error);
            self.stay = Stay::Leaving(NotStartedReason::Retiring);
            self.decline(id);
            return;
        }
        // CRASH: the attempt may have run, as far as anybody can know.
        crash::point("supervisor_after_starting");
        // INVARIANT: `starting` is written before the epoch is read, and the attempt is started only if
        // the epoch is the one from our arguments. Whoever raises the epoch reads the records after
        // that: it sees `starting`, or we see its epoch, or both.
        if !self.may_start() {
            self.stay = Stay::Leaving(NotStartedReason::Fenced);
            self.decline(id);
            return;
        }
        let outcome = fit(attempt::run(self, assignment));
        // CRASH: nothing of the attempt is left, and nobody knows how it ended.
        crash::point("supervisor_before_outcome");
        let durability = if self.control.is_gone() {
            Durability::Synced
        } else {
            Durability::Cached
        };
        let record = SlotEntry::Ended(Box::new(outcome.clone()));
        if let Err(error) = self.slot.write(id, record, durability) {
            complain(&error);
            self.stay = Stay::Leaving(NotStartedReason::Retiring);
        }
        // CRASH: the outcome stands in the slot file and is taken from there.
        crash::point("supervisor_after_outcome");
        self.control.send(&FromSupervisor::Ended {
            attempt: id,
            outcome: Box::new(outcome),
        });
    }

    /// Whether no later run has taken over. An epoch that cannot be read is somebody else's.
    fn may_start(&self) -> bool {
        let Post::Slot(post) = &self.arguments.post else {
            // Nobody else knows of the command.
            return true;
        };
        match epoch::read(&post.state.epoch()) {
            Ok(epoch) => epoch == post.epoch,
            Err(error) => {
                complain(&format_args!("cannot read the epoch: {error}"));
                false
            }
        }
    }

    /// Whether it serves no queue, so that its commands have its own standard streams.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self.arguments.post, Post::Alone(_))
    }

    /// The command runs: noted, and told to the runner (the first step of an attempt only).
    pub(super) fn note_running(&mut self, attempt: AttemptId, entry: SlotEntry) {
        // If it cannot be written, `starting` stands, which says as much to whoever recovers.
        if let Err(error) = self.slot.write(attempt, entry, Durability::Cached) {
            complain(&error);
        }
    }

    /// Processes are left that cannot be waited for: start nothing more.
    pub(super) fn retire(&mut self) {
        if !matches!(self.stay, Stay::Leaving(_)) {
            self.stay = Stay::Leaving(NotStartedReason::Retiring);
        }
    }

    /// Waits until the runner, a signal or one of `others` has something, or `patience` is over.
    /// Tells which of `others` have.
    pub(super) fn listen(
        &mut self,
        patience: Option<Duration>,
        others: &[Option<std::os::fd::BorrowedFd<'_>>],
    ) -> Vec<bool> {
        let now = monotonic();
        let flush = self.control.flush_at().map(|at| at.saturating_sub(now));
        let patience = [patience, flush].into_iter().flatten().min();
        let timeout = patience.map(|span| Timespec {
            tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: span.subsec_nanos().into(),
        });
        let mut fds = vec![PollFd::from_borrowed_fd(
            self.signals.as_fd(),
            PollFlags::IN,
        )];
        let output = self.control.output(now);
        fds.extend(
            others
                .iter()
                .flatten()
                .chain(self.control.input().as_ref())
                .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)),
        );
        fds.extend(output.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::OUT)));
        let polled = rustix::event::poll(&mut fds, timeout.as_ref());
        let mut ready = fds
            .iter()
            .map(|fd| polled.is_ok() && !fd.revents().is_empty());
        let signalled = ready.next().unwrap_or(false);
        let mut heard = signalled;
        let answer = others
            .iter()
            .map(|other| other.is_some() && ready.next().unwrap_or(false))
            .collect();
        // What remains is the runner: it spoke, or it has read.
        heard |= ready.any(|spoke| spoke);
        self.signalled |= signalled;
        self.heard |= heard;
        let flushable =
            output.is_some() || self.control.flush_at().is_some_and(|at| at <= monotonic());
        if flushable {
            self.control.flush();
        }
        answer
    }

    /// Says and notes that an attempt is not started and never will be.
    fn decline(&mut self, attempt: AttemptId) {
        let reason = match self.stay {
            Stay::Leaving(reason) => reason,
            Stay::Serving | Stay::Finishing => NotStartedReason::Retiring,
        };
        let entry = SlotEntry::NotStarted(reason);
        // Without room there is no record, and without a record the claim is given back too.
        if let Err(error) = self.slot.write(attempt, entry, Durability::Cached)
            && !matches!(error, SlotFileError::Full { .. })
        {
            complain(&error);
        }
        self.control
            .send(&FromSupervisor::NotStarted { attempt, reason });
    }

    /// Gives back what was not started, makes durable what was not acknowledged, and says goodbye.
    fn leave(&mut self) {
        while let Some(waiting) = self.inbox.pop_front() {
            self.decline(waiting.attempt);
        }
        if self.slot.has_unacknowledged()
            && let Err(error) = self.slot.sync()
        {
            complain(&error);
        }
        let deadline = monotonic() + FAREWELL;
        self.control.flush();
        while let Some(output) = self.control.output(Duration::MAX)
            && monotonic() < deadline
        {
            let mut fds = [PollFd::from_borrowed_fd(output, PollFlags::OUT)];
            let second = Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            };
            // Interrupted or not: it is tried again until the deadline.
            let _again = rustix::event::poll(&mut fds, Some(&second));
            self.control.flush();
        }
        if let Some(spare) = &mut self.spare {
            spare.remove();
        }
        if let Some(group) = self.group.take() {
            group.leave();
        }
    }
}
