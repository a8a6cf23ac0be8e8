//! The spare directory of a slot, which becomes that of a task and, if it stays empty, comes back.
//!
//! INVARIANT: a directory is taken back only when nothing of the attempt runs any more, and it is
//! lent again only if it is empty and ours alone: what one task saved never reaches another.

use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::Dir;

use crate::process::checkpoint::trace::Trace;
use crate::process::checkpoint::values;

/// What the names of spare directories begin with; the name of the slot file follows.
pub const PREFIX: &str = ".spare-";

/// The spare directory of a slot.
#[derive(Debug)]
pub struct Spare {
    path: PathBuf,
    /// It is there, and empty.
    is_there: bool,
}

/// The checkpoint directory of a task while an attempt runs.
#[derive(Debug)]
pub struct Lent {
    path: PathBuf,
    /// What the task had saved before; nothing where the directory was the spare one.
    before: Option<Trace>,
}

impl Lent {
    /// Whether the task had saved something before.
    pub fn had_saved(&self) -> bool {
        self.before.is_some()
    }

    /// Whether the task saved something, while somebody may still write.
    pub fn is_changed(&self) -> bool {
        match &self.before {
            Some(before) => before.differs_from(&self.path),
            None => open_folder(&self.path)
                .is_ok_and(|folder| !Dir::new(folder).is_ok_and(|mut it| is_pristine(&mut it))),
        }
    }
}

impl Spare {
    /// The spare directory of a slot; it is made when it is needed.
    pub fn of_slot(checkpoints: &Path, slot_file_name: &str) -> Self {
        Self {
            path: checkpoints.join(format!("{PREFIX}{slot_file_name}")),
            is_there: false,
        }
    }

    /// Makes sure that the checkpoint directory of a task is there.
    ///
    /// # Errors
    /// When it cannot be made, or something else has its name.
    pub fn lend(&mut self, to: &Path) -> io::Result<Lent> {
        if !self.is_there {
            match make_private(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => self.is_there = true,
            }
        }
        // CRASH: an empty directory with the task's name is left, which its next attempt uses.
        let before = match std::fs::rename(&self.path, to) {
            Ok(()) => {
                self.is_there = false;
                None
            }
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                // Nothing of the task runs now.
                values::remove_half_written(to);
                Some(Trace::of(to))
            }
            Err(error) => {
                // The spare one may be gone; it is made again the next time.
                self.is_there = false;
                return Err(error);
            }
        };
        Ok(Lent {
            path: to.to_owned(),
            before,
        })
    }

    /// The attempt is over and nothing of it runs: whether it saved something. An empty directory
    /// comes back.
    pub fn take_back(&mut self, lent: &Lent) -> bool {
        if let Some(before) = &lent.before {
            return before.differs_from(&lent.path);
        }
        let Ok(folder) = open_folder(&lent.path) else {
            // Removed, or closed to us: either way the task has touched it.
            return lent.path.exists();
        };
        let Ok(mut entries) = Dir::new(folder) else {
            return true;
        };
        if !is_pristine(&mut entries) {
            return true;
        }
        if self.is_there || std::fs::rename(&lent.path, &self.path).is_err() {
            return false;
        }
        // A person may have saved something for the task in the same moment.
        entries.rewind();
        if is_pristine(&mut entries) {
            self.is_there = true;
            return false;
        }
        let _stays_under_the_other_name = std::fs::rename(&self.path, &lent.path);
        true
    }

    /// The slot ends.
    pub fn remove(&mut self) {
        if std::mem::take(&mut self.is_there) {
            let _left_for_the_next_run = std::fs::remove_dir(&self.path);
        }
    }
}

/// Makes a directory for this user alone.
///
/// # Errors
/// When it cannot be made, or is there already.
pub fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

fn open_folder(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
        .open(path)
}

/// Whether a directory is as it was made: empty, and open to this user alone. Every attempt pays for
/// it, so the handle itself is read, and not a second one.
fn is_pristine(entries: &mut Dir) -> bool {
    let is_private = entries
        .stat()
        .is_ok_and(|data| data.st_mode & 0o7777 == 0o700);
    let is_none = |name: &[u8]| matches!(name, b"." | b"..");
    is_private
        && entries.all(|entry| entry.is_ok_and(|entry| is_none(entry.file_name().to_bytes())))
}
