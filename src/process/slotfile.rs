//! Slot files: the ring of records that a supervisor leaves for whoever comes after its runner.
//!
//! The records themselves are [`crate::model::slot`]. A supervisor creates its file, holds the lock
//! on it as long as it lives, and writes whole pages with `pwrite`. Everybody else reads with `pread`,
//! and learns from the lock whether the supervisor lives. No mapping on either side: the order of
//! the writes and of the fence is the order of the system calls.
//!
//! INVARIANT: a page of an attempt is used for another attempt only after the first one was
//! acknowledged; its `starting` page is not written a second time before that.

use std::collections::BTreeMap;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::MemfdFlags;

use crate::model::ids::AttemptId;
use crate::model::ids::BootId;
use crate::model::ids::QueueId;
use crate::model::slot::PAGE;
use crate::model::slot::PAGES;
use crate::model::slot::PAGES_PER_ATTEMPT;
use crate::model::slot::Page;
use crate::model::slot::SlotEntry;
use crate::model::slot::SlotRecord;
use crate::support::clock::monotonic;
use crate::support::crash;

/// How long a new supervisor waits for somebody who is just judging its file.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Why a slot file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SlotFileError {
    /// The file cannot be made, locked or written.
    #[error("cannot {doing} the slot file `{}`", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Somebody else holds the lock.
    #[error("the slot file `{}` is locked by another process", .path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file was used before: its records may be all that is left of an attempt.
    #[error("the slot file `{}` was used by another supervisor before", .path.display())]
    Used {
        /// The file.
        path: PathBuf,
    },
    /// All pages hold attempts that were not acknowledged.
    #[error("no page of the slot file `{}` is free for attempt {attempt}", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// The attempt that has no page.
        attempt: AttemptId,
    },
    /// The entry is longer than a page.
    #[error("what is known of attempt {attempt} does not fit into one page")]
    TooLong {
        /// The attempt.
        attempt: AttemptId,
    },
}

/// Whether a record must survive a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It survives the death of any process.
    Cached,
    /// It survives a loss of power too.
    Synced,
}

/// The pages of one attempt that is not acknowledged.
#[derive(Debug)]
struct Held {
    pages: [usize; PAGES_PER_ATTEMPT],
    written: usize,
}

/// A supervisor's own slot file.
#[derive(Debug)]
pub struct SlotFile {
    path: PathBuf,
    /// Its lock lives as long as this descriptor, and so as long as the supervisor.
    file: File,
    queue: QueueId,
    boot: BootId,
    sequence: u64,
    held: BTreeMap<AttemptId, Held>,
    free: Vec<usize>,
    /// Whether the file's name survives a loss of power.
    is_listed: bool,
}

