//! The way to standard error, whole lines at a time and around the progress bars.
//!
//! Bars are redrawn in place; whoever writes between two drawings without telling them leaves torn
//! lines. So everything that may speak while a run is on goes through an [`ErrorStream`]: events,
//! warnings, failures and tracing. A standard error that nobody reads any more stops nothing.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::MultiProgress;

/// Standard error, shared by all who write to it.
#[derive(Clone)]
pub struct ErrorStream {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    out: Box<dyn Write + Send>,
    bars: Option<MultiProgress>,
}

impl ErrorStream {
    /// Standard error without bars, until a run puts some there.
    pub fn of_process() -> Self {
        Self::to(io::stderr())
    }

    /// Somewhere else, for tests.
    pub fn to(out: impl Write + Send + 'static) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                out: Box::new(out),
                bars: None,
            })),
        }
    }

    /// Writes one line. Nobody can be told if that fails.
    pub fn line(&self, text: &str) {
        let _nobody_to_tell = self.write_around(format!("{text}\n").as_bytes());
    }

    /// From here on these bars are taken away before each line and drawn again after it.
    pub(crate) fn attach(&self, bars: MultiProgress) {
        self.lock().bars = Some(bars);
    }

    /// There are no bars any more.
    pub(crate) fn detach(&self) {
        drop(self.lock().bars.take());
    }

    fn write_around(&self, bytes: &[u8]) -> io::Result<()> {
        let inner = &mut *self.lock();
        let out = &mut inner.out;
        let mut write = || out.write_all(bytes).and_then(|()| out.flush());
        match &inner.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.lock().out.flush()
    }
}
