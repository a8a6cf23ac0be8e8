//! Whether what a task saved has changed, by content and not by touch.
//!
//! Exit code 85 ("saved, start me again") uses up no attempt, so what counts as a change decides
//! whether a task can go on for ever without progress. A change is another set of names, another
//! size or another content; a new time stamp alone is none. Content is compared by hash where that
//! is cheap: files up to [`HASHED_FILE`], [`HASHED_IN_ALL`] together. Of larger ones a new time of
//! change counts, because somebody who writes gigabytes again has worked.
//!
//! Nothing but regular files is opened, and links are not followed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::fs::Metadata;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use sha2::Digest;
use sha2::Sha256;

use crate::process::checkpoint::values;
use crate::support::bytes::to_hex;

/// The most entries that are looked at; who keeps more is judged by the first of them.
const MOST_ENTRIES: usize = 10_000;
/// The most directories in each other.
const DEEPEST: usize = 32;
/// Files up to this size are compared by content.
const HASHED_FILE: u64 = 1024 * 1024;
/// And so much of them in all.
const HASHED_IN_ALL: u64 = 16 * 1024 * 1024;

/// What a directory held at a moment.
#[derive(Debug, PartialEq, Eq)]
pub struct Trace {
    entries: BTreeMap<PathBuf, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    kind: u32,
    length: u64,
    /// Changes with every write, and with some touches.
    stamp: (u64, i64, i64),
    content: Option<[u8; 32]>,
}

impl Trace {
    /// Looks at a directory and reads what is small in it.
    pub fn of(folder: &Path) -> Self {
        let mut entries = walk(folder);
        let mut left = HASHED_IN_ALL;
        for (name, entry) in &mut entries {
            if entry.length <= HASHED_FILE.min(left) {
                entry.content = content(&folder.join(name), entry.kind);
                left -= entry.length;
            }
        }
        Self { entries }
    }

    /// A short hash of what the directory holds, whenever it was written; `None` where something is too
    /// large to be read, or cannot be.
    pub fn fingerprint(&self) -> Option<String> {
        let mut all = Sha256::new();
        for (name, entry) in &self.entries {
            let content = match entry.kind {
                libc::S_IFDIR => [0; 32],
                _ => entry.content?,
            };
            all.update(name.as_os_str().as_bytes());
            // No name has a zero byte, and everything behind it has a fixed length.
            all.update([0]);
            all.update(entry.kind.to_be_bytes());
            all.update(content);
        }
        let all = all.finalize();
        all.get(..8).map(to_hex)
    }

    /// Whether the directory holds something else now.
    pub fn differs_from(&self, folder: &Path) -> bool {
        let now = walk(folder);
        if now.len() != self.entries.len() {
            return true;
        }
        self.entries
            .iter()
            .zip(&now)
            .any(|((name, before), (other, after))| {
                if name != other || before.kind != after.kind || before.length != after.length {
                    return true;
                }
                if before.stamp == after.stamp {
                    return false;
                }
                match before.content {
                    Some(_) => before.content != content(&folder.join(name), after.kind),
                    // A directory is its entries.
                    None => before.kind != libc::S_IFDIR && before.stamp != after.stamp,
                }
            })
    }
}

/// Every entry below a directory, unread.
fn walk(folder: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut entries = BTreeMap::new();
    // A task may have put a link in its place.
    if !folder.symlink_metadata().is_ok_and(|data| data.is_dir()) {
        return entries;
    }
    let mut open = vec![(PathBuf::new(), 0)];
    while let Some((below, depth)) = open.pop() {
        let Ok(listing) = std::fs::read_dir(folder.join(&below)) else {
            continue;
        };
        // In a fixed order, so that of too many entries the same ones are looked at.
        let mut names: Vec<OsString> = listing.flatten().map(|entry| entry.file_name()).collect();
        names.sort_unstable();
        for name in names {
            let in_values = below.as_os_str() == values::FOLDER;
            if entries.len() >= MOST_ENTRIES || (in_values && values::is_half_written(&name)) {
                continue;
            }
            let path = below.join(name);
            let Ok(data) = folder.join(&path).symlink_metadata() else {
                continue;
            };
            if data.is_dir() && depth < DEEPEST {
                open.push((path.clone(), depth + 1));
            }
            entries.insert(path, Entry::of(&data));
        }
    }
    entries
}

impl Entry {
    fn of(data: &Metadata) -> Self {
        let kind = data.mode() & libc::S_IFMT;
        Self {
            kind,
            length: if data.is_dir() { 0 } else { data.len() },
            stamp: (data.ino(), data.mtime(), data.mtime_nsec()),
            content: None,
        }
    }
}

/// The hash of what a file or a link holds; `None` for everything else and for what cannot be read.
fn content(path: &Path, kind: u32) -> Option<[u8; 32]> {
    match kind {
        libc::S_IFREG => hash(path).ok(),
        libc::S_IFLNK => {
            let target = std::fs::read_link(path).ok()?;
            Some(Sha256::digest(target.as_os_str().as_bytes()).into())
        }
        _ => None,
    }
}

fn hash(path: &Path) -> io::Result<[u8; 32]> {
    // A pipe that took the file's place must not make us wait.
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    let mut bytes = Vec::new();
    file.take(HASHED_FILE + 1).read_to_end(&mut bytes)?;
    Ok(Sha256::digest(&bytes).into())
}
