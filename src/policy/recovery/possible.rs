//! What may be done for a task before anything has failed: for `plan` and `capabilities`.

use crate::model::recovery::RecoverMode;
use crate::model::recovery::Risk;
use crate::model::spec::TaskSpec;
use crate::policy::recovery::case::allowed;
use crate::policy::recovery::effective_mode;
use crate::policy::recovery::strategies::Kind;
use crate::policy::recovery::strategies::STRATEGIES;
use crate::policy::recovery::strategies::Strategy;

/// A strategy that a task declares what is needed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Possible {
    /// The strategy.
    pub strategy: &'static Strategy,
    /// Whether it may be used; else what would allow it.
    pub allowed: Result<(), String>,
}

/// Everything that may be done about failures of a task, in the order of the table; with `off` nothing.
/// What needs nothing declared is the same for every task, and comes too.
pub fn possible(spec: &TaskSpec, machine: RecoverMode, machine_allow: &[String]) -> Vec<Possible> {
    let mode = effective_mode(machine, spec.recover_mode);
    if mode == RecoverMode::Off {
        return Vec::new();
    }
    STRATEGIES
        .iter()
        .filter(|strategy| !matches!(strategy.kind, Kind::Nobody | Kind::Person))
        .filter(|strategy| strategy.declared_by.is_none_or(|key| declares(spec, key)))
        .map(|strategy| Possible {
            strategy,
            allowed: allowed(strategy, spec, mode, machine_allow),
        })
        .collect()
}

/// Whether a machine of this mode may use a strategy for a task that gives its word; else why not.
pub fn allowed_here(
    strategy: &Strategy,
    mode: RecoverMode,
    machine_allow: &[String],
) -> Result<(), String> {
    if strategy.kind == Kind::Nobody {
        return Err("it is not part of this version".to_owned());
    }
    let is_named = machine_allow.iter().any(|name| name == strategy.name);
    match (mode, strategy.risk) {
        (RecoverMode::Off, _) => Err("`recover.mode` is \"off\"".to_owned()),
        (RecoverMode::Suggest, _) => {
            Err("`recover.mode` is \"suggest\": it is worked out and told".to_owned())
        }
        (_, Risk::Guarded) if !is_named => Err(format!(
            "`allow = [\"{}\"]` under `[recover]` in the configuration lets it be used, for tasks \
             that say the same",
            strategy.name
        )),
        (RecoverMode::Safe | RecoverMode::Full, _) => Ok(()),
    }
}

fn declares(spec: &TaskSpec, key: &str) -> bool {
    match key {
        "service" => !spec.service.is_empty(),
        "timeout" => spec.timeout.is_some() || spec.steps.iter().any(|step| step.timeout.is_some()),
        "endpoints" => spec.endpoints.values().any(|list| list.len() > 1),
        "fallbacks" => !spec.fallbacks.is_empty(),
        "fallback_command" => spec.fallback_command.is_some(),
        "temp" => !spec.temp.is_empty(),
        "limits.memory" => spec.limits.memory.is_some(),
        "env" => !spec.env.is_empty() || spec.steps.iter().any(|step| !step.env.is_empty()),
        "recover" => !spec.recover.is_empty(),
        "dependencies" => !spec.dependencies.is_empty(),
        _ => false,
    }
}
