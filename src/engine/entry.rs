//! Taking over a queue: everybody who changes what is claimed comes in here, runs and commands alike.
//!
//! The order is what makes it safe, and each line of it has a reason:
//!
//! 1. the run lock, so that there is one of us;
//! 2. a look whether the queue is sound, and no older copy of itself ([`crate::engine::restored`]);
//! 3. the next epoch in the database, then in the file: supervisors of earlier runs start nothing
//!    from now on;
//! 4. only then the slot files are read ([`crate::engine::recover`]).

use std::time::Duration;

use crate::engine::error::EngineError;
use crate::engine::recover;
use crate::engine::recover::Examination;
use crate::engine::recover::Here;
use crate::engine::recover::Open;
use crate::engine::restored;
use crate::host::state_dir;
use crate::host::state_dir::SharedFileSystem;
use crate::model::attempt::AttemptState;
use crate::model::ids::Epoch;
use crate::model::layout::StateDir;
use crate::process::epoch;
use crate::process::identity;
use crate::process::runlock::RunLock;
use crate::process::runlock::RunLockError;
use crate::process::wake;
use crate::store::Access;
use crate::store::Extent;
use crate::store::OpenAttempt;
use crate::store::Store;
use crate::support::clock::Timestamp;
use crate::support::crash;

/// How long a run waits for the lock: a child between fork and exec may hold it for a moment.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// A queue that is ours until the lock is dropped.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) lock: RunLock,
    pub(crate) store: Store,
    pub(crate) dir: StateDir,
    pub(crate) here: Here,
    pub(crate) epoch: Epoch,
}

/// What an earlier run left open.
#[derive(Debug)]
pub(crate) struct LeftOpen {
    /// The rows.
    pub(crate) attempts: Vec<OpenAttempt>,
    /// What became of them.
    pub(crate) examination: Examination,
}

/// Takes over the queue and looks for what an earlier run left open.
pub(crate) fn enter(
    dir: &StateDir,
    now: Timestamp,
    patience: Duration,
) -> Result<(Entered, LeftOpen), EngineError> {
    state_dir::prepare(dir, SharedFileSystem::Refuse)?;
    let lock = RunLock::acquire(&dir.run_lock(), now, patience)?;
    let mut store = Store::open(dir, Access::ReadWrite, now)?;
    let here = look(&mut store, dir, now)?;
    let epoch = store.raise_epoch()?;
    // CRASH: the database is ahead of the file; the next one to come in raises both again.
    crash::point("after_epoch_row");
    // INVARIANT: written while the run lock is held, and before any slot file is read.
    epoch::write(&dir.epoch(), epoch).map_err(|source| EngineError::File {
        doing: "write the epoch to",
        path: dir.epoch(),
        source,
    })?;
    crash::point("after_epoch_file");
    // Without it the run looks around by itself; no reason to give up.
    let _slower_without = wake::create(&dir.wake());
    let attempts = store.open_attempts()?;
    let open: Vec<Open> = attempts
        .iter()
        .map(|row| Open {
            attempt: row.id,
            boot: row.boot,
            running: row.state == AttemptState::Running,
        })
        .collect();
    let examination = recover::examine(dir, here, &open).map_err(|source| EngineError::File {
        doing: "read the slot files in",
        path: dir.slots(),
        source,
    })?;
    let entered = Entered {
        lock,
        store,
        dir: dir.clone(),
        here,
        epoch,
    };
    Ok((
        entered,
        LeftOpen {
            attempts,
            examination,
        },
    ))
}

/// The second step: a queue that is sound, and whose ids are its own.
fn look(store: &mut Store, dir: &StateDir, now: Timestamp) -> Result<Here, EngineError> {
    // INVARIANT: before anything is written: nobody builds on a queue that contradicts itself.
    store.must_be_sound(Extent::Recent)?;
    let boot = identity::boot_id().map_err(|source| EngineError::Machine {
        doing: "read the id of this boot",
        source,
    })?;
    let here = Here {
        queue: store.queue()?,
        boot,
    };
    restored::settle(store, dir, here, now)?;
    Ok(here)
}

/// For commands that write without the lock: when the queue was put back from an older copy, its later
/// life is settled before they are given an id of it.
///
/// # Errors
/// When that cannot be settled, or another process has the lock and does not settle it.
pub fn settle_later_life(
    store: &mut Store,
    dir: &StateDir,
    now: Timestamp,
) -> Result<(), EngineError> {
    if restored::later_life(store, dir)?.is_none() {
        return Ok(());
    }
    match RunLock::acquire(&dir.run_lock(), now, PATIENCE) {
        Ok(_lock) => look(store, dir, now).map(drop),
        // Whoever takes over does it first of all.
        Err(RunLockError::Held { .. }) if restored::later_life(store, dir)?.is_none() => Ok(()),
        Err(error) => Err(error.into()),
    }
}
