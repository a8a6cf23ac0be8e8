//! Why a message could not be sent, in words that give nothing away.
//!
//! INVARIANT: no text here comes from a target, and none holds an address or a password: what a
//! target says is looked at, never repeated.

use std::io;

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The target, or the way to it: any other message would fare the same.
    Target,
    /// This message: the target does not want it.
    Message,
}

/// A message could not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct SendError {
    words: String,
    /// Whose fault it is.
    pub blame: Blame,
}

impl SendError {
    pub(crate) fn target(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            blame: Blame::Target,
        }
    }

    /// For whoever sends in a thread that broke down.
    pub fn broken() -> Self {
        Self::target("the sending broke down; a bug in autoexec")
    }

    pub(crate) fn message(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            blame: Blame::Message,
        }
    }
}

/// An error of the system in words of ours.
pub(crate) fn io_words(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "the connection is refused",
        // A socket whose time is up says that it would block.
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => NO_ANSWER,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            "there is no way to its address"
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof => "it closed the connection in the middle",
        _ => "the connection fails",
    }
}

/// Nothing came in time.
pub(crate) const NO_ANSWER: &str = "it does not answer in time";

/// What is wrong with a certificate, told from what the library says of it.
pub(crate) fn tls_words(said: &str) -> &'static str {
    let has = |word: &str| said.contains(word);
    if has("UnknownIssuer") {
        "its certificate is signed by nobody whom this machine trusts"
    } else if has("Expired") || has("expired") {
        "its certificate has expired"
    } else if has("NotValidForName") || has("not valid for name") {
        "its certificate is for another name"
    } else if has("NotValidYet") || has("not valid yet") {
        "its certificate is not valid yet; is the clock right?"
    } else {
        "no secure connection can be made"
    }
}
