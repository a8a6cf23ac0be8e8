//! What a process does with signals.
//!
//! Handlers here do next to nothing: they write a byte to a pipe, or mark the note of the run lock.
//! Dispositions are of the whole process; [`reset_all`] and [`notify_on`] are for the supervisor,
//! which owns its process, [`mark_fatal_signals`] is for the runner.

use std::io;
use std::io::PipeReader;
use std::os::fd::IntoRawFd;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering;

use crate::model::signal::Signal;
use crate::process::runlock;

/// Where the handler writes; -1 for nowhere.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// The highest signal number of Linux.
const LAST_SIGNAL: i32 = 64;

/// The faults after which the cause must be noted.
const FATAL: [i32; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
];

/// Gives every signal its default action and blocks none: an ignored one would be inherited by every
/// command.
pub fn reset_all() {
    for number in 1..=LAST_SIGNAL {
        // KILL and STOP refuse, and so do the two that the C library keeps for itself; it ignores
        // those in every child that it spawns, whatever we do.
        let _refused = set(number, libc::SIG_DFL, 0);
    }
    #[expect(unsafe_code, reason = "the signal mask has no safe interface")]
    // SAFETY: the set is initialised by sigemptyset before it is read, and nothing is written back.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Makes these signals readable: each arrival writes its number as one byte.
///
/// # Errors
/// When the pipe cannot be made or a handler not be set.
pub fn notify_on(signals: &[Signal]) -> io::Result<PipeReader> {
    let (reader, writer) = io::pipe()?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    rustix::io::ioctl_fionbio(&writer, true)?;
    // The write end lives as long as the handlers, which is as long as the process.
    PIPE.store(writer.into_raw_fd(), Ordering::SeqCst);
    for signal in signals {
        let handler = write_number as extern "C" fn(libc::c_int);
        set(
            signal.number(),
            handler as libc::sighandler_t,
            libc::SA_RESTART,
        )?;
    }
    Ok(reader)
}

/// Whether whoever started us wants this signal to be ignored, as `nohup` does with `HUP`.
pub fn is_ignored(signal: Signal) -> bool {
    #[expect(unsafe_code, reason = "there is no safe interface")]
    // SAFETY: the structure is plain data for which zeros are valid; nothing is changed, and the
    // present action is written to it alone.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let asked = libc::sigaction(signal.number(), std::ptr::null(), &raw mut action);
        asked == 0 && action.sa_sigaction == libc::SIG_IGN
    }
}

/// Dies of a signal, so that whoever waits for us sees by what we were ended. Returns only where that
/// is impossible.
pub fn die_of(signal: Signal) {
    let _still_caught = set(signal.number(), libc::SIG_DFL, 0);
    let raw = rustix::process::Signal::from_named_raw(signal.number());
    if let Some(raw) = raw {
        let _refused = rustix::process::kill_process(rustix::process::getpid(), raw);
    }
}

/// From here on Ctrl-C and a request to end do what they do to any program: there is nothing left that
/// must be brought to its end.
pub fn give_up_ending_well() {
    for signal in [Signal::INT, Signal::TERM] {
        let _still_caught = set(signal.number(), libc::SIG_DFL, 0);
    }
}

/// Catches a signal and does nothing, so that it neither kills us nor is ignored by our children.
///
/// # Errors
/// When the handler cannot be set.
pub fn catch(signal: Signal) -> io::Result<()> {
    let handler = do_nothing as extern "C" fn(libc::c_int);
    set(
        signal.number(),
        handler as libc::sighandler_t,
        libc::SA_RESTART,
    )
}

/// Marks the note of the run lock when this process dies by a fault of its own, then dies of it.
///
/// # Errors
/// When a handler cannot be set.
pub fn mark_fatal_signals() -> io::Result<()> {
    for number in FATAL {
        let handler = mark_and_die as extern "C" fn(libc::c_int);
        // On the other stack, because this one may be what is used up.
        let flags = libc::SA_ONSTACK | libc::SA_RESETHAND | libc::SA_NODEFER;
        set(number, handler as libc::sighandler_t, flags)?;
    }
    Ok(())
}

#[expect(unsafe_code, reason = "handlers have no safe interface")]
fn set(number: i32, handler: libc::sighandler_t, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: the structure is plain data for which zeros are valid; the handlers of this file make
    // only calls that are allowed in a handler.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(number, &raw const action, std::ptr::null_mut())
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

extern "C" fn do_nothing(_number: libc::c_int) {}

extern "C" fn write_number(number: libc::c_int) {
    let byte = [u8::try_from(number).unwrap_or_default()];
    #[expect(unsafe_code, reason = "a handler may only make plain system calls")]
    // SAFETY: write is allowed in a handler; errno is put back as the interrupted code left it; a full
    // pipe refuses, and then there is enough in it to wake the reader.
    unsafe {
        let errno = libc::__errno_location();
        let kept = *errno;
        libc::write(PIPE.load(Ordering::SeqCst), byte.as_ptr().cast(), 1);
        *errno = kept;
    }
}

extern "C" fn mark_and_die(number: libc::c_int) {
    runlock::mark_crashed();
    #[expect(unsafe_code, reason = "a handler may only make plain system calls")]
    // SAFETY: raise is allowed in a handler; the action is the default again (SA_RESETHAND).
    unsafe {
        libc::raise(number);
    }
}

/// Closes what was inherited besides standard input, output and error when it is next executed, so that
/// no command holds a descriptor of whoever started the runner.
pub fn close_inherited_on_exec() {
    #[expect(unsafe_code, reason = "there is no safe interface")]
    // SAFETY: only the close-on-exec flag of descriptors changes; kernels without the call refuse it.
    let _older_kernel = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3_u32,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
}
