//! Values of secrets that are written in a task file: they stay there.
//!
//! The queue is a database that is copied, exported and sent around, so what `secrets` names is taken out of
//! a definition before it is stored. The definition keeps the path of the file, and the value is
//! looked up again at each start. A value on the command line has no such place and is refused by
//! whoever stores definitions ([`kept_values`]).

use std::sync::Arc;

use crate::model::spec::TaskSpec;
use crate::policy::redact::LEAST;
use crate::policy::redact::Redactor;
use crate::policy::redact::is_long_enough;
use crate::support::bytes::OsText;
use crate::support::untrusted::Untrusted;
use crate::taskfile::assemble::find;
use crate::taskfile::diagnostic::Reporter;
use crate::taskfile::keys::Scope;
use crate::taskfile::reading::read_trusted;
use crate::taskfile::source::Source;
use crate::taskfile::values::Value;
use crate::taskfile::walk::Setting;

/// Notes what is doubtful about the secrets of a task.
pub(crate) fn note_doubts(reporter: &mut Reporter<'_>, settings: &[Arc<Setting>]) {
    let Some(secrets) = find(settings, "secrets") else {
        return;
    };
    let Value::Labels(names) = &secrets.value else {
        return;
    };
    for name in names {
        let shown = Untrusted::from(name.as_str()).for_terminal_within(40);
        let written = settings.iter().find(|setting| {
            matches!(setting.key.scope, Scope::Task | Scope::Step)
                && setting.key.name == "env"
                && setting.part == *name
        });
        match written.map(|setting| (setting.key.scope, &setting.value)) {
            Some((Scope::Step, _)) => reporter.error(
                &secrets.at,
                format!("`{shown}` is a secret and written in the `env` of a step"),
                Some("write it in the task's `env`, or in a file that `env_file` names".to_owned()),
            ),
            Some((_, Value::Text(value))) if !is_long_enough(value.as_bytes()) => reporter.warning(
                &secrets.at,
                format!(
                    "the value of `{shown}` is too short to be hidden: less than {LEAST} bytes are \
                     found everywhere"
                ),
                Some("use a longer secret".to_owned()),
            ),
            _ => {}
        }
        // What stands there instead may be the secret itself, which is neither shown nor stored.
        let severity = match name {
            name if name.is_empty() || name.contains(['=', '\0']) => Reporter::error,
            name if name.contains([' ', '$']) => Reporter::warning,
            _ => continue,
        };
        severity(
            reporter,
            &secrets.at,
            "an entry of `secrets` is no name of a variable".to_owned(),
            Some("`secrets` names variables and never holds values".to_owned()),
        );
    }
}

/// Takes the values of secrets out of a definition that a file holds.
pub(crate) fn take_out(
    reporter: &mut Reporter<'_>,
    settings: &[Arc<Setting>],
    spec: &mut TaskSpec,
    source: &Source,
) {
    let kept: Vec<String> = kept_values(spec).map(str::to_owned).collect();
    if kept.is_empty() {
        return;
    }
    let name = source.file.as_path().file_name().unwrap_or_default();
    let path = source.folder.join(name);
    if !path.is_file() {
        if let Some(secrets) = find(settings, "secrets") {
            reporter.error(
                &secrets.at,
                "the values of secrets cannot be read again at each start: this is no file"
                    .to_owned(),
                Some("write them in a file that `env_file` names".to_owned()),
            );
        }
        return;
    }
    for name in kept {
        spec.env.remove(&name);
        if !spec.secrets.contains(&name) {
            spec.secrets.push(name);
        }
    }
    spec.secrets_from = Some(OsText::from(path));
}

/// Secrets whose values stand in the definition itself; a token of a well-known issuer is one, whether
/// or not it was called so.
pub fn kept_values(spec: &TaskSpec) -> impl Iterator<Item = &str> {
    spec.env
        .iter()
        .filter(|(name, value)| spec.secrets.contains(name) || Redactor::is_token(value.as_bytes()))
        .map(|(name, _)| name.as_str())
}

/// The values of secrets that the file of a task holds, or a sentence why they cannot be had.
///
/// # Errors
/// When the file is gone, is somebody else's, or holds no such task any more.
pub fn written_values(spec: &TaskSpec) -> Result<Vec<(OsText, OsText)>, String> {
    let Some(file) = &spec.secrets_from else {
        return Ok(Vec::new());
    };
    let shown = file.untrusted().for_terminal();
    let unreadable = |why: &str| {
        format!("the secrets of the task stand in `{shown}`, which cannot be used: {why}")
    };
    let bytes = read_trusted("task file", file.as_path())
        .map_err(|diagnostic| unreadable(&diagnostic.message))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text"))?;
    // The parser's message quotes the line, which may be the one with the secret.
    let document: toml::Table = text.parse().map_err(|_| unreadable("it is not TOML"))?;
    let tasks = document.get("task").and_then(toml::Value::as_array);
    let task = tasks
        .into_iter()
        .flatten()
        .find(|task| task.get("name").and_then(toml::Value::as_str) == Some(spec.name.as_str()))
        .ok_or_else(|| {
            format!(
                "`{shown}`, which holds its secrets, has no task `{}`",
                spec.name
            )
        })?;
    let of = |table: Option<&toml::Value>, name: &str| {
        table?.get("env")?.get(name)?.as_str().map(OsText::from)
    };
    Ok(spec
        .secrets
        .iter()
        .filter_map(|name| {
            let value = of(Some(task), name).or_else(|| of(document.get("defaults"), name))?;
            Some((OsText::from(name.as_str()), value))
        })
        .collect())
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
