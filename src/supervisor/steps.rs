//! The steps of an attempt: which are finished, how that is noted, and what each has of its own.
//!
//! # Crash safety
//!
//! A finished step is noted in the slot file, synced, before the next one starts. Whoever collects
//! the attempt, from an outcome or after a crash, learns from there where the next one begins. A
//! step in doubt is one that ran and is not noted: it is run again if the task's `on_crash` allows
//! another attempt at all.
//!
//! INVARIANT: the last step is never noted. The task is done with it or not at all: success checks may
//! still find its result wanting, and an attempt without any step could not put that right.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::attempt::Assignment;
use crate::model::ids::ProcessIdentity;
use crate::model::layout::MARK_VARIABLE;
use crate::model::outcome::Account;
use crate::model::outcome::Ended;
use crate::model::remedy::Action;
use crate::model::slot::SlotEntry;
use crate::model::spec::StepSpec;
use crate::process::environment::Environment;
use crate::process::slotfile::Durability;
use crate::supervisor::attempt::Attempt;
use crate::supervisor::complain;
use crate::support::bytes::OsText;
use crate::support::clock::Clock;
use crate::support::clock::monotonic;
use crate::support::crash;

/// How far an attempt has come.
#[derive(Debug)]
pub(super) struct Steps {
    /// Of the task.
    all: u32,
    /// Finished by earlier attempts.
    before: u32,
    /// Finished and noted, those of earlier attempts included.
    noted: u32,
    /// A step left something running that serves the steps behind it: it has to run again, and
    /// nothing behind it is noted.
    serves: bool,
    /// The last one is finished too.
    complete: bool,
}

impl Steps {
    /// The steps that are left of an assignment: at least the last one.
    pub(super) fn after(assignment: &Assignment) -> Self {
        let all = u32::try_from(assignment.spec.steps.len()).unwrap_or(u32::MAX);
        // Whoever begins with nothing saved begins with the first step.
        let is_anew = assignment
            .remedies
            .iter()
            .any(|order| order.action == Action::MoveCheckpointAside);
        let done = if is_anew { 0 } else { assignment.steps_done };
        let before = done.min(all.saturating_sub(1));
        Self {
            all,
            before,
            noted: before,
            serves: false,
            complete: false,
        }
    }

    /// The index of the first one to run.
    pub(super) fn first(&self) -> usize {
        usize::try_from(self.before).unwrap_or(usize::MAX)
    }

    /// How many are finished for good.
    pub(super) fn noted(&self) -> u32 {
        self.noted
    }

    /// What the present step started goes on for the steps behind it.
    pub(super) fn leave_running(&mut self) {
        self.serves = true;
    }
}

impl Attempt<'_> {
    /// Sets the time limit of a step: its own or that of the attempt, whichever is over first.
    pub(super) fn set_deadline(&mut self, step: &StepSpec) {
        let of_attempt = self
            .assignment
            .timeout
            .map(|limit| (self.zero.saturating_add(limit), limit));
        let of_step: Option<(Duration, Duration)> = step
            .timeout
            .map(|limit| (monotonic().saturating_add(limit), limit));
        let first = [of_attempt, of_step].into_iter().flatten().min();
        self.deadline = first.map(|(deadline, _)| deadline);
        self.limit = first.map(|(_, limit)| limit);
    }

    /// The environment of a step: the attempt's, with the step's own variables and its name.
    pub(super) fn environment_of<'e>(
        &self,
        step: &StepSpec,
        attempt: &'e mut Environment,
    ) -> Cow<'e, Environment> {
        let name = OsText::from(step.name.as_str());
        attempt.insert("AUTOEXEC_STEP".into(), name);
        if step.env.is_empty() && step.workdir.is_none() {
            return Cow::Borrowed(attempt);
        }
        let mut environment = attempt.clone();
        for (name, value) in &step.env {
            // What autoexec itself sets is true and stays so.
            if !self.assignment.variables.contains_key(name) && name != MARK_VARIABLE {
                environment.insert(OsText::from(name.as_str()), value.clone());
            }
        }
        if let (Some(workdir), Some(pwd)) =
            (&step.workdir, environment.get_mut(&OsText::from("PWD")))
        {
            *pwd = workdir.clone();
        }
        Cow::Owned(environment)
    }

    /// A step did what was wanted; `process` was its command.
    pub(super) fn step_is_finished(&mut self, process: ProcessIdentity, is_last: bool) {
        if is_last {
            self.steps.complete = true;
            return;
        }
        if self.steps.serves {
            return;
        }
        self.steps.noted += 1;
        let running = SlotEntry::Running {
            supervisor: self.service.own,
            process,
            at: self.started_at.unwrap_or_else(|| Clock::System.now()),
            steps_done: self.steps.noted,
        };
        // CRASH: the step is finished and nobody knows; it runs again.
        crash::point("supervisor_before_step_is_noted");
        let id = self.assignment.attempt;
        // Synced: a step may stand for hours. If it cannot be written, the step is run again after a
        // crash, and otherwise the outcome still tells.
        if let Err(error) = self.service.slot.write(id, running, Durability::Synced) {
            complain(&error);
        }
        // CRASH: the next attempt begins behind the step.
        crash::point("supervisor_after_step_is_noted");
    }

    /// What the attempt did besides ending like this; `saved` tells whether its checkpoint changed.
    pub(super) fn account(&self, ended: &Ended, saved: bool) -> Account {
        if self.steps.all < 2 {
            return Account {
                checkpoint_changed: saved,
                ..self.account.clone()
            };
        }
        let complete = self.steps.complete
            && self.account.unmet.is_none()
            && matches!(ended, Ended::ByItself(_));
        let went_on = self.steps.noted > self.steps.before;
        Account {
            // Another step behind it is progress, whatever is saved.
            saved: self.account.saved.clone().filter(|_| !went_on),
            steps_done: if complete {
                self.steps.all
            } else {
                self.steps.noted
            },
            checkpoint_changed: saved || went_on,
            ..self.account.clone()
        }
    }
}
