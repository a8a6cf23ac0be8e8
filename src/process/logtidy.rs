//! Removing files of output that are kept no longer; which ones is `policy::retention`.
//!
//! A file belongs to a run (`<run>-<slot>.seg`) or to an attempt (`<attempt>.log`); anything else below
//! `logs/` is not ours to remove.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::ids::{AttemptId, RunId};

/// Whose output a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Small outputs of one slot of a run.
    Run(RunId),
    /// The large output of an attempt.
    Attempt(AttemptId),
}

/// A file of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputOf {
    /// Whose.
    pub owner: Owner,
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written, in milliseconds since the epoch; 0 where nobody can tell.
    pub written_at: i64,
}

/// The files of output below `logs`, those that were written first at the beginning.
///
/// # Errors
/// When the directory cannot be read.
pub fn files(logs: &Path) -> io::Result<Vec<OutputOf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(logs)? {
        let entry = entry?;
        let Some(owner) = entry.file_name().to_str().and_then(owner_of) else {
            continue;
        };
        // Of the entry itself, never of what a link points to.
        let Ok(about) = entry.metadata() else {
            continue;
        };
        if about.is_file() {
            found.push(OutputOf {
                owner,
                path: entry.path(),
                bytes: about.len(),
                written_at: written_at(&about),
            });
        }
    }
    found.sort_by(|one, other| {
        (one.written_at, one.owner, &one.path).cmp(&(other.written_at, other.owner, &other.path))
    });
    Ok(found)
}

/// Removes files; gives how many are gone and how many bytes they held. One that cannot be removed
/// is left for the next time.
pub fn remove(files: &[OutputOf]) -> (u64, u64) {
    files
        .iter()
        .filter(|file| fs::remove_file(&file.path).is_ok())
        .fold((0, 0), |(count, bytes), file| {
            (count + 1, bytes + file.bytes)
        })
}

fn owner_of(name: &str) -> Option<Owner> {
    if let Some(stem) = name.strip_suffix(".seg") {
        let (run, slot) = stem.split_once('-')?;
        slot.parse::<usize>().ok()?;
        return run.parse().ok().map(RunId::new).map(Owner::Run);
    }
    let attempt = name.strip_suffix(".log")?.parse().ok()?;
    Some(Owner::Attempt(AttemptId::new(attempt)))
}

fn written_at(about: &fs::Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    about
        .mtime()
        .saturating_mul(1000)
        .saturating_add(about.mtime_nsec() / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_output_are_found_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [
            "7-1.seg",
            "12.log",
            "notes.txt",
            "x-1.seg",
            "errors.log",
            "7-.seg",
        ] {
            fs::write(at(name), "12345").unwrap();
        }
        fs::create_dir(at("9.log")).unwrap();
        std::os::unix::fs::symlink(at("notes.txt"), at("10.log")).unwrap();
        let found = files(folder.path()).unwrap();
        let mut owners: Vec<Owner> = found.iter().map(|file| file.owner).collect();
        owners.sort();
        assert_eq!(
            owners,
            [
                Owner::Run(RunId::new(7)),
                Owner::Attempt(AttemptId::new(12))
            ]
        );
        assert_eq!(remove(&found), (2, 10));
        assert!(files(folder.path()).unwrap().is_empty());
        assert!(at("notes.txt").exists() && at("errors.log").exists());
    }
}
