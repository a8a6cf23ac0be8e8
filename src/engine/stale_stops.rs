//! Wishes to stop that were meant for an earlier run.

use crate::engine::entry::Entered;
use crate::engine::error::EngineError;
use crate::store::requests;
use crate::store::requests::RequestId;
use crate::store::requests::Verdict;
use crate::store::requests::Wish;
use crate::support::clock::Timestamp;

/// A wish to stop was meant for the run that was there then, never for one that comes later.
pub(crate) fn refuse(entered: &mut Entered, now: Timestamp) -> Result<(), EngineError> {
    let pending = entered.store.pending_requests()?;
    let stale: Vec<RequestId> = pending
        .iter()
        .filter(|request| matches!(request.wish, Wish::Stop { .. }))
        .map(|request| request.id)
        .collect();
    entered.store.write(|tx| {
        stale.iter().try_for_each(|id| {
            let text = "the run had ended before it was asked";
            requests::answer(tx, *id, Verdict::Refused, text, now)
        })
    })?;
    Ok(())
}
