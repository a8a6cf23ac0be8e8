//! `check --explain`: every value that holds for a task, and where it came from.

use std::fmt::Write as _;

use console::measure_text_width;

use crate::model::pattern::PatternSpec;
use crate::model::recovery::DependencyList;
use crate::model::recovery::RecoverWhen;
use crate::model::spec::Command;
use crate::model::spec::EnvInherit;
use crate::policy::mask::is_secret_name;
use crate::policy::mask::mask;
use crate::policy::redact::HIDDEN;
use crate::support::bytes::OsText;
use crate::support::table::pad;
use crate::support::untrusted::Untrusted;
use crate::taskfile::ParsedTask;
use crate::taskfile::assemble::find;
use crate::taskfile::keys::Kind;
use crate::taskfile::keys::Scope;
use crate::taskfile::keys::Since;
use crate::taskfile::order::after_words;
use crate::taskfile::order::moment_words;
use crate::taskfile::table::KEYS;
use crate::taskfile::values::Value;
use crate::taskfile::walk::Setting;

/// A value that is wider stands out of its column.
const VALUE_WIDTH: usize = 40;
const BUILT_IN: &str = "default";

/// Every value that holds for the task, one per line, with its origin.
pub fn explain(task: &ParsedTask) -> String {
    let rows = rows(task);
    let width = |column: fn(&[String; 3]) -> &String| {
        rows.iter()
            .map(|row| measure_text_width(column(row)))
            .filter(|width| *width <= VALUE_WIDTH)
            .max()
            .unwrap_or_default()
    };
    let (keys, values) = (width(|row| &row[0]), width(|row| &row[1]));
    let mut text = String::new();
    for [key, value, origin] in &rows {
        // Writing into a String cannot fail.
        let _infallible = writeln!(text, "{}  {}  {origin}", pad(key, keys), pad(value, values));
    }
    text
}

fn rows(task: &ParsedTask) -> Vec<[String; 3]> {
    let mut rows = Vec::new();
    let attempts_are_written_as_retries = task
        .settings
        .iter()
        .any(|setting| setting.key.name == "retries");
    for key in KEYS.iter().filter(|key| key.since == Since::Now) {
        let is_table = matches!(
            key.kind,
            Kind::Table(_) | Kind::Tables(_) | Kind::PerCategory(_)
        );
        // Steps and recoveries have names of their own and come behind all others.
        if is_table
            || matches!(
                key.scope,
                Scope::File | Scope::Step | Scope::Recover | Scope::Pattern
            )
        {
            continue;
        }
        let mut written: Vec<&Setting> = task
            .settings
            .iter()
            .map(AsRef::as_ref)
            .filter(|setting| std::ptr::eq(setting.key, key))
            .collect();
        written.sort_by(|one, other| one.part.cmp(&other.part));
        for setting in &written {
            rows.push([
                OsText::from(key.path(&setting.part))
                    .untrusted()
                    .for_terminal(),
                effective(task, setting),
                setting.origin.to_string(),
            ]);
        }
        let is_of_steps = key.name == "command" && find(&task.settings, "command").is_none();
        let said_otherwise = is_of_steps
            || attempts_are_written_as_retries
                && (key.scope, key.name) == (Scope::Retry, "max_attempts");
        if written.is_empty() && !key.default.is_empty() && !said_otherwise {
            let value = match key.name {
                "workdir" => shown(&task.spec.workdir),
                _ => key.default.to_owned(),
            };
            rows.push([key.path(""), value, BUILT_IN.to_owned()]);
        }
    }
    rows.extend(step_rows(task));
    rows.extend(recover_rows(task));
    rows.extend(
        task.spec
            .patterns
            .iter()
            .flat_map(|one| pattern_rows(task, one)),
    );
    rows
}

/// What a pattern of the file says, under its name.
fn pattern_rows(task: &ParsedTask, pattern: &PatternSpec) -> Vec<[String; 3]> {
    let file = task.place.as_ref();
    let file = file.map_or_else(String::new, |place| shown(&place.file));
    let codes = &pattern.exit_codes;
    let strategies = pattern.strategies.iter();
    let rows = [
        ("matches", pattern.matches.as_deref().map(quoted_text)),
        (
            "exit_codes",
            (!codes.is_empty()).then(|| list(codes.iter().map(ToString::to_string))),
        ),
        ("tool", pattern.tool.as_deref().map(quoted_text)),
        ("category", Some(pattern.category.to_string())),
        ("retryable", Some(pattern.retryable().as_str().to_owned())),
        (
            "strategies",
            (!pattern.strategies.is_empty()).then(|| list(strategies.map(|one| quoted_text(one)))),
        ),
    ];
    rows.into_iter()
        .filter_map(|(key, value)| {
            let is_written = key != "retryable" || pattern.retryable.is_some();
            let origin = if is_written { &file } else { BUILT_IN };
            let path = format!("pattern.{}.{key}", pattern.name);
            Some([path, value?, origin.to_owned()])
        })
        .collect()
}

