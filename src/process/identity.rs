//! Who a process is, whether it lives, and signals that cannot hit another.
//!
//! A pid is given to another process as soon as its owner is gone; pid and start time together
//! name a process for as long as the machine is up ([`boot_id`] tells one boot from another).

use std::fs;
use std::io;

use rustix::process::Pid;
use rustix::process::PidfdFlags;
use rustix::process::Signal as RawSignal;

use crate::model::ids::BootId;
use crate::model::ids::ProcessIdentity;
use crate::model::signal::Signal;
use crate::process::table;
use crate::support::crash;

/// The boot of the machine that we live in.
///
/// A test that plays a loss of power names another one, in a build with debug assertions.
///
/// # Errors
/// When the kernel does not tell.
pub fn boot_id() -> io::Result<BootId> {
    let text = match crash::wish("__AUTOEXEC_BOOT_ID") {
        Some(text) => text,
        None => fs::read_to_string("/proc/sys/kernel/random/boot_id")?,
    };
    BootId::parse(text.trim()).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "the kernel's boot id has not 32 hexadecimal digits",
        )
    })
}

/// The process that has this pid now, a zombie included; `None` when there is none.
pub fn identity(pid: i32) -> Option<ProcessIdentity> {
    table::entry(pid).map(|entry| entry.process)
}

/// The calling process.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn own() -> io::Result<ProcessIdentity> {
    identity(rustix::process::getpid().as_raw_nonzero().get()).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            "/proc does not show the calling process",
        )
    })
}

/// Whether exactly this process still runs; a zombie does not.
pub fn is_alive(process: ProcessIdentity) -> bool {
    table::entry(process.pid).is_some_and(|entry| entry.process == process && entry.is_alive())
}

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The process got it.
    Sent,
    /// The process was gone; nobody got it.
    Gone,
}

/// Sends a signal to exactly this process.
///
/// # Errors
/// When the process is there and may not be signalled, or the number is no signal.
pub fn signal(process: ProcessIdentity, signal: Signal) -> io::Result<Delivery> {
    let (Some(pid), Some(raw)) = (
        Pid::from_raw(process.pid),
        RawSignal::from_named_raw(signal.number()),
    ) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let sent = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => {
            // The descriptor holds on to whoever has the pid now; only then the look tells for good.
            if identity(process.pid) != Some(process) {
                return Ok(Delivery::Gone);
            }
            rustix::process::pidfd_send_signal(&pidfd, raw)
        }
        Err(rustix::io::Errno::NOSYS) => {
            if identity(process.pid) != Some(process) {
                return Ok(Delivery::Gone);
            }
            rustix::process::kill_process(pid, raw)
        }
        Err(other) => Err(other),
    };
    match sent {
        Ok(()) => Ok(Delivery::Sent),
        Err(rustix::io::Errno::SRCH) => Ok(Delivery::Gone),
        Err(error) => Err(error.into()),
    }
}

/// Lets a process go on if it is stopped; whether it was. What a debugger holds is not stopped.
pub fn let_go_on(process: ProcessIdentity) -> bool {
    let is_stopped = table::entry(process.pid)
        .is_some_and(|entry| entry.process == process && entry.state == b'T');
    is_stopped && matches!(signal(process, Signal::CONT), Ok(Delivery::Sent))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "real children are the subject")]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn we_are_alive_and_nobody_else_is_us() {
        let own = own().unwrap();
        assert!(is_alive(own));
        assert!(!is_alive(ProcessIdentity {
            start: own.start + 1,
            ..own
        }));
        assert_eq!(boot_id().unwrap(), boot_id().unwrap());
    }

    #[test]
    fn a_signal_reaches_the_process_that_is_meant_and_no_other() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let process = identity(pid).unwrap();
        let other = ProcessIdentity {
            start: process.start + 1,
            ..process
        };
        assert_eq!(signal(other, Signal::KILL).unwrap(), Delivery::Gone);
        assert!(is_alive(process));
        assert_eq!(signal(process, Signal::KILL).unwrap(), Delivery::Sent);
        child.wait().unwrap();
        assert!(!is_alive(process));
        assert_eq!(signal(process, Signal::KILL).unwrap(), Delivery::Gone);
    }

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let process = identity(pid).unwrap();
        while is_alive(process) {
            std::thread::yield_now();
        }
        assert_eq!(identity(pid), Some(process));
        child.wait().unwrap();
    }
}
