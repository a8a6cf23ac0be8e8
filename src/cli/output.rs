//! Where answers and messages go: standard output and standard error, and what happens when
//! nobody reads them any more.
//!
//! A reader that leaves (`autoexec queue list | head`) ends the output and nothing else: the
//! command goes on quietly and its exit code says what it always says. A standard output that
//! cannot take the answer for another reason (a full disk) is told and changes the exit code.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

use crate::cli::failure::{CliError, Ending};
use crate::support::paint::Paint;
use crate::support::visible_json;
use crate::ui::printer::ErrorStream;

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verbosity {
    /// Failures only.
    Quiet,
    /// Failures, warnings and notes.
    #[default]
    Normal,
}

/// The two streams of the process.
pub struct Output {
    out: Box<dyn Write>,
    err: ErrorStream,
    json_failures: bool,
    verbosity: Verbosity,
    paint: Paint,
    error_paint: Paint,
    broken: Option<io::Error>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("json_failures", &self.json_failures)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

impl Output {
    /// The process's own streams.
    pub fn of_process(json_failures: bool) -> Self {
        Self {
            out: Box::new(io::BufWriter::new(io::stdout())),
            err: ErrorStream::of_process(),
            json_failures,
            verbosity: Verbosity::default(),
            paint: Paint::PLAIN,
            error_paint: Paint::PLAIN,
            broken: None,
        }
    }

    /// Says less from here on.
    pub fn set_verbosity(&mut self, verbosity: Verbosity) {
        self.verbosity = verbosity;
    }

    /// Colours for standard output and standard error from here on.
    pub fn set_paints(&mut self, (out, err): (Paint, Paint)) {
        self.paint = out;
        self.error_paint = err;
    }

    /// The colours of the answer.
    pub fn paint(&self) -> Paint {
        self.paint
    }

    /// The colours of messages.
    pub fn error_paint(&self) -> Paint {
        self.error_paint
    }

    /// Standard error, for those who speak while a run is shown.
    pub fn error_stream(&self) -> ErrorStream {
        self.err.clone()
    }

    /// How much is said on standard error.
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Writes text of the answer as it is.
    pub fn text(&mut self, text: &str) {
        self.attempt(|out| out.write_all(text.as_bytes()));
    }

    /// Writes bytes of the answer as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.attempt(|out| out.write_all(bytes));
    }

    /// Writes one line of the answer.
    pub fn line(&mut self, line: &str) {
        self.attempt(|out| writeln!(out, "{line}"));
    }

    /// Writes the answer as one JSON object on one line.
    pub fn json(&mut self, value: &impl Serialize) {
        self.attempt(|out| {
            visible_json::write(&mut *out, value)?;
            out.write_all(b"\n")
        });
    }

    /// Hands on what was written so far, for an answer that comes over time.
    pub fn flush(&mut self) {
        self.attempt(Write::flush);
    }

    /// Whether the reader has left or the stream failed, so that further answers are in vain.
    pub fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Tells something beside the answer; not with `--quiet`.
    pub fn note(&mut self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.message(text);
        }
    }

    /// Tells something that may need attention; not with `--quiet`.
    pub fn warning(&mut self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            let word = self.error_paint.warn("warning:");
            self.message(&format!("{word} {text}"));
        }
    }

    /// Shows a failure, for a person and, if it was asked for, for a script.
    pub fn failure(&mut self, failure: &CliError) {
        if self.json_failures {
            self.json(&failure.as_json());
        }
        self.message(&failure.as_text(self.error_paint));
    }

    /// Writes a line to standard error.
    pub fn message(&mut self, text: &str) {
        // What was asked for comes first where both streams are one terminal.
        self.attempt(Write::flush);
        self.err.line(text);
    }

    /// Hands on the last of the answer; the ending changes if that was impossible.
    pub fn finish(&mut self, ending: Ending) -> Ending {
        self.attempt(Write::flush);
        match self.broken.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let failure = CliError::new(
                    Ending::NeedsPerson,
                    "output_failed",
                    "cannot write the answer to standard output",
                )
                .because(error);
                self.json_failures = false;
                self.message(&failure.as_text(self.error_paint));
                if ending == Ending::Well {
                    failure.ending()
                } else {
                    ending
                }
            }
            _ => ending,
        }
    }

    fn attempt(&mut self, write: impl FnOnce(&mut (dyn Write + 'static)) -> io::Result<()>) {
        if self.broken.is_none()
            && let Err(error) = write(&mut *self.out)
        {
            self.broken = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn output_to(out: Failing) -> Output {
        Output {
            out: Box::new(out),
            err: ErrorStream::to(io::sink()),
            json_failures: false,
            verbosity: Verbosity::Normal,
            paint: Paint::PLAIN,
            error_paint: Paint::PLAIN,
            broken: None,
        }
    }

    #[test]
    fn a_reader_that_left_changes_nothing_about_the_ending() {
        let mut output = output_to(Failing(io::ErrorKind::BrokenPipe));
        output.line("one");
        assert!(output.is_broken());
        assert_eq!(output.finish(Ending::NeedsPerson), Ending::NeedsPerson);

        let mut output = output_to(Failing(io::ErrorKind::BrokenPipe));
        output.line("one");
        assert_eq!(output.finish(Ending::Well), Ending::Well);
    }

    #[test]
    fn an_answer_that_could_not_be_written_is_no_success() {
        let mut output = output_to(Failing(io::ErrorKind::StorageFull));
        output.line("one");
        assert_eq!(output.finish(Ending::Well), Ending::NeedsPerson);
    }
}
