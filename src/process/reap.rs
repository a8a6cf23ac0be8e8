//! Collecting dead children with what they used.
//!
//! Only for a process that owns all its children, such as a supervisor: the runner must not wait for
//! just any child.

use std::time::Duration;

use crate::model::outcome::Exit;
use crate::model::outcome::Usage;
use crate::model::signal::Signal;

/// What a look for dead children found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaped {
    /// This child is dead and collected.
    Child {
        /// Its pid, which is free from now on.
        pid: i32,
        /// How it ended.
        exit: Exit,
        /// What it and the descendants that it waited for used.
        usage: Usage,
    },
    /// There are children and none is dead.
    AllAlive,
    /// There are no children at all: nothing is left.
    NoChildren,
}

/// Collects one dead child, if there is one; does not wait.
pub fn reap_any() -> Reaped {
    let mut status = 0;
    loop {
        #[expect(unsafe_code, reason = "no safe interface gives the usage of a child")]
        // SAFETY: both structures are plain data, live across the call and are written by it alone.
        let (pid, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            let pid = libc::wait4(-1, &raw mut status, libc::WNOHANG, &raw mut usage);
            (pid, usage)
        };
        if pid > 0 {
            return Reaped::Child {
                pid,
                exit: exit_of(status),
                usage: usage_of(&usage),
            };
        }
        if pid == 0 {
            return Reaped::AllAlive;
        }
        if std::io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return Reaped::NoChildren;
        }
    }
}

fn exit_of(status: libc::c_int) -> Exit {
    if libc::WIFSIGNALED(status) {
        Exit::Signal {
            signal: Signal::new(libc::WTERMSIG(status)),
            core: libc::WCOREDUMP(status),
        }
    } else {
        Exit::Code(libc::WEXITSTATUS(status))
    }
}

fn usage_of(usage: &libc::rusage) -> Usage {
    // A child shares our memory until it executes its program, and the kernel never forgets a peak:
    // what is not above our own peak tells nothing about the child.
    let peak = (usage.ru_maxrss > own_peak()).then_some(usage.ru_maxrss);
    Usage {
        // The kernel counts in KiB.
        max_rss_bytes: u64::try_from(peak.unwrap_or_default()).unwrap_or_default() * 1024,
        cpu_user: span(usage.ru_utime),
        cpu_system: span(usage.ru_stime),
    }
}

/// The most memory that this process itself has had resident, in KiB.
fn own_peak() -> libc::c_long {
    #[expect(unsafe_code, reason = "no safe interface gives the usage of a process")]
    // SAFETY: the structure is plain data, lives across the call and is written by it alone.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage.ru_maxrss
    }
}

fn span(time: libc::timeval) -> Duration {
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or_default());
    seconds + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or_default())
}
