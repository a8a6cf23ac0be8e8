//! What a supervisor is told when it is started.
//!
//! Most serve a slot of a queue's run. One that stands alone carries out the attempts of a single command for
//! `autoexec exec`: no state directory, no records that outlive it, and the command has our standard
//! streams.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::ids::Epoch;
use crate::model::ids::QueueId;
use crate::model::ids::RunId;
use crate::model::layout::StateDir;
use crate::process::launch::ALONE;

/// What becomes of a running attempt when its runner dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenRunnerDies {
    /// It goes on, and a later run takes its outcome.
    Adopt,
    /// It is stopped at once.
    Kill,
}

impl WhenRunnerDies {
    /// The stable identifier.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Kill => "kill",
        }
    }
}

/// The arguments of a supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// The queue.
    pub queue: QueueId,
    /// What becomes of a running attempt when the runner dies.
    pub when_runner_dies: WhenRunnerDies,
    /// Where it serves.
    pub post: Post,
}

/// Where a supervisor serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Post {
    /// At a slot of a run.
    Slot(Slot),
    /// For one command of nobody's queue.
    Alone(Channels),
}

/// A slot of a run.
///
/// INVARIANT: the epoch stands here and is never read from the file to become one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The state directory; an absolute path.
    pub state: StateDir,
    /// The run that starts it.
    pub run: RunId,
    /// The number of the slot file; never given twice within a run.
    pub number: usize,
    /// The epoch of the run.
    pub epoch: Epoch,
    /// After how much silence of a task without a limit somebody is told.
    pub stalled_after: Duration,
}

/// The numbers of the descriptors by which a supervisor that stands alone speaks with its runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channels {
    /// Where it listens.
    pub commands: i32,
    /// Where it answers.
    pub reports: i32,
}

/// Arguments that nobody but a person could have typed.
#[derive(Debug, thiserror::Error)]
#[error(
    "`autoexec __supervise` is started by `autoexec run` and not by hand: its argument {what} is missing or wrong"
)]
pub struct ArgumentError {
    what: &'static str,
}

impl Arguments {
    /// Reads what [`crate::process::launch::Launch`] or [`crate::process::launch::LaunchAlone`]
    /// hands over.
    ///
    /// # Errors
    /// Names the first argument that is missing or wrong.
    pub fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, ArgumentError> {
        let first = arguments.next();
        if first.as_deref() == Some(ALONE.as_ref()) {
            return Self::alone(arguments);
        }
        let state = first
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .ok_or(ArgumentError {
                what: "for the state directory",
            })?;
        let mut text = |what| {
            arguments
                .next()
                .and_then(|argument| argument.into_string().ok())
                .ok_or(ArgumentError { what })
        };
        let wrong = |what| ArgumentError { what };
        let queue = text("for the queue")?;
        let run = text("for the run")?;
        let slot = text("for the slot")?;
        let epoch = text("for the epoch")?;
        let dies = text("for the runner's death")?;
        let silence = text("for the silence")?;
        let slot = Slot {
            state: StateDir::at(state),
            run: RunId::new(run.parse().map_err(|_| wrong("for the run"))?),
            number: slot.parse().map_err(|_| wrong("for the slot"))?,
            epoch: Epoch(epoch.parse().map_err(|_| wrong("for the epoch"))?),
            stalled_after: silence
                .parse()
                .map(Duration::from_millis)
                .map_err(|_| wrong("for the silence"))?,
        };
        Ok(Self {
            queue: QueueId::parse(&queue).ok_or(wrong("for the queue"))?,
            post: Post::Slot(slot),
            when_runner_dies: [WhenRunnerDies::Adopt, WhenRunnerDies::Kill]
                .into_iter()
                .find(|known| known.as_str() == dies)
                .ok_or(wrong("for the runner's death"))?,
        })
    }

    fn alone(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, ArgumentError> {
        let mut text = |what| {
            arguments
                .next()
                .and_then(|argument| argument.into_string().ok())
                .ok_or(ArgumentError { what })
        };
        let queue = text("for the queue")?;
        let queue = QueueId::parse(&queue).ok_or(ArgumentError {
            what: "for the queue",
        })?;
        let mut number = |what| text(what)?.parse().map_err(|_| ArgumentError { what });
        Ok(Self {
            queue,
            // Who started it has nobody else who could take the outcome.
            when_runner_dies: WhenRunnerDies::Kill,
            post: Post::Alone(Channels {
                commands: number("for the commands")?,
                reports: number("for the reports")?,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    use crate::process::launch::Launch;

    #[test]
    fn arguments_are_read_as_they_were_made() {
        let slot = Slot {
            state: StateDir::at("/var/state"),
            run: RunId::new(7),
            number: 2,
            epoch: Epoch(u64::MAX),
            stalled_after: Duration::from_mins(45),
        };
        let made = Arguments {
            queue: QueueId([3; 16]),
            when_runner_dies: WhenRunnerDies::Kill,
            post: Post::Slot(slot.clone()),
        };
        let launch = Launch {
            executable: Path::new("autoexec"),
            dir: &slot.state,
            queue: made.queue,
            run: slot.run,
            slot: slot.number,
            epoch: slot.epoch,
            adopt: false,
            stalled_after: slot.stalled_after,
        };
        let argv = launch.arguments();
        assert_eq!(Arguments::parse(argv.clone().into_iter()).unwrap(), made);
        for missing in 0..argv.len() {
            let error = Arguments::parse(argv[..missing].iter().cloned()).unwrap_err();
            assert!(error.to_string().contains("missing or wrong"));
        }
        let mut relative = argv;
        relative[0] = "state".into();
        assert!(Arguments::parse(relative.into_iter()).is_err());
    }

    #[test]
    fn one_that_stands_alone_is_told_its_channels() {
        let told = |words: &[&str]| Arguments::parse(words.iter().map(OsString::from));
        let queue = QueueId([3; 16]).to_string();
        let arguments = told(&[ALONE, &queue, "5", "8"]).unwrap();
        let channels = Channels {
            commands: 5,
            reports: 8,
        };
        assert_eq!(arguments.post, Post::Alone(channels));
        assert_eq!(arguments.when_runner_dies, WhenRunnerDies::Kill);
        for wrong in [
            &[ALONE][..],
            &[ALONE, &queue, "5"],
            &[ALONE, &queue, "5", "x"],
        ] {
            assert!(told(wrong).is_err(), "{wrong:?}");
        }
    }
}
