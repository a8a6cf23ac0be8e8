//! What the loop waits for: words of supervisors, looks at the dead, signals, a wake-up, the time.
//!
//! Nothing is judged here. One call of [`Inbox::next`] waits for the first arrival; everything else
//! that is already there belongs to the same beat.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::signal::unix::Signal as SignalStream;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::unbounded_channel;

use crate::backend::Local;
use crate::backend::Said;
use crate::engine::breakers::probing;
use crate::engine::breakers::probing::Probed;
use crate::engine::healing::watch::Seen;
use crate::engine::recover;
use crate::engine::recover::Fate;
use crate::engine::recover::Here;
use crate::engine::rescue::looks::Looked;
use crate::engine::state::HaltSignal;
use crate::model::ids::AttemptId;
use crate::model::remedy::Await;
use crate::process::children;
use crate::process::wake::Listener;

/// Something that came in.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A supervisor of this run said something.
    Said {
        /// Its slot.
        slot: usize,
        /// What it said.
        said: Said,
    },
    /// A dead supervisor's slot file was looked at.
    Inspected(Inspected),
    /// What a recovery waits for is there.
    Seen(Await),
    /// Somebody looked before a rescue round.
    Looked(Looked),
    /// A service was probed.
    Probed(Probed),
    /// Somebody wants the run to end.
    Signal(HaltSignal),
    /// There may be something new in the queue.
    Woken,
    /// The time that was waited for has come.
    Time,
}

/// What a dead supervisor left behind.
#[derive(Debug)]
pub(crate) struct Inspected {
    /// Its slot, if it was one of this run.
    pub(crate) slot: Option<usize>,
    /// Its slot file.
    pub(crate) slot_file: PathBuf,
    /// How it ended, if it was a child of this run.
    pub(crate) ended: Option<ExitStatus>,
    /// The fate of the attempts that it had.
    pub(crate) fates: io::Result<Vec<(AttemptId, Fate)>>,
    /// The attempts that were asked about.
    pub(crate) attempts: Vec<AttemptId>,
}

/// All that a run waits for.
#[derive(Debug)]
pub(crate) struct Inbox {
    said: UnboundedReceiver<(usize, Said)>,
    inspected: UnboundedReceiver<Inspected>,
    inspector: UnboundedSender<Inspected>,
    seen: UnboundedReceiver<Seen>,
    probed: UnboundedReceiver<Probed>,
    sights: UnboundedReceiver<Looked>,
    watcher: UnboundedSender<Looked>,
    looker: UnboundedSender<Probed>,
    signals: Option<Signals>,
    wake: Option<pipe::Receiver>,
}

/// The signals that ask a run to end.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: SignalStream,
    terminate: SignalStream,
    hang_up: SignalStream,
}

impl Signals {
    /// Takes them from here on: they no longer end the process.
    ///
    /// # Errors
    /// When they cannot be listened to.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> HaltSignal {
        tokio::select! {
            Some(()) = self.interrupt.recv() => HaltSignal::Interrupt,
            Some(()) = self.terminate.recv() => HaltSignal::Terminate,
            Some(()) = self.hang_up.recv() => HaltSignal::HangUp,
            else => std::future::pending().await,
        }
    }
}

impl Inbox {
    /// An inbox for a backend whose words come through `said`, and watchers whose words come through
    /// `seen`. Without `signals` they end the process. `wake` may be missing: then the loop
    /// looks by itself from time to time.
    ///
    /// # Errors
    /// When the wake-up cannot be listened to.
    pub(crate) fn new(
        said: UnboundedReceiver<(usize, Said)>,
        seen: UnboundedReceiver<Seen>,
        signals: Option<Signals>,
        wake: Option<Listener>,
    ) -> io::Result<Self> {
        let (inspector, inspected) = unbounded_channel();
        let (looker, probed) = unbounded_channel();
        let (watcher, sights) = unbounded_channel();
        Ok(Self {
            said,
            inspected,
            inspector,
            seen,
            probed,
            looker,
            sights,
            watcher,
            signals,
            wake: wake
                .map(|listener| pipe::Receiver::from_owned_fd(listener.into()))
                .transpose()?,
        })
    }

