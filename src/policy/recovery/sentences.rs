//! What a plan does, in a sentence for a person.

use crate::model::recovery::RecoveryPlan;
use crate::model::remedy::Action;
use crate::model::remedy::Adjustment;
use crate::model::remedy::Await;
use crate::model::remedy::InstalledEnvironment;
use crate::model::remedy::Remedy;
use crate::policy::recovery::waits::target_words;
use crate::support::bytes::OsText;
use crate::support::text;

/// The strategy and what it is about, such as `wait_for_reconnection (db.internal:5432)`; untrusted text.
pub fn headline(plan: &RecoveryPlan) -> String {
    match &plan.about {
        Some(about) => format!("{} ({about})", plan.strategy),
        None => plan.strategy.clone(),
    }
}

/// What is done, in a few words that go on behind "it will" or "it would"; untrusted text.
pub fn deed(plan: &RecoveryPlan) -> String {
    match &plan.remedy {
        Remedy::Await(target) => format!(
            "wait until {}, for at most {}",
            awaited(target),
            text::span(plan.timeout)
        ),
        Remedy::Adjust(adjustment) => change(adjustment, plan.about.as_deref()),
        Remedy::Act(action) => act(action),
        Remedy::SlowDown { services } => format!(
            "let half as many attempts at once use {}, then try again",
            services.join(", ")
        ),
        Remedy::Retry => again(plan),
    }
}

fn again(plan: &RecoveryPlan) -> String {
    match (plan.strategy.as_str(), plan.about.as_deref()) {
        ("wait_retry_after", Some(span)) => {
            format!("wait {span}, as it was asked to, and try again")
        }
        ("retry_with_longer_timeout", Some(about)) => format!("try again with {about}"),
        ("restart_from_checkpoint", _) => "go on behind what is saved".to_owned(),
        _ => "wait and try again".to_owned(),
    }
}

/// What is waited for, in a few words that go on behind "until"; untrusted text.
pub fn awaited(target: &Await) -> String {
    let what = target_words(target);
    match target {
        Await::Tcp { .. } | Await::Http { .. } => format!("{what} answers"),
        Await::Dns { .. } => format!("the name {what} resolves"),
        Await::Probe { .. } => format!("{what} ends well"),
        Await::Disk { .. } => format!("its file system has {what}"),
        Await::Memory { .. } => format!("this machine has {what}"),
        Await::Lock { .. } => format!("nobody holds {what}"),
    }
}

fn change(adjustment: &Adjustment, about: Option<&str>) -> String {
    let mut parts = Vec::new();
    if !adjustment.env.is_empty() {
        let names: Vec<&str> = adjustment.env.keys().map(String::as_str).collect();
        parts.push(format!(
            "with {} set",
            about.map_or_else(|| names.join(", "), str::to_owned)
        ));
    }
    if let Some(memory) = adjustment.memory {
        parts.push(format!("with {} of memory", text::size(memory)));
    }
    if let Some(files) = adjustment.files {
        parts.push(format!("with {files} open files"));
    }
    if let Some(millis) = adjustment.timeout_ms {
        let limit = std::time::Duration::from_millis(millis);
        parts.push(format!("with a time limit of {}", text::span(limit)));
    }
    if adjustment.alone {
        parts.push("with nothing else beside it".to_owned());
    }
    if adjustment.fallback_command {
        return "run `fallback_command` in place of its steps".to_owned();
    }
    format!("try again {}", parts.join(" and "))
}

fn act(action: &Action) -> String {
    let shown = |path: &OsText| path.as_path().to_string_lossy().into_owned();
    match action {
        Action::Run { command } => {
            let argv: Vec<String> = command.argv().iter().map(shown).collect();
            format!("run `{}`, then try again", argv.join(" "))
        }
        Action::CreateDirectory { path, .. } => {
            format!("create the directory `{}`, then try again", shown(path))
        }
        Action::Clean { patterns } => {
            format!(
                "delete what `temp` names ({}), then try again",
                patterns.join(", ")
            )
        }
        Action::Delete {
            path, unless_held, ..
        } => {
            let unless = if *unless_held {
                " unless somebody holds it"
            } else {
                ""
            };
            format!("delete `{}`{unless}, then try again", shown(path))
        }
        Action::MakeExecutable { program } => {
            format!(
                "set the execute bit of `{}`, then try again",
                shown(program)
            )
        }
        Action::Install { environment, list } => {
            let what = match list {
                crate::model::recovery::DependencyList::File(path) => shown(path),
                crate::model::recovery::DependencyList::Names(names) => names.join(", "),
            };
            let language = match environment {
                InstalledEnvironment::Python(_) => "Python",
                InstalledEnvironment::Node(_) => "Node",
            };
            format!("install {what} into an environment for {language} of its own, then try again")
        }
        Action::MoveCheckpointAside => "move what is saved aside and begin anew".to_owned(),
    }
}
