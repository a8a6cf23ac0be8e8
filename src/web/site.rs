//! What every answer rests on: the queue of one state directory, and the door.

use std::sync::Arc;

use crate::host::state_dir::{self, SharedFileSystem};
use crate::model::layout::StateDir;
use crate::policy::pick::RunPresence;
use crate::process::runlock::read_holder;
use crate::report::queue_table::Moment;
use crate::store::{Access, Store, StoreError};
use crate::support::clock::Clock;
use crate::web::answer::Refusal;
use crate::web::guard::Door;

/// What is served.
#[derive(Debug)]
pub struct Site {
    /// The queue.
    pub state: StateDir,
    /// Where "now" comes from.
    pub clock: Clock,
    /// Who is let in.
    pub door: Door,
}

/// The queue during one answer.
#[derive(Debug)]
pub(crate) struct Look {
    /// The queue; `None` if nothing was ever added.
    pub(crate) store: Option<Store>,
    /// The present instant, and what holds for every task.
    pub(crate) moment: Moment,
}

impl Site {
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

    /// Opens the queue for one answer.
    ///
    /// # Errors
    /// When it cannot be used.
    pub(crate) fn look(&self) -> Result<Look, Refusal> {
        let now = self.clock.now();
        let unusable = |error: state_dir::StateDirError| {
            Refusal::new(
                axum::http::StatusCode::SERVICE_UNAVAILABLE,
                "queue_unusable",
                error.to_string(),
            )
        };
        state_dir::check(&self.state, SharedFileSystem::Refuse).map_err(unusable)?;
        let store = match Store::open(&self.state, Access::ReadOnly, now) {
            Ok(store) => Some(store),
            Err(StoreError::Missing { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        // A lock file that cannot be read is told by whoever needs the lock.
        let holder = read_holder(&self.state.run_lock()).ok().flatten();
        let is_run = holder.is_some_and(|holder| holder.run.is_some());
        let mut moment = Moment {
            stalled_after: crate::policy::trace::SILENCE,
            now,
            presence: if is_run {
                RunPresence::Active
            } else {
                RunPresence::Absent
            },
            stopping: false,
            paused: None,
            opens: None,
        };
        if let Some(store) = &store {
            moment = moment.look_into(store)?;
        }
        Ok(Look { store, moment })
    }
}