    /// Waits for the next arrival, at most `patience`; congested pipes of the backend are written to
    /// meanwhile.
    pub(crate) async fn next(&mut self, backend: &mut Local, patience: Duration) -> Arrival {
        let Self {
            said,
            inspected,
            seen,
            probed,
            sights,
            signals,
            wake,
            ..
        } = self;
        loop {
            tokio::select! {
                biased;
                signal = signalled(signals.as_mut()) => return Arrival::Signal(signal),
                Some((slot, said)) = said.recv() => return Arrival::Said { slot, said },
                Some(inspected) = inspected.recv() => return Arrival::Inspected(inspected),
                Some(Seen { what }) = seen.recv() => return Arrival::Seen(what),
                Some(probed) = probed.recv() => return Arrival::Probed(probed),
                Some(sights) = sights.recv() => return Arrival::Looked(sights),
                () = woken(wake.as_ref()) => return Arrival::Woken,
                () = backend.flush() => {}
                () = tokio::time::sleep(patience) => return Arrival::Time,
            }
        }
    }

    /// What else is already there.
    pub(crate) fn more(&mut self) -> Option<Arrival> {
        if let Ok((slot, said)) = self.said.try_recv() {
            return Some(Arrival::Said { slot, said });
        }
        if let Ok(Seen { what }) = self.seen.try_recv() {
            return Some(Arrival::Seen(what));
        }
        if let Ok(probed) = self.probed.try_recv() {
            return Some(Arrival::Probed(probed));
        }
        if let Ok(sights) = self.sights.try_recv() {
            return Some(Arrival::Looked(sights));
        }
        self.inspected.try_recv().ok().map(Arrival::Inspected)
    }

    /// Where those who look before a rescue round tell what they saw.
    pub(crate) const fn looks(&self) -> &UnboundedSender<Looked> {
        &self.watcher
    }

    /// Has a service probed.
    pub(crate) fn probe(&self, service: String, probe: Await) {
        probing::start(service, probe, self.looker.clone());
    }

    /// Has the slot file of a supervisor looked at as soon as its lock is free. A thread waits for
    /// the lock, because nothing else can.
    pub(crate) fn inspect(
        &self,
        slot: Option<usize>,
        slot_file: PathBuf,
        here: Here,
        attempts: Vec<AttemptId>,
        child: Option<std::process::Child>,
    ) {
        let inspector = self.inspector.clone();
        drop(tokio::task::spawn_blocking(move || {
            // A supervisor of our own is waited for, so that it does not stay a zombie.
            let inherited = child.is_some();
            let ended = child.and_then(|mut child| child.wait().ok());
            if ended.is_some_and(|status| status.success()) {
                // What it was allowed to leave came to us and is not for another one's sweep.
                children::spare_strays();
            }
            let fates = recover::inspect(&slot_file, here, &attempts, inherited);
            children::collect_dead_strays();
            drop(inspector.send(Inspected {
                slot,
                slot_file,
                ended,
                fates,
                attempts,
            }));
        }));
    }
}

/// Waits for a signal; for ever where they are not listened to.
async fn signalled(signals: Option<&mut Signals>) -> HaltSignal {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}

/// Waits for a wake-up and takes in all that have come; for ever without a listener.
async fn woken(wake: Option<&pipe::Receiver>) {
    let Some(wake) = wake else {
        return std::future::pending().await;
    };
    // A FIFO that fails is as good as a wake-up: the loop looks, and looks around anyway.
    let _failed_or_not = wake.readable().await;
    let mut bytes = [0; 512];
    while wake.try_read(&mut bytes).is_ok_and(|length| length > 0) {}
}
