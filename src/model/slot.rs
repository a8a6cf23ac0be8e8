//! The records of a slot file: what a supervisor leaves behind for whoever comes after its runner.
//!
//! A slot file is a ring of [`PAGES`] pages of [`PAGE`] bytes, one record each. A page is written
//! by one `pwrite`; its checksum tells a whole record from a torn or foreign one. Which page takes
//! which record is the supervisor's business (`supervisor`), reading them all after a crash is
//! `engine::recover`'s; the file itself and its lock are `process::slotfile`.
//!
//! Page: magic (4), version (1), three zero bytes, length of the body (4, LE), sequence (8, LE),
//! queue (16), boot (16), attempt (8, LE), body (JSON of the entry), zeros, and in the last
//! [`CHECKSUM`] bytes the first bytes of the SHA-256 of all before.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::ids::{AttemptId, BootId, ProcessIdentity, QueueId};
use crate::model::message::NotStartedReason;
use crate::model::outcome::Outcome;
use crate::support::clock::Timestamp;

/// Bytes of a page: what disks and file systems write in one piece.
pub const PAGE: usize = 4096;
/// Pages of a slot file.
pub const PAGES: usize = 16;
/// Pages that one attempt needs: one for `Starting` and two in turn for what follows.
pub const PAGES_PER_ATTEMPT: usize = 3;
/// Bytes of checksum at the end of a page.
pub const CHECKSUM: usize = 16;

const MAGIC: [u8; 4] = *b"AXSL";
const VERSION: u8 = 1;
const HEADER: usize = 60;

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotRecord {
    /// Grows with every record of the file; of two records of an attempt the higher one holds.
    pub sequence: u64,
    /// The queue that the attempt belongs to.
    pub queue: QueueId,
    /// The boot in which it was written.
    pub boot: BootId,
    /// The attempt.
    pub attempt: AttemptId,
    /// What is known of it.
    pub entry: SlotEntry,
}

/// What a supervisor knows of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotEntry {
    /// It will be started next, if the fence allows it: from here on it may have run.
    Starting {
        /// The supervisor.
        supervisor: ProcessIdentity,
    },
    /// It was not started and never will be.
    NotStarted(NotStartedReason),
    /// It runs.
    Running {
        /// The supervisor.
        supervisor: ProcessIdentity,
        /// The command.
        process: ProcessIdentity,
        /// When it started.
        at: Timestamp,
        /// How many steps of the task are finished, those of earlier attempts included.
        #[serde(default)]
        steps_done: u32,
    },
    /// It is over.
    Ended(Box<Outcome>),
}

/// What a page holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Page {
    /// Nothing was ever written.
    Empty,
    /// A whole record.
    Record(SlotRecord),
    /// Something else: torn, foreign, or of a version that this program does not know.
    Unreadable,
}

impl SlotRecord {
    /// The page that holds this record; `None` when the entry is too long for a page.
    pub fn encode(&self) -> Option<[u8; PAGE]> {
        let body = serde_json::to_vec(&self.entry).ok()?;
        let length = u32::try_from(body.len()).ok()?;
        let mut page = Vec::with_capacity(PAGE);
        page.extend_from_slice(&MAGIC);
        page.extend_from_slice(&[VERSION, 0, 0, 0]);
        page.extend_from_slice(&length.to_le_bytes());
        page.extend_from_slice(&self.sequence.to_le_bytes());
        page.extend_from_slice(&self.queue.0);
        page.extend_from_slice(&self.boot.0);
        page.extend_from_slice(&self.attempt.get().to_le_bytes());
        page.extend_from_slice(&body);
        if page.len() > PAGE - CHECKSUM {
            return None;
        }
        page.resize(PAGE - CHECKSUM, 0);
        let sum = checksum(&page);
        page.extend_from_slice(&sum);
        page.try_into().ok()
    }

    /// Reads a page.
    pub fn decode(page: &[u8; PAGE]) -> Page {
        if page.iter().all(|byte| *byte == 0) {
            return Page::Empty;
        }
        parse(page).map_or(Page::Unreadable, Page::Record)
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    Sha256::digest(bytes)
        .first_chunk::<CHECKSUM>()
        .copied()
        .unwrap_or_default()
}

fn parse(page: &[u8; PAGE]) -> Option<SlotRecord> {
    let (content, sum) = page.split_last_chunk::<CHECKSUM>()?;
    if checksum(content) != *sum {
        return None;
    }
    let (header, body) = content.split_first_chunk::<HEADER>()?;
    let (magic, rest) = header.split_first_chunk::<4>()?;
    let (version, rest) = rest.split_first_chunk::<4>()?;
    if *magic != MAGIC || version.first() != Some(&VERSION) {
        return None;
    }
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let (queue, rest) = rest.split_first_chunk::<16>()?;
    let (boot, rest) = rest.split_first_chunk::<16>()?;
    let attempt = rest.first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    Some(SlotRecord {
        sequence: u64::from_le_bytes(*sequence),
        queue: QueueId(*queue),
        boot: BootId(*boot),
        attempt: AttemptId::new(i64::from_le_bytes(*attempt)),
        entry: serde_json::from_slice(body.get(..length)?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record() -> SlotRecord {
        SlotRecord {
            sequence: 9,
            queue: QueueId([1; 16]),
            boot: BootId([2; 16]),
            attempt: AttemptId::new(77),
            entry: SlotEntry::Starting {
                supervisor: ProcessIdentity { pid: 4, start: 5 },
            },
        }
    }

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let page = record().encode().unwrap();
        assert_eq!(SlotRecord::decode(&page), Page::Record(record()));
        assert_eq!(SlotRecord::decode(&[0; PAGE]), Page::Empty);
    }

    proptest! {
        #[test]
        fn a_damaged_page_is_never_a_record(place in 0..PAGE, flip in 1..=255u8) {
            let mut page = record().encode().unwrap();
            page[place] ^= flip;
            prop_assert_eq!(SlotRecord::decode(&page), Page::Unreadable);
        }

        #[test]
        fn junk_is_never_a_record(junk in proptest::collection::vec(any::<u8>(), PAGE)) {
            let page: [u8; PAGE] = junk.try_into().unwrap();
            prop_assert_ne!(SlotRecord::decode(&page), Page::Record(record()));
        }
    }
}
