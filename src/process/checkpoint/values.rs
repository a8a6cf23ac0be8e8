//! Named values in a checkpoint directory: what `autoexec checkpoint` keeps.
//!
//! A value is a file below `.values/`, so that it never meets a file that the task itself made.
//! A new one is written beside the old one and takes its place in one step, and all that names it is
//! synced before [`set`] returns: what was acknowledged survives a loss of power, and a reader sees
//! one value or the other, never half of one. Several writers do not disturb each other; the last one
//! holds.

use std::ffi::OsStr;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use crate::process::checkpoint::spare::make_private;
use crate::support::clock::Timestamp;

/// Where values lie in a checkpoint directory.
pub const FOLDER: &str = ".values";
/// The most bytes of a value.
pub const MOST_BYTES: usize = 1024 * 1024;
/// The most characters of a key.
pub const LONGEST_KEY: usize = 128;

const HALF: &str = ".new-";

/// The name of a value: 1 to 128 of `A-Z a-z 0-9 . _ -`, not beginning with `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    /// Checks the characters and the length.
    ///
    /// # Errors
    /// Says in a few words what is wrong, fit to follow `the key … `.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if text.is_empty() {
            return Err("is empty");
        }
        if text.len() > LONGEST_KEY {
            return Err("is longer than 128 characters");
        }
        if !text.chars().all(legal) {
            return Err("may hold only letters A-Z a-z, digits, `.`, `_` and `-`");
        }
        if text.starts_with(['.', '-']) {
            return Err("must not start with `.` or `-`");
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A value, as a list tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub key: Key,
    /// Its size.
    pub bytes: u64,
    /// When it was set.
    pub set_at: Option<Timestamp>,
}

/// Whether a name below [`FOLDER`] is that of a value that was not finished.
pub fn is_half_written(name: &OsStr) -> bool {
    name.as_bytes().starts_with(HALF.as_bytes())
}

/// Sets a value; it survives a loss of power when this returns. The directory is made if it is
/// missing.
///
/// # Errors
/// When something cannot be written.
pub fn set(checkpoint: &Path, key: &Key, value: &[u8]) -> io::Result<()> {
    let folder = checkpoint.join(FOLDER);
    for missing in [checkpoint, &folder] {
        match make_private(missing) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let name = format!(
        "{HALF}{}-{}-{:x}",
        key.0,
        std::process::id(),
        fastrand::u32(..)
    );
    let half = folder.join(name);
    let written = write_synced(&half, value)
        // CRASH: a half-written value is left, which nobody takes for one.
        .and_then(|()| std::fs::rename(&half, folder.join(&key.0)));
    if let Err(error) = written {
        let _left_for_the_next_attempt = std::fs::remove_file(&half);
        return Err(error);
    }
    // From the inside out: each name is worth nothing without the one above it.
    for named in [
        Some(folder.as_path()),
        Some(checkpoint),
        checkpoint.parent(),
    ]
    .into_iter()
    .flatten()
    {
        File::open(named)?.sync_all()?;
    }
    Ok(())
}

fn write_synced(path: &Path, value: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    file.write_all(value)?;
    file.sync_all()
}

/// A value; `None` if it is not set.
///
/// # Errors
/// When it is there and cannot be read.
pub fn get(checkpoint: &Path, key: &Key) -> io::Result<Option<Vec<u8>>> {
    beginning(checkpoint, key, MOST_BYTES)
}

/// At most so many bytes of a value; `None` if it is not set.
///
/// # Errors
/// When it is there and cannot be read.
pub fn beginning(checkpoint: &Path, key: &Key, most: usize) -> io::Result<Option<Vec<u8>>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(checkpoint.join(FOLDER).join(&key.0));
    match file {
        Ok(file) => {
            let mut value = Vec::new();
            let most = u64::try_from(most).unwrap_or(u64::MAX);
            file.take(most).read_to_end(&mut value)?;
            Ok(Some(value))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// All values, by name.
///
/// # Errors
/// When they cannot be read.
pub fn list(checkpoint: &Path) -> io::Result<Vec<Listed>> {
    let entries = match std::fs::read_dir(checkpoint.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(Ok(key)) = name.to_str().map(Key::new) else {
            continue;
        };
        // It may have been cleared meanwhile.
        let Ok(data) = entry.metadata() else { continue };
        if data.is_file() {
            found.push(Listed {
                key,
                bytes: data.len(),
                set_at: data.modified().ok().and_then(timestamp),
            });
        }
    }
    found.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(found)
}

fn timestamp(at: SystemTime) -> Option<Timestamp> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis())
        .ok()
        .map(Timestamp::from_millis)
}

/// Removes one value or all of them; how many were there.
///
/// # Errors
/// When they cannot be removed.
pub fn clear(checkpoint: &Path, key: Option<&Key>) -> io::Result<usize> {
    let folder = checkpoint.join(FOLDER);
    let keys: Vec<Key> = match key {
        Some(key) => vec![key.clone()],
        None => list(checkpoint)?.into_iter().map(|one| one.key).collect(),
    };
    let mut removed = 0;
    for key in keys {
        match std::fs::remove_file(folder.join(&key.0)) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if removed > 0 {
        File::open(folder)?.sync_all()?;
    }
    Ok(removed)
}