impl SlotFile {
    /// Makes the file and locks it for the life of the process.
    ///
    /// # Errors
    /// When it cannot be made, was used before, or stays locked by another.
    pub fn create(path: &Path, queue: QueueId, boot: BootId) -> Result<Self, SlotFileError> {
        let failed = |doing| {
            move |source| SlotFileError::Io {
                doing,
                path: path.to_owned(),
                source,
            }
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)
            .map_err(failed("open"))?;
        lock_patiently(&file, path)?;
        let used = file.metadata().map_err(failed("look at"))?.len() > 0;
        if used {
            return Err(SlotFileError::Used {
                path: path.to_owned(),
            });
        }
        // Space is taken now: a disk that fills up later cannot keep an outcome from being recorded.
        file.write_all_at(&vec![0; PAGE * PAGES], 0)
            .map_err(failed("fill"))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            queue,
            boot,
            sequence: 0,
            held: BTreeMap::new(),
            free: (0..PAGES).rev().collect(),
            is_listed: false,
        })
    }

    /// A file without a name, for a supervisor whose records are nobody's once it is gone.
    ///
    /// # Errors
    /// When the system has no memory to spare.
    pub fn in_memory(queue: QueueId, boot: BootId) -> Result<Self, SlotFileError> {
        let path = PathBuf::from("(in memory)");
        let file = rustix::fs::memfd_create("slot", MemfdFlags::CLOEXEC).map_err(|error| {
            SlotFileError::Io {
                doing: "make",
                path: path.clone(),
                source: error.into(),
            }
        })?;
        Ok(Self {
            path,
            file: File::from(file),
            queue,
            boot,
            sequence: 0,
            held: BTreeMap::new(),
            free: (0..PAGES).rev().collect(),
            // There is no name to be lost.
            is_listed: true,
        })
    }

    /// Whether another attempt may be started.
    pub fn has_room(&self) -> bool {
        self.free.len() >= PAGES_PER_ATTEMPT
    }

    /// Whether there are attempts that nobody acknowledged.
    pub fn has_unacknowledged(&self) -> bool {
        !self.held.is_empty()
    }

    /// Writes what is known of an attempt now.
    ///
    /// The first record of an attempt gets a page for good, later ones take two others in turn, so
    /// that a torn write never destroys the record before it.
    ///
    /// # Errors
    /// When the attempt is new and there is no room, when the entry is too long for a page, or when
    /// the file cannot be written.
    pub fn write(
        &mut self,
        attempt: AttemptId,
        entry: SlotEntry,
        durability: Durability,
    ) -> Result<(), SlotFileError> {
        let record = SlotRecord {
            sequence: self.sequence + 1,
            queue: self.queue,
            boot: self.boot,
            attempt,
            entry,
        };
        let page = record.encode().ok_or(SlotFileError::TooLong { attempt })?;
        let place = self.place(attempt)?;
        self.sequence += 1;
        let offset = u64::try_from(place * PAGE).unwrap_or(u64::MAX);
        // CRASH: the record before this one still stands on another page.
        self.file
            .write_all_at(&page, offset)
            .map_err(|source| SlotFileError::Io {
                doing: "write to",
                path: self.path.clone(),
                source,
            })?;
        if durability == Durability::Synced {
            self.sync()?;
        }
        if let Some(held) = self.held.get_mut(&attempt) {
            held.written += 1;
        }
        Ok(())
    }

    /// The outcome of the attempt is committed: all its pages are free together.
    pub fn acknowledge(&mut self, attempt: AttemptId) {
        if let Some(held) = self.held.remove(&attempt) {
            self.free.extend(held.pages);
        }
    }

    /// Makes everything written so far survive a loss of power.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&mut self) -> Result<(), SlotFileError> {
        let failed = |source| SlotFileError::Io {
            doing: "sync",
            path: self.path.clone(),
            source,
        };
        self.file.sync_data().map_err(failed)?;
        if !self.is_listed {
            // A record in a file whose name is lost would be lost with it.
            let folder = self.path.parent().unwrap_or(Path::new("/"));
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(failed)?;
            self.is_listed = true;
        }
        Ok(())
    }

    /// The page for the next record of an attempt.
    fn place(&mut self, attempt: AttemptId) -> Result<usize, SlotFileError> {
        if let Some(held) = self.held.get(&attempt) {
            // Records 1, 2, 3, … go to pages 1, 2, 1, …; page 0 keeps the first for good.
            let turn = match held.written {
                0 => 0,
                written => 1 + (written - 1) % (PAGES_PER_ATTEMPT - 1),
            };
            return Ok(held.pages.get(turn).copied().unwrap_or_default());
        }
        let full = SlotFileError::Full {
            path: self.path.clone(),
            attempt,
        };
        let split = self.free.len().checked_sub(PAGES_PER_ATTEMPT);
        let Some(split) = split else { return Err(full) };
        let Ok(pages) = <[usize; PAGES_PER_ATTEMPT]>::try_from(self.free.split_off(split)) else {
            return Err(full);
        };
        self.held.insert(attempt, Held { pages, written: 0 });
        Ok(pages.first().copied().unwrap_or_default())
    }
}

fn lock_patiently(file: &File, path: &Path) -> Result<(), SlotFileError> {
    let deadline = monotonic() + crash::patience(LOCK_PATIENCE);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if monotonic() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(SlotFileError::Locked {
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(SlotFileError::Io {
                    doing: "lock",
                    path: path.to_owned(),
                    source,
                });
            }
        }
    }
}

/// Proof that a supervisor is dead, or has not come to life and will not start anything.
#[derive(Debug)]
pub struct LockGuard {
    _file: File,
}

fn open_for_reading(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// Takes the lock of a slot file if its supervisor is dead; `None` while it lives.
///
/// # Errors
/// When the file is not there or cannot be opened.
pub fn try_lock(path: &Path) -> io::Result<Option<LockGuard>> {
    let file = open_for_reading(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(LockGuard { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Waits until the supervisor of a slot file is dead; to be called from a thread of its own.
///
/// # Errors
/// When the file is not there or cannot be opened.
pub fn wait_lock(path: &Path) -> io::Result<LockGuard> {
    let file = open_for_reading(path)?;
    loop {
        match file.lock() {
            Ok(()) => return Ok(LockGuard { _file: file }),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads all pages of a slot file, in the order of their places.
///
/// Also while its supervisor lives: a page that is being written may then be unreadable, and the one
/// before it still stands.
///
/// # Errors
/// When the file is not there or cannot be read.
pub fn read_pages(path: &Path) -> io::Result<Vec<Page>> {
    let file = open_for_reading(path)?;
    let mut pages = Vec::with_capacity(PAGES);
    for place in 0..PAGES {
        let mut page = [0; PAGE];
        let offset = u64::try_from(place * PAGE).unwrap_or(u64::MAX);
        match file.read_exact_at(&mut page, offset) {
            Ok(()) => pages.push(SlotRecord::decode(&page)),
            // A file that its supervisor had no time to fill.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => pages.push(Page::Empty),
            Err(error) => return Err(error),
        }
    }
    Ok(pages)
}

/// The latest record of each attempt of a queue.
pub fn latest(pages: &[Page], queue: QueueId) -> BTreeMap<AttemptId, SlotRecord> {
    let mut latest: BTreeMap<AttemptId, SlotRecord> = BTreeMap::new();
    for page in pages {
        let Page::Record(record) = page else { continue };
        if record.queue != queue {
            continue;
        }
        let older = latest
            .get(&record.attempt)
            .is_none_or(|known| known.sequence < record.sequence);
        if older {
            latest.insert(record.attempt, record.clone());
        }
    }
    latest
}

#[cfg(test)]
#[path = "slotfile_tests.rs"]
mod tests;
