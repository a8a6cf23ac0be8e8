//! The standard input that a command inherits, and whether another attempt can have it too.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::process::Stdio;

use rustix::fs::FileType;
use rustix::fs::SeekFrom;

/// Our standard input.
#[derive(Debug)]
pub(super) struct Input {
    kind: Kind,
    stdin: io::Stdin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It has a beginning to which one can go back.
    File,
    /// A pipe or socket: what was read is gone.
    Stream,
    /// A terminal or a device: what comes next is as good.
    Endless,
}

/// What was there before an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// A file, read up to here.
    At(u64),
    /// A stream in which so many bytes wait; whether it cannot take more, and whether nobody writes.
    Waiting {
        bytes: u64,
        is_full: bool,
        is_closed: bool,
    },
    /// Nothing that could change.
    Nothing,
}

impl Input {
    /// Standard input as it is.
    pub(super) fn of_process() -> Self {
        let stdin = io::stdin();
        let mode = rustix::fs::fstat(&stdin).map(|stat| FileType::from_raw_mode(stat.st_mode));
        let kind = match mode {
            Ok(FileType::RegularFile) => Kind::File,
            Ok(FileType::Fifo | FileType::Socket) => Kind::Stream,
            _ => Kind::Endless,
        };
        Self { kind, stdin }
    }

    /// What the command gets: ours, or nothing where ours is a terminal that others are using. The
    /// command is in a session of its own, so the terminal would not keep it from reading.
    pub(super) fn for_command(&self) -> Stdio {
        match rustix::termios::tcgetpgrp(&self.stdin) {
            Ok(foreground) if foreground != rustix::process::getpgrp() => Stdio::null(),
            Ok(_) | Err(_) => Stdio::inherit(),
        }
    }

    /// Looks at it before an attempt.
    pub(super) fn look(&self) -> Before {
        match self.kind {
            Kind::File => rustix::fs::tell(&self.stdin).map_or(Before::Nothing, Before::At),
            Kind::Stream => waiting(self.stdin.as_fd()),
            Kind::Endless => Before::Nothing,
        }
    }

    /// Whether an attempt may have read what a further one would need.
    ///
    /// Nobody tells how much was read of a pipe. As much as before means that it was left alone,
    /// unless a writer keeps it full.
    pub(super) fn is_spent(&self, before: &Before) -> bool {
        match before {
            Before::At(_) | Before::Nothing => false,
            Before::Waiting { is_full, .. } => *is_full || self.look() != *before,
        }
    }

    /// Goes back to where a file stood before.
    pub(super) fn rewind(&self, before: &Before) {
        if let Before::At(offset) = before {
            // A file that refuses was not moved either.
            let _refused = rustix::fs::seek(&self.stdin, SeekFrom::Start(*offset));
        }
    }
}

fn waiting(stream: BorrowedFd<'_>) -> Before {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut fds = [PollFd::from_borrowed_fd(stream, PollFlags::IN)];
    // Without an answer it counts as open, before as after.
    let _polled = poll(&mut fds, Some(&at_once));
    let is_closed = fds.iter().any(|fd| fd.revents().contains(PollFlags::HUP));
    let bytes = rustix::io::ioctl_fionread(stream).unwrap_or_default();
    let capacity = rustix::pipe::fcntl_getpipe_size(stream)
        .ok()
        .and_then(|size| u64::try_from(size).ok());
    Before::Waiting {
        bytes,
        is_full: capacity.is_some_and(|capacity| bytes >= capacity),
        is_closed,
    }
}
