//! Clearing away what is kept no longer: rows, events, files of output. At the end of every run that
//! leaves nothing open, and by `autoexec db prune`.

use crate::engine::entry;
use crate::engine::error::EngineError;
use crate::model::ids::RunId;
use crate::model::layout::StateDir;
use crate::policy::retention::OutputFile;
use crate::policy::retention::Retention;
use crate::policy::retention::spent_output;
use crate::process::logtidy;
use crate::process::logtidy::Owner;
use crate::store::Actor;
use crate::store::Reader;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::retention::Cleared;
use crate::support::clock::Timestamp;
use std::time::Duration;

/// How long `db prune` waits for somebody else who changes the queue.
const PATIENCE: Duration = Duration::from_secs(2);

/// Clears away what is over, by somebody who holds the run lock.
///
/// # Errors
/// When the database cannot be read or written; what was cleared away before stays so.
pub(crate) fn clear_away(
    store: &mut Store,
    dir: &StateDir,
    retention: &Retention,
    run: Option<RunId>,
    now: Timestamp,
) -> Result<Cleared, StoreError> {
    let actor = run.map_or_else(|| Actor::Command("db prune".to_owned()), Actor::Run);
    let mut cleared = store.clear_away(retention, &actor, now)?;
    // CRASH: output that nobody knows stays until the next time.
    let spent = spent_files(store, dir, retention, run)?;
    (cleared.log_files, cleared.log_bytes) = logtidy::remove(&spent);
    store.note_cleared(&cleared, run, now)?;
    Ok(cleared)
}

/// Clears away what is over in a queue that nobody runs.
///
/// # Errors
/// When a run is active, or the queue cannot be used.
pub fn prune(
    dir: &StateDir,
    retention: &Retention,
    now: Timestamp,
) -> Result<Cleared, EngineError> {
    let (mut entered, _left_for_the_next_run) = entry::enter(dir, now, PATIENCE)?;
    let cleared = clear_away(&mut entered.store, dir, retention, None, now)?;
    entered.store.checkpoint()?;
    Ok(cleared)
}

/// What `prune` would clear away; files of tasks that leave with it count too.
///
/// # Errors
/// When the database cannot be read.
pub fn would_prune(
    store: &Reader,
    dir: &StateDir,
    retention: &Retention,
    now: Timestamp,
) -> Result<Cleared, StoreError> {
    let mut would = store.would_clear(retention, now)?;
    let spent = spent_files(store, dir, retention, None)?;
    would.log_files = u64::try_from(spent.len()).unwrap_or(u64::MAX);
    would.log_bytes = spent.iter().map(|file| file.bytes).sum();
    Ok(would)
}

fn spent_files(
    store: &Reader,
    dir: &StateDir,
    retention: &Retention,
    run: Option<RunId>,
) -> Result<Vec<logtidy::OutputOf>, StoreError> {
    // What cannot be listed is left for the next time.
    let found = logtidy::files(&dir.logs()).unwrap_or_default();
    let files = found
        .into_iter()
        .map(|file| {
            let (is_known, is_open, owner) = match file.owner {
                Owner::Run(owner) => {
                    let (is_known, is_open) = store.knows_attempts_of(owner)?;
                    (is_known, is_open, Some(owner))
                }
                Owner::Attempt(attempt) => match store.known_attempt(attempt)? {
                    Some((owner, is_open)) => (true, is_open, Some(owner)),
                    None => (false, false, None),
                },
            };
            Ok(OutputFile {
                bytes: file.bytes,
                is_known,
                in_use: is_open || (run.is_some() && owner == run),
                file,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(spent_output(files, retention.max_log_bytes))
}
