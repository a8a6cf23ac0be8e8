//! A walk through a folder to the files that patterns mean.
//!
//! From handle to handle: a link is never followed, another file system never entered, and whoever
//! exchanges a folder for a link meanwhile finds the walk in the folder that it had opened.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::FileType;
use rustix::fs::Stat;

use crate::process::checkpoint::folder::Folder;
use crate::process::remedy::RemedyError;
use crate::support::bytes::OsText;
use crate::support::wildcard::Wildcard;

/// The deepest folder that is entered.
const DEEPEST: usize = 64;
/// The most entries that are looked at.
const MOST_ENTRIES: u64 = 1_000_000;

/// Which files are meant, and where nobody goes.
#[derive(Debug)]
pub(super) struct Walk {
    patterns: Vec<Wildcard>,
    /// Folders that are never entered, as device and number.
    protected: BTreeSet<(u64, u64)>,
    /// The file system on which it stays.
    device: u64,
    looked_at: u64,
}

/// A file that is meant.
pub(super) struct Meant<'a> {
    /// The folder that it is in.
    pub(super) folder: &'a Folder,
    /// Its name there.
    pub(super) name: &'a OsStr,
    /// What it is.
    pub(super) stat: &'a Stat,
}

impl Walk {
    /// A walk that begins in `root`.
    pub(super) fn new(
        root: &Folder,
        workdir: &Path,
        patterns: &[String],
        protected: &[OsText],
    ) -> Result<Self, RemedyError> {
        let patterns = patterns.iter().map(|pattern| {
            Wildcard::parse(pattern).map_err(|source| RemedyError::Pattern {
                pattern: pattern.clone(),
                source,
            })
        });
        let patterns = patterns.collect::<Result<_, _>>()?;
        refuse_within(workdir, protected)?;
        let own = root
            .stat()
            .map_err(RemedyError::system("look at", workdir))?;
        let protected = protected
            .iter()
            .filter_map(|path| rustix::fs::stat(path.as_path()).ok())
            .map(|stat| place(&stat))
            .collect();
        Ok(Self {
            patterns,
            protected,
            device: own.st_dev,
            looked_at: 0,
        })
    }

    /// Whether a path, by its names, is meant.
    pub(super) fn means(&self, names: &[OsString]) -> bool {
        let names: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
        self.patterns.iter().any(|pattern| pattern.matches(&names))
    }

    /// Calls `act` for every regular file that is meant; empty folders that are meant go with what
    /// was in them if `clears`. Whatever cannot be read is passed over.
    pub(super) fn each(
        &mut self,
        root: &Folder,
        clears: bool,
        act: &mut dyn FnMut(&Meant<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.looked_at = 0;
        self.enter(root, &mut Vec::new(), clears, act)
    }

    fn enter(
        &mut self,
        folder: &Folder,
        names: &mut Vec<Vec<u8>>,
        clears: bool,
        act: &mut dyn FnMut(&Meant<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        for name in folder.names().unwrap_or_default() {
            self.looked_at += 1;
            if self.looked_at > MOST_ENTRIES {
                return Err(io::Error::other("there are more than a million files"));
            }
            let Ok(stat) = folder.look_at(Path::new(&name)) else {
                continue;
            };
            names.push(name.as_bytes().to_vec());
            let kind = FileType::from_raw_mode(stat.st_mode);
            let done = if kind == FileType::Directory {
                self.descend(folder, &name, names, clears, act)
            } else if kind == FileType::RegularFile
                && self.patterns.iter().any(|one| one.matches(names))
            {
                act(&Meant {
                    folder,
                    name: &name,
                    stat: &stat,
                })
            } else {
                Ok(())
            };
            names.pop();
            done?;
        }
        Ok(())
    }

    fn descend(
        &mut self,
        folder: &Folder,
        name: &OsStr,
        names: &mut Vec<Vec<u8>>,
        clears: bool,
        act: &mut dyn FnMut(&Meant<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let may_match = self.patterns.iter().any(|one| one.may_match_below(names));
        if !may_match || names.len() > DEEPEST {
            return Ok(());
        }
        let Ok(inner) = folder.inner(Path::new(name)) else {
            return Ok(());
        };
        let Ok(stat) = inner.stat() else {
            return Ok(());
        };
        if stat.st_dev != self.device || self.protected.contains(&place(&stat)) {
            return Ok(());
        }
        self.enter(&inner, names, clears, act)?;
        let (_, above) = names.split_last().unwrap_or((const { &Vec::new() }, &[]));
        if clears && self.patterns.iter().any(|one| one.means_contents_of(above)) {
            // One that is not empty stays, with what is in it.
            let _stays = folder.remove_empty(Path::new(name));
        }
        Ok(())
    }
}

/// A task that stands in the state directory itself would delete what is not its own.
fn refuse_within(workdir: &Path, protected: &[OsText]) -> Result<(), RemedyError> {
    let real = std::fs::canonicalize(workdir).map_err(RemedyError::system("find", workdir))?;
    let is_within = protected.iter().any(|path| {
        std::fs::canonicalize(path.as_path()).is_ok_and(|protected| real.starts_with(protected))
    });
    if is_within {
        return Err(RemedyError::refused(
            workdir,
            "lies in the state directory, where nothing is deleted",
        ));
    }
    Ok(())
}

/// What tells one folder from another.
pub(super) fn place(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}
