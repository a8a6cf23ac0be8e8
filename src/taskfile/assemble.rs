//! From settings to a definition, and the doubts that concern several keys.
//!
//! `[defaults]` and the task's own table are laid over each other here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::category::Category;
use crate::model::checks::SuccessSpec;
use crate::model::ids::TaskName;
use crate::model::recovery::RecoverMode;
use crate::model::retry::Backoff;
use crate::model::spec::Command;
use crate::model::spec::Leftovers;
use crate::model::spec::MAIN_STEP;
use crate::model::spec::OnCrash;
use crate::model::spec::StepSpec;
use crate::model::spec::TaskSpec;
use crate::support::bytes::OsText;
use crate::taskfile::keys::Scope;
use crate::taskfile::recovering;
use crate::taskfile::steps;
use crate::taskfile::values::Value;
use crate::taskfile::walk::Setting;

/// What runs a text where nothing is written.
pub(crate) const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// Lays a task's own settings over the defaults: tables merge key by key, lists and values replace.
pub(crate) fn merge(defaults: &[Arc<Setting>], own: Vec<Arc<Setting>>) -> Vec<Arc<Setting>> {
    let own_recoveries = own.iter().any(|one| one.key.scope == Scope::Recover);
    let inherited: Vec<Arc<Setting>> = defaults
        .iter()
        // A list of tables is a list: it replaces the other one.
        .filter(|default| !(own_recoveries && default.key.scope == Scope::Recover))
        .filter(|default| {
            !own.iter()
                .any(|setting| setting.is_about_the_same_as(default))
        })
        .map(Arc::clone)
        .collect();
    let mut merged = own;
    merged.extend(inherited);
    merged
}

/// The setting of a task's own key.
pub(crate) fn find<'s>(settings: &'s [Arc<Setting>], name: &str) -> Option<&'s Setting> {
    settings
        .iter()
        .map(Arc::as_ref)
        .find(|setting| setting.key.scope == Scope::Task && setting.key.name == name)
}

/// The definition that the settings make; `None` if the name or the command is missing.
pub(crate) fn assemble(settings: &[Arc<Setting>], folder: &Path) -> Option<TaskSpec> {
    let name = name(settings)?;
    let shell = shell(settings);
    let workdir = match find(settings, "workdir").map(|setting| &setting.value) {
        Some(Value::Path(path)) => below(folder, path.as_path()),
        _ => folder.to_owned(),
    };
    let workdir = OsText::from(workdir);
    let steps = match find(settings, "command") {
        Some(command) => {
            let command = command_of(&command.value, &shell)?;
            vec![StepSpec::of_command(MAIN_STEP.to_owned(), command)]
        }
        None => steps::assemble(settings, &shell, folder, &workdir),
    };
    let first: Command = steps.first()?.command.clone();
    let mut spec = TaskSpec::of_command(name.clone(), first, workdir);
    spec.steps = steps;
    spec.success.command = settings
        .iter()
        .find(|setting| (setting.key.scope, setting.key.name) == (Scope::Success, "command"))
        .and_then(|setting| command_of(&setting.value, &shell));
    spec.recover = recovering::assemble(settings, &shell);
    spec.fallback_command =
        find(settings, "fallback_command").and_then(|setting| command_of(&setting.value, &shell));
    for setting in settings {
        let fits = apply(&mut spec, setting, folder);
        // INVARIANT: every key of the table that works has its arm below; a test tries them all.
        debug_assert!(fits, "`{}` has no place", setting.key.path(&setting.part));
    }
    Some(spec)
}

/// The name that the settings give.
pub(crate) fn name(settings: &[Arc<Setting>]) -> Option<&TaskName> {
    match &find(settings, "name")?.value {
        Value::Name(name) => Some(name),
        _ => None,
    }
}

/// The command that a value makes.
pub(crate) fn command_of(value: &Value, shell: &[OsText]) -> Option<Command> {
    match value {
        Value::Argv(argv) => Some(Command::Direct(argv.clone())),
        Value::Script(script) => Some(Command::Shell {
            shell: shell.to_vec(),
            script: script.clone(),
        }),
        _ => None,
    }
}

