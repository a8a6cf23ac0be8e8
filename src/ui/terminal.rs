//! The terminal that progress bars are drawn on, which may be gone from one moment to the next.
//!
//! The library of the bars takes a drawing that fails for a fault of the program and panics. A window
//! that is closed or a line that breaks is none: from then on nothing is drawn.

use std::fmt::Debug;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;
use indicatif::TermLike;

/// A terminal whose loss is no failure.
#[derive(Debug)]
pub(crate) struct LosableTerminal<T> {
    inner: T,
    is_lost: AtomicBool,
}

impl LosableTerminal<Term> {
    /// Standard error, written to in whole drawings.
    pub(crate) fn standard_error() -> Self {
        Self::of(Term::buffered_stderr())
    }
}

impl<T: TermLike> LosableTerminal<T> {
    pub(crate) const fn of(inner: T) -> Self {
        Self {
            inner,
            is_lost: AtomicBool::new(false),
        }
    }

    /// Draws, unless it is lost: what it keeps for the next drawing would only grow.
    #[expect(clippy::unnecessary_wraps, reason = "what the library wants to hear")]
    fn try_to(&self, draw: impl FnOnce(&T) -> io::Result<()>) -> io::Result<()> {
        if !self.is_lost.load(Ordering::Relaxed) && draw(&self.inner).is_err() {
            self.is_lost.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl<T: TermLike> TermLike for LosableTerminal<T> {
    fn width(&self) -> u16 {
        self.inner.width()
    }

    fn height(&self) -> u16 {
        self.inner.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.try_to(|terminal| terminal.move_cursor_up(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.try_to(|terminal| terminal.move_cursor_down(n))
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.try_to(|terminal| terminal.move_cursor_right(n))
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.try_to(|terminal| terminal.move_cursor_left(n))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.try_to(|terminal| terminal.write_line(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.try_to(|terminal| terminal.write_str(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.try_to(TermLike::clear_line)
    }

    fn flush(&self) -> io::Result<()> {
        self.try_to(TermLike::flush)
    }
}
