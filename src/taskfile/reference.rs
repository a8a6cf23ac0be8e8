//! The reference of all keys as Markdown, made from the table of keys.
//!
//! `docs/task-files.md` holds it between two marks; a test keeps it up to date.

use std::fmt::Write as _;

use crate::taskfile::keys::Key;
use crate::taskfile::keys::Kind;
use crate::taskfile::keys::Scope;
use crate::taskfile::keys::Since;
use crate::taskfile::table::KEYS;

/// The sections of the reference.
const SECTIONS: [Scope; 10] = [
    Scope::File,
    Scope::Task,
    Scope::Retry,
    Scope::RetryOn,
    Scope::Limits,
    Scope::Success,
    Scope::Step,
    Scope::Recover,
    Scope::Dependencies,
    Scope::Pattern,
];

/// Every key that works, table by table, and then the keys that do not work yet.
pub fn reference() -> String {
    let mut text = String::new();
    for scope in SECTIONS {
        section(&mut text, scope);
    }
    text.push_str("### Not supported yet\n\nThese keys are refused by name.\n\n");
    text.push_str("| key | comes with |\n|---|---|\n");
    for key in KEYS {
        let of_a_later_table = !SECTIONS.contains(&key.scope);
        if let (Since::Later(what), false) = (key.since, of_a_later_table) {
            line(&mut text, &[format!("`{}`", key.path("")), what.to_owned()]);
        }
    }
    text
}

fn section(text: &mut String, scope: Scope) {
    let title = match scope {
        Scope::File => "Tables of a file".to_owned(),
        _ => format!("`{}`", scope.header()),
    };
    // Writing into a String cannot fail.
    let _infallible = write!(
        text,
        "### {title}\n\n| key | value | default | example | option | what it is for |\n|---|---|---|---|---|---|\n"
    );
    for key in KEYS.iter().filter(|key| key.scope == scope) {
        if key.since == Since::Now {
            line(
                text,
                &[
                    format!("`{}`", key.name),
                    value(key),
                    key.default.to_owned(),
                    quoted(key.example),
                    key.flag.map(quoted).unwrap_or_default(),
                    key.help.to_owned(),
                ],
            );
        }
    }
    text.push('\n');
}

fn value(key: &Key) -> String {
    match key.kind {
        Kind::Span(least) if !least.is_zero() => {
            let least = humantime::format_duration(least);
            format!("{}, at least {least}", key.kind.wanted())
        }
        _ => key.kind.wanted(),
    }
}

fn quoted(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("`{text}`")
}

fn line(text: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _infallible = writeln!(text, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../docs/task-files.md");

    #[test]
    fn the_document_holds_the_reference_as_the_table_of_keys_has_it() {
        let (_, rest) = DOCUMENT
            .split_once("<!-- keys: made from src/taskfile/table.rs -->\n\n")
            .unwrap();
        let (held, _) = rest.split_once("\n<!-- end of keys -->").unwrap();
        let made = reference();
        assert!(
            held == made,
            "put this between the two marks of docs/task-files.md:\n\n{made}"
        );
    }
}
