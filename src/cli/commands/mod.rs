//! One file per command: its options, and load, call, print.

use clap::Subcommand;

use crate::cli::courier;
use crate::cli::failure::{Answer, CliError};
use crate::cli::output::Output;
use crate::cli::settings::Settings;
use crate::engine;
use crate::host::state_dir::{self, SharedFileSystem};
use crate::policy::pick::RunPresence;
use crate::process::runlock::{Holder, read_holder};
use crate::report::queue_table::Moment;
use crate::report::text::Look;
use crate::store::{Access, Store, StoreError};
use crate::support::bytes::OsText;
use crate::support::clock::Zone;

pub mod alerts;
pub mod breakers;
pub mod capabilities;
pub mod check;
pub mod checkpoint;
pub mod classify;
pub mod completions;
pub mod db;
pub mod dry_run;
pub mod evening;
pub mod exec;
pub mod health;
pub mod logs;
pub mod man;
pub mod patterns;
pub mod pause;
pub mod plan;
pub mod progress;
pub mod queue;
pub mod report;
mod report_form;
pub mod rescue;
pub mod resume;
pub mod run;
pub mod send;
#[cfg(feature = "web")]
pub mod serve;
pub mod status;
pub mod stop;
pub mod timer;
pub mod why;

/// What a command works with.
#[derive(Debug)]
pub struct Invocation<'a> {
    /// What holds for this life of the program.
    pub settings: Settings,
    /// Where answers and messages go.
    pub output: &'a mut Output,
}

