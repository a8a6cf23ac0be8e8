//! Whether somebody holds a lock on a file.
//!
//! Nothing is created, no link at the end of the path is followed, and nobody who wants the lock has to
//! wait for us: what the kernel tells of its locks is read; only where it does not tell, a shared lock
//! is tried for and let go at once.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// Whether somebody holds a lock on the file. Of one that is not there nobody does.
///
/// # Errors
/// When the file cannot be looked at, or is no ordinary file.
pub fn is_held(path: &Path) -> io::Result<bool> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file: OwnedFd = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let file = File::from(file);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    if let Ok(locks) = std::fs::read_to_string("/proc/locks") {
        let device = metadata.dev();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        if names(&locks, major, minor, metadata.ino()) {
            return Ok(true);
        }
    }
    // A lock of another container is not in the list.
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Whether a lock on this file is in the kernel's list of locks that are held.
fn names(locks: &str, major: u32, minor: u32, inode: u64) -> bool {
    locks.lines().any(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let is_lock = matches!(words.next(), Some("FLOCK" | "POSIX" | "OFDLCK"));
        // Kind, access and process stand before the file.
        is_lock
            && words.nth(3).is_some_and(|file| {
                let mut parts = file.split(':');
                let hex = |part: Option<&str>| u32::from_str_radix(part?, 16).ok();
                hex(parts.next()) == Some(major)
                    && hex(parts.next()) == Some(minor)
                    && parts.next().and_then(|part| part.parse().ok()) == Some(inode)
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_seen_until_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!is_held(&path).unwrap());
        assert!(!path.exists(), "looking makes nothing");
        let holder = File::create(&path).unwrap();
        assert!(!is_held(&path).unwrap());
        holder.try_lock().unwrap();
        assert!(is_held(&path).unwrap());
        holder.unlock().unwrap();
        assert!(!is_held(&path).unwrap());
    }

    #[test]
    fn a_link_is_not_followed_and_a_directory_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
        assert!(is_held(&link).is_err());
        assert!(is_held(folder.path()).is_err());
    }

    #[test]
    fn the_list_of_the_kernel_is_read() {
        let list = "1: POSIX  ADVISORY  WRITE 712 08:01:131 0 EOF\n\
                    1: -> POSIX  ADVISORY  WRITE 9 08:01:77 0 EOF\n\
                    2: LEASE  ACTIVE    READ 11 08:01:99 0 EOF\n\
                    3: FLOCK  ADVISORY  WRITE 55 fd:0a:4096 0 EOF\n";
        assert!(names(list, 8, 1, 131));
        assert!(names(list, 0xfd, 10, 4096));
        assert!(!names(list, 8, 1, 77), "whoever waits holds nothing");
        assert!(!names(list, 8, 1, 99), "a lease is no lock");
        assert!(!names(list, 8, 2, 131));
    }
}
