//! One command, now and without a queue: attempts, judgement and waits of a run, and nothing kept.
//!
//! The attempts are those of every task: a supervisor of its own carries them out, [`classify`] judges and
//! [`decide`] decides. What differs is that the supervisor stands alone (no state directory, no records
//! that outlive it) and that the command's output goes through us to our own standard streams, byte
//! for byte and as fast as they are read ([`relay`]).
//!
//! # Who dies with whom
//!
//! When we die, the supervisor sees the end of its pipe and stops the command. When the supervisor
//! dies, we sweep what it left and say so: nobody can know then whether the command finished, so
//! it is not started again.
//!
//! # Output
//!
//! Each output has a pipe, unless ours are one (a terminal, `> log 2>&1`): then the command has one pipe
//! for both, because nobody could tell in which order it wrote to two.
//!
//! # Standard input
//!
//! The command inherits ours, because whoever reads ahead of it would take what others are to read
//! (`while read …; do autoexec exec -- …; done`). A file is read again from where it began; what an
//! attempt has read of a pipe is gone, and then there is no other attempt ([`input`]).

mod finish;
mod input;
mod line;
mod relay;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::engine::direct::input::Input;
use crate::engine::direct::watch::Watch;
use crate::engine::events::AttemptEnd;
use crate::engine::events::AttemptRef;
use crate::engine::events::Next;
use crate::engine::events::TaskRef;
use crate::model::attempt::Assignment;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::Outcome;
use crate::model::outcome::StopReason;
use crate::model::signal::Signal;
use crate::model::spec::Surroundings;
use crate::model::spec::TaskSpec;
use crate::policy::classify::Facts;
use crate::policy::classify::Judgement;
use crate::policy::classify::classify;
use crate::policy::classify::classify_with;
use crate::policy::classify::user::UserPatterns;
use crate::policy::decide::DecideFacts;
use crate::policy::decide::Decided;
use crate::policy::decide::Decision;
use crate::policy::decide::decide;
use crate::support::bytes::OsText;
use crate::support::clock::Clock;
use crate::support::clock::Timestamp;

pub use finish::Finish;

/// Why a command cannot be run, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum DirectError {
    /// The machinery around it cannot be set up or fails.
    #[error("cannot {doing}")]
    Machinery {
        /// What.
        doing: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The supervisor is gone and nobody saw the end.
    #[error(
        "the process that watched the command died; the command may have finished, and what was left of it was killed"
    )]
    Lost,
}

/// One command that is to be run.
pub struct Direct<'a> {
    /// The program that is started as supervisor: this one.
    pub executable: PathBuf,
    /// Where "now" comes from.
    pub clock: Clock,
    /// What is wanted.
    pub spec: &'a TaskSpec,
    /// Finds the error patterns of the user; asked once, and only after a failure.
    pub patterns: &'a dyn Fn() -> UserPatterns,
}

impl fmt::Debug for Direct<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct")
            .field("executable", &self.executable)
            .field("clock", &self.clock)
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

/// Something that is told, and how it meets what the command writes.
#[derive(Debug)]
pub struct Telling<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// What.
    pub told: &'a Told,
    /// The command has begun a line on standard error and not ended it.
    pub breaks_line: bool,
}

/// Whoever is told.
pub type Tell<'a> = dyn FnMut(&Telling<'_>) + 'a;

/// Something that the user of a command is told while it runs.
#[derive(Debug)]
pub enum Told {
    /// An attempt is over and another follows, or one has succeeded after others failed.
    Ended {
        /// The attempt.
        attempt: AttemptRef,
        /// How it ended.
        end: AttemptEnd,
        /// How long it took.
        duration: Duration,
        /// What follows.
        next: Next,
    },
    /// The last attempt failed.
    GivenUp {
        /// The attempt.
        attempt: AttemptRef,
        /// What it died of.
        why: Classification,
        /// How long it took.
        duration: Duration,
        /// Why there is no other.
        reason: String,
    },
    /// Somebody wants it to stop.
    Stopping {
        /// By this signal.
        signal: Signal,
        /// It is killed, because it was asked before or nothing gentler was wanted.
        killed: bool,
    },
}

/// Runs the command until it succeeds, cannot, or somebody stops it.
///
/// # Errors
/// When the machinery around it fails; how the command itself ends is no error.
pub fn run(direct: &Direct<'_>, tell: &mut Tell<'_>) -> Result<Finish, DirectError> {
    let input = Input::of_process();
    let mut watch = Watch::begin(direct, &input)?;
    let mut round = Round {
        direct,
        id: AttemptId::new(1),
        used: 0,
        timeout: direct.spec.timeout,
        last: None,
        patterns: None,
    };
    loop {
        let before = input.look();
        let Some(outcome) = watch.attempt(round.assignment(), tell)? else {
            return Ok(finish(watch, NEVER_STARTED, false));
        };
        let judgement = round.judge(&outcome, &watch);
        let decided = round.decide(&outcome, &judgement);
        let is_final = watch.stopped().is_some() || watch.is_cut_off();
        let is_spent = input.is_spent(&before);
        if !is_final && let Some(told) = round.told(&outcome, &judgement, &decided, is_spent) {
            watch.say(&told, tell);
        }
        let is_wanted = !is_final && !is_spent;
        let again = if let Decision::RetryAt { until, .. } = decided.decision
            && is_wanted
        {
            watch.wait(until.since(direct.clock.now()), tell)?
        } else {
            false
        };
        if !again {
            let succeeded = judgement == Judgement::Success;
            return Ok(finish(watch, outcome.ended, succeeded));
        }
        input.rewind(&before);
        round.next(judgement, &decided);
    }
}

