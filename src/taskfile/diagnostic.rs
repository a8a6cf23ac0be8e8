//! What is wrong with a task, and where: collected, so that all of it is told at once.
//!
//! Showing it to a person is `taskfile::render`.

use std::ops::Range;

use serde::Serialize;

use crate::support::bytes::OsText;
use crate::taskfile::source::Excerpt;
use crate::taskfile::source::Source;

/// The most errors, and the most warnings, that are noted of one source: nobody reads more.
const MOST: usize = 1_000;

/// Whether something is wrong or only doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing can be added.
    Error,
    /// It works, but perhaps not as meant.
    Warning,
}

/// Something wrong or doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether it is wrong or only doubtful.
    pub severity: Severity,
    /// What it is; one line, fit for a terminal.
    pub message: String,
    /// What to do about it; one line, fit for a terminal.
    pub hint: Option<String>,
    /// The file, as it was given; `None` for the command line.
    pub file: Option<OsText>,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The column in characters, counted from 1.
    pub column: Option<usize>,
    /// The line itself.
    #[serde(skip)]
    pub(crate) excerpt: Option<Excerpt>,
}

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    /// In the text of a file, in bytes.
    Text(Range<usize>),
    /// On the command line, in this option.
    Flag(&'static str),
    /// On the command line, as what is to be run.
    Arguments,
    /// In a line of a list of commands.
    Line(usize),
}

/// Collects what is wrong with one source.
#[derive(Debug)]
pub(crate) struct Reporter<'a> {
    source: Option<&'a Source>,
    file: Option<OsText>,
    pub(crate) found: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl<'a> Reporter<'a> {
    /// For a file.
    pub(crate) fn of_file(source: &'a Source) -> Self {
        Self {
            source: Some(source),
            file: Some(OsText::clone(&source.file)),
            found: Vec::new(),
            errors: 0,
            warnings: 0,
        }
    }

    /// For the command line, or for a list of commands in `file`.
    pub(crate) fn of_command_line(file: Option<OsText>) -> Self {
        Self {
            source: None,
            file,
            found: Vec::new(),
            errors: 0,
            warnings: 0,
        }
    }

    /// The text that is being read, if it is a task file.
    pub(crate) fn source(&self) -> Option<&'a Source> {
        self.source
    }

    /// Notes that nothing can be added.
    pub(crate) fn error(&mut self, at: &At, message: String, hint: Option<String>) {
        self.note(Severity::Error, at, message, hint);
    }

    /// Notes a doubt.
    pub(crate) fn warning(&mut self, at: &At, message: String, hint: Option<String>) {
        self.note(Severity::Warning, at, message, hint);
    }

    fn note(&mut self, severity: Severity, at: &At, message: String, hint: Option<String>) {
        // Counted apart, so that no number of doubts hides an error.
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count > MOST {
            return;
        }
        let mut diagnostic = Diagnostic {
            severity,
            message,
            hint,
            file: None,
            line: None,
            column: None,
            excerpt: None,
        };
        match (at, self.source) {
            (At::Text(span), Some(source)) => {
                let (line, column) = source.position(span.start);
                diagnostic.file = Some(OsText::clone(&source.file));
                diagnostic.line = Some(line);
                diagnostic.column = Some(column);
                diagnostic.excerpt = Some(source.excerpt(span));
            }
            (At::Line(number), _) => {
                diagnostic.file.clone_from(&self.file);
                diagnostic.line = Some(*number);
            }
            (At::Text(_) | At::Flag(_) | At::Arguments, _) => {}
        }
        self.found.push(diagnostic);
    }
}

/// Something wrong with a file as a whole.
pub(crate) fn about_file(file: OsText, message: String, hint: Option<String>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        message,
        hint,
        file: Some(file),
        line: None,
        column: None,
        excerpt: None,
    }
}
