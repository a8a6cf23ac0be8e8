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
use crate::taskfile::source::Excerpt;

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
        match &diagnostic.excerpt {
            Some(excerpt) => with_excerpt(&mut text, &renderer, diagnostic, excerpt),
            None => without_excerpt(&mut text, paint, diagnostic),
        }
    }
    let more = diagnostics.len().saturating_sub(SHOWN);
    if more > 0 {
        // Writing into a String cannot fail.
        let _infallible = writeln!(text, "… and {more} more");
    }
    text
}

/// In the shape of all other failures of the program.
fn without_excerpt(text: &mut String, paint: Paint, diagnostic: &Diagnostic) {
    let word = match diagnostic.severity {
        Severity::Error => paint.bad("error:"),
        Severity::Warning => paint.warn("warning:"),
    };
    let _infallible = writeln!(text, "{word} {}", diagnostic.message);
    if let Some(file) = &diagnostic.file {
        let _infallible = write!(text, "  in {}", file.untrusted().for_terminal());
        if let Some(line) = diagnostic.line {
            let _infallible = write!(text, ":{line}");
        }
        text.push('\n');
    }
    if let Some(hint) = &diagnostic.hint {
        let _infallible = writeln!(text, "  {} {hint}", paint.command("hint:"));
    }
}

fn with_excerpt(
    text: &mut String,
    renderer: &Renderer,
    diagnostic: &Diagnostic,
    excerpt: &Excerpt,
) {
    for line in renderer.render(&[group(diagnostic, excerpt)]).lines() {
        // Between the place, which we give, and the line of the file the renderer leaves room for a
        // path of its own.
        if strip_ansi_codes(line).trim() != ":::" {
            text.push_str(line);
            text.push('\n');
        }
    }
}

fn group<'d>(diagnostic: &'d Diagnostic, excerpt: &'d Excerpt) -> Group<'d> {
    let level = match diagnostic.severity {
        Severity::Error => ERROR,
        Severity::Warning => WARNING,
    };
    let file = diagnostic.file.as_ref();
    let file = file.map(|file| file.untrusted().for_terminal());
    let line = diagnostic.line.unwrap_or(1);
    let origin = Origin::path(file.unwrap_or_default())
        .line(line)
        .char_column(diagnostic.column.unwrap_or(1));
    let group = Group::with_title(level.primary_title(&diagnostic.message))
        .element(origin)
        .element(
            Snippet::source(excerpt.text.as_str())
                .line_start(line)
                .annotation(AnnotationKind::Primary.span(excerpt.underlined.clone())),
        );
    match &diagnostic.hint {
        Some(hint) => group.element(HELP.with_name("hint").message(hint)),
        None => group,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taskfile::diagnostic::about_file;

    #[test]
    fn what_has_no_line_to_show_looks_like_every_other_failure() {
        let diagnostic = about_file(
            "night\u{1b}.toml".into(),
            "the task file holds no task".to_owned(),
            Some("a task begins with `[[task]]`".to_owned()),
        );
        assert_eq!(
            render(&[diagnostic], Paint::PLAIN),
            "error: the task file holds no task\n  in night\\e.toml\n  hint: a task begins with `[[task]]`\n"
        );
    }

    #[test]
    fn an_endless_list_of_errors_is_cut_with_a_count() {
        let one = about_file("x".into(), "wrong".to_owned(), None);
        let shown = render(&vec![one; 60], Paint::PLAIN);
        assert_eq!(shown.matches("error: wrong").count(), 50);
        assert!(shown.ends_with("… and 10 more\n"));
    }
}
