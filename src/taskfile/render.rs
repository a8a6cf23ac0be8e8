//! Diagnostics as a person reads them, with the line of the file and a mark under the place.
//!
//! The only module that knows the crate that draws them: its interface is still moving.

use std::fmt::Write as _;

use annotate_snippets::level::{ERROR, HELP, WARNING};
use annotate_snippets::renderer::Renderer;
use annotate_snippets::{AnnotationKind, Group, Origin, Snippet};
use console::strip_ansi_codes;

use crate::support::paint::Paint;
use crate::taskfile::diagnostic::Diagnostic;
use crate::taskfile::diagnostic::Severity;

/// The most diagnostics that are shown one by one.
const SHOWN: usize = 50;

/// Words, places and hints of all diagnostics; every line ends with a newline.
pub fn render(diagnostics: &[Diagnostic], paint: Paint) -> String {
    let renderer = if paint.is_coloured() {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(SHOWN) {
        for line in renderer.render(&[group(diagnostic)]).lines() {
            // Between the place, which we give, and the line of the file the renderer leaves room
            // for a path of its own.
            if strip_ansi_codes(line).trim() != ":::" {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    let more = diagnostics.len().saturating_sub(SHOWN);
    if more > 0 {
        // Writing into a String cannot fail.
        let _infallible = writeln!(text, "… and {more} more");
    }
    text
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity {
        Severity::Error => ERROR,
        Severity::Warning => WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&diagnostic.message));
    if let Some(file) = &diagnostic.file {
        let mut origin = Origin::path(file.untrusted().for_terminal());
        if let Some(line) = diagnostic.line {
            origin = origin.line(line);
        }
        if let Some(column) = diagnostic.column {
            origin = origin.char_column(column);
        }
        group = group.element(origin);
    }
    if let Some(excerpt) = &diagnostic.excerpt {
        group = group.element(
            Snippet::source(excerpt.text.as_str())
                .line_start(diagnostic.line.unwrap_or(1))
                .annotation(AnnotationKind::Primary.span(excerpt.underlined.clone())),
        );
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(HELP.with_name("hint").message(hint));
    }
    group
}
