//! The variables of the process, and what follows from them: the one place that reads them.
//!
//! An environment without any variable (cron, a service manager) is enough: the home directory then
//! comes from the user database. What flags and the configuration file add is [`crate::cli::settings`].

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::cli::failure::CliError;
use crate::cli::global_args::{ColorChoice, GlobalArgs};
use crate::support::clock::{Clock, Timestamp};
use crate::support::paint::Paint;

/// What a command finds when it is typed inside a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inside {
    /// The task's checkpoint directory.
    pub(crate) checkpoint: Option<PathBuf>,
    /// The file in which the attempt tells how far it is.
    pub(crate) progress: Option<PathBuf>,
}

/// Where programs keep what must outlive them, below the home directory.
const STATE_BELOW_HOME: &str = ".local/state";
/// Our folder there.
const OURS: &str = "autoexec";

/// Where the queue of a user lives of whose environment nothing is known.
pub(crate) fn usual_state_dir(home: &Path) -> PathBuf {
    home.join(STATE_BELOW_HOME).join(OURS)
}

/// A configuration file that is to be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    /// Whether somebody named it, so that it must exist.
    pub(crate) named: bool,
}

/// The process's environment, with the home directory beside it.
pub(crate) struct Environment<V> {
    variable: V,
    pub(crate) home: Option<PathBuf>,
}

impl Environment<fn(&str) -> Option<OsString>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub(crate) fn of_process() -> Self {
        Self {
            variable: |name| std::env::var_os(name),
            home: dirs::home_dir(),
        }
    }
}

impl<V: Fn(&str) -> Option<OsString>> Environment<V> {
    /// A variable; an empty one counts as not set.
    pub(crate) fn get(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn inside(&self) -> Inside {
        let place = |name| {
            self.get(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        Inside {
            checkpoint: place("AUTOEXEC_CHECKPOINT_DIR"),
            progress: place("AUTOEXEC_PROGRESS_FILE"),
        }
    }

    /// A directory of the XDG convention, which ignores relative paths.
    pub(crate) fn xdg(&self, name: &str, below_home: &str) -> Option<PathBuf> {
        self.get(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(self.home.as_ref()?.join(below_home)))
    }

    pub(crate) fn state_dir(&self, flags: &GlobalArgs) -> Result<PathBuf, CliError> {
        flags
            .state_dir
            .clone()
            .or_else(|| self.get("AUTOEXEC_STATE_DIR").map(PathBuf::from))
            .or_else(|| Some(self.xdg("XDG_STATE_HOME", STATE_BELOW_HOME)?.join(OURS)))
            .ok_or_else(|| {
                CliError::usage(
                    "no_state_dir",
                    "cannot tell where the queue lives: this user has no home directory",
                )
                .hint("name a directory with `--state-dir DIR` or AUTOEXEC_STATE_DIR")
            })
    }

    pub(crate) fn config_file(&self, flags: &GlobalArgs) -> Option<ConfigFile> {
        let named = flags
            .config
            .clone()
            .or_else(|| self.get("AUTOEXEC_CONFIG").map(PathBuf::from));
        match named {
            Some(path) => Some(ConfigFile { path, named: true }),
            None => Some(ConfigFile {
                path: self
                    .xdg("XDG_CONFIG_HOME", ".config")?
                    .join("autoexec/config.toml"),
                named: false,
            }),
        }
    }

    /// The machine's clock, or for tests one that stands still at so many milliseconds.
    pub(crate) fn clock(&self) -> Result<Clock, CliError> {
        let Some(text) = self.get("__AUTOEXEC_TEST_NOW") else {
            return Ok(Clock::System);
        };
        text.to_str()
            .and_then(|millis| millis.parse().ok())
            .map(|millis| Clock::Fixed(Timestamp::from_millis(millis)))
            .ok_or_else(|| {
                CliError::usage(
                    "test_clock",
                    "`__AUTOEXEC_TEST_NOW` must be milliseconds since the epoch",
                )
            })
    }

    pub(crate) fn terminal_is_dumb(&self) -> bool {
        self.get("TERM").is_some_and(|terminal| terminal == "dumb")
    }

    pub(crate) fn paints(&self, choice: ColorChoice) -> (Paint, Paint) {
        let plain = self.get("NO_COLOR").is_some() || self.terminal_is_dumb();
        let wanted = |is_terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !plain,
        };
        let paint = |is_terminal| {
            if wanted(is_terminal) {
                Paint::COLOURED
            } else {
                Paint::PLAIN
            }
        };
        (
            paint(std::io::stdout().is_terminal()),
            paint(std::io::stderr().is_terminal()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::Ending;

    fn environment(
        variables: &'static [(&'static str, &'static str)],
        home: Option<&str>,
    ) -> Environment<impl Fn(&str) -> Option<OsString>> {
        Environment {
            variable: move |name: &str| {
                variables
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| OsString::from(value))
            },
            home: home.map(PathBuf::from),
        }
    }

    fn state_dir(environment: &Environment<impl Fn(&str) -> Option<OsString>>) -> String {
        let path = environment.state_dir(&GlobalArgs::default()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn the_flag_beats_the_environment_which_beats_the_default() {
        let variables = &[("AUTOEXEC_STATE_DIR", "/env"), ("XDG_STATE_HOME", "/xdg")];
        let both = environment(variables, Some("/home/me"));
        let flags = GlobalArgs {
            state_dir: Some("/flag".into()),
            ..GlobalArgs::default()
        };
        assert_eq!(both.state_dir(&flags).unwrap(), Path::new("/flag"));
        assert_eq!(state_dir(&both), "/env");
        let xdg = environment(&[("XDG_STATE_HOME", "/xdg")], Some("/home/me"));
        assert_eq!(state_dir(&xdg), "/xdg/autoexec");
    }

    #[test]
    fn an_empty_environment_is_enough_as_long_as_there_is_a_home() {
        let cron = environment(&[], Some("/home/me"));
        assert_eq!(state_dir(&cron), "/home/me/.local/state/autoexec");
        let nobody = environment(&[], None);
        let failure = nobody.state_dir(&GlobalArgs::default()).unwrap_err();
        assert_eq!(failure.ending(), Ending::Usage);
    }

    #[test]
    fn empty_and_relative_variables_count_as_not_set() {
        let variables = &[("AUTOEXEC_STATE_DIR", ""), ("XDG_STATE_HOME", "rel")];
        let odd = environment(variables, Some("/home/me"));
        assert_eq!(state_dir(&odd), "/home/me/.local/state/autoexec");
    }
}
