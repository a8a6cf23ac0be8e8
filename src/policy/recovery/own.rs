//! A task's own ways to heal failures: `[[task.recover]]`, tried before the built-in strategies.

use crate::model::category::Category as C;
use crate::model::recovery::PastRecovery;
use crate::model::recovery::RecoverSpec;
use crate::model::recovery::RecoverWhen;
use crate::model::remedy::Action;
use crate::model::remedy::Remedy;
use crate::policy::recovery::acts::program;
use crate::policy::recovery::case::Built;
use crate::policy::recovery::case::Case;
use crate::policy::recovery::loops;

/// The strategy's name for a command that is for failures of `auth`.
pub(super) const CREDENTIALS: &str = "refresh_credentials";
/// The strategy's name for any other command.
pub(super) const COMMAND: &str = "run_command";

/// The entries that are for a failure, in their order, each with the name of its strategy.
pub(super) fn entries<'a>(case: &Case<'a>) -> Vec<(&'static str, &'a RecoverSpec)> {
    let failure = case.failure;
    case.spec()
        .recover
        .iter()
        .enumerate()
        .filter(|(place, entry)| match &entry.when {
            RecoverWhen::Category(category) => *category == failure.category,
            RecoverWhen::Pattern(name) => *name == failure.pattern,
            RecoverWhen::Matches(_) => case.recovery.matched.get(*place) == Some(&true),
        })
        .map(|(_, entry)| {
            let is_auth =
                entry.when == RecoverWhen::Category(C::Auth) || failure.category == C::Auth;
            (if is_auth { CREDENTIALS } else { COMMAND }, entry)
        })
        .collect()
}

/// The plan of an entry.
pub(super) fn build(entry: &RecoverSpec) -> Built {
    let command = entry.command.clone();
    Built {
        timeout: Some(entry.timeout),
        ..Built::new(Remedy::Act(Action::Run { command })).about(program(&entry.command))
    }
}

/// How often an entry was used.
pub(super) fn uses(entry: &RecoverSpec, past: &[PastRecovery]) -> u32 {
    let remedy = build(entry).remedy;
    let used = past
        .iter()
        .filter(|past| loops::was_done(past))
        .filter(|past| past.plan.as_ref().is_some_and(|plan| plan.remedy == remedy));
    u32::try_from(used.count()).unwrap_or(u32::MAX)
}
