//! What every answer rests on: the queue of one state directory, and the door.

use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;

use crate::engine::change::Asker;
use crate::host::state_dir::{self, SharedFileSystem};
use crate::model::ids::RunId;
use crate::model::layout::StateDir;
use crate::policy::pick::RunPresence;
use crate::process::runlock::read_holder;
use crate::report::queue_table::Moment;
use crate::store::{Access, Store, StoreError};
use crate::support::clock::Clock;
use crate::support::clock::Timestamp;
use crate::web::answer::Refusal;
use crate::web::cached::Cached;
use crate::web::checkup::Checkup;
use crate::web::guard::Door;

/// How long the live part of the page holds.
const LIVE: Duration = Duration::from_millis(900);

/// What is served.
#[derive(Debug)]
pub struct Site {
    /// The queue.
    pub state: StateDir,
    /// Where "now" comes from.
    pub clock: Clock,
    /// Who is let in.
    pub door: Door,
    /// How machine and queue are.
    pub checkup: Checkup,
    /// Who asks for changes in the name of visitors.
    pub asker: Asker,
    /// The live part of the page.
    pub(crate) live: Cached<String>,
    /// This, for what goes on beside an answer.
    pub(crate) own: Weak<Site>,
}

/// The queue during one answer.
#[derive(Debug)]
pub(crate) struct Look {
    /// The queue; `None` if nothing was ever added.
    pub(crate) store: Option<Store>,
    /// The present instant, and what holds for every task.
    pub(crate) moment: Moment,
    /// The active run and when it began.
    pub(crate) active: Option<(RunId, Timestamp)>,
}

impl Site {
    /// What is served: the queue of whoever asks for changes, to those whom the door lets in.
    pub fn new(asker: Asker, door: Door, checkup: Checkup) -> Arc<Self> {
        Arc::new_cyclic(|own| Self {
            state: asker.dir.clone(),
            clock: asker.clock,
            door,
            checkup,
            asker,
            live: Cached::new(LIVE),
            own: Weak::clone(own),
        })
    }

    /// Answers on a thread that may wait: the queue is read there, with a connection of its own.
    ///
    /// # Errors
    /// What `answer` returns.
    pub(crate) async fn answer<T: Send + 'static>(
        self: Arc<Self>,
        answer: impl FnOnce(&Self) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        tokio::task::spawn_blocking(move || answer(&self))
            .await
            .unwrap_or_else(|_panicked| Err(Refusal::bug()))
    }

    /// Forgets what was looked at: something was changed that shall be seen at once.
    pub(crate) fn forget(&self) {
        self.checkup.forget();
        self.live.forget();
    }

    /// Opens the queue to be looked at; `None` if nothing was ever added.
    ///
    /// # Errors
    /// When it cannot be used.
    pub(crate) fn open(&self) -> Result<Option<Store>, Refusal> {
        state_dir::check(&self.state, SharedFileSystem::Refuse).map_err(|error| {
            Refusal::new(
                axum::http::StatusCode::SERVICE_UNAVAILABLE,
                "queue_unusable",
                error.to_string(),
            )
        })?;
        match Store::open(&self.state, Access::ReadOnly, self.clock.now()) {
            Ok(store) => Ok(Some(store)),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a run is active, and which one since when.
    pub(crate) fn active(&self) -> (RunPresence, Option<(RunId, Timestamp)>) {
        // A lock file that cannot be read is told by whoever needs the lock.
        let holder = read_holder(&self.state.run_lock()).ok().flatten();
        match holder.and_then(|holder| Some((holder.run?, holder.since))) {
            Some(run) => (RunPresence::Active, Some(run)),
            None => (RunPresence::Absent, None),
        }
    }

    /// Opens the queue for one answer.
    ///
    /// # Errors
    /// When it cannot be used.
    pub(crate) fn look(&self) -> Result<Look, Refusal> {
        let store = self.open()?;
        let (presence, active) = self.active();
        let mut moment = Moment {
            stalled_after: self.checkup.stalled_after(),
            now: self.clock.now(),
            presence,
            stopping: false,
            paused: None,
            opens: None,
            alone: None,
        };
        if let Some(store) = &store {
            moment = moment.look_into(store)?;
        }
        Ok(Look {
            store,
            moment,
            active,
        })
    }
}
