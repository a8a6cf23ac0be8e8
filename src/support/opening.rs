//! Opening files that somebody names, without waiting for them.
//!
//! Opening a named pipe waits until somebody writes to it, which may be never. Opened like this, a pipe
//! with a writer is read to its end, and one that nobody opens for writing within a moment is empty.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;

/// How long the writer of a named pipe may take to come: it is started in the same line of a shell.
const PATIENCE: Timespec = Timespec {
    tv_sec: 2,
    tv_nsec: 0,
};

/// Opens a file, pipe or device for reading.
///
/// # Errors
/// When it cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    if file.metadata()?.file_type().is_fifo() {
        let mut awaited = [PollFd::new(&file, PollFlags::IN)];
        // A writer that is there, or was, shows; whatever else ends the wait, reading tells.
        let _seen = rustix::event::poll(&mut awaited, Some(&PATIENCE));
    }
    // What is written later is waited for, as by anybody who reads a pipe.
    rustix::io::ioctl_fionbio(&file, false)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::io::Write as _;

    #[test]
    fn a_file_is_read_and_a_pipe_without_a_writer_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let (file, pipe) = (folder.path().join("file"), folder.path().join("pipe"));
        std::fs::write(&file, "text").unwrap();
        assert_eq!(io::read_to_string(open(&file).unwrap()).unwrap(), "text");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        assert_eq!(io::read_to_string(open(&pipe).unwrap()).unwrap(), "");
        // With a writer all of it comes, whoever opens it first.
        let late = std::thread::spawn({
            let pipe = pipe.clone();
            move || {
                let mut writer = OpenOptions::new().write(true).open(pipe).unwrap();
                writer.write_all(b"late").unwrap();
            }
        });
        let mut reader = open(&pipe).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        late.join().unwrap();
        assert_eq!(text, "late");
    }
}
