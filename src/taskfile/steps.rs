//! `[[task.step]]`: the commands of a task of several.
//!
//! The keys of a step are read like those of a task; here is what concerns the steps of a task
//! together, and their way into the definition.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::model::spec::Command;
use crate::model::spec::MAX_STEPS;
use crate::model::spec::StepSpec;
use crate::support::bytes::OsText;
use crate::taskfile::assemble::below;
use crate::taskfile::assemble::command_of;
use crate::taskfile::diagnostic::At;
use crate::taskfile::keys::Scope;
use crate::taskfile::node::Entry;
use crate::taskfile::values::Reader;
use crate::taskfile::values::Value;
use crate::taskfile::walk::Setting;

/// Notes a key that every step must have and this one has not. `is_there` also holds for one that
/// is misspelt, which was told.
pub(crate) fn note_missing(reader: &mut Reader<'_>, at: &At, is_there: impl Fn(&str) -> bool) {
    for (name, example) in [
        ("name", "name = \"prepare\""),
        ("command", "command = [\"python3\", \"prepare.py\"]"),
    ] {
        if !is_there(name) {
            reader.reporter.error(
                at,
                format!("this step has no `{name}`"),
                Some(format!("write for example `{example}`")),
            );
        }
    }
}

/// Notes that there are no steps in the list, or more than a record can hold.
pub(crate) fn note_number(reader: &mut Reader<'_>, at: &At, number: usize) {
    if number == 0 {
        reader.reporter.error(
            at,
            "`step` holds no step".to_owned(),
            Some("a step begins with `[[task.step]]`".to_owned()),
        );
    }
    if number > MAX_STEPS {
        reader.reporter.error(
            at,
            format!("this task has {number} steps; the most are {MAX_STEPS}"),
            Some("join some of them, or make several tasks of them".to_owned()),
        );
    }
}

/// Notes a `command` beside steps: nobody can know when it should run.
pub(crate) fn refuse_command_beside(reader: &mut Reader<'_>, entries: &[Entry]) {
    let named = |name: &str| entries.iter().find(|entry| entry.key == name);
    if let (Some(command), Some(_)) = (named("command"), named("step")) {
        reader.reporter.error(
            &command.at,
            "`command` and `[[task.step]]` are both written".to_owned(),
            Some("make the command a step too, or leave the steps out".to_owned()),
        );
    }
}

/// Notes names that are used twice within a task.
pub(crate) fn note_doubles(reader: &mut Reader<'_>, settings: &[Arc<Setting>]) {
    let mut seen = BTreeSet::new();
    for setting in settings {
        if let (Scope::Step, "name", Value::Name(name)) =
            (setting.key.scope, setting.key.name, &setting.value)
            && !seen.insert(name)
        {
            reader.reporter.error(
                &setting.at,
                format!("a second step of this task is called `{name}`"),
                Some("what is finished is remembered by name; give each its own".to_owned()),
            );
        }
    }
}

/// The steps that the settings make, in their order; a step without name or command is left out,
/// which was told.
pub(crate) fn assemble(
    settings: &[Arc<Setting>],
    shell: &[OsText],
    folder: &Path,
    workdir: &OsText,
) -> Vec<StepSpec> {
    let of_steps = || settings.iter().filter(|one| one.key.scope == Scope::Step);
    let numbers: BTreeSet<usize> = of_steps().map(|setting| setting.step).collect();
    numbers
        .into_iter()
        .filter_map(|number| {
            let own: Vec<&Setting> = of_steps()
                .filter(|setting| setting.step == number)
                .map(Arc::as_ref)
                .collect();
            step(&own, shell, folder, workdir)
        })
        .collect()
}

fn step(
    own: &[&Setting],
    shell: &[OsText],
    folder: &Path,
    task_workdir: &OsText,
) -> Option<StepSpec> {
    let value = |name: &str| {
        own.iter()
            .find(|setting| setting.key.name == name)
            .map(|setting| &setting.value)
    };
    let Some(Value::Name(name)) = value("name") else {
        return None;
    };
    let command: Command = command_of(value("command")?, shell)?;
    let mut step = StepSpec::of_command(name.to_string(), command);
    if let Some(Value::Path(path)) = value("workdir") {
        step.workdir = Some(OsText::from(below(folder, path.as_path())));
    }
    if let Some(Value::Path(path)) = value("stdin") {
        let workdir = step.workdir.as_ref().unwrap_or(task_workdir);
        step.stdin = Some(OsText::from(below(workdir.as_path(), path.as_path())));
    }
    if let Some(Value::Span(span)) = value("timeout") {
        step.timeout = Some(*span);
    }
    for setting in own {
        if let ("env", Value::Text(text)) = (setting.key.name, &setting.value) {
            step.env.insert(setting.part.clone(), text.clone());
        }
    }
    Some(step)
}

#[cfg(test)]
#[path = "steps_tests.rs"]
mod tests;
