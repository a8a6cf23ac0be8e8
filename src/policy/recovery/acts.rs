//! Plans by which a supervisor does something before the next attempt.
//!
//! INVARIANT: commands, patterns, lists and programs are those of the definition. A path of the output
//! is taken only where `temp` or `ensure` means it, or as an empty directory beneath the workdir.

use std::path::Path;

use crate::model::category::Category as C;
use crate::model::category::Retryable;
use crate::model::outcome::Ended;
use crate::model::outcome::StartFailureKind;
use crate::model::remedy::Action;
use crate::model::remedy::Remedy;
use crate::model::spec::Command;
use crate::policy::recovery::case::Built;
use crate::policy::recovery::case::Case;
use crate::policy::recovery::case::No;
use crate::policy::recovery::case::Plan;
use crate::policy::recovery::locks;
use crate::policy::recovery::paths;
use crate::support::bytes::OsText;

fn act(action: Action) -> Built {
    Built::new(Remedy::Act(action))
}

/// Creates the directory that an output was to be written into.
pub(super) fn create_missing_path(case: &Case<'_>) -> Plan {
    let is_for_it = case.is(C::Resource, "missing_path");
    let Some(found) = case.found("path").filter(|_| is_for_it) else {
        return Err(No::NotForThis);
    };
    if let Some(directory) = ensured(case, found) {
        let about = directory.as_path().to_string_lossy().into_owned();
        return Ok(act(Action::CreateDirectory {
            path: directory,
            declared: true,
        })
        .about(about));
    }
    if case.failure.retryable != Retryable::AfterFix {
        // An input: nothing can make it up.
        return Err(No::NotForThis);
    }
    let Some(mut names) = paths::beneath(case, found) else {
        return Err(No::Refused(
            "the path that it names is not beneath the workdir, and `ensure` does not declare it"
                .to_owned(),
        ));
    };
    if !found.ends_with('/') {
        names.pop();
    }
    if names.is_empty() {
        return Err(No::NotForThis);
    }
    let path = paths::relative(&names);
    let about = names.join("/");
    Ok(act(Action::CreateDirectory {
        path,
        declared: false,
    })
    .about(about))
}

/// The entry of `ensure` that a path is, or lies in; then the directory in it that is missing.
fn ensured(case: &Case<'_>, found: &str) -> Option<OsText> {
    let wanted = paths::absolute_of_text(case, found)?;
    let entry =
        case.spec().ensure.iter().find(|entry| {
            paths::absolute(case, entry).is_some_and(|path| wanted.starts_with(path))
        })?;
    let declared = paths::absolute(case, entry)?;
    let parent = wanted.parent()?;
    let is_deeper = wanted != declared && parent != declared;
    if !is_deeper || entry.as_path().is_absolute() {
        return Some(entry.clone());
    }
    // A folder in a declared one, beneath the workdir.
    let names = paths::beneath(case, parent.to_str()?)?;
    Some(paths::relative(&names))
}

/// Deletes what `temp` names.
pub(super) fn clean_temp(case: &Case<'_>) -> Plan {
    let patterns = case.spec().temp.clone();
    if patterns.is_empty() || case.failure.category != C::Resource {
        return Err(No::NotForThis);
    }
    let about = patterns.join(", ");
    Ok(act(Action::Clean { patterns }).about(about))
}

/// Moves what is saved aside.
pub(super) fn from_scratch(case: &Case<'_>) -> Plan {
    if !case.recovery.checkpoint {
        return Err(No::NotForThis);
    }
    Ok(act(Action::MoveCheckpointAside))
}