/// The queue that the settings name, to be looked at; `None` if nothing was ever added.
///
/// # Errors
/// When the queue cannot be used.
pub fn look_into_queue(settings: &Settings) -> Result<Option<Store>, CliError> {
    state_dir::check(&settings.state, SharedFileSystem::Refuse)?;
    match Store::open(&settings.state, Access::ReadOnly, settings.clock.now()) {
        Ok(store) => Ok(Some(store)),
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Invocation<'_> {
    /// The queue, to be looked at; `None` if nothing was ever added.
    ///
    /// # Errors
    /// When the queue cannot be used.
    pub fn look_into_queue(&self) -> Result<Option<Store>, CliError> {
        look_into_queue(&self.settings)
    }

    /// The queue's directory, as a person is shown it.
    pub fn place(&self) -> String {
        let root = self.settings.state.root();
        OsText::from(root).untrusted().for_terminal()
    }

    /// Somebody who names a directory expects a queue there; a slip of the hand looks like an empty
    /// one.
    fn warn_of_missing_place(&mut self) {
        if self.settings.state_is_named && !self.settings.state.root().exists() {
            let warning = format!(
                "there is no directory `{}`, so no queue either",
                self.place()
            );
            self.output.warning(&warning);
        }
    }

    /// The process of the run that is active, and since when; `None` if there is none.
    pub fn active_run(&self) -> Option<Holder> {
        // A lock file that cannot be read is told by whoever needs the lock.
        let holder = read_holder(&self.settings.state.run_lock()).ok()?;
        holder.filter(|holder| holder.run.is_some())
    }

    /// The present instant, and whether a run is active; whether it stops is known to the queue.
    pub fn moment(&self) -> Moment {
        Moment {
            now: self.settings.clock.now(),
            stalled_after: self.settings.config.health.stalled_after,
            presence: match self.active_run() {
                Some(_) => RunPresence::Active,
                None => RunPresence::Absent,
            },
            stopping: false,
            paused: None,
            opens: None,
            alone: None,
        }
    }

    /// How a page for standard output looks.
    pub fn look(&self) -> Look {
        Look {
            width: self.settings.width,
            zone: Zone::Local,
            paint: self.output.paint(),
        }
    }

    /// The queue, to be changed; it is made if it is not there.
    ///
    /// # Errors
    /// When the state directory or the database cannot be used.
    pub fn open_queue(&mut self) -> Result<Store, CliError> {
        let settings = &self.settings;
        for warning in state_dir::prepare(&settings.state, SharedFileSystem::Refuse)? {
            self.output.warning(&warning.to_string());
        }
        let now = settings.clock.now();
        let mut store = Store::open(&settings.state, Access::ReadWrite, now)?;
        engine::settle_later_life(&mut store, &settings.state, now)?;
        Ok(store)
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add, look at and change tasks
    #[command(subcommand)]
    Queue(queue::QueueCommand),
    /// Run what is queued until nothing more can be done
    Run(run::RunArgs),
    /// Run one command now, with the retries of a task and without a queue
    Exec(exec::ExecArgs),
    /// Stop the active run; the queue is kept
    Stop(stop::StopArgs),
    /// Start nothing new for a while
    Pause(pause::PauseArgs),
    /// End a pause
    Resume(resume::ResumeArgs),
    /// Say what happened since the last report
    Report(report::ReportArgs),
    /// Begin a night every night, by systemd or by cron
    #[command(subcommand)]
    Timer(timer::TimerCommand),
    /// Say how machine and queue are: a score, what was found, and what to do
    Health(health::HealthArgs),
    /// Show what needed somebody's attention lately
    Alerts(alerts::AlertsArgs),
    /// Show the output of a task
    Logs(logs::LogsArgs),
    /// Say what would run when, what is at risk, and what is in the way
    Plan(plan::PlanArgs),
    /// Say which tools are here, which strategies are allowed, and where attempts may live
    Capabilities(capabilities::CapabilitiesArgs),
    /// Say why a task is not running, or why it failed, and what to do
    Why(why::WhyArgs),
    /// Check task files without adding anything
    Check(check::CheckArgs),
    /// Say what autoexec makes of an output
    Classify(classify::ClassifyArgs),
    /// Keep values of a task between its attempts
    #[command(subcommand)]
    Checkpoint(checkpoint::CheckpointCommand),
    /// Tell, from inside a task, how far it is
    Progress(progress::ProgressArgs),
    /// Look at and change the error patterns that failures are judged by
    #[command(subcommand)]
    Patterns(patterns::PatternsCommand),
    /// Look at the circuit breakers of services, and close them by hand
    #[command(subcommand)]
    Breakers(breakers::BreakersCommand),
    /// Queue again what failed and whose cause is seen to be gone
    Rescue(rescue::RescueArgs),
    /// Look after the database
    #[command(subcommand)]
    Db(db::DbCommand),
    /// Serve a local page and a REST API of the queue
    #[cfg(feature = "web")]
    Serve(serve::ServeArgs),
    /// Print what a shell needs to complete commands and names of tasks
    Completions(completions::CompletionsArgs),
    /// Deliver notifications
    #[command(name = courier::DELIVER, hide = true)]
    Deliver(courier::DeliverArgs),
    /// Print the manual page, or write one page per command
    Man(man::ManArgs),
}

/// Carries out a command.
///
/// # Errors
/// What the command could not do.
pub fn carry_out(command: Option<&Command>, invocation: &mut Invocation<'_>) -> Answer {
    invocation
        .output
        .set_verbosity(invocation.settings.verbosity);
    match command {
        // These make the directory, say it themselves, or need none.
        Some(
            Command::Check(_)
            | Command::Classify(_)
            | Command::Patterns(_)
            | Command::Checkpoint(_)
            | Command::Progress(_)
            | Command::Completions(_)
            | Command::Exec(_)
            | Command::Man(_)
            | Command::Queue(queue::QueueCommand::Add(_) | queue::QueueCommand::List(_)),
        ) => {}
        Some(
            Command::Run(run::RunArgs { files, .. }) | Command::Plan(plan::PlanArgs { files, .. }),
        ) if !files.is_empty() => {}
        _ => invocation.warn_of_missing_place(),
    }
    match command {
        None => status::carry_out(invocation),
        Some(Command::Queue(command)) => queue::carry_out(command, invocation),
        Some(Command::Run(args)) => run::carry_out(args, invocation),
        Some(Command::Exec(args)) => exec::carry_out(args, invocation),
        Some(Command::Stop(args)) => stop::carry_out(args, invocation),
        Some(Command::Pause(args)) => pause::carry_out(args, invocation),
        Some(Command::Resume(args)) => resume::carry_out(args, invocation),
        Some(Command::Report(args)) => report::carry_out(args, invocation),
        Some(Command::Checkpoint(command)) => checkpoint::carry_out(command, invocation),
        Some(Command::Progress(args)) => progress::carry_out(args, invocation),
        Some(Command::Timer(command)) => timer::carry_out(command, invocation),
        Some(Command::Health(args)) => health::carry_out(args, invocation),
        Some(Command::Alerts(args)) => alerts::carry_out(args, invocation),
        Some(Command::Rescue(args)) => rescue::carry_out(args, invocation),
        Some(Command::Breakers(command)) => breakers::carry_out(command, invocation),
        Some(Command::Logs(args)) => logs::carry_out(args, invocation),
        Some(Command::Plan(args)) => plan::carry_out(args, invocation),
        Some(Command::Capabilities(args)) => capabilities::carry_out(args, invocation),
        Some(Command::Why(args)) => why::carry_out(args, invocation),
        Some(Command::Check(args)) => check::carry_out(args, invocation),
        Some(Command::Classify(args)) => classify::carry_out(args, invocation),
        Some(Command::Patterns(command)) => patterns::carry_out(command, invocation),
        Some(Command::Db(command)) => db::carry_out(command, invocation),
        #[cfg(feature = "web")]
        Some(Command::Serve(args)) => serve::carry_out(args, invocation),
        Some(Command::Completions(args)) => completions::carry_out(args, invocation),
        Some(Command::Man(args)) => man::carry_out(args, invocation),
        Some(Command::Deliver(args)) => courier::deliver(args, invocation),
    }
}
