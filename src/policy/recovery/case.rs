//! A failure and all that is known of it, as the builders of plans see it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::recovery::RecoverMode;
use crate::model::recovery::Risk;
use crate::model::remedy::Remedy;
use crate::model::spec::StepSpec;
use crate::model::spec::TaskSpec;
use crate::policy::decide::DecideFacts;
use crate::policy::recovery::RecoveryFacts;
use crate::policy::recovery::strategies::Strategy;
use crate::support::bytes::OsText;

/// A failure and all that is known of it.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Case<'a> {
    pub(in crate::policy) facts: &'a DecideFacts<'a>,
    pub(in crate::policy) recovery: &'a RecoveryFacts,
    pub(in crate::policy) failure: &'a Classification,
    /// Nothing but time may help: the same command, unchanged and later, is worth another attempt.
    pub(in crate::policy) time_may_help: bool,
    /// The wait before the next attempt, as it is without recoveries.
    pub(in crate::policy) wait: Duration,
}

/// What a builder makes of a case.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Built {
    pub(super) remedy: Remedy,
    /// What it is about, in a few words.
    pub(super) about: Option<String>,
    /// The most time that it may take, where it is not that of the table.
    pub(super) timeout: Option<Duration>,
    /// The time limit of the next attempt.
    pub(super) limit: Option<Duration>,
}

impl Built {
    pub(super) const fn new(remedy: Remedy) -> Self {
        Self {
            remedy,
            about: None,
            timeout: None,
            limit: None,
        }
    }

    #[must_use]
    pub(super) fn about(mut self, what: impl Into<String>) -> Self {
        self.about = Some(what.into());
        self
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum No {
    /// It is not for this, or the task declares nothing for it: there is nothing to tell.
    NotForThis,
    /// It was tried, or a bound is reached.
    Spent(String),
    /// It would be for this, and is not allowed or not declared; that is told.
    Refused(String),
}

pub(super) type Plan = Result<Built, No>;

impl<'a> Case<'a> {
    pub(super) const fn spec(&self) -> &'a TaskSpec {
        self.facts.spec
    }

    /// A value that was found in the output. It is compared, and never used.
    pub(super) fn found(&self, name: &str) -> Option<&'a str> {
        self.failure.extracted.get(name).map(String::as_str)
    }

    /// The step that failed.
    pub(super) fn step(&self) -> Option<&'a StepSpec> {
        let steps = &self.facts.spec.steps;
        let done = usize::try_from(self.facts.outcome.account.steps_done).unwrap_or(usize::MAX);
        steps.get(done).or_else(|| steps.last())
    }

    /// The variables that the definition sets for the step that failed, and those of adjustments.
    pub(super) fn variables(&self) -> BTreeMap<String, OsText> {
        let mut variables = self.facts.spec.env.clone();
        if let Some(step) = self.step() {
            variables.extend(step.env.clone());
        }
        variables.extend(self.recovery.adjustments.env.clone());
        variables
    }

    /// Whether it failed before, in a row.
    pub(super) const fn failed_before(&self) -> bool {
        self.facts.failures_before > 0
    }

    pub(super) fn is(&self, category: Category, pattern: &str) -> bool {
        self.failure.category == category && self.failure.pattern == pattern
    }
}

/// Whether a strategy of this risk may be used: the words of the machine and of the task.
///
/// # Errors
/// A sentence with what would allow it.
pub(super) fn allowed(
    strategy: &Strategy,
    spec: &TaskSpec,
    mode: RecoverMode,
    machine_allow: &[String],
) -> Result<(), String> {
    match strategy.risk {
        Risk::Observe | Risk::Safe | Risk::Manual => Ok(()),
        Risk::Guarded => {
            let name = strategy.name;
            let of_machine = machine_allow.iter().any(|allowed| allowed == name);
            // Under a lower ceiling, `full` of a task is no word for anything.
            let by_mode = spec.recover_mode == Some(RecoverMode::Full) && mode == RecoverMode::Full;
            let of_task = by_mode || spec.allow.iter().any(|allowed| allowed == name);
            let line = format!("`allow = [\"{name}\"]`");
            match (of_machine, of_task) {
                (true, true) => Ok(()),
                (false, true) => Err(format!(
                    "this machine does not allow it: {line} under `[recover]` in the configuration does"
                )),
                (true, false) => Err(format!("the task does not allow it: {line} in it does")),
                (false, false) => Err(format!(
                    "neither this machine nor the task allows it: {line} under `[recover]` in the \
                     configuration and in the task does"
                )),
            }
        }
    }
}
