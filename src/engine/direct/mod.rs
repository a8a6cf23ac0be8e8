//! One command, now and without a queue: attempts, judgement and waits of a run, and nothing kept.
//!
//! The attempts are those of every task: a supervisor of its own carries them out, [`classify`](crate::policy::classify) judges and
//! [`decide`](crate::policy::decide) decides. What differs is that the supervisor stands alone (no state directory, no records
//! that outlive it) and that the command's output goes through us to our own standard streams, byte
//! for byte and as fast as they are read ([`relay`]).
//!
//! # Who dies with whom
//!
//! When we die, the supervisor sees the end of its pipe and stops the command. When the supervisor
//! dies, we sweep what it left and say so: nobody can know then whether the command finished, so
//! it is not started again.
//!
//! # Recoveries
//!
//! They are those of tasks, kept in memory ([`healing`]); a queue is only read.
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
mod healing;
mod hiding;
mod input;
mod line;
mod look;
mod relay;
mod round;
mod waiting;
mod watch;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::engine::direct::input::Input;
use crate::engine::direct::round::Round;
use crate::engine::direct::watch::Watch;
use crate::engine::events::AttemptEnd;
use crate::engine::events::AttemptRef;
use crate::engine::events::Next;
use crate::engine::events::RunEvent;
use crate::engine::on_failure::OnFailure;
use crate::model::category::Classification;
use crate::model::ids::TaskName;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::StopReason;
use crate::model::signal::Signal;
use crate::model::spec::TaskSpec;
use crate::policy::classify::Judgement;
use crate::policy::classify::user::UserPatterns;
use crate::store::Store;
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
    /// A service is left alone for longer than the command may take.
    #[error(
        "`{service}` does not answer and is left alone for {left}, longer than `--total-timeout`; \
         `autoexec breakers reset` lets it be tried at once"
    )]
    LeftAlone {
        /// The service.
        service: String,
        /// For how long.
        left: String,
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
    /// What the configuration of this machine says of failures.
    pub on_failure: OnFailure,
    /// The queue, to be looked at, if there is one: for what it has learned and for its breakers.
    pub queue: &'a dyn Fn() -> Option<Store>,
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
    /// What is done about a failure, what came of it, and what is not done.
    Healing(RunEvent),
    /// A service that did not answer lately is left alone, so the attempt waits.
    LeftAlone {
        /// The command's name.
        name: TaskName,
        /// The service.
        service: String,
        /// Until then.
        until: Timestamp,
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
    let mut round = Round::begin(direct);
    loop {
        if !round.enter(&mut watch, tell)? {
            return Ok(finish(watch, NEVER_STARTED, false));
        }
        let before = input.look();
        let Some(outcome) = watch.attempt(round.assignment(), tell)? else {
            return Ok(finish(watch, NEVER_STARTED, false));
        };
        let judgement = round.judge(&outcome, &watch);
        let is_final = watch.stopped().is_some() || watch.is_cut_off();
        let is_spent = input.is_spent(&before);
        if is_final || !round.go_on((&outcome, &judgement), is_spent, &mut watch, tell)? {
            let succeeded = judgement == Judgement::Success;
            return Ok(finish(watch, outcome.ended, succeeded));
        }
        input.rewind(&before);
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
