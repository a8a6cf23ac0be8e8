//! A limit for work that has none of its own.

use std::sync::mpsc;
use std::time::Duration;

use crate::notify::error::{NO_ANSWER, SendError};

/// Does something in a thread of its own, and waits for it only so long. What does not end in time is
/// left behind; it ends with the process.
pub(crate) fn within(
    limit: Duration,
    work: impl FnOnce() -> Result<(), SendError> + Send + 'static,
) -> Result<(), SendError> {
    let (done, ended) = mpsc::channel();
    let begun = std::thread::Builder::new()
        .name("send".to_owned())
        .spawn(move || {
            // Nobody may listen any more.
            let _too_late = done.send(work());
        });
    if begun.is_err() {
        return Err(SendError::target("no thread can be started for it"));
    }
    match ended.recv_timeout(limit) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(SendError::target(NO_ANSWER)),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(SendError::broken()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_does_not_end_is_left_behind() {
        let (test, until_it_ends) = mpsc::channel::<()>();
        let error = within(Duration::from_millis(10), move || {
            let _ended = until_it_ends.recv();
            Ok(())
        });
        assert_eq!(error, Err(SendError::target(NO_ANSWER)));
        drop(test);
    }

    #[test]
    fn work_that_panics_is_an_error() {
        let error = within(Duration::from_secs(30), || panic!("a bug"));
        assert!(error.unwrap_err().to_string().contains("a bug in autoexec"));
    }
}
