//! What a task declares for its failures, as rows of its page.

use crate::model::recovery::RecoverMode;
use crate::model::recovery::RecoverWhen;
use crate::model::spec::TaskSpec;
use crate::policy::mask::mask;
use crate::report::task_page::command_words;
use crate::support::bytes::OsText;
use crate::support::untrusted::Untrusted;

/// What it declares for its failures; of variables the names alone, some values are secrets.
pub(crate) fn remedies(spec: &TaskSpec) -> Vec<(&'static str, String)> {
    let shown = |text: String| Untrusted::from(text).for_terminal();
    let list = |of: &[OsText]| -> Vec<String> {
        let of = of.iter().map(|one| mask(&one.untrusted().for_terminal()));
        of.collect()
    };
    let mut told = Vec::new();
    if !spec.service.is_empty() {
        told.push(("service", shown(spec.service.join(", "))));
    }
    if let Some(mode) = spec.recover_mode {
        told.push(("recovery", mode_words(mode).to_owned()));
    }
    for one in &spec.recover {
        let when = match &one.when {
            RecoverWhen::Category(category) => category.as_str().to_owned(),
            RecoverWhen::Pattern(pattern) => shown(pattern.clone()),
            RecoverWhen::Matches(expression) => format!("/{}/", shown(expression.clone())),
        };
        let command = command_words(&one.command);
        told.push(("recover", format!("when {when}: {command}")));
    }
    for (name, addresses) in &spec.endpoints {
        let name = shown(name.clone());
        told.push((
            "endpoints",
            format!("{name}: {}", list(addresses).join(", ")),
        ));
    }
    if !spec.fallbacks.is_empty() {
        let names: Vec<&str> = spec.fallbacks.keys().map(String::as_str).collect();
        told.push(("fallbacks", shown(names.join(", "))));
    }
    if let Some(command) = &spec.fallback_command {
        told.push(("fallback", command_words(command)));
    }
    if !spec.temp.is_empty() {
        told.push(("temp", shown(spec.temp.join(", "))));
    }
    if !spec.ensure.is_empty() {
        told.push(("ensure", list(&spec.ensure).join(", ")));
    }
    told
}

const fn mode_words(mode: RecoverMode) -> &'static str {
    match mode {
        RecoverMode::Off => "off",
        RecoverMode::Suggest => "suggest",
        RecoverMode::Safe => "safe",
        RecoverMode::Full => "full",
    }
}
