//! Directories that are opened for what they are: no link is followed on the way into them.
//!
//! A task may put anything into its checkpoint directory, a link to somebody else's files included.
//! Whoever removes or writes below it goes from handle to handle, so that it stays inside.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::Access;
use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::Dir;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Stat;
use rustix::io::Errno;

use crate::process::checkpoint::spare::make_private;

/// A directory that is open.
#[derive(Debug)]
pub(in crate::process) struct Folder {
    handle: File,
    path: PathBuf,
}

impl Folder {
    /// Opens the directory of `checkpoints/` that belongs to a task.
    pub(in crate::process) fn of_task(checkpoint: &Path) -> io::Result<Self> {
        match (checkpoint.parent(), checkpoint.file_name()) {
            (Some(all), Some(own)) if !all.as_os_str().is_empty() => {
                Self::open(all)?.inner(Path::new(own))
            }
            _ => Self::open(checkpoint),
        }
    }

    /// The same; it is made if it is missing.
    pub(in crate::process) fn of_task_or_new(checkpoint: &Path) -> io::Result<Self> {
        match Self::of_task(checkpoint) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                unless_there(make_private(checkpoint))?;
                Self::of_task(checkpoint)
            }
            opened => opened,
        }
    }

    /// Opens a directory whose last name is not that of a link.
    pub(in crate::process) fn open(path: &Path) -> io::Result<Self> {
        Self::open_at(CWD, path, path.to_owned())
    }

    /// Opens a directory that a person named: links on the way to it are theirs.
    pub(in crate::process) fn open_declared(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        Ok(Self {
            handle: handle.into(),
            path: path.to_owned(),
        })
    }

    /// Opens a directory of this one.
    pub(in crate::process) fn inner(&self, name: &Path) -> io::Result<Self> {
        Self::open_at(&self.handle, name, self.path.join(name))
    }

    /// The same; it is made, for this user alone, if it is missing.
    pub(in crate::process) fn inner_or_new(&self, name: &Path) -> io::Result<Self> {
        unless_there(rustix::fs::mkdirat(&self.handle, name, Mode::RWXU).map_err(io::Error::from))?;
        self.inner(name)
    }

    /// Makes a directory in this one as any program would; one that is there stays.
    pub(in crate::process) fn make_inner(&self, name: &Path) -> io::Result<()> {
        let all = Mode::RWXU | Mode::RWXG | Mode::RWXO;
        unless_there(rustix::fs::mkdirat(&self.handle, name, all).map_err(io::Error::from))
    }

    fn open_at(at: impl std::os::fd::AsFd, name: &Path, path: PathBuf) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(at, name, flags, Mode::empty()) {
            Ok(handle) => Ok(Self {
                handle: handle.into(),
                path,
            }),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(io::Error::new(
                io::ErrorKind::NotADirectory,
                format!(
                    "`{}` is a link or no directory, and links are not followed here; remove it",
                    path.display()
                ),
            )),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Opens a file of this directory that is no link.
    pub(in crate::process) fn file(&self, name: &Path, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(rustix::fs::openat(&self.handle, name, flags, mode)?.into())
    }

    /// Gives a file of this directory another name in it.
    pub(in crate::process) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Moves something of this directory into another.
    pub(in crate::process) fn move_into(
        &self,
        name: &Path,
        other: &Self,
        to: &Path,
    ) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, name, &other.handle, to)?)
    }

    /// Removes a file, or a link itself.
    pub(in crate::process) fn remove_file(&self, name: &Path) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    /// Removes an empty directory.
    pub(in crate::process) fn remove_empty(&self, name: &Path) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(
            &self.handle,
            name,
            AtFlags::REMOVEDIR,
        )?)
    }

    /// Removes a directory with all that is in it; of links only themselves.
    pub(in crate::process) fn remove_all(&self, name: &Path) -> io::Result<()> {
        // By way of the handle, so that nobody can put another directory in this one's place.
        let own = PathBuf::from(format!("/proc/self/fd/{}", self.handle.as_raw_fd()));
        std::fs::remove_dir_all(own.join(name))
    }

    /// What something of this directory is, not what it leads to.
    pub(in crate::process) fn look_at(&self, name: &Path) -> io::Result<Stat> {
        Ok(rustix::fs::statat(
            &self.handle,
            name,
            AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }

    /// What the directory itself is.
    pub(in crate::process) fn stat(&self) -> io::Result<Stat> {
        Ok(rustix::fs::fstat(&self.handle)?)
    }

    /// Whether files can be made in it.
    pub(in crate::process) fn is_writable(&self) -> bool {
        let wanted = Access::WRITE_OK | Access::EXEC_OK;
        let own = Path::new(".");
        rustix::fs::accessat(&self.handle, own, wanted, AtFlags::EACCESS).is_ok()
    }

    /// Bytes that are free for this user on its file system.
    pub(in crate::process) fn free_bytes(&self) -> u64 {
        rustix::fs::fstatvfs(&self.handle).map_or(0, |found| found.f_bavail * found.f_frsize)
    }

    /// The names in it.
    pub(in crate::process) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let name = entry?.file_name().to_bytes().to_owned();
            if !matches!(name.as_slice(), b"." | b"..") {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// Its names survive a loss of power when this returns.
    pub(in crate::process) fn sync(&self) -> io::Result<()> {
        self.handle.sync_all()
    }
}

fn unless_there(made: io::Result<()>) -> io::Result<()> {
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
