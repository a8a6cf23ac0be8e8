//! What a supervisor is told when it is started.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::model::ids::Epoch;
use crate::model::ids::QueueId;
use crate::model::ids::RunId;
use crate::model::layout::StateDir;

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
///
/// INVARIANT: the epoch stands here and is never read from the file to become one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// The state directory; an absolute path.
    pub state: StateDir,
    /// The queue.
    pub queue: QueueId,
    /// The run that starts it.
    pub run: RunId,
    /// The number of the slot file; never given twice within a run.
    pub slot: usize,
    /// The epoch of the run.
    pub epoch: Epoch,
    /// What becomes of a running attempt when the runner dies.
    pub when_runner_dies: WhenRunnerDies,
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
    /// Reads what [`crate::process::launch::Launch`] hands over.
    ///
    /// # Errors
    /// Names the first argument that is missing or wrong.
    pub fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, ArgumentError> {
        let state = arguments
            .next()
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
        Ok(Self {
            state: StateDir::at(state),
            queue: QueueId::parse(&queue).ok_or(wrong("for the queue"))?,
            run: RunId::new(run.parse().map_err(|_| wrong("for the run"))?),
            slot: slot.parse().map_err(|_| wrong("for the slot"))?,
            epoch: Epoch(epoch.parse().map_err(|_| wrong("for the epoch"))?),
            when_runner_dies: [WhenRunnerDies::Adopt, WhenRunnerDies::Kill]
                .into_iter()
                .find(|known| known.as_str() == dies)
                .ok_or(wrong("for the runner's death"))?,
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
        let made = Arguments {
            state: StateDir::at("/var/state"),
            queue: QueueId([3; 16]),
            run: RunId::new(7),
            slot: 2,
            epoch: Epoch(u64::MAX),
            when_runner_dies: WhenRunnerDies::Kill,
        };
        let launch = Launch {
            executable: Path::new("autoexec"),
            dir: &made.state,
            queue: made.queue,
            run: made.run,
            slot: made.slot,
            epoch: made.epoch,
            adopt: false,
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
}
