//! The state directory: made where it is missing, refused where it cannot be trusted.
//!
//! Everything in it belongs to one user. The directory itself must not be a link, must be owned by
//! the user, must not be writable by others, and must lie on a file system of this machine, because
//! locks and syncs are what the promises rest on. A link that the user made in its place is resolved
//! once, before anything is looked at or opened ([`meant`]); from then on nobody follows one.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use rustix::io::Errno;

use crate::host::alerts;
use crate::host::ballast::{self, Ballast};
use crate::host::filesystem;
use crate::model::layout::StateDir;
use crate::support::bytes::OsText;
use crate::support::text;

/// What to do on a file system that more than one machine may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SharedFileSystem {
    /// Nothing is made there.
    #[default]
    Refuse,
    /// The user says that it is good enough.
    Accept,
}

/// Why a directory cannot hold a queue.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// It is a link that leads to nothing, or one of somebody else.
    #[error(
        "the state directory `{}` is a symbolic link of another user, or one that leads nowhere; \
         name the directory itself",
        shown(path)
    )]
    Link {
        /// The directory.
        path: PathBuf,
    },
    /// It is a file or something else.
    #[error("`{}` is not a directory", shown(path))]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// It belongs to somebody else.
    #[error(
        "the state directory `{}` belongs to the user with the id {owner}, not to {user}; \
         choose another with `--state-dir`",
        shown(path)
    )]
    ForeignOwner {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        user: u32,
    },
    /// Others may write in it.
    #[error(
        "the state directory `{0}` may be written by others (mode {mode:o}); \
         type `chmod go-w {0}`",
        shown(path)
    )]
    WritableByOthers {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// We may not write in it.
    #[error(
        "the state directory `{}` cannot be written; choose another with `--state-dir`",
        shown(path)
    )]
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It lies on a file system of the network.
    #[error(
        "the state directory `{}` lies on {kind}, where locks and syncs cannot be relied on; \
         choose one on a local disk with `--state-dir`",
        shown(path)
    )]
    Shared {
        /// The directory.
        path: PathBuf,
        /// The kind of file system.
        kind: &'static str,
    },
    /// It cannot be made or looked at.
    #[error("cannot make the directory `{}`", shown(path))]
    CannotMake {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be looked at.
    #[error("cannot look at `{}`", shown(path))]
    CannotLook {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Something that is not as it should be, and does not keep the queue from working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateDirWarning {
    /// There is no space to keep back for the moment when the disk is full.
    NoBallast {
        /// Bytes that are free.
        free: u64,
    },
}

impl std::fmt::Display for StateDirWarning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoBallast { free } => write!(
                f,
                "the disk has only {} left, too little to keep {} back for the moment when it is full",
                text::size(*free),
                text::size(ballast::SIZE)
            ),
        }
    }
}

/// The directory that a user means who names `path`: where it is a link, what it leads to.
///
/// Only a link of this user, or of root, is followed: another one in its place would have a queue made
/// wherever somebody else likes. A link that is not followed, or that leads to nothing (a disk that is
/// not mounted), is given back and then refused.
pub fn meant(path: PathBuf) -> PathBuf {
    /// As many links as the system itself follows.
    const MOST: usize = 40;
    let user = rustix::process::geteuid().as_raw();
    let mut leads_to = path.clone();
    for _ in 0..MOST {
        match leads_to.symlink_metadata() {
            Ok(there) if !there.is_symlink() => {
                let is_link = leads_to != path;
                return if is_link {
                    leads_to.canonicalize().unwrap_or(path)
                } else {
                    path
                };
            }
            Ok(link) if link.uid() == user || link.uid() == 0 => {}
            Ok(_) | Err(_) => return path,
        }
        let Ok(next) = leads_to.read_link() else {
            return path;
        };
        leads_to = match leads_to.parent() {
            Some(folder) => folder.join(next),
            None => next,
        };
    }
    path
}

/// Makes the directory and what belongs into it, and refuses one that cannot be trusted.
///
/// # Errors
/// Says what is wrong with the directory and what to do; at most it was made, empty.
pub fn prepare(
    dir: &StateDir,
    shared: SharedFileSystem,
) -> Result<Vec<StateDirWarning>, StateDirError> {
    make_root(dir.root())?;
    check_root(dir.root(), shared)?;
    let cannot = |source| StateDirError::CannotMake {
        path: dir.root().to_owned(),
        source,
    };
    // CRASH: a directory whose name is not on the disk is lost with all that is synced in it. So nobody
    // makes a queue before, whoever made the directory.
    if dir.database().symlink_metadata().is_err() {
        sync_way_to(dir.root()).map_err(cannot)?;
    }
    let mut made = Made::Nothing;
    for part in [
        dir.slots(),
        dir.logs(),
        dir.checkpoints(),
        dir.said(),
        dir.evidence(),
        dir.reports(),
        dir.backups(),
    ] {
        if make_part(&part)? == Made::Something {
            made = Made::Something;
        }
    }
    if made == Made::Something {
        sync_names(dir.root()).map_err(cannot)?;
    }
    // What is in its place is told by whoever wants to write an alert; the queue works without.
    let _told_later = alerts::prepare(dir);
    match ballast::keep(dir) {
        Ok(Ballast::Kept) => Ok(Vec::new()),
        Ok(Ballast::DiskTooFull { free }) => Ok(vec![StateDirWarning::NoBallast { free }]),
        Err(source) => Err(StateDirError::NotWritable {
            path: dir.root().to_owned(),
            source,
        }),
    }
}

