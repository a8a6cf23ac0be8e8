//! What may stand in a list of what a task needs.
//!
//! The list is the user's own, and yet everything in it that would fetch or run something else than a
//! named package is refused: it may have been written by a program.

use std::path::Path;

use sha2::Digest as _;
use sha2::Sha256;

use crate::process::remedy::RemedyError;
use crate::support::bytes::OsText;
use crate::support::bytes::to_hex;

/// The most bytes of a list.
const MOST: u64 = 4 * 1024 * 1024;
/// The most files that a list of requirements consists of.
const MOST_FILES: usize = 16;
/// The options that a line of `requirements.txt` may have.
const OPTIONS: [&str; 14] = [
    "-c",
    "--constraint",
    "-r",
    "--requirement",
    "-i",
    "--index-url",
    "--extra-index-url",
    "--no-index",
    "-f",
    "--find-links",
    "--only-binary",
    "--prefer-binary",
    "--require-hashes",
    "--trusted-host",
];

/// A hash of all that was looked at.
#[derive(Debug, Default)]
pub(super) struct Sum(Sha256);

impl Sum {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes.len().to_le_bytes());
        self.0.update(bytes);
    }

    pub(super) fn hash(self) -> String {
        to_hex(&self.0.finalize())
    }
}

/// Reads a list that is a regular file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, RemedyError> {
    let data = std::fs::metadata(path).map_err(RemedyError::system("read the list", path))?;
    if !data.is_file() {
        return Err(RemedyError::refused(path, "is no regular file"));
    }
    if data.len() > MOST {
        return Err(RemedyError::refused(path, "is larger than a list can be"));
    }
    std::fs::read(path).map_err(RemedyError::system("read the list", path))
}

/// What a list of requirements says.
#[derive(Debug, Default)]
pub(super) struct Requirements {
    /// How many packages it names.
    pub(super) count: usize,
    /// Whether it has hashes.
    pub(super) has_hashes: bool,
}

/// Looks through `requirements.txt` and all files that it takes in.
pub(super) fn requirements(path: &Path, sum: &mut Sum) -> Result<Requirements, RemedyError> {
    let mut found = Requirements::default();
    let mut files = vec![path.to_owned()];
    let mut at = 0;
    while let Some(path) = files.get(at).cloned() {
        at += 1;
        let text = read(&path)?;
        sum.add(&text);
        let Ok(text) = String::from_utf8(text) else {
            return Err(RemedyError::refused(path, "is no text"));
        };
        for (number, line) in logical_lines(&text) {
            let refused = |why| Err(not_a_line(&path, number, why));
            match judge(&line) {
                Line::Nothing => {}
                Line::Package { hashed } => {
                    found.count += 1;
                    found.has_hashes |= hashed;
                }
                Line::Takes(other) => {
                    let folder = path.parent().unwrap_or(Path::new("/"));
                    let other = folder.join(other);
                    if !files.contains(&other) {
                        files.push(other);
                    }
                    if files.len() > MOST_FILES {
                        return refused("takes in more than 16 files");
                    }
                }
                Line::Refused(why) => return refused(why),
            }
        }
    }
    Ok(found)
}

fn not_a_line(path: &Path, number: usize, why: &str) -> RemedyError {
    let shown = OsText::from(path).untrusted().for_terminal();
    RemedyError::InVain(format!("line {number} of `{shown}` {why}"))
}

enum Line {
    Nothing,
    Package { hashed: bool },
    Takes(String),
    Refused(&'static str),
}

/// Lines with their numbers; a backslash at the end goes on in the next one.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match lines.last_mut() {
            Some((_, whole)) if goes_on => {
                whole.push(' ');
                whole.push_str(part);
            }
            _ => lines.push((index + 1, part.to_owned())),
        }
        goes_on = more;
    }
    lines
}

fn judge(line: &str) -> Line {
    let line = line.split_once(" #").map_or(line, |(line, _)| line).trim();
    if line.is_empty() || line.starts_with('#') {
        return Line::Nothing;
    }
    if line.chars().any(|c| c.is_control() && c != '\t') {
        return Line::Refused("holds a control character");
    }
    if line.starts_with('-') {
        return option(line);
    }
    let (package, marker) = line.split_once(';').unwrap_or((line, ""));
    let hashed = line.contains("--hash");
    let options = package
        .split_ascii_whitespace()
        .chain(marker.split_ascii_whitespace());
    let mut options = options.filter(|word| word.starts_with('-'));
    if !options.all(|word| word.starts_with("--hash")) {
        return Line::Refused("has an option that is not allowed for a package");
    }
    let named = package.split("--hash").next().unwrap_or_default();
    if named.contains(['@', '/', '\\', ':']) || !begins_with_a_name(named) {
        return Line::Refused("names no package; addresses, paths and repositories are refused");
    }
    Line::Package { hashed }
}

fn option(line: &str) -> Line {
    let mut words = line.split(|c: char| c.is_ascii_whitespace() || c == '=');
    let name = words.next().unwrap_or_default();
    if !OPTIONS.contains(&name) {
        return Line::Refused("has an option that is not allowed");
    }
    if matches!(name, "-r" | "--requirement" | "-c" | "--constraint") {
        let value = words.find(|word| !word.is_empty()).unwrap_or_default();
        if value.is_empty() || value.contains("://") {
            return Line::Refused("takes in something that is no file");
        }
        return Line::Takes(value.to_owned());
    }
    Line::Nothing
}

/// Whether a name that is pinned to one version, such as `requests==2.32.3`, is nothing else.
pub(super) fn is_pinned_python(entry: &str) -> bool {
    let Some((name, version)) = entry.split_once("==") else {
        return false;
    };
    let (name, extras) = match name.split_once('[') {
        Some((name, extras)) => (name, extras.strip_suffix(']')),
        None => (name, Some("")),
    };
    let is_extra = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ',');
    is_name(name)
        && extras.is_some_and(|extras| extras.chars().all(is_extra))
        && is_version(version)
}

/// The same of Node, such as `left-pad@1.3.0` or `@scope/name@1.0.0`.
pub(super) fn is_pinned_node(entry: &str) -> bool {
    let (scope, rest) = match entry.strip_prefix('@') {
        Some(rest) => match rest.split_once('/') {
            Some((scope, rest)) => (Some(scope), rest),
            None => return false,
        },
        None => (None, entry),
    };
    let Some((name, version)) = rest.split_once('@') else {
        return false;
    };
    scope.is_none_or(is_name)
        && is_name(name)
        && is_version(version)
        && version.starts_with(|c: char| c.is_ascii_digit())
        && version.split('.').count() >= 3
}

fn begins_with_a_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_name(text: &str) -> bool {
    begins_with_a_name(text)
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn is_version(text: &str) -> bool {
    begins_with_a_name(text)
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '!'))
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
