//! A queue that somebody put back from an older copy.
//!
//! The copy knows nothing of what was claimed and started after it was made: its next ids are those
//! of attempts whose records still stand in slot files, and whose supervisors may live. The epoch
//! file tells it. Its number is always committed before it is written, so a file that is ahead of the
//! database belongs to a later state of it; a copy is made with an epoch that lies behind.
//!
//! INVARIANT: afterwards no id is given out that anything on the disk may bear already, and nothing of
//! attempts lives that the queue does not know.

use std::io;

use crate::engine::error::EngineError;
use crate::engine::recover;
use crate::engine::recover::Dead;
use crate::engine::recover::Here;
use crate::host::alerts;
use crate::host::alerts::Level;
use crate::model::ids::AttemptId;
use crate::model::ids::Epoch;
use crate::model::ids::ProcessIdentity;
use crate::model::layout::StateDir;
use crate::model::signal::Signal;
use crate::model::slot::SlotEntry;
use crate::model::slot::SlotRecord;
use crate::process::epoch;
use crate::process::identity;
use crate::process::slotfile;
use crate::store::Store;
use crate::support::clock::Timestamp;

/// The epoch that a later life of this queue came to, if the queue was put back.
///
/// # Errors
/// When the database cannot be read.
pub(crate) fn later_life(store: &Store, dir: &StateDir) -> Result<Option<Epoch>, EngineError> {
    // The file first: a run that begins in between makes the database look newer, and never older.
    match epoch::read(&dir.epoch()) {
        Ok(later) if later > store.epoch()? => Ok(Some(later)),
        // Without a file, or with one that makes no sense, nobody can tell; a supervisor takes itself
        // for fenced off.
        Ok(_) | Err(_) => Ok(None),
    }
}

/// Looks whether the queue was put back, and if so settles what was left of its later life.
///
/// # Errors
/// When that cannot be settled; then nothing may be started.
pub(crate) fn settle(
    store: &mut Store,
    dir: &StateDir,
    here: Here,
    now: Timestamp,
) -> Result<(), EngineError> {
    let Some(later) = later_life(store, dir)? else {
        return Ok(());
    };
    // INVARIANT: its supervisors are fenced off before their records are read. Only the file: as long as it
    // is ahead of the database, whoever comes in after our death settles the same again.
    let fence = Epoch(later.0.saturating_add(1));
    epoch::write(&dir.epoch(), fence).map_err(|source| EngineError::File {
        doing: "write the epoch to",
        path: dir.epoch(),
        source,
    })?;
    let known: Vec<AttemptId> = store.open_attempts()?.iter().map(|row| row.id).collect();
    let ended = end_unknown(dir, here, &known).map_err(|source| EngineError::File {
        doing: "end what the restored queue does not know, by the slot files in",
        path: dir.slots(),
        source,
    })?;
    store.leap_over(fence)?;
    let _only_an_alert = alerts::append(
        dir,
        Level::Warning,
        "queue",
        "the queue was put back from an older copy, or begun anew beside the files of another one: what was \
         added or ran in the meantime is not known, and its ids are passed over",
        &serde_json::json!({ "attempts_ended": ended }),
        now,
    );
    Ok(())
}

/// Ends all attempts in the slot files that are not among the known ones; how many of them were under
/// way. Files of nothing else are removed: what those attempts came to is lost with the database that
/// knew of them.
///
/// # Errors
/// When a slot file cannot be read, or its supervisor does not die.
fn end_unknown(dir: &StateDir, here: Here, known: &[AttemptId]) -> io::Result<usize> {
    let mut dead = Dead::default();
    let mut spent = Vec::new();
    let mut ended = 0;
    for path in recover::slot_files(dir)? {
        let mut records = slotfile::latest(&slotfile::read_pages(&path)?, here.queue);
        let before = records.len();
        records.retain(|attempt, _| !known.contains(attempt));
        let is_all = records.len() == before;
        let workers: Vec<ProcessIdentity> = records
            .values()
            .filter_map(|record| at_work(record, here))
            .collect();
        // Records of a slot stay for a while when the next attempt works there, so a file may hold one that
        // is known and another one that lives: whoever takes over reads what it says of the first.
        if workers.is_empty() && !is_all {
            continue;
        }
        for worker in &workers {
            identity::signal(*worker, Signal::KILL)?;
        }
        let lock = slotfile::wait_lock(&path)?;
        ended += workers.len();
        dead.take(lock, &path, here, records.into_iter().collect());
        if is_all {
            spent.push(path);
        }
    }
    dead.sweep(here);
    for path in spent {
        std::fs::remove_file(path)?;
    }
    Ok(ended)
}

/// The supervisor that was at work on an attempt when it wrote this.
fn at_work(record: &SlotRecord, here: Here) -> Option<ProcessIdentity> {
    match record.entry {
        SlotEntry::Starting { supervisor } | SlotEntry::Running { supervisor, .. } => {
            (record.boot == here.boot).then_some(supervisor)
        }
        SlotEntry::NotStarted(_) | SlotEntry::Ended(_) => None,
    }
}
