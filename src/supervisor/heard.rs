//! What an attempt tells of itself while it runs: its step, and what `autoexec progress` said.
//!
//! Looked for once a second; passed on to the runner when it is something new.

use std::time::Duration;

use crate::model::attempt::Assignment;
use crate::model::message::FromSupervisor;
use crate::model::message::Progress;
use crate::model::spec::StepSpec;
use crate::process::telling::Listening;
use crate::supervisor::attempt::Attempt;
use crate::support::clock::monotonic;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The variable by which a task finds where to tell how far it is.
const PROGRESS_FILE: &str = "AUTOEXEC_PROGRESS_FILE";

/// What an attempt told so far.
#[derive(Debug)]
pub(super) struct Heard {
    listening: Option<Listening>,
    told: Progress,
    looked_at: Duration,
}

impl Heard {
    /// Nothing yet.
    pub(super) fn of(assignment: &Assignment) -> Self {
        let path = assignment.variables.get(PROGRESS_FILE);
        Self {
            listening: path.map(|path| Listening::to(path.as_path().to_owned())),
            told: Progress::default(),
            looked_at: monotonic(),
        }
    }

    /// When to look again.
    pub(super) fn look_at(&self) -> Option<Duration> {
        self.listening.as_ref()?;
        Some(self.looked_at.saturating_add(LOOK_EVERY))
    }

    /// The attempt is over.
    pub(super) fn end(&self) {
        if let Some(listening) = &self.listening {
            listening.end();
        }
    }
}

impl Attempt<'_> {
    /// Looks whether the attempt has told something, if it is time to.
    pub(super) fn hear(&mut self, now: Duration) {
        if self.heard.look_at().is_none_or(|at| now < at) {
            return;
        }
        self.heard.looked_at = now;
        let Some(listening) = &mut self.heard.listening else {
            return;
        };
        if !listening.is_news() {
            return;
        }
        let told = listening.told();
        self.sign_of_life(now);
        let Some(told) = told else { return };
        let progress = Progress {
            percent: Some(told.percent),
            message: told.message,
            ..self.heard.told.clone()
        };
        self.pass_on(progress);
    }

    /// A step of several was started.
    pub(super) fn step_has_begun(&mut self, step: &StepSpec) {
        if self.assignment.spec.steps.len() < 2 {
            return;
        }
        // What the step before said of itself is not about this one.
        self.pass_on(Progress {
            step: Some(step.name.clone()),
            ..Progress::default()
        });
    }

    /// It has been silent and idle for so long; how far it is stays as it was told.
    pub(super) fn pass_on_silence(&mut self, idle: Duration) {
        let word = FromSupervisor::Progress {
            attempt: self.assignment.attempt,
            progress: Progress {
                silent_for: Some(idle),
                ..self.heard.told.clone()
            },
        };
        self.service.control.send(&word);
    }

    fn pass_on(&mut self, progress: Progress) {
        if progress == self.heard.told {
            return;
        }
        self.heard.told = progress.clone();
        let word = FromSupervisor::Progress {
            attempt: self.assignment.attempt,
            progress,
        };
        // Behind the word of the start, and together with it.
        let until = monotonic().saturating_add(Duration::from_millis(15));
        self.service.control.send_later(&word, until);
    }
}
