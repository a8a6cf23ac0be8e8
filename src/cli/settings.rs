//! What holds for one life of the program: flags > environment > configuration file > defaults.
//!
//! Everything below is handed what it needs. The environment is read in [`crate::cli::environment`].

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::cli::config::{self, Config};
use crate::cli::environment::{ConfigFile, Environment, Inside};
use crate::cli::failure::{CliError, Ending};
use crate::cli::global_args::{ColorChoice, GlobalArgs};
use crate::cli::guard::{GUARDED_VARIABLE, Guarded};
use crate::cli::output::Verbosity;
use crate::host::state_dir;
use crate::model::layout::StateDir;
use crate::model::spec::Surroundings;
use crate::support::bytes::OsText;
use crate::support::clock::Clock;
use crate::support::paint::Paint;
use crate::taskfile::{Context, read_trusted};

/// What holds for one life of the program.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the queue lives; an absolute path.
    pub state: StateDir,
    /// Whether the command line says where the queue lives.
    pub state_is_named: bool,
    /// Where "now" comes from.
    pub clock: Clock,
    /// Set where this process is a run that somebody guards.
    pub guarded: Option<Guarded>,
    /// The configuration of this machine.
    pub config: Config,
    /// How much is said on standard error.
    pub verbosity: Verbosity,
    /// Columns of a page on standard output.
    pub width: usize,
    /// Whether standard error is a terminal on which lines can be drawn again.
    pub can_redraw: bool,
    /// The user's home directory, for `~`.
    pub home: Option<PathBuf>,
    /// What the environment says to a command that is typed inside a task.
    pub(crate) inside: Inside,
    /// The configuration file that was read, or that somebody named; an absolute path.
    pub config_file: Option<PathBuf>,
    /// Where systemd looks for units of this user.
    pub units: Option<PathBuf>,
    /// The variable `TZ`, where it is set.
    pub zone_variable: Option<String>,
}

impl Settings {
    /// Puts together flags, the process's environment and the configuration file.
    ///
    /// # Errors
    /// When the configuration cannot be read, or no place for the queue can be found.
    pub fn load(flags: &GlobalArgs) -> Result<Self, CliError> {
        let environment = Environment::of_process();
        let file = environment.config_file(flags);
        let config = match &file {
            Some(file) => load_config(file)?,
            None => Config::default(),
        };
        let file = file.filter(|file| file.named || file.path.exists());
        let state = state_dir::meant(absolute(&environment.state_dir(flags)?)?);
        tracing::info!(state = %OsText::from(state.as_path()).untrusted().for_terminal(), ?config, "settings");
        Ok(Self {
            state: StateDir::at(state),
            state_is_named: flags.state_dir.is_some(),
            clock: environment.clock()?,
            guarded: environment
                .get(GUARDED_VARIABLE)
                .and_then(|told| Guarded::parse(told.to_str()?)),
            config,
            verbosity: if flags.quiet {
                Verbosity::Quiet
            } else {
                Verbosity::Normal
            },
            width: page_width(),
            can_redraw: std::io::stderr().is_terminal() && !environment.terminal_is_dumb(),
            inside: environment.inside(),
            config_file: file.and_then(|file| std::path::absolute(file.path).ok()),
            units: environment
                .xdg("XDG_CONFIG_HOME", ".config")
                .map(|folder| folder.join("systemd/user")),
            zone_variable: environment
                .get("TZ")
                .and_then(|zone| zone.into_string().ok()),
            home: environment.home,
        })
    }

    /// PATH and the like, to be stored with a task that is added.
    pub fn surroundings() -> Surroundings {
        Surroundings::of(
            std::env::vars_os().map(|(name, value)| (OsText::from(name), OsText::from(value))),
        )
    }

    /// What paths of a definition are relative to.
    ///
    /// # Errors
    /// When the working directory was removed or cannot be read.
    pub fn task_context(&self) -> Result<Context, CliError> {
        Ok(Context {
            home: self.home.clone(),
            base: Self::working_directory()?,
        })
    }

    /// The directory in which the command was typed.
    ///
    /// # Errors
    /// When it was removed or cannot be read.
    pub fn working_directory() -> Result<PathBuf, CliError> {
        std::env::current_dir().map_err(|error| {
            CliError::usage(
                "no_working_directory",
                "cannot tell in which directory this was typed",
            )
            .because(error)
            .hint("go to a directory that exists, with `cd`")
        })
    }

    /// A variable of the process's environment that the user's configuration names.
    pub fn variable(name: &str) -> Option<OsString> {
        Environment::of_process().get(name)
    }

    /// The program itself, which a run starts again as its supervisors.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn own_program() -> Result<PathBuf, CliError> {
        // Not by its path: an upgrade may replace the file while a run is active, and a supervisor
        // must be the program that its runner is.
        let own = PathBuf::from("/proc/self/exe");
        if own.exists() {
            return Ok(own);
        }
        std::env::current_exe().map_err(|error| {
            CliError::new(
                Ending::Usage,
                "own_program_unknown",
                "cannot tell which program this is",
            )
            .because(error)
        })
    }
}

/// The colours of standard output and standard error.
pub fn paints(choice: ColorChoice) -> (Paint, Paint) {
    Environment::of_process().paints(choice)
}

/// The terminal's width; where there is none, enough that hardly anything is cut.
fn page_width() -> usize {
    const NARROWEST: u16 = 40;
    const WITHOUT_TERMINAL: u16 = 120;
    let width = console::Term::stdout()
        .size_checked()
        .map_or(WITHOUT_TERMINAL, |(_, columns)| columns.max(NARROWEST));
    usize::from(width)
}

fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path).map_err(|error| {
        CliError::usage("no_state_dir", "cannot tell where the queue lives").because(error)
    })
}

/// Reads the configuration, with the distrust of a task file: whoever can change it can change what
/// happens at night.
fn load_config(file: &ConfigFile) -> Result<Config, CliError> {
    let is_there = !matches!(
        file.path.symlink_metadata(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound
    );
    if !is_there && !file.named {
        return Ok(Config::default());
    }
    let bytes = read_trusted("configuration file", &file.path).map_err(|problem| {
        let shown = OsText::from(file.path.as_path()).untrusted().for_terminal();
        let failure =
            CliError::usage("config_unreadable", problem.message).detail(format!("in `{shown}`"));
        match problem.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    config::read(&file.path, &String::from_utf8_lossy(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_named_configuration_file_must_exist() {
        let default = ConfigFile {
            path: "/nonexistent/config.toml".into(),
            named: false,
        };
        assert_eq!(load_config(&default).unwrap(), Config::default());
        let named = ConfigFile {
            named: true,
            ..default
        };
        assert!(load_config(&named).is_err());
    }
}