/// What runs a text: as written, or the default.
pub(crate) fn shell(settings: &[Arc<Setting>]) -> Vec<OsText> {
    match find(settings, "shell").map(|setting| &setting.value) {
        Some(Value::Argv(shell)) => shell.clone(),
        _ => DEFAULT_SHELL.map(OsText::from).to_vec(),
    }
}

/// Puts a setting into its place; whether there is one.
fn apply(spec: &mut TaskSpec, setting: &Setting, folder: &Path) -> bool {
    let part = setting.part.as_str();
    match (setting.key.scope, setting.key.name, &setting.value) {
        // These made the definition.
        (Scope::Task, "name" | "command" | "shell" | "workdir" | "fallback_command", _)
        | (Scope::Step | Scope::Recover, ..) => {}
        (Scope::Task, "env", Value::Text(text)) => {
            spec.env.insert(part.to_owned(), text.clone());
        }
        (Scope::Task, "env_inherit", Value::Inherit(inherit)) => spec.env_inherit = inherit.clone(),
        (Scope::Task, "env_file", Value::Path(path)) => {
            spec.env_file = Some(OsText::from(below(folder, path.as_path())));
        }
        (Scope::Task, "secrets", Value::Labels(names)) => spec.secrets.clone_from(names),
        (Scope::Task, "stdin", Value::Path(path)) => {
            spec.stdin = Some(OsText::from(below(spec.workdir.as_path(), path.as_path())));
        }
        (Scope::Task, "tags", Value::Labels(tags)) => spec.tags.clone_from(tags),
        (Scope::Task, "priority", Value::Whole(priority)) => spec.priority = *priority,
        (Scope::Task, "retries", Value::Whole(retries)) => {
            spec.retry.max_attempts = Some(small(retries + 1));
        }
        (Scope::Task, "timeout", Value::Span(span)) => spec.timeout = Some(*span),
        (Scope::Task, "after", Value::After(after)) => spec.after.clone_from(after),
        (Scope::Task, "not_before", Value::Moment(wish)) => spec.not_before = Some(*wish),
        (Scope::Task, "deadline", Value::Moment(wish)) => spec.deadline = Some(*wish),
        (Scope::Task, "total_timeout", Value::Span(span)) => spec.total_timeout = Some(*span),
        (Scope::Task, "expect_duration", Value::Span(span)) => spec.expect_duration = Some(*span),
        (Scope::Task, "grace", Value::Span(span)) => spec.grace = *span,
        (Scope::Task, "stop_signal", Value::Signal(signal)) => spec.stop_signal = *signal,
        (Scope::Task, "leftovers", Value::Choice(word)) => {
            spec.leftovers = match *word {
                "kill" => Leftovers::Kill,
                "fail" => Leftovers::Fail,
                "allow" => Leftovers::Allow,
                _ => return false,
            }
        }
        (Scope::Task, "on_crash", Value::Choice(word)) => {
            spec.on_crash = match *word {
                "retry" => OnCrash::Retry,
                "ask" => OnCrash::Ask,
                "fail" => OnCrash::Fail,
                _ => return false,
            }
        }
        (Scope::Task, "max_output", Value::Size(bytes)) => spec.max_output = *bytes,
        (Scope::Task, "nice", Value::Whole(nice)) => {
            // Zero is what happens anyway, and starting with niceness is dearer.
            spec.nice = i32::try_from(*nice).ok().filter(|nice| *nice != 0);
        }
        (Scope::Task, "idle_timeout", Value::Span(span)) => spec.idle_timeout = Some(*span),
        (Scope::Task, "requires", Value::Requirements(all)) => spec.requires.clone_from(all),
        (Scope::Success, ..) => return apply_success(&mut spec.success, setting),
        (Scope::Retry | Scope::RetryOn, ..) => return apply_retry(spec, setting),
        (Scope::Limits, ..) => return apply_limit(spec, setting),
        (Scope::Task | Scope::Dependencies, ..) => return apply_recovery(spec, setting),
        _ => return false,
    }
    true
}

