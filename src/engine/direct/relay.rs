//! Output of a command on its way to one of our own standard streams: unchanged but for its secrets, in
//! order, and no faster than it is read.
//!
//! INVARIANT: nothing is read from the command while something is still to be written, so a slow
//! reader slows the command down and never us; and nothing here waits, because signals and the
//! supervisor must be heard meanwhile.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::policy::classify::TAIL;
use crate::policy::redact::Redactor;
use crate::policy::redact::Stream;

/// Bytes read from the command in one go.
const BUFFER: usize = 128 * 1024;
/// A pipe or terminal that can be written to takes so many bytes without waiting.
const ATOMIC: usize = 4096;
/// A read of so many bytes found the command's pipe full.
const BUSY: usize = 64 * 1024;
/// What the command's pipe is enlarged to once it proves to be busy.
const LARGE_PIPE: usize = 256 * 1024;

/// One stream.
#[derive(Debug)]
pub(super) struct Relay {
    /// The command's end; closed for good when nobody reads ours.
    source: Option<File>,
    target: OwnedFd,
    /// The most bytes that are written in one go.
    most: usize,
    /// Whether our stream is a file, which always takes everything.
    is_file: bool,
    /// Whether the command's pipe was enlarged.
    is_large: bool,
    buffer: Vec<u8>,
    filled: usize,
    written: usize,
    /// The end of what the present attempt wrote, a little more than is judged.
    tail: Vec<u8>,
    /// Whether what was written ends within a line.
    in_line: bool,
    failed: Option<io::Error>,
    /// What is hidden, for a command that has secrets.
    hiding: Option<(Rc<Redactor>, Stream)>,
}

impl Relay {
    /// From the command's pipe, where it has one, to a stream of ours.
    ///
    /// # Errors
    /// When the stream cannot be had twice.
    pub(super) fn new(source: Option<OwnedFd>, target: BorrowedFd<'_>) -> io::Result<Self> {
        let kind = rustix::fs::fstat(target).map(|stat| FileType::from_raw_mode(stat.st_mode));
        let unwaiting = (kind == Ok(FileType::Fifo))
            .then(|| open_again(target))
            .flatten();
        let is_file = kind == Ok(FileType::RegularFile);
        Ok(Self {
            source: source.map(File::from),
            most: if is_file || unwaiting.is_some() {
                BUFFER
            } else {
                ATOMIC
            },
            target: match unwaiting {
                Some(target) => target,
                None => target.try_clone_to_owned()?,
            },
            is_file,
            is_large: false,
            buffer: vec![0; BUFFER],
            filled: 0,
            written: 0,
            tail: Vec::new(),
            in_line: false,
            failed: None,
            hiding: None,
        })
    }

    /// Hides what this finds.
    pub(super) fn hide(&mut self, redactor: &Rc<Redactor>) {
        self.hiding = Some((Rc::clone(redactor), Stream::default()));
    }

    /// Nothing more comes of the attempt: what was held back because a secret could have begun with it
    /// is to be written; whether there is any.
    pub(super) fn release(&mut self) -> bool {
        let Some((redactor, stream)) = &mut self.hiding else {
            return false;
        };
        if self.written < self.filled || !stream.holds() || self.failed.is_some() {
            return false;
        }
        let rest = stream.finish(redactor);
        self.take(&rest);
        self.is_pending()
    }

    /// What to read from next.
    pub(super) fn source(&self) -> Option<BorrowedFd<'_>> {
        let source = self.source.as_ref()?;
        (!self.is_pending()).then(|| source.as_fd())
    }

    /// What to write to next.
    pub(super) fn target(&self) -> Option<BorrowedFd<'_>> {
        self.is_pending().then(|| self.target.as_fd())
    }

    /// Whether something is still to be written.
    pub(super) fn is_pending(&self) -> bool {
        self.written < self.filled
    }

    /// Whether nobody reads our stream, or it cannot be written.
    pub(super) fn is_cut_off(&self) -> bool {
        self.failed.is_some()
    }

    /// Why our stream cannot be written, unless its reader has just left.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        let failed = self.failed.take();
        failed.filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
    }

    /// The end of what the present attempt wrote.
    pub(super) fn tail(&self) -> &[u8] {
        let from = self.tail.len().saturating_sub(TAIL);
        self.tail.get(from..).unwrap_or_default()
    }

    /// Another attempt begins.
    pub(super) fn begin(&mut self) {
        self.tail.clear();
    }

    /// Whether what is written besides would begin within a line of the command's; it ends that line.
    pub(super) fn breaks_line(&mut self) -> bool {
        std::mem::take(&mut self.in_line)
    }

    /// Whether our stream is a file, which always takes everything.
    pub(super) fn is_file(&self) -> bool {
        self.is_file
    }

    /// Reads once from the command, which has something.
    pub(super) fn read(&mut self) {
        let Some(source) = &mut self.source else {
            return;
        };
        match source.read(&mut self.buffer) {
            Ok(count @ 1..) => {
                if count >= BUSY && !self.is_large {
                    self.is_large = true;
                    // Only faster; where it is not allowed the pipe stays as it is.
                    let _best_effort = rustix::pipe::fcntl_setpipe_size(&*source, LARGE_PIPE);
                }
                match &mut self.hiding {
                    None => {
                        (self.filled, self.written) = (count, 0);
                        self.keep();
                    }
                    Some((redactor, stream)) => {
                        let read = self.buffer.get(..count).unwrap_or_default();
                        let shown = stream.push(redactor, read).into_owned();
                        self.take(&shown);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => {
                self.source = None;
                self.release();
            }
        }
    }

    /// Takes what is to be written.
    fn take(&mut self, bytes: &[u8]) {
        if self.buffer.len() < bytes.len() {
            self.buffer.resize(bytes.len(), 0);
        }
        if let Some(place) = self.buffer.get_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
        }
        (self.filled, self.written) = (bytes.len(), 0);
        self.keep();
    }

    /// Keeps what was read for the judgement, as far as it can matter.
    fn keep(&mut self) {
        let read = self.buffer.get(..self.filled).unwrap_or_default();
        self.in_line = read.last().map_or(self.in_line, |last| *last != b'\n');
        self.tail.extend_from_slice(read);
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
    }

    /// Writes once to our stream, which takes something.
    pub(super) fn write(&mut self) {
        let end = self.filled.min(self.written.saturating_add(self.most));
        let Some(piece) = self.buffer.get(self.written..end) else {
            return;
        };
        match rustix::io::write(&self.target, piece) {
            Ok(count) => self.written += count,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => {
                // With its reader gone the command gets the signal that it would have had without us.
                self.source = None;
                (self.filled, self.written) = (0, 0);
                self.failed = Some(error.into());
            }
        }
    }
}

/// The same pipe by a descriptor of our own that never waits. To switch the one that we were given would
/// switch it for all who have it.
fn open_again(pipe: BorrowedFd<'_>) -> Option<OwnedFd> {
    let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    rustix::fs::open(path, flags, Mode::empty()).ok()
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
