//! The way to standard error, whole lines at a time and around the progress bars.
//!
//! Bars are redrawn in place; whoever writes between two drawings without telling them leaves torn
//! lines. So everything that may speak while a run is on goes through an [`ErrorStream`]: events,
//! warnings, failures and tracing. A standard error that nobody reads any more stops nothing.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::MultiProgress;

/// Standard error, shared by all who write to it.
#[derive(Clone, Default)]
pub struct ErrorStream {
    bars: Arc<Mutex<Option<MultiProgress>>>,
}

impl ErrorStream {
    /// Standard error without bars, until a run puts some there.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes one line. Nobody can be told if that fails.
    pub fn line(&self, text: &str) {
        let _nobody_to_tell = self.write_around(format!("{text}\n").as_bytes());
    }

    /// From here on these bars are taken away before each line and drawn again after it.
    pub(crate) fn attach(&self, bars: MultiProgress) {
        *self.bars.lock().unwrap_or_else(PoisonError::into_inner) = Some(bars);
    }

    /// There are no bars any more.
    pub(crate) fn detach(&self) {
        let bars = self
            .bars
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(bars);
    }

    fn write_around(&self, bytes: &[u8]) -> io::Result<()> {
        let bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let write = || io::stderr().lock().write_all(bytes);
        match &*bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }
}

impl fmt::Debug for ErrorStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorStream").finish_non_exhaustive()
    }
}

impl Write for ErrorStream {
    /// Takes all bytes at once; a writer that hands over whole lines never tears one.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_around(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
