//! What an attempt tells of itself: its step and what `autoexec progress` said while it runs, and its
//! result file when it is over.
//!
//! Looked for once a second; passed on to the runner when it is something new.

use std::time::Duration;

use crate::model::attempt::Assignment;
use crate::model::message::FromSupervisor;
use crate::model::message::Progress;
use crate::model::spec::StepSpec;
use crate::process::resultfile;
use crate::process::resultfile::Found;
use crate::process::telling::Listening;
use crate::supervisor::attempt::Attempt;
use crate::support::clock::monotonic;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The variable by which a task finds where to tell how far it is.
const PROGRESS_FILE: &str = "AUTOEXEC_PROGRESS_FILE";
/// And where to leave its result.
const RESULT_FILE: &str = "AUTOEXEC_RESULT_FILE";

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
            message: told.message.map(|message| self.hiding.text(&message)),
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

    /// A remedy is carried out, or none any more.
    pub(super) fn remedy_has_begun(&mut self, strategy: Option<&str>) {
        self.pass_on(Progress {
            recovering: strategy.map(str::to_owned),
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

    /// What the attempt said of itself in the end. Its file stays where it is until all of it is
    /// recorded; without a runner to do that at once, it must survive a loss of power.
    pub(super) fn result(&self) -> Found {
        let Some(path) = self.assignment.variables.get(RESULT_FILE) else {
            return Found::default();
        };
        // CRASH: it stands as the task wrote it, and the attempt has no outcome.
        resultfile::hide(path.as_path(), |bytes| self.hiding.bytes(bytes));
        let found = resultfile::read(path.as_path()).unwrap_or_default();
        if found.said.is_some() && self.service.control.is_gone() {
            let named = [Some(path.as_path()), path.as_path().parent()];
            for file in named.into_iter().flatten() {
                let _what_counts_is_in_the_outcome =
                    std::fs::File::open(file).and_then(|file| file.sync_all());
            }
        }
        found
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
