//! Whether somebody holds a file: by a lock, by having it open, or by the process number in it.
//!
//! As far as it can be seen: descriptors of other users' processes cannot be. When in doubt it is held.

use std::fs;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::process::table;

/// The most bytes of a file in which a process number is looked for.
const MOST: u64 = 64;

/// Who holds a file, in a few words; nobody can take its `flock` while it is open here.
pub(super) fn holder(file: &File) -> Option<String> {
    // Any other refusal is that of a file system without such locks.
    let locked = rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive);
    if locked == Err(Errno::WOULDBLOCK) {
        return Some("a process has locked it".to_owned());
    }
    let own = file.metadata().ok()?;
    let (device, number) = (own.dev(), own.ino());
    if let Some(pid) = locked_by(device, number) {
        return Some(format!("process {pid} has locked it"));
    }
    if let Some(pid) = opened_by(device, number) {
        return Some(format!("process {pid} has it open"));
    }
    let pid = named_in(file)?;
    table::entry(pid).map(|_| format!("process {pid}, which it names, is alive"))
}

/// The process that has a lock on a file, as the kernel lists it.
fn locked_by(device: u64, number: u64) -> Option<String> {
    let own = std::process::id().to_string();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    locks
        .lines()
        .filter_map(|line| lock(line, device, number))
        .find(|pid| *pid != own)
}

/// The process of a line such as `1: POSIX  ADVISORY  WRITE 708 fe:01:19 0 EOF` that is about this file.
fn lock(line: &str, device: u64, number: u64) -> Option<String> {
    let mut fields = line.split_ascii_whitespace();
    let at = fields
        .clone()
        .position(|field| is_file(field, device, number))?;
    fields.nth(at.checked_sub(1)?).map(str::to_owned)
}

/// Whether `major:minor:number` is this file. Some file systems list another device than the one that
/// their files show; there the number alone must do.
fn is_file(field: &str, device: u64, number: u64) -> bool {
    let mut parts = field.split(':');
    let (Some(major), Some(minor), Some(inode), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let hex = |text| u32::from_str_radix(text, 16).ok();
    let is_device =
        hex(major) == Some(libc::major(device)) && hex(minor) == Some(libc::minor(device));
    let is_anonymous = hex(major) == Some(0) || libc::major(device) == 0;
    inode.parse() == Ok(number) && (is_device || is_anonymous)
}

/// A process that has a file open.
fn opened_by(device: u64, number: u64) -> Option<i32> {
    let own = i32::try_from(std::process::id()).ok();
    table::pids()
        .unwrap_or_default()
        .into_iter()
        .filter(|pid| Some(*pid) != own)
        .find(|pid| {
            let descriptors = fs::read_dir(format!("/proc/{pid}/fd"));
            descriptors.into_iter().flatten().flatten().any(|entry| {
                // By way of the descriptor, whatever became of the name.
                fs::metadata(entry.path())
                    .is_ok_and(|data| data.dev() == device && data.ino() == number)
            })
        })
}

/// The process number that stands in a file, as in a lock or pid file.
fn named_in(file: &File) -> Option<i32> {
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text).ok()?;
    text.split_ascii_whitespace()
        .next()?
        .parse()
        .ok()
        .filter(|pid| *pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_of_the_kernels_list_is_found_by_device_and_number() {
        let line = "1: POSIX  ADVISORY  WRITE 708 fe:01:19 0 EOF";
        let device = libc::makedev(0xfe, 1);
        assert_eq!(lock(line, device, 19).as_deref(), Some("708"));
        assert_eq!(lock(line, device, 20), None);
        assert_eq!(lock(line, libc::makedev(8, 1), 19), None);
        let waiting = "1: -> FLOCK  ADVISORY  WRITE 709 fe:01:19 0 EOF";
        assert_eq!(lock(waiting, device, 19).as_deref(), Some("709"));
        assert_eq!(lock("", device, 19), None);
        assert_eq!(lock("fe:01:19", device, 19), None);
    }
}