/// The end of a command that was called off before it started.
const NEVER_STARTED: Ended = Ended::Stopped {
    reason: StopReason::RunStopped,
    exit: Exit::Code(0),
    killed: false,
};

fn finish(watch: Watch<'_>, ended: Ended, succeeded: bool) -> Finish {
    let (stopped, unwritten) = watch.finish();
    Finish {
        ended,
        succeeded,
        stopped,
        unwritten,
    }
}

/// Where the attempts stand.
struct Round<'a> {
    direct: &'a Direct<'a>,
    id: AttemptId,
    /// Attempts that count.
    used: u32,
    timeout: Option<Duration>,
    last: Option<Classification>,
    /// The patterns of the user, once something failed.
    patterns: Option<UserPatterns>,
}

impl Round<'_> {
    fn assignment(&self) -> Assignment {
        let spec = self.direct.spec;
        let mut variables: BTreeMap<String, OsText> = BTreeMap::new();
        let mut set = |name: &str, value: OsText| {
            variables.insert(name.to_owned(), value);
        };
        set("AUTOEXEC_TASK_NAME", spec.name.as_str().into());
        set("AUTOEXEC_ATTEMPT", (self.used + 1).to_string().into());
        set(
            "AUTOEXEC_MAX_ATTEMPTS",
            spec.retry.announced_limit().to_string().into(),
        );
        if let Some(last) = &self.last {
            set("AUTOEXEC_LAST_CATEGORY", last.category.as_str().into());
            set("AUTOEXEC_LAST_PATTERN", last.pattern.as_str().into());
        }
        Assignment {
            attempt: self.id,
            task: TaskId::new(0),
            run: RunId::new(0),
            spec: spec.clone(),
            // What holds where it is typed holds for it, unlike for a task of another hour.
            surroundings: Surroundings::default(),
            variables,
            timeout: self.timeout,
            ends_at: None,
            steps_done: 0,
            remedies: Vec::new(),
            environments: Vec::new(),
            series_started: None,
        }
    }

    fn judge(&mut self, outcome: &Outcome, watch: &Watch<'_>) -> Judgement {
        let mut facts = Facts {
            spec: self.direct.spec,
            outcome,
            stdout: &[],
            stderr: &[],
        };
        // Only where the output may tell something are the patterns looked for.
        let by_facts = classify(&facts);
        if by_facts == Judgement::Success || !matches!(outcome.ended, Ended::ByItself(_)) {
            return by_facts;
        }
        (facts.stdout, facts.stderr) = watch.tails();
        let find = self.direct.patterns;
        classify_with(&facts, self.patterns.get_or_insert_with(find))
    }

    fn decide(&self, outcome: &Outcome, judgement: &Judgement) -> Decided {
        decide(&DecideFacts {
            spec: self.direct.spec,
            outcome,
            judgement,
            used_before: self.used,
            failures_before: self.used,
            timeout: self.timeout,
            checkpoint_changed: false,
            chance: fastrand::f64(),
            window_end: None,
            cut_short: 0,
            recovery: None,
            rescue: None,
            now: self.direct.clock.now(),
        })
    }

    /// What the user would not see otherwise: a failure, and a success after one.
    fn told(
        &self,
        outcome: &Outcome,
        judgement: &Judgement,
        decided: &Decided,
        is_spent: bool,
    ) -> Option<Told> {
        let attempt = AttemptRef {
            task: TaskRef {
                id: TaskId::new(0),
                name: self.direct.spec.name.clone(),
            },
            id: self.id,
            number: self.used + 1,
            limit: decided.limit,
        };
        let duration = outcome.duration;
        Some(match (judgement, &decided.decision) {
            (Judgement::Success, _) if self.id == AttemptId::new(1) => return None,
            (Judgement::Success, _) => Told::Ended {
                attempt,
                end: AttemptEnd::Succeeded,
                duration,
                next: Next::Done,
            },
            (Judgement::Failure(why), Decision::RetryAt { until, .. }) if !is_spent => {
                Told::Ended {
                    attempt,
                    end: AttemptEnd::Failed(why.clone()),
                    duration,
                    next: Next::Retry(*until),
                }
            }
            (Judgement::Failure(why), decision) => Told::GivenUp {
                attempt,
                why: why.clone(),
                duration,
                reason: reason(decision),
            },
        })
    }

    fn next(&mut self, judgement: Judgement, decided: &Decided) {
        self.id = AttemptId::new(self.id.get() + 1);
        self.used = decided.used_in_all;
        if let Judgement::Failure(why) = judgement {
            self.last = Some(why);
        }
        if let Decision::RetryAt { timeout, .. } = &decided.decision {
            self.timeout = timeout.or(self.direct.spec.timeout);
        }
    }
}

/// Why there is no other attempt.
fn reason(decision: &Decision) -> String {
    match decision {
        Decision::Fail { reason } => reason.clone(),
        Decision::Hold(hold) => hold.reason.clone(),
        Decision::RetryAt { .. } | Decision::Recover { .. } | Decision::Rescue { .. } => {
            "not tried again: it has read of its standard input, which cannot be given to it twice; \
             a file as input (`< FILE`) can"
                .to_owned()
        }
        Decision::Succeed | Decision::Interrupt { .. } => "stopped".to_owned(),
    }
}
