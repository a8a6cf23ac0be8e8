//! What makes a success hard to believe: reads what `policy::suspicion` judges by.
//!
//! What earlier successes took was read with the claim, so that no start waits for it. A task that ends
//! well with nothing printed costs nothing here; the output of one that printed is read only if it ended
//! right behind its last word.

use std::path::Path;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::state::Live;
use crate::model::outcome::Outcome;
use crate::model::outcome::OutputPlace;
use crate::policy::suspicion::BEHIND;
use crate::policy::suspicion::Printed;
use crate::policy::suspicion::error_as_last_word;
use crate::policy::suspicion::may_be_too_short;
use crate::policy::suspicion::may_have_last_words;
use crate::policy::suspicion::too_short;
use crate::process::Stream;
use crate::process::logread::Piece;
use crate::process::logread::last_pieces;
use crate::support::crash;

/// The most characters of a doubt that are kept.
const LONGEST: usize = 500;
/// Two streams that are read in one go are not in the order in which they were written.
const AT_ONCE: std::time::Duration = std::time::Duration::from_millis(2);

impl Dispatcher<'_> {
    /// What makes this success hard to believe. Whatever cannot be read raises no doubt.
    pub(crate) fn doubt(&self, live: &Live, outcome: &Outcome) -> Option<String> {
        let spec = &live.task.spec;
        let short = || {
            if !may_be_too_short(spec, live.task.number > 1) {
                return None;
            }
            too_short(outcome.duration, live.task.habit)
        };
        let place = &outcome.output;
        let printed = place.stdout_bytes + place.stderr_bytes > 0;
        // The more patient a test is, the longer a command may take for its end.
        let more = crash::patience(BEHIND).saturating_sub(BEHIND);
        let behind = place
            .last_after
            .map(|last| outcome.duration.saturating_sub(last).saturating_sub(more));
        let said = || {
            if !may_have_last_words(spec, printed, behind) {
                return None;
            }
            last_words(&self.entered.dir.logs(), place)
        };
        short()
            .or_else(said)
            .map(|line| line.chars().take(LONGEST).collect())
    }
}

/// The error that an output ends with.
fn last_words(logs: &Path, place: &OutputPlace) -> Option<String> {
    let pieces = last_pieces(logs, place).ok()?;
    let mut ends = pieces.iter().rev().filter_map(|piece| match piece {
        Piece::Output {
            stream: Stream::Remedy,
            ..
        }
        | Piece::Gap { .. } => None,
        Piece::Output { stream, after, .. } => Some((*stream, *after)),
    });
    let (last, at) = ends.next()?;
    let other = ends.find(|(stream, _)| *stream != last);
    if other.is_some_and(|(_, before)| at.saturating_sub(before) < AT_ONCE) {
        return None;
    }
    let bytes: Vec<u8> = pieces
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Output { stream, bytes, .. } if stream == last => Some(bytes),
            Piece::Output { .. } | Piece::Gap { .. } => None,
        })
        .flatten()
        .collect();
    let printed = match last {
        Stream::Stdout => Printed::Out,
        Stream::Stderr => Printed::Err,
        Stream::Remedy => return None,
    };
    error_as_last_word(printed, &bytes)
}