/// Refuses a directory that cannot be trusted; one that is not there is none of these.
///
/// # Errors
/// As [`prepare`], without making anything.
pub fn check(dir: &StateDir, shared: SharedFileSystem) -> Result<(), StateDirError> {
    match dir.root().symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => check_root(dir.root(), shared),
    }
}

fn make_root(root: &Path) -> Result<(), StateDirError> {
    if root.symlink_metadata().is_ok() {
        return Ok(());
    }
    let cannot = |source| StateDirError::CannotMake {
        path: root.to_owned(),
        source,
    };
    if let Some(above) = root.parent() {
        fs::create_dir_all(above).map_err(cannot)?;
    }
    make_private(root).map(drop).map_err(cannot)
}

/// The names that lead to a directory survive a loss of power when this returns. Which of them are new
/// nobody knows, as their maker may be dead; but folders of other users are not made by us.
fn sync_way_to(root: &Path) -> io::Result<()> {
    let user = rustix::process::geteuid().as_raw();
    for folder in root.ancestors() {
        let Some(above) = folder.parent() else { break };
        let above = Some(above).filter(|above| !above.as_os_str().is_empty());
        let above = above.unwrap_or(Path::new("."));
        sync_names(above)?;
        if above.metadata()?.uid() != user {
            break;
        }
    }
    Ok(())
}

/// Whether something new is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Nothing,
    Something,
}

/// Makes a directory for this user alone; one that is there already is left as it is.
fn make_private(path: &Path) -> io::Result<Made> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(Made::Something),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Made::Nothing),
        Err(error) => Err(error),
    }
}

/// The names in a directory survive a loss of power when this returns.
fn sync_names(folder: &Path) -> io::Result<()> {
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    match synced {
        // One may be allowed to make something in it and not to look into it, and the folder of an
        // automounter, for instance, is on no disk.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

fn check_root(root: &Path, shared: SharedFileSystem) -> Result<(), StateDirError> {
    let path = root.to_owned();
    let metadata = look(root)?;
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user {
        let owner = metadata.uid();
        return Err(StateDirError::ForeignOwner { path, owner, user });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(StateDirError::WritableByOthers { path, mode });
    }
    if let Err(source) = rustix::fs::access(root, Access::WRITE_OK | Access::EXEC_OK) {
        return Err(StateDirError::NotWritable {
            path,
            source: source.into(),
        });
    }
    if shared == SharedFileSystem::Refuse {
        match filesystem::shared_kind(root) {
            Ok(None) => {}
            Ok(Some(kind)) => return Err(StateDirError::Shared { path, kind }),
            Err(source) => return Err(StateDirError::CannotLook { path, source }),
        }
    }
    Ok(())
}

fn make_part(path: &Path) -> Result<Made, StateDirError> {
    let made = make_private(path).map_err(|source| {
        let path = path.to_owned();
        match Errno::from_io_error(&source) {
            Some(Errno::ROFS | Errno::ACCESS | Errno::PERM) => {
                StateDirError::NotWritable { path, source }
            }
            _ => StateDirError::CannotMake { path, source },
        }
    })?;
    look(path).map(|_| made)
}

/// What is at the path itself, which must be a directory and not a link to one.
fn look(path: &Path) -> Result<fs::Metadata, StateDirError> {
    let metadata = path
        .symlink_metadata()
        .map_err(|source| StateDirError::CannotLook {
            path: path.to_owned(),
            source,
        })?;
    let kind = metadata.file_type();
    if kind.is_symlink() {
        return Err(StateDirError::Link {
            path: path.to_owned(),
        });
    }
    if !kind.is_dir() {
        return Err(StateDirError::NotADirectory {
            path: path.to_owned(),
        });
    }
    Ok(metadata)
}

fn shown(path: &Path) -> String {
    OsText::from(path).untrusted().for_terminal()
}

#[cfg(test)]
#[path = "state_dir_tests.rs"]
mod tests;
