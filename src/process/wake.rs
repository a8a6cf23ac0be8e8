//! The FIFO `run.wake`: how a command tells a running engine that there is something new.
//!
//! A byte means "look"; bytes that nobody has read yet melt into one. It is a shortcut only: the
//! engine also looks by itself from time to time.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::CWD;
use rustix::fs::Mode;

/// The engine's end.
#[derive(Debug)]
pub struct Listener {
    fifo: File,
}

/// Makes the FIFO if it is not there.
///
/// # Errors
/// When it cannot be made, or something else has its name.
pub fn create(path: &Path) -> io::Result<()> {
    match rustix::fs::mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::EXIST) => {
            if std::fs::symlink_metadata(path)?.file_type().is_fifo() {
                Ok(())
            } else {
                Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "there is a file of that name which is no FIFO",
                ))
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// What became of a wake-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// Somebody listens.
    Yes,
    /// Nobody does.
    NobodyListens,
}

/// Wakes the engine that listens; never waits.
///
/// # Errors
/// When the FIFO cannot be written to for another reason than that nobody listens.
pub fn wake(path: &Path) -> io::Result<Woken> {
    let opened = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
        .open(path);
    let mut fifo = match opened {
        Ok(fifo) => fifo,
        Err(error)
            if error.raw_os_error() == Some(libc::ENXIO)
                || error.kind() == io::ErrorKind::NotFound =>
        {
            return Ok(Woken::NobodyListens);
        }
        Err(error) => return Err(error),
    };
    if !fifo.metadata()?.file_type().is_fifo() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no FIFO"));
    }
    match fifo.write(b"!") {
        Ok(_) => Ok(Woken::Yes),
        // Full: the listener has more than enough reason to look.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Woken::Yes),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Woken::NobodyListens),
        Err(error) => Err(error),
    }
}

impl Listener {
    /// Opens the FIFO for listening; its descriptor becomes readable at each wake-up.
    ///
    /// # Errors
    /// When it cannot be opened or is no FIFO.
    pub fn open(path: &Path) -> io::Result<Self> {
        // Open for writing too, or the FIFO would be at its end whenever no command has it open.
        let fifo = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
            .open(path)?;
        if !fifo.metadata()?.file_type().is_fifo() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no FIFO"));
        }
        Ok(Self { fifo })
    }
}

impl From<Listener> for OwnedFd {
    fn from(listener: Listener) -> Self {
        Self::from(listener.fifo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    /// Takes away all wake-ups so far; whether there were any.
    fn drain(listener: &Listener) -> bool {
        let mut buffer = [0; 512];
        let mut woken = false;
        while (&listener.fifo)
            .read(&mut buffer)
            .is_ok_and(|length| length > 0)
        {
            woken = true;
        }
        woken
    }

    #[test]
    fn a_listener_is_woken_and_a_missing_one_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.wake");
        assert_eq!(wake(&path).unwrap(), Woken::NobodyListens);
        create(&path).unwrap();
        create(&path).unwrap();
        assert_eq!(wake(&path).unwrap(), Woken::NobodyListens);
        let listener = Listener::open(&path).unwrap();
        assert!(!drain(&listener));
        assert_eq!(wake(&path).unwrap(), Woken::Yes);
        assert_eq!(wake(&path).unwrap(), Woken::Yes);
        assert!(drain(&listener));
        assert!(!drain(&listener));
        drop(listener);
        assert_eq!(wake(&path).unwrap(), Woken::NobodyListens);
    }

    #[test]
    fn a_full_fifo_does_not_make_a_command_wait() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.wake");
        create(&path).unwrap();
        let listener = Listener::open(&path).unwrap();
        let fill = vec![b'!'; 1 << 20];
        assert!((&listener.fifo).write(&fill).unwrap() < fill.len());
        assert_eq!(wake(&path).unwrap(), Woken::Yes);
    }

    #[test]
    fn a_file_in_the_place_of_the_fifo_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.wake");
        std::fs::write(&path, "precious").unwrap();
        assert!(create(&path).is_err());
        assert!(wake(&path).is_err());
        assert!(Listener::open(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }
}
