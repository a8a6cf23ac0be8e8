//! What recoveries made of a task so far, and how its next attempt differs from its definition.

use crate::engine::state::ClaimedTask;
use crate::model::attempt::Assignment;
use crate::model::ids::RecoveryId;
use crate::model::ids::TaskId;
use crate::model::recovery::RecoveryState;
use crate::model::remedy::Action;
use crate::model::remedy::Adjustment;
use crate::model::remedy::Await;
use crate::model::remedy::Remedy;
use crate::model::remedy::RemedyOrder;
use crate::model::spec::StepSpec;
use crate::model::spec::TaskSpec;
use crate::policy::rescue::RESCUE_ROUND;
use crate::store::Reader;
use crate::store::StoreError;
use crate::store::recoveries::RecoveryRecord;

/// The one step of a task whose `fallback_command` runs.
const FALLBACK: &str = "fallback";

/// What recoveries made of a task so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Healing {
    /// How its attempts differ from its definition.
    pub(crate) adjustments: Adjustment,
    /// What its next supervisor is asked for.
    pub(crate) orders: Vec<RemedyOrder>,
    /// The strategy that was tried last.
    pub(crate) last_strategy: Option<String>,
    /// What is to be looked at before the attempt of a rescue round, and that round as a recovery.
    pub(crate) look: Option<(RecoveryId, Await)>,
    /// A recovery waits for what the next attempt says of it.
    pub(crate) is_open: bool,
}

impl Healing {
    /// What the store knows of it.
    pub(crate) fn load(tx: &Reader, task: TaskId) -> Result<Self, StoreError> {
        Ok(Self::of(tx.adjustments(task)?, tx.past_recoveries(task)?))
    }

    /// What follows from what was done about its failures, oldest first.
    pub(crate) fn of(adjustments: Adjustment, past: Vec<RecoveryRecord>) -> Self {
        let tried = past.iter().rev().find(|recovery| {
            matches!(
                recovery.state,
                RecoveryState::Pending
                    | RecoveryState::Applied
                    | RecoveryState::Helped
                    | RecoveryState::InVain
            )
        });
        Self {
            adjustments,
            last_strategy: tried.map(|recovery| recovery.strategy.clone()),
            look: past.iter().find_map(look),
            is_open: past.iter().any(RecoveryRecord::is_open),
            orders: past
                .into_iter()
                .filter(|recovery| recovery.state == RecoveryState::Pending)
                .filter_map(RecoveryRecord::order)
                .collect(),
        }
    }
}

fn look(recovery: &RecoveryRecord) -> Option<(RecoveryId, Await)> {
    let is_to_come = recovery.state == RecoveryState::Pending && recovery.strategy == RESCUE_ROUND;
    match recovery.remedy()? {
        Remedy::Await(what) if is_to_come => Some((recovery.id, what.clone())),
        Remedy::Await(_)
        | Remedy::Adjust(_)
        | Remedy::Act(_)
        | Remedy::SlowDown { .. }
        | Remedy::Retry => None,
    }
}

/// The definition of an attempt: the task's, with its first endpoints and what recoveries changed.
pub(crate) fn effective(task: &ClaimedTask) -> TaskSpec {
    adjusted(&task.spec, &task.healing.adjustments)
}

/// A definition with its first endpoints and what recoveries changed.
pub(crate) fn adjusted(spec: &TaskSpec, adjusted: &Adjustment) -> TaskSpec {
    let mut spec = spec.clone();
    let first = spec
        .endpoints
        .iter()
        .filter_map(|(name, all)| Some((name.clone(), all.first()?.clone())));
    let env: Vec<_> = first.chain(adjusted.env.clone()).collect();
    for (name, value) in env {
        for step in &mut spec.steps {
            // What a step sets for itself is what it is about.
            if let Some(own) = step.env.get_mut(&name) {
                own.clone_from(&value);
            }
        }
        spec.env.insert(name, value);
    }
    spec.limits.memory = adjusted.memory.or(spec.limits.memory);
    spec.limits.files = adjusted.files.or(spec.limits.files);
    if let Some(command) = spec.fallback_command.clone()
        && adjusted.fallback_command
    {
        spec.steps = vec![StepSpec::of_command(FALLBACK.to_owned(), command)];
    }
    spec
}

/// Hands over what the supervisor does before the attempt, and the environments of the task.
pub(crate) fn equip(assignment: &mut Assignment, healing: &Healing) {
    assignment.remedies.clone_from(&healing.orders);
    assignment
        .environments
        .clone_from(&healing.adjustments.environments);
    for order in &healing.orders {
        // What is installed before the attempt is there for it.
        if let Action::Install { environment, .. } = &order.action
            && !assignment.environments.contains(environment)
        {
            assignment.environments.push(environment.clone());
        }
    }
    if let Some(strategy) = &healing.last_strategy {
        let name = "AUTOEXEC_LAST_STRATEGY".to_owned();
        assignment.variables.insert(name, strategy.as_str().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixture::task;
    use crate::model::spec::Command;
    use crate::support::bytes::OsText;

    fn text(text: &str) -> OsText {
        text.into()
    }

    #[test]
    fn the_first_endpoint_holds_until_a_recovery_rotates_it() {
        let mut task = task(1, 0);
        let both = vec![text("http://a"), text("http://b")];
        task.spec.endpoints.insert("API_URL".to_owned(), both);
        task.spec.steps[0]
            .env
            .insert("API_URL".to_owned(), text("old"));
        let spec = effective(&task);
        assert_eq!(spec.env["API_URL"], text("http://a"));
        assert_eq!(spec.steps[0].env["API_URL"], text("http://a"));
        let rotated = ("API_URL".to_owned(), text("http://b"));
        task.healing.adjustments.env.extend([rotated]);
        let spec = effective(&task);
        assert_eq!(spec.env["API_URL"], text("http://b"));
        assert_eq!(spec.steps[0].env["API_URL"], text("http://b"));
    }

    #[test]
    fn limits_and_the_fallback_command_take_the_place_of_what_is_defined() {
        let mut task = task(1, 0);
        assert_eq!(effective(&task), task.spec);
        task.spec.limits.memory = Some(1024);
        task.spec.fallback_command = Some(Command::Direct(vec!["other".into()]));
        task.healing.adjustments = Adjustment {
            memory: Some(4096),
            files: Some(99),
            fallback_command: true,
            ..Adjustment::default()
        };
        let spec = effective(&task);
        assert_eq!(spec.limits.memory, Some(4096));
        assert_eq!(spec.limits.files, Some(99));
        assert_eq!(spec.steps.len(), 1);
        assert_eq!(spec.steps[0].name, "fallback");
    }
}
