//! Space that is kept back, so that the end can be recorded when the disk is full.
//!
//! A full disk refuses even the row that says "the disk is full". The ballast is larger than the
//! database's log may grow plus some pages, and it is really allocated: a hole would keep nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use crate::host::disk;
use crate::model::layout::StateDir;

/// Bytes that are kept back.
pub const SIZE: u64 = 16 * 1024 * 1024;
/// Below this much free space the ballast would itself fill the disk.
const LEAST_FREE: u64 = 4 * SIZE;

/// Whether the space is kept back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ballast {
    /// It is.
    Kept,
    /// The disk has too little space for it.
    DiskTooFull {
        /// Bytes that are free.
        free: u64,
    },
}

/// Allocates the ballast, if it is not there and the disk has the space.
///
/// # Errors
/// When the file cannot be written for another reason than a full disk.
pub fn keep(dir: &StateDir) -> io::Result<Ballast> {
    let path = dir.ballast();
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() && metadata.len() >= SIZE => return Ok(Ballast::Kept),
        // A smaller one is what a process left that died while it made it.
        Ok(_) => fs::remove_file(&path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let free = disk::free(dir.root())?;
    if free < LEAST_FREE {
        return Ok(Ballast::DiskTooFull { free });
    }
    match allocate(&path) {
        Ok(()) => Ok(Ballast::Kept),
        // Another process makes it at this moment.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Ballast::Kept),
        Err(error) => {
            fs::remove_file(&path)?;
            if error.kind() == io::ErrorKind::StorageFull {
                return Ok(Ballast::DiskTooFull { free });
            }
            Err(error)
        }
    }
}

/// Gives the space back; whether there was any.
///
/// # Errors
/// When the file cannot be removed.
pub fn release(dir: &StateDir) -> io::Result<bool> {
    match fs::remove_file(dir.ballast()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn allocate(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, SIZE) {
        Ok(()) => Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => fill(file),
        Err(error) => Err(error.into()),
    }
}

/// For file systems that cannot allocate without writing.
fn fill(mut file: File) -> io::Result<()> {
    static BLOCK: [u8; 64 * 1024] = [0x5a; 64 * 1024];
    let mut written = 0;
    while written < SIZE {
        file.write_all(&BLOCK)?;
        written += 64 * 1024;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn the_space_is_really_allocated_and_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::at(folder.path());
        assert_eq!(keep(&dir).unwrap(), Ballast::Kept);
        assert!(dir.ballast().metadata().unwrap().blocks() * 512 >= SIZE);
        assert!(release(&dir).unwrap());
        assert!(!release(&dir).unwrap());
        // Half a ballast is made whole.
        fs::write(dir.ballast(), "x").unwrap();
        assert_eq!(keep(&dir).unwrap(), Ballast::Kept);
        assert!(dir.ballast().metadata().unwrap().blocks() * 512 >= SIZE);
    }

    #[test]
    fn a_file_system_that_cannot_allocate_is_filled_by_writing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fill(file.reopen().unwrap()).unwrap();
        assert_eq!(file.as_file().metadata().unwrap().len(), SIZE);
    }
}
