//! The run lock: one process at a time changes the queue, and the next one learns how it ended.
//!
//! `run.lock` is locked for as long as its holder lives. In it stand, each written in place with one
//! system call: who holds it ([`Holder`]; blank after an orderly end), and the **note**: the attempt
//! whose event the holder was handling. A holder that dies leaves its note; if the death was of its
//! own making (a panic, a fault), the note is marked, and the next holder counts it against the
//! attempt's task. What follows from a note is the engine's business.
//!
//! The lock is never unlinked.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::model::ids::AttemptId;
use crate::model::ids::ProcessIdentity;
use crate::model::ids::RunId;
use crate::process::identity;
use crate::support::clock::Timestamp;
use crate::support::clock::monotonic;
use crate::support::crash;

/// Bytes for the holder: one line of JSON, filled with spaces.
const HOLDER: usize = 256;
/// Where the note stands.
const NOTE_AT: u64 = 256;
/// A mark, the attempt in twenty digits, and once more, each followed by one separating byte.
const NOTE: usize = 1 + 1 + 20 + 1 + 20 + 1;

const MARK_NONE: u8 = b'-';
const MARK_BARE: u8 = b'?';
const MARK_CRASHED: u8 = b'!';

/// Where the handler of a fatal signal finds the lock file; -1 for none.
static NOTE_FILE: AtomicI32 = AtomicI32::new(-1);
/// Whether a note stands.
static NOTED: AtomicBool = AtomicBool::new(false);

/// Who holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub process: ProcessIdentity,
    /// Since when.
    pub since: Timestamp,
    /// The run it carries out; `None` for a command that changes something in passing.
    pub run: Option<RunId>,
}

/// What the previous holder was busy with when it died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// The attempt whose event was being handled.
    pub attempt: AttemptId,
    /// How the holder died, as far as it could tell.
    pub death: Death,
}

