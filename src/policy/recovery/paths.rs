//! Paths that were found in output, compared with what a task declares.
//!
//! Only by their letters: whoever carries a plan out resolves them without following links. A path of the
//! output is a name to look up in what is declared; the one thing that it may name by itself is an empty
//! directory strictly beneath the workdir.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use crate::policy::recovery::case::Case;
use crate::support::bytes::OsText;
use crate::support::wildcard::Wildcard;

/// The most bytes of a path that is believed.
const LONGEST: usize = 1024;
/// The most folders that a path is believed to lead through.
const DEEPEST: usize = 16;
/// The most bytes of a name in a path.
const LONGEST_NAME: usize = 200;

/// The names from the workdir on of a path that lies strictly beneath it; `None` for any other, and for
/// names that a command could take for something else than a name.
pub(super) fn beneath(case: &Case<'_>, text: &str) -> Option<Vec<String>> {
    if text.is_empty() || text.len() > LONGEST || text.starts_with(['~', '-']) {
        return None;
    }
    let workdir = plain(case.spec().workdir.as_path())?;
    let base = match case.step().and_then(|step| step.workdir.as_ref()) {
        Some(own) => plain(own.as_path())?,
        None => workdir.clone(),
    };
    let path = Path::new(text);
    let whole = if path.is_absolute() {
        plain(path)?
    } else {
        base.join(without_dots(path)?)
    };
    let names: Vec<String> = whole
        .strip_prefix(&workdir)
        .ok()?
        .iter()
        .map(|name| name.to_str().map(str::to_owned))
        .collect::<Option<_>>()?;
    let is_sound =
        !names.is_empty() && names.len() <= DEEPEST && names.iter().all(|name| is_name(name));
    is_sound.then_some(names)
}

/// An absolute path without `.`; `None` if it leads upwards or is relative.
fn plain(path: &Path) -> Option<PathBuf> {
    path.is_absolute().then_some(())?;
    Some(Path::new("/").join(without_dots(path.strip_prefix("/").ok()?)?))
}

/// A relative path without `.`; `None` if it leads upwards.
fn without_dots(path: &Path) -> Option<PathBuf> {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| match part {
            Component::Normal(name) => Some(name),
            Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::ParentDir => None,
        })
        .collect()
}

/// Whether a name is one that no command would take for an option, a pattern or an end of a line.
fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && !name.starts_with('-')
        && !name.ends_with(' ')
        && !name.starts_with(' ')
        && name
            .chars()
            .all(|one| one.is_alphanumeric() || "._-+@=, ".contains(one))
}

/// Whether one of the task's `temp` patterns means this file beneath the workdir.
pub(super) fn is_temp(patterns: &[String], names: &[String]) -> bool {
    patterns
        .iter()
        .filter_map(|pattern| Wildcard::parse(pattern).ok())
        .any(|pattern| pattern.matches(names))
}

/// Names as a path relative to the workdir.
pub(super) fn relative(names: &[String]) -> OsText {
    OsText::from(names.join("/"))
}

/// A path of the definition as an absolute one, by its letters.
pub(super) fn absolute(case: &Case<'_>, path: &OsText) -> Option<PathBuf> {
    let path = path.as_path();
    let whole = if path.is_absolute() {
        path.to_owned()
    } else {
        case.spec().workdir.as_path().join(path)
    };
    plain(&whole)
}

/// The same for a path of the output, which is only compared.
pub(super) fn absolute_of_text(case: &Case<'_>, text: &str) -> Option<PathBuf> {
    let base = case
        .step()
        .and_then(|step| step.workdir.as_ref())
        .unwrap_or(&case.spec().workdir);
    let path = Path::new(OsStr::from_bytes(text.as_bytes()));
    plain(&base.as_path().join(path))
}