/// What was written for each step, under the step's name.
fn step_rows(task: &ParsedTask) -> Vec<[String; 3]> {
    let mut settings: Vec<&Setting> = task
        .settings
        .iter()
        .map(AsRef::as_ref)
        .filter(|setting| setting.key.scope == Scope::Step && setting.key.name != "name")
        .collect();
    settings.sort_by_key(|setting| setting.step);
    settings
        .into_iter()
        .filter_map(|setting| {
            let step = task.spec.steps.get(setting.step.checked_sub(1)?)?;
            let shown_value = match setting.key.name {
                "command" => command(&step.command),
                "workdir" => step.workdir.as_ref().map(shown)?,
                "stdin" => step.stdin.as_ref().map(shown)?,
                _ => written(setting),
            };
            let part = match setting.part.as_str() {
                "" => String::new(),
                part => format!(".{}", Untrusted::from(part).for_terminal()),
            };
            let path = format!("step.{}.{}{part}", step.name, setting.key.name);
            Some([path, shown_value, setting.origin.to_string()])
        })
        .collect()
}

/// What was written for each recovery, under its number.
fn recover_rows(task: &ParsedTask) -> Vec<[String; 3]> {
    let mut settings: Vec<&Setting> = task
        .settings
        .iter()
        .map(AsRef::as_ref)
        .filter(|setting| setting.key.scope == Scope::Recover)
        .collect();
    settings.sort_by_key(|setting| setting.step);
    settings
        .into_iter()
        .map(|setting| {
            let path = format!("recover.{}.{}", setting.step, setting.key.name);
            [path, value(&setting.value), setting.origin.to_string()]
        })
        .collect()
}

/// A value as it holds: paths made absolute.
fn effective(task: &ParsedTask, setting: &Setting) -> String {
    let spec = &task.spec;
    match setting.key.name {
        "workdir" => shown(&spec.workdir),
        "env_file" => spec.env_file.as_ref().map(shown).unwrap_or_default(),
        "stdin" => spec.stdin.as_ref().map(shown).unwrap_or_default(),
        "command" if setting.key.scope == Scope::Task => spec
            .steps
            .first()
            .map(|step| command(&step.command))
            .unwrap_or_default(),
        "env" if spec.secrets.contains(&setting.part) => HIDDEN.to_owned(),
        _ => written(setting),
    }
}

/// A value as it was written.
fn written(setting: &Setting) -> String {
    if setting.key.name == "env" && is_secret_name(&setting.part) {
        return HIDDEN.to_owned();
    }
    value(&setting.value)
}

/// A command on one line.
fn command(command: &Command) -> String {
    match command {
        Command::Direct(argv) => list(argv.iter().map(quoted)),
        Command::Shell { script, .. } => quoted(script),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Name(name) => name.to_string(),
        Value::Script(text) | Value::Text(text) => quoted(text),
        Value::Path(path) => shown(path),
        Value::Argv(argv) => list(argv.iter().map(quoted)),
        Value::Inherit(EnvInherit::All) => "true".to_owned(),
        Value::Inherit(EnvInherit::Nothing) => "false".to_owned(),
        Value::Inherit(EnvInherit::Names(names)) => {
            list(names.iter().map(|name| quoted_text(name)))
        }
        Value::Labels(labels) => list(labels.iter().map(|label| quoted_text(label))),
        Value::Whole(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Span(span) => humantime::format_duration(*span).to_string(),
        Value::Size(bytes) => size(*bytes),
        Value::Signal(signal) => signal.to_string(),
        Value::Choice(word) => (*word).to_owned(),
        Value::After(after) => list(after.iter().map(after_words)),
        Value::Moment(wish) => moment_words(*wish),
        Value::Paths(paths) => list(paths.iter().map(quoted)),
        Value::Expression(text) => quoted_text(text),
        Value::Requirements(all) => list(all.iter().map(|one| quoted(&one.written()))),
        Value::Codes(codes) => list(codes.iter().map(ToString::to_string)),
        Value::When(RecoverWhen::Category(category)) => category.to_string(),
        Value::When(RecoverWhen::Pattern(name)) => quoted_text(name),
        Value::When(RecoverWhen::Matches(text)) => {
            format!("{{ matches = {} }}", quoted_text(text))
        }
        Value::Addresses(all) => list(all.iter().map(quoted)),
        Value::Installable(DependencyList::File(path)) => quoted(path),
        Value::Installable(DependencyList::Names(names)) => {
            list(names.iter().map(|name| quoted_text(name)))
        }
    }
}

/// A size without loss: in the largest unit that divides it.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 6] = [
        (1 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1_000_000, "MB"),
        (1 << 10, "KiB"),
        (1_000, "kB"),
    ];
    UNITS
        .iter()
        .find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit))
        .map_or_else(
            || format!("{bytes}B"),
            |(unit, name)| format!("{}{name}", bytes / unit),
        )
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn quoted(text: &OsText) -> String {
    format!("\"{}\"", shown(text))
}

fn quoted_text(text: &str) -> String {
    quoted(&OsText::from(text))
}

fn shown(text: &OsText) -> String {
    mask(&text.untrusted().for_terminal())
}
