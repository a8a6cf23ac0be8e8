//! Named values in a checkpoint directory: what `autoexec checkpoint` keeps.
//!
//! A value is a file below `.values/`, so that it never meets a file that the task itself made.
//! A new one is written beside the old one and takes its place in one step, and all that names it is
//! synced before [`set`] returns: what was acknowledged survives a loss of power, and a reader sees
//! one value or the other, never half of one. Several writers do not disturb each other; the last one
//! holds. No link is followed on the way to a value.

use std::ffi::OsStr;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::FileType;
use rustix::fs::OFlags;
use rustix::fs::Stat;

use crate::process::checkpoint::folder::Folder;
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
    let own = Folder::of_task_or_new(checkpoint)?;
    let folder = own.inner_or_new(Path::new(FOLDER))?;
    let name = format!(
        "{HALF}{}-{}-{:x}",
        key.0,
        std::process::id(),
        fastrand::u32(..)
    );
    let half = Path::new(&name);
    let written = write_synced(&folder, half, value)
        // CRASH: a half-written value is left, which nobody takes for one.
        .and_then(|()| folder.rename(half, Path::new(&key.0)));
    if let Err(error) = written {
        let _left_for_the_next_attempt = folder.remove_file(half);
        return Err(error);
    }
    // From the inside out: each name is worth nothing without the one above it.
    folder.sync()?;
    own.sync()?;
    match checkpoint.parent() {
        Some(all) => Folder::open(all)?.sync(),
        None => Ok(()),
    }
}

fn write_synced(folder: &Folder, name: &Path, value: &[u8]) -> io::Result<()> {
    let mut file = folder.file(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?;
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
    let Some(folder) = existing(checkpoint)? else {
        return Ok(None);
    };
    match folder.file(Path::new(&key.0), OFlags::RDONLY | OFlags::NONBLOCK) {
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

/// Where the values lie; `None` where there never were any.
fn existing(checkpoint: &Path) -> io::Result<Option<Folder>> {
    match Folder::of_task(checkpoint).and_then(|own| own.inner(Path::new(FOLDER))) {
        Ok(folder) => Ok(Some(folder)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// All values, by name.
///
/// # Errors
/// When they cannot be read.
pub fn list(checkpoint: &Path) -> io::Result<Vec<Listed>> {
    match existing(checkpoint)? {
        Some(folder) => list_of(&folder),
        None => Ok(Vec::new()),
    }
}

fn list_of(folder: &Folder) -> io::Result<Vec<Listed>> {
    let mut found = Vec::new();
    for name in folder.names()? {
        let Some(Ok(key)) = name.to_str().map(Key::new) else {
            continue;
        };
        // It may have been cleared meanwhile.
        let Ok(data) = folder.look_at(Path::new(&name)) else {
            continue;
        };
        if FileType::from_raw_mode(data.st_mode) == FileType::RegularFile {
            found.push(Listed {
                key,
                bytes: u64::try_from(data.st_size).unwrap_or_default(),
                set_at: timestamp(&data),
            });
        }
    }
    found.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(found)
}

fn timestamp(data: &Stat) -> Option<Timestamp> {
    let seconds: i64 = data.st_mtime;
    let millis = i64::try_from(data.st_mtime_nsec).ok()? / 1_000_000;
    Some(Timestamp::from_millis(
        seconds.checked_mul(1000)?.checked_add(millis)?,
    ))
}

/// Removes one value or all of them; how many were there.
///
/// # Errors
/// When they cannot be removed.
pub fn clear(checkpoint: &Path, key: Option<&Key>) -> io::Result<usize> {
    let Some(folder) = existing(checkpoint)? else {
        return Ok(0);
    };
    let keys: Vec<Key> = match key {
        Some(key) => vec![key.clone()],
        None => list_of(&folder)?.into_iter().map(|one| one.key).collect(),
    };
    let mut removed = 0;
    for key in keys {
        match folder.remove_file(Path::new(&key.0)) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if removed > 0 {
        folder.sync()?;
    }
    Ok(removed)
}

/// Removes what a killed [`set`] left half written. Whatever cannot be removed stays.
pub(super) fn remove_half_written(checkpoint: &Path) {
    let Ok(Some(folder)) = existing(checkpoint) else {
        return;
    };
    for name in folder.names().unwrap_or_default() {
        if is_half_written(&name) {
            let _next_time = folder.remove_file(Path::new(&name));
        }
    }
}
