//! Signals: which the program raised itself, which are limits, and which came from outside.

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::signal::Signal;
use crate::policy::classify::judged;

/// How the signal is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The kernel said so.
    Directly,
    /// A shell turned it into an exit code of 128 and the number, which a program may also
    /// have chosen by itself.
    ByTheShell,
}

/// Category, pattern, retryable, and what it says in words.
type Meaning = (Category, &'static str, Retryable, &'static str);

/// Any signal that is not in [`MEANINGS`].
const FROM_OUTSIDE: Meaning = (
    Category::Killed,
    "signal",
    Retryable::Yes,
    "it was ended from outside",
);

#[rustfmt::skip]
const MEANINGS: &[(i32, Category, &str, Retryable, &str)] = {
    use Category as C;
    use Retryable as R;
    &[
        (libc::SIGSEGV, C::Logic, "segfault", R::No, "the program touched memory that is not its own"),
        (libc::SIGBUS, C::Logic, "bus_error", R::No, "the program touched memory that is not there"),
        (libc::SIGILL, C::Logic, "illegal_instruction", R::No, "the processor does not know one of its instructions"),
        (libc::SIGFPE, C::Logic, "arithmetic", R::No, "the program divided by zero or overflowed"),
        (libc::SIGABRT, C::Logic, "assertion", R::No, "the program gave up by itself"),
        (libc::SIGSYS, C::Logic, "bad_system_call", R::No, "the program made a system call that is not allowed"),
        (libc::SIGTRAP, C::Logic, "trap", R::No, "the program stopped itself at a trap"),
        (libc::SIGXCPU, C::Resource, "limit_exceeded", R::AfterFix, "its limit of CPU time is used up"),
        (libc::SIGXFSZ, C::Resource, "limit_exceeded", R::AfterFix, "its limit of file size is reached"),
        (libc::SIGINT, C::Killed, "sigint", R::No, "somebody stopped it by hand"),
        (libc::SIGKILL, C::Killed, "sigkill", R::Yes, "it was killed from outside"),
        (libc::SIGTERM, C::Killed, "sigterm", R::Yes, "it was told from outside to end"),
        (libc::SIGHUP, C::Killed, "sighup", R::Yes, "its terminal or session went away"),
        (libc::SIGQUIT, C::Killed, "sigquit", R::Yes, "it was told from outside to quit"),
        (libc::SIGPIPE, C::Killed, "sigpipe", R::Yes, "the reader of its output went away"),
    ]
};

/// What a death by `signal` means.
pub fn judge(signal: Signal, seen: Seen) -> Classification {
    let (category, pattern, retryable, words) = MEANINGS
        .iter()
        .find(|(number, ..)| *number == signal.number())
        .map_or(FROM_OUTSIDE, |(_, category, pattern, retryable, words)| {
            (*category, *pattern, *retryable, *words)
        });
    let confidence = match seen {
        Seen::Directly => 0.9,
        Seen::ByTheShell => 0.75,
    };
    let line = match seen {
        Seen::Directly => format!("ended by {signal}: {words}"),
        Seen::ByTheShell => format!(
            "exit code {}, by which a shell reports {signal}: {words}",
            128 + signal.number()
        ),
    };
    judged(category, pattern, retryable, confidence, line)
}
