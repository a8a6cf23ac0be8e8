//! `[run]` of the configuration file: what holds for every run.

use std::num::NonZeroUsize;

use crate::cli::config::section::Section;

/// Slots of every run where nothing is written.
pub const DEFAULT_PARALLEL: NonZeroUsize = NonZeroUsize::new(2).unwrap();
/// The most slots of a run; each costs a process.
pub const MAX_PARALLEL: usize = 256;

/// What holds for every run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Slots.
    pub parallel: NonZeroUsize,
    /// What becomes of running attempts when their runner dies.
    pub when_runner_dies: WhenRunnerDies,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            parallel: DEFAULT_PARALLEL,
            when_runner_dies: WhenRunnerDies::Adopt,
        }
    }
}

/// What becomes of running attempts when their runner dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenRunnerDies {
    /// They go on; the next run takes them over.
    #[default]
    Adopt,
    /// Their supervisors end them at once.
    Kill,
}

/// Reads the section.
pub(crate) fn read(keys: &mut Section<'_, '_>) -> Run {
    let default = Run::default();
    let parallel = keys
        .whole("parallel", 1..=MAX_PARALLEL as u64)
        .and_then(|number| NonZeroUsize::new(usize::try_from(number).ok()?));
    Run {
        parallel: parallel.unwrap_or(default.parallel),
        when_runner_dies: keys
            .word(
                "when_runner_dies",
                &[
                    ("adopt", WhenRunnerDies::Adopt),
                    ("kill", WhenRunnerDies::Kill),
                ],
            )
            .unwrap_or_default(),
    }
}

/// Reads a number of slots from the command line.
///
/// # Errors
/// Says in a few words what it must be.
pub fn parse_parallel(digits: &str) -> Result<NonZeroUsize, String> {
    digits
        .parse()
        .ok()
        .and_then(NonZeroUsize::new)
        .filter(|number| number.get() <= MAX_PARALLEL)
        .ok_or_else(|| format!("must be a whole number from 1 to {MAX_PARALLEL}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config;
    use crate::support::paint::Paint;
    use std::path::Path;

    fn failure(content: &str) -> String {
        config::read(Path::new("config.toml"), content)
            .unwrap_err()
            .as_text(Paint::PLAIN)
    }

    #[test]
    fn what_is_written_holds() {
        let content = "[run]\nparallel = 1_6\nwhen_runner_dies = \"kill\"\n";
        let config = config::read(Path::new("c"), content).unwrap();
        assert_eq!(config.run.parallel.get(), 16);
        assert_eq!(config.run.when_runner_dies, WhenRunnerDies::Kill);
        let hexadecimal = config::read(Path::new("c"), "run.parallel = 0x10").unwrap();
        assert_eq!(hexadecimal.run.parallel.get(), 16);
    }

    #[test]
    fn a_number_of_slots_has_limits() {
        for wrong in ["0", "-1", "257", "99999999999999999999"] {
            let told = failure(&format!("run.parallel = {wrong}"));
            assert!(told.contains("from 1 to 256"), "{told}");
        }
        let told = failure("run.parallel = \"two\"");
        assert!(
            told.contains("line 1, column 16: `parallel` must be a whole number, found a string"),
            "{told}"
        );
    }
}
