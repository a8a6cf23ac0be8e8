//! Lock files that a task's definition names.

use crate::model::spec::Command;
use crate::policy::recovery::case::Case;
use crate::policy::recovery::paths;
use crate::support::bytes::OsText;

/// What names of lock files end with.
const ENDINGS: &[&str] = &[".lock", ".lck", ".lk"];
/// Options of `flock` that have a value.
const VALUED: &[&str] = &["-w", "--wait", "--timeout", "-E", "--conflict-exit-code"];

/// The lock file that a failure is about, as the definition names it.
///
/// A file beneath the workdir that one of the `temp` patterns means is named by that pattern.
pub(super) fn declared_lock(case: &Case<'_>) -> Option<OsText> {
    let words = words(case);
    let Some(found) = case.found("path") else {
        let locks: Vec<&OsText> = locks(case, &words).collect();
        return match locks.as_slice() {
            [only] => Some((*only).clone()),
            _ => None,
        };
    };
    let wanted = paths::absolute_of_text(case, found);
    let word = words
        .iter()
        .find(|word| wanted.is_some() && paths::absolute(case, word) == wanted);
    word.cloned().or_else(|| {
        let names = paths::beneath(case, found)?;
        paths::is_temp(&case.spec().temp, &names).then(|| paths::relative(&names))
    })
}

/// Whether a file is a lock by its name.
pub(super) fn is_lock_by_name(name: &str) -> bool {
    ENDINGS.iter().any(|end| name.ends_with(end))
}

/// What is a lock by its name, or by standing behind `flock`.
fn locks<'w>(case: &Case<'_>, words: &'w [OsText]) -> impl Iterator<Item = &'w OsText> {
    let of_flock = flocked(case);
    let mut seen: Vec<&OsText> = Vec::new();
    words.iter().filter(move |word| {
        // Of `--lock=FILE` the value is a word of its own.
        let named = word.as_str().is_some_and(|text| {
            is_lock_by_name(text) && !text.contains('=') && !text.starts_with('-')
        });
        let is_lock = named || of_flock.as_ref() == Some(*word);
        let is_new = is_lock && !seen.contains(word);
        if is_new {
            seen.push(word);
        }
        is_new
    })
}

/// The file that the failed step's `flock` locks.
fn flocked(case: &Case<'_>) -> Option<OsText> {
    let argv = argv(&case.step()?.command);
    let mut words = argv.iter().skip_while(|word| {
        word.as_str()
            .is_none_or(|word| word.rsplit('/').next() != Some("flock"))
    });
    words.next()?;
    let mut is_value = false;
    words
        .find(|word| {
            let text = word.as_str().unwrap_or_default();
            let skipped = std::mem::take(&mut is_value) || text.starts_with('-');
            is_value = VALUED.contains(&text);
            !skipped
        })
        .cloned()
}

/// Every word of the failed step and of the task's variables.
fn words(case: &Case<'_>) -> Vec<OsText> {
    let mut words = case
        .step()
        .map(|step| argv(&step.command))
        .unwrap_or_default();
    words.extend(case.variables().into_values());
    // `--lock=FILE` names a file too.
    let values: Vec<OsText> = words
        .iter()
        .filter_map(|word| Some(OsText::from(word.as_str()?.split_once('=')?.1)))
        .collect();
    words.extend(values);
    words.retain(|word| !word.is_empty());
    words
}

fn argv(command: &Command) -> Vec<OsText> {
    match command {
        Command::Direct(argv) => argv.clone(),
        Command::Shell { script, .. } => script
            .as_str()
            .unwrap_or_default()
            .split(|one: char| one.is_whitespace() || "\"';|&<>()".contains(one))
            .filter(|word| !word.is_empty() && !word.contains('$'))
            .map(OsText::from)
            .collect(),
    }
}