/// Sets the execute bit of the step's own program.
pub(super) fn make_executable(case: &Case<'_>) -> Plan {
    let Some(step) = case.step() else {
        return Err(No::NotForThis);
    };
    let program = match &step.command {
        Command::Direct(argv) => argv.first(),
        Command::Shell { .. } => None,
    };
    let text = program
        .and_then(OsText::as_str)
        .filter(|text| text.contains('/'));
    let (Some(program), Some(text)) = (program, text) else {
        return Err(No::NotForThis);
    };
    let is_it = if let Ended::CouldNotStart(failure) = &case.facts.outcome.ended {
        failure.kind == StartFailureKind::NotExecutable
    } else {
        let found = case.found("path");
        let found = found.and_then(|found| paths::absolute_of_text(case, found));
        case.is(C::Resource, "permission")
            && found.is_some()
            && found == paths::absolute_of_text(case, text)
    };
    if !is_it {
        return Err(No::NotForThis);
    }
    let Some(names) = paths::beneath(case, text) else {
        let reason = format!("its program `{text}` is not beneath the workdir");
        return Err(No::Refused(reason));
    };
    // From the folder of a step of its own the program has another name than from the workdir.
    let program = if step.workdir.is_some() {
        paths::relative(&names)
    } else {
        program.clone()
    };
    let about = names.join("/");
    Ok(act(Action::MakeExecutable { program }).about(about))
}

/// Deletes a lock file that nobody holds.
pub(super) fn remove_stale_lock(case: &Case<'_>) -> Plan {
    if !case.is(C::Resource, "busy") {
        return Err(No::NotForThis);
    }
    delete(case, case.found("path"), true)
}

/// Deletes a damaged file.
pub(super) fn fetch_again(case: &Case<'_>) -> Plan {
    if case.failure.category != C::Corruption {
        return Err(No::NotForThis);
    }
    let named = case.found("path").map(str::to_owned);
    delete(case, named.or_else(|| damaged(case)).as_deref(), false)
}

/// The one file of `temp` that the decisive line names, or else the failed step's command.
fn damaged(case: &Case<'_>) -> Option<String> {
    let line = case.failure.line.as_deref().unwrap_or_default();
    let command = match &case.step()?.command {
        Command::Direct(argv) => argv.iter().filter_map(OsText::as_str).collect(),
        Command::Shell { script, .. } => vec![script.as_str().unwrap_or_default()],
    };
    only_temp(case, &[line]).or_else(|| only_temp(case, &command))
}

/// The one file of `temp` that is among the words of texts.
fn only_temp(case: &Case<'_>, texts: &[&str]) -> Option<String> {
    let ends = |one: char| one.is_whitespace() || "\"'`,;:=()<>|&".contains(one);
    let mut found: Vec<String> = texts
        .iter()
        .flat_map(|text| text.split(ends))
        .filter_map(|word| paths::beneath(case, word))
        .filter(|names| paths::is_temp(&case.spec().temp, names))
        .map(|names| names.join("/"))
        .filter(|name| !locks::is_lock_by_name(name))
        .collect();
    found.sort();
    found.dedup();
    match found.as_slice() {
        // Named from the workdir on, wherever the step runs.
        [only] => case
            .spec()
            .workdir
            .as_path()
            .join(only)
            .to_str()
            .map(str::to_owned),
        _ => None,
    }
}

fn delete(case: &Case<'_>, found: Option<&str>, unless_held: bool) -> Plan {
    let Some(found) = found else {
        return Err(No::NotForThis);
    };
    let patterns = &case.spec().temp;
    let names = paths::beneath(case, found);
    let Some(names) = names.filter(|names| paths::is_temp(patterns, names)) else {
        return Err(if patterns.is_empty() {
            No::NotForThis
        } else {
            No::Refused("no pattern of `temp` means the file that it names".to_owned())
        });
    };
    let about = names.join("/");
    Ok(act(Action::Delete {
        patterns: patterns.clone(),
        path: paths::relative(&names),
        unless_held,
    })
    .about(about))
}

/// The program of an argument vector, for a person.
pub(super) fn program(command: &Command) -> String {
    let word = match command {
        Command::Direct(argv) => argv.first().cloned().unwrap_or_default(),
        Command::Shell { script, .. } => {
            let first = script
                .as_str()
                .unwrap_or_default()
                .split_whitespace()
                .next();
            OsText::from(first.unwrap_or_default())
        }
    };
    let path = word.as_path();
    path.file_name()
        .map_or_else(
            || path.to_string_lossy(),
            |name| Path::new(name).to_string_lossy(),
        )
        .into_owned()
}

#[cfg(test)]
#[path = "acts_tests.rs"]
mod tests;