/// How a holder died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// It had no time to say: a kill, or a loss of power.
    Unknown,
    /// By its own making: a panic or a fault.
    Crashed,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RunLockError {
    /// Somebody else has it.
    #[error("another process is using this queue")]
    Held {
        /// Who, if it said so.
        holder: Option<Holder>,
    },
    /// The file cannot be used.
    #[error("cannot {doing} the run lock `{}`", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// The run lock, held until it is dropped.
#[derive(Debug)]
pub struct RunLock {
    file: File,
    path: PathBuf,
    holder: Holder,
    left_note: Option<Note>,
}

impl RunLock {
    /// Takes the lock, waiting up to `patience`: a child between fork and exec may hold it for a
    /// moment after its parent's death, and commands hold it briefly. A living *run* is not waited for.
    ///
    /// # Errors
    /// When somebody else has it, or the file cannot be used.
    pub fn acquire(path: &Path, now: Timestamp, patience: Duration) -> Result<Self, RunLockError> {
        let failed = |doing| {
            move |source| RunLockError::Io {
                doing,
                path: path.to_owned(),
                source,
            }
        };
        let deadline = monotonic() + crash::patience(patience);
        let file = loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(libc::O_NOFOLLOW)
                .open(path)
                .map_err(failed("open"))?;
            match file.try_lock() {
                Ok(()) if is_at(&file, path) => break file,
                // Somebody moved the file away meanwhile; the one at the path counts.
                Ok(()) => {}
                Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
                Err(TryLockError::WouldBlock) => {
                    let holder = holder_in(&file);
                    let living_run = holder.as_ref().is_some_and(|holder| {
                        holder.run.is_some() && identity::is_alive(holder.process)
                    });
                    if living_run || monotonic() >= deadline {
                        return Err(RunLockError::Held { holder });
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        };
        let holder = Holder {
            process: identity::own().map_err(failed("name the holder of"))?,
            since: now,
            run: None,
        };
        let lock = Self {
            left_note: note_in(&file),
            path: path.to_owned(),
            holder,
            file,
        };
        lock.write_holder(Some(&lock.holder))?;
        NOTED.store(false, Ordering::SeqCst);
        NOTE_FILE.store(lock.file.as_raw_fd(), Ordering::SeqCst);
        Ok(lock)
    }

    /// Says which run the holder carries out, so that others need not wait for its end.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(&mut self, run: RunId) -> Result<(), RunLockError> {
        self.holder.run = Some(run);
        self.write_holder(Some(&self.holder))
    }

    /// The note that the previous holder left; it stays in the file until [`RunLock::note`] or
    /// [`RunLock::clear_note`], so that it can be counted durably first.
    pub fn left_note(&self) -> Option<Note> {
        self.left_note
    }

    /// Notes the attempt whose event is handled next.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note(&self, attempt: AttemptId) -> Result<(), RunLockError> {
        let id = attempt.get();
        self.write_note(format!("{} {id:020} {id:020}\n", char::from(MARK_BARE)).as_bytes())?;
        NOTED.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// The event was handled.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn clear_note(&self) -> Result<(), RunLockError> {
        NOTED.store(false, Ordering::SeqCst);
        self.write_note(&[MARK_NONE])
    }

    fn write_note(&self, bytes: &[u8]) -> Result<(), RunLockError> {
        self.file
            .write_all_at(bytes, NOTE_AT)
            .map_err(|source| self.failed(source))
    }

    fn write_holder(&self, holder: Option<&Holder>) -> Result<(), RunLockError> {
        let mut line = match holder {
            Some(holder) => {
                serde_json::to_vec(holder).map_err(|error| self.failed(error.into()))?
            }
            None => Vec::new(),
        };
        line.resize(HOLDER - 1, b' ');
        line.push(b'\n');
        self.file
            .write_all_at(&line, 0)
            .map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> RunLockError {
        RunLockError::Io {
            doing: "write to",
            path: self.path.clone(),
            source,
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // While a panic unwinds the note stays: it is what the next holder wants to know.
        if std::thread::panicking() {
            return;
        }
        let own = self.file.as_raw_fd();
        let _other = NOTE_FILE.compare_exchange(own, -1, Ordering::SeqCst, Ordering::SeqCst);
        NOTED.store(false, Ordering::SeqCst);
        // An orderly end leaves no trace. If it cannot be written, the next holder is told of a death
        // that was none, which harms nobody.
        let _best_effort = self.write_holder(None);
    }
}

/// Marks the note, if one stands: the holder dies by its own making.
///
/// Safe to call from the handler of a fatal signal and from a panic hook: it only reads two atomics
/// and makes one system call.
pub fn mark_crashed() {
    let file = NOTE_FILE.load(Ordering::SeqCst);
    if file < 0 || !NOTED.load(Ordering::SeqCst) {
        return;
    }
    let mark = [MARK_CRASHED];
    let at = libc::off_t::try_from(NOTE_AT).unwrap_or_default();
    #[expect(
        unsafe_code,
        reason = "a signal handler may only make plain system calls"
    )]
    // SAFETY: the buffer outlives the call; the descriptor belongs to the lock that is held.
    let _best_effort = unsafe { libc::pwrite(file, mark.as_ptr().cast(), mark.len(), at) };
}

/// Who holds the lock now, for messages; `None` when nobody does.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn read_holder(path: &Path) -> io::Result<Option<Holder>> {
    // A pipe in its place would keep whoever only looks.
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(holder_in(&file).filter(|holder| identity::is_alive(holder.process)))
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(own), Ok(there)) => own.ino() == there.ino() && own.dev() == there.dev(),
        _ => false,
    }
}

fn holder_in(file: &File) -> Option<Holder> {
    let mut line = [0; HOLDER];
    file.read_exact_at(&mut line, 0).ok()?;
    serde_json::from_slice(line.trim_ascii()).ok()
}

fn note_in(file: &File) -> Option<Note> {
    let mut line = [0; NOTE];
    file.read_exact_at(&mut line, NOTE_AT).ok()?;
    let (mark, rest) = line.split_first()?;
    let death = match *mark {
        MARK_BARE => Death::Unknown,
        MARK_CRASHED => Death::Crashed,
        _ => return None,
    };
    let mut ids = std::str::from_utf8(rest).ok()?.split_ascii_whitespace();
    let (first, second) = (ids.next()?, ids.next()?);
    let attempt = AttemptId::new(first.parse().ok()?);
    (first == second).then_some(Note { attempt, death })
}

#[cfg(test)]
#[path = "runlock_tests.rs"]
mod tests;
