//! Whether the files that a run stands on are still the ones it opened.
//!
//! Somebody may remove or replace them while it runs: a clean-up job, a restored backup. What is
//! written then goes into files that nobody will find again, so the run must not go on as if all
//! were well. Nothing is opened here: closing a handle of the database would drop SQLite's locks.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::events::RunEvent;
use crate::engine::state::Halt;
use crate::model::layout::StateDir;
use crate::support::bytes::OsText;
use crate::support::clock::Timestamp;

/// Files by their identity when the run began.
#[derive(Debug, Default)]
pub(crate) struct Ground {
    files: Vec<(PathBuf, (u64, u64))>,
}

impl Ground {
    /// Takes note of the run lock, the database and its log of changes.
    ///
    /// # Errors
    /// When one of them is not there.
    pub(crate) fn of(dir: &StateDir) -> io::Result<Self> {
        let database = dir.database();
        let mut log = database.clone().into_os_string();
        log.push("-wal");
        let files = [dir.run_lock(), database, PathBuf::from(log)];
        let files: io::Result<Vec<_>> = files
            .into_iter()
            .map(|path| {
                let identity = identity(&path)?;
                Ok((path, identity))
            })
            .collect();
        Ok(Self { files: files? })
    }

    /// The first file that is gone or is another one.
    pub(crate) fn lost(&self) -> Option<&PathBuf> {
        self.files
            .iter()
            .find(|(path, known)| identity(path).ok() != Some(*known))
            .map(|(path, _)| path)
    }
}

impl Dispatcher<'_> {
    /// A run whose files were taken away must not go on as if all were well.
    pub(crate) fn look_at_the_ground(&mut self, now: Timestamp) {
        if self.state.halt == Some(Halt::Storage) {
            return;
        }
        if let Some(path) = self.ground.lost() {
            let path = OsText::from(path.as_path()).untrusted().for_terminal();
            let text = format!(
                "`{path}` was removed or replaced while the run was active; it starts nothing more"
            );
            let why = "what is written now is found by nobody";
            self.alert(&text, &why, now);
            self.watcher.watch(now, &RunEvent::Warning { text });
            self.stop_for_storage();
        }
    }
}

fn identity(path: &PathBuf) -> io::Result<(u64, u64)> {
    let metadata = std::fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_removed_or_replaced_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::at(folder.path());
        let log = folder.path().join("queue.db-wal");
        for path in [dir.run_lock(), dir.database(), log.clone()] {
            std::fs::write(path, "x").unwrap();
        }
        let ground = Ground::of(&dir).unwrap();
        assert_eq!(ground.lost(), None);
        std::fs::write(folder.path().join("other"), "x").unwrap();
        std::fs::rename(folder.path().join("other"), &log).unwrap();
        assert_eq!(ground.lost(), Some(&log));
        std::fs::remove_file(dir.run_lock()).unwrap();
        assert_eq!(ground.lost(), Some(&dir.run_lock()));
    }
}
