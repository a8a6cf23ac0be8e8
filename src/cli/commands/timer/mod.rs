//! `autoexec timer`: a night every night, by systemd or by cron.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;

use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::settings::Settings;
use crate::host::timer::units::{Night, NotText};
use crate::host::timer::{TimerError, Units};
use crate::model::state::TaskStatus;
use crate::process::helper;
use crate::store::Filter;
use crate::support::untrusted::Untrusted;

mod install;
mod remove;
pub mod status;

/// The name of the units where nobody says another.
const NAME: &str = "autoexec";
/// How long the service manager may take to answer.
const LIMIT: Duration = Duration::from_secs(20);
/// The least that stopping may take, and how much longer than the longest grace.
const LEAST_STOP: Duration = Duration::from_mins(3);
const BEYOND_GRACE: Duration = Duration::from_mins(1);
/// The most queued tasks whose grace is looked at.
const LOOKED_AT: usize = 1000;

/// What `autoexec timer` can do.
#[derive(Debug, Subcommand)]
pub enum TimerCommand {
    /// Write and enable a timer of systemd that runs the queue every night
    Install(InstallArgs),
    /// Remove the timer; a run that is active goes on
    Remove(NameArgs),
    /// Say what begins the nights, and when the next one begins
    Status(StatusArgs),
}

/// The name of the units.
#[derive(Debug, Clone, clap::Args)]
pub struct NameArgs {
    /// The name of the units, for more than one queue
    #[arg(long, value_name = "NAME", value_parser = parse_name, default_value = NAME)]
    pub name: String,
}

/// Options of `autoexec timer install`.
#[derive(Debug, clap::Args)]
pub struct InstallArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Write nothing: print the line for `crontab -e` instead
    #[arg(long)]
    cron: bool,
}

/// Options of `autoexec timer status`.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// Carries out the command.
///
/// # Errors
/// When units cannot be written or removed.
pub fn carry_out(command: &TimerCommand, invocation: &mut Invocation<'_>) -> Answer {
    match command {
        TimerCommand::Install(args) if args.cron => install::cron(invocation),
        TimerCommand::Install(args) => install::units(&args.name, invocation),
        TimerCommand::Remove(name) => remove::carry_out(name, invocation),
        TimerCommand::Status(args) => status::carry_out(args, invocation),
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let fits = !text.is_empty() && text.len() <= 64 && !text.starts_with(['.', '-']);
    (fits && text.chars().all(legal))
        .then(|| text.to_owned())
        .ok_or_else(|| "must be letters, digits, `-`, `_` and `.`".to_owned())
}

fn units_of(name: &NameArgs, settings: &Settings) -> Result<Units, CliError> {
    let folder = settings.units.as_ref().ok_or_else(|| {
        CliError::usage(
            "no_home",
            "cannot tell where units belong: this user has no home directory",
        )
        .hint("name a directory with XDG_CONFIG_HOME, or use `autoexec timer install --cron`")
    })?;
    Ok(Units::new(folder, &name.name))
}

/// What a night is started with.
struct Started {
    program: PathBuf,
    stop_limit: Duration,
}

impl Started {
    fn of(invocation: &Invocation<'_>) -> Result<Self, CliError> {
        let program = std::env::current_exe().ok().filter(|path| path.exists());
        Ok(Self {
            program: program.ok_or_else(|| {
                CliError::usage("own_program_unknown", "cannot tell which program this is")
                    .hint("start it by its path; it may have been replaced a moment ago")
            })?,
            stop_limit: stop_limit(invocation),
        })
    }

    fn night<'a>(&'a self, settings: &'a Settings) -> Night<'a> {
        let overnight = &settings.config.overnight;
        let zone = overnight.zone().and_then(|zone| zone.iana_name());
        let mut variables = Vec::new();
        let surroundings = Settings::surroundings();
        if let Some(path) = surroundings.0.get("PATH").and_then(|path| path.as_str()) {
            variables.push(("PATH", path.to_owned()));
        }
        if let Some(zone) = &settings.zone_variable {
            variables.push(("TZ", zone.clone()));
        }
        Night {
            program: &self.program,
            state: settings.state.root(),
            config: settings.config_file.as_deref(),
            variables,
            stop_limit: self.stop_limit,
            start: overnight.start().to_string(),
            zone: zone
                .map(str::to_owned)
                .or_else(|| settings.zone_variable.clone().filter(|zone| is_zone(zone))),
        }
    }
}

/// A variable may hold what only the C library understands.
fn is_zone(name: &str) -> bool {
    jiff::tz::TimeZone::get(name).is_ok()
}

/// Longer than the longest grace of a queued task.
fn stop_limit(invocation: &Invocation<'_>) -> Duration {
    let longest = invocation
        .look_into_queue()
        .ok()
        .flatten()
        .and_then(|store| {
            let filter = Filter {
                statuses: vec![TaskStatus::Queued, TaskStatus::Running, TaskStatus::Held],
                limit: Some(LOOKED_AT),
                ..Filter::default()
            };
            let lines = store.list(&filter).ok()?;
            let tasks = lines.iter().filter_map(|line| store.task(line.id).ok());
            tasks.map(|task| task.spec.grace).max()
        });
    longest
        .unwrap_or_default()
        .saturating_add(BEYOND_GRACE)
        .max(LEAST_STOP)
}

/// Asks the user's service manager something; its answer, or why there is none.
fn systemctl(words: &[&str]) -> Result<Untrusted, String> {
    let argv: Vec<OsString> = ["systemctl", "--user", "--no-pager", "--no-ask-password"]
        .iter()
        .chain(words)
        .map(OsString::from)
        .collect();
    match helper::run(&argv, LIMIT) {
        Err(error) => Err(error.to_string()),
        Ok(answer) if answer.status.success() => Ok(answer.stdout),
        Ok(answer) => {
            let said = answer.stderr.for_json();
            let lines: Vec<&str> = said.split_whitespace().collect();
            let said = Untrusted::from(lines.join(" ")).for_terminal_within(300);
            Err(if said.is_empty() {
                "`systemctl --user` failed".to_owned()
            } else {
                said
            })
        }
    }
}

impl From<NotText> for CliError {
    fn from(error: NotText) -> Self {
        Self::usage("not_text", error.to_string())
    }
}

impl From<TimerError> for CliError {
    fn from(error: TimerError) -> Self {
        let (ending, hint) = match &error {
            TimerError::Foreign { .. } => (
                Ending::Usage,
                "choose other names with `--name NAME`, or remove the file yourself",
            ),
            TimerError::File { .. } => (
                Ending::NeedsPerson,
                "`autoexec timer install --cron` needs no file",
            ),
        };
        Self::of_error(ending, "timer_failed", error).hint(hint)
    }
}
