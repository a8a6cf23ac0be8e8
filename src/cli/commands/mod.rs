//! One file per command: its options, and load, call, print.

use clap::Subcommand;

use crate::cli::courier;
use crate::cli::failure::Answer;

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

pub use crate::cli::invocation::Invocation;

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
