//! Signals by number and name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A signal of the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signal(i32);

const NAMES: &[(i32, &str)] = &[
    (libc::SIGHUP, "HUP"),
    (libc::SIGINT, "INT"),
    (libc::SIGQUIT, "QUIT"),
    (libc::SIGILL, "ILL"),
    (libc::SIGTRAP, "TRAP"),
    (libc::SIGABRT, "ABRT"),
    (libc::SIGBUS, "BUS"),
    (libc::SIGFPE, "FPE"),
    (libc::SIGKILL, "KILL"),
    (libc::SIGUSR1, "USR1"),
    (libc::SIGSEGV, "SEGV"),
    (libc::SIGUSR2, "USR2"),
    (libc::SIGPIPE, "PIPE"),
    (libc::SIGALRM, "ALRM"),
    (libc::SIGTERM, "TERM"),
    (libc::SIGCHLD, "CHLD"),
    (libc::SIGCONT, "CONT"),
    (libc::SIGSTOP, "STOP"),
    (libc::SIGTSTP, "TSTP"),
    (libc::SIGTTIN, "TTIN"),
    (libc::SIGTTOU, "TTOU"),
    (libc::SIGURG, "URG"),
    (libc::SIGXCPU, "XCPU"),
    (libc::SIGXFSZ, "XFSZ"),
    (libc::SIGVTALRM, "VTALRM"),
    (libc::SIGPROF, "PROF"),
    (libc::SIGWINCH, "WINCH"),
    (libc::SIGIO, "IO"),
    (libc::SIGSYS, "SYS"),
];

impl Signal {
    /// The terminal was closed.
    pub const HUP: Self = Self(libc::SIGHUP);
    /// The gentle request to end.
    pub const TERM: Self = Self(libc::SIGTERM);
    /// What Ctrl-C sends.
    pub const INT: Self = Self(libc::SIGINT);
    /// What a supervisor takes as the order to kill its attempt.
    pub const QUIT: Self = Self(libc::SIGQUIT);
    /// What Ctrl-Z sends.
    pub const TSTP: Self = Self(libc::SIGTSTP);
    /// What a write to a pipe without a reader brings.
    pub const PIPE: Self = Self(libc::SIGPIPE);
    /// A file grew beyond its limit.
    pub const XFSZ: Self = Self(libc::SIGXFSZ);
    /// The end that cannot be refused.
    pub const KILL: Self = Self(libc::SIGKILL);
    /// Stops a process where it is, which cannot be refused.
    pub const STOP: Self = Self(libc::SIGSTOP);
    /// Lets go on what is stopped.
    pub const CONT: Self = Self(libc::SIGCONT);

    /// Wraps a signal number as the kernel reports it.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Reads `TERM`, `SIGTERM`, `term` or a number from 1 to 64.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse::<i32>() {
            return (1..=64).contains(&number).then_some(Self(number));
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(number, _)| Self(*number))
    }

    /// Every name that [`Signal::parse`] knows, without `SIG`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, name)| *name)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => write!(f, "SIG{name}"),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_read_in_every_usual_spelling() {
        for text in ["TERM", "SIGTERM", "sigterm", "15"] {
            assert_eq!(Signal::parse(text), Some(Signal::TERM), "{text}");
        }
        assert_eq!(Signal::parse("0"), None);
        assert_eq!(Signal::parse("TREM"), None);
        assert_eq!(Signal::new(34).to_string(), "signal 34");
    }
}