/// What a task declares about recoveries.
fn apply_recovery(spec: &mut TaskSpec, setting: &Setting) -> bool {
    let part = setting.part.as_str();
    match (setting.key.scope, setting.key.name, &setting.value) {
        (Scope::Task, "service", Value::Labels(names)) => spec.service.clone_from(names),
        (Scope::Task, "recover_mode", Value::Choice(word)) => {
            spec.recover_mode = match *word {
                "off" => Some(RecoverMode::Off),
                "suggest" => Some(RecoverMode::Suggest),
                "safe" => Some(RecoverMode::Safe),
                "full" => Some(RecoverMode::Full),
                _ => return false,
            }
        }
        (Scope::Task, "allow", Value::Labels(names)) => spec.allow.clone_from(names),
        (Scope::Task, "fallbacks", Value::Text(text)) => {
            spec.fallbacks.insert(part.to_owned(), text.clone());
        }
        (Scope::Task, "endpoints", Value::Addresses(addresses)) => {
            spec.endpoints.insert(part.to_owned(), addresses.clone());
        }
        (Scope::Task, "temp", Value::Labels(patterns)) => spec.temp.clone_from(patterns),
        (Scope::Task, "ensure", Value::Paths(folders)) => spec.ensure.clone_from(folders),
        (Scope::Dependencies, "python", Value::Installable(list)) => {
            spec.dependencies.python = Some(list.clone());
        }
        (Scope::Dependencies, "node", Value::Installable(list)) => {
            spec.dependencies.node = Some(list.clone());
        }
        _ => return false,
    }
    true
}

fn apply_retry(spec: &mut TaskSpec, setting: &Setting) -> bool {
    let retry = &mut spec.retry;
    match (setting.key.scope, setting.key.name, &setting.value) {
        (Scope::Retry, "max_attempts", Value::Whole(attempts)) => {
            retry.max_attempts = Some(small(*attempts));
        }
        (Scope::Retry, "backoff", Value::Choice(word)) => {
            retry.backoff = match *word {
                "exponential" => Backoff::Exponential,
                "fixed" => Backoff::Fixed,
                _ => return false,
            }
        }
        (Scope::Retry, "base", Value::Span(span)) => retry.base = *span,
        (Scope::Retry, "factor", Value::Number(factor)) => retry.factor = *factor,
        (Scope::Retry, "cap", Value::Span(span)) => retry.cap = *span,
        (Scope::Retry, "jitter", Value::Number(jitter)) => retry.jitter = *jitter,
        (Scope::RetryOn, name, value) => {
            let Some(category) = Category::parse(&setting.part) else {
                return false;
            };
            let on = retry.on.entry(category).or_default();
            match (name, value) {
                ("max_attempts", Value::Whole(attempts)) => {
                    on.max_attempts = Some(small(*attempts));
                }
                ("cap", Value::Span(span)) => on.cap = Some(*span),
                _ => return false,
            }
        }
        _ => return false,
    }
    true
}

fn apply_success(success: &mut SuccessSpec, setting: &Setting) -> bool {
    match (setting.key.name, &setting.value) {
        ("exit_codes", Value::Codes(codes)) => success.exit_codes.clone_from(codes),
        ("files", Value::Paths(paths)) => success.files.clone_from(paths),
        ("stdout_matches", Value::Expression(text)) => success.stdout_matches = Some(text.clone()),
        ("output_rejects", Value::Expression(text)) => success.output_rejects = Some(text.clone()),
        ("min_duration", Value::Span(span)) => success.min_duration = Some(*span),
        // Needs the shell, so it has its place already.
        ("command", Value::Argv(_) | Value::Script(_)) => {}
        _ => return false,
    }
    true
}

fn apply_limit(spec: &mut TaskSpec, setting: &Setting) -> bool {
    let limits = &mut spec.limits;
    match (setting.key.name, &setting.value) {
        ("memory", Value::Size(bytes)) => limits.memory = Some(*bytes),
        ("files", Value::Whole(files)) => limits.files = u64::try_from(*files).ok(),
        ("cpu", Value::Span(span)) => limits.cpu = Some(*span),
        ("processes", Value::Whole(processes)) => limits.processes = u64::try_from(*processes).ok(),
        _ => return false,
    }
    true
}

/// A number whose bounds the table of keys keeps.
fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A path below a folder, without `.` in it; an absolute one stays as it is.
pub(crate) fn below(folder: &Path, path: &Path) -> PathBuf {
    folder.join(path).components().collect()
}
