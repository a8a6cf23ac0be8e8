//! `autoexec pause`: nothing new is started for a while, with or without a run.

use std::time::Duration;

use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, Ending};
use crate::cli::hours::parse_span;
use crate::process::wake;
use crate::store::pause::{Pause, pause};
use crate::support::clock::Zone;

/// Options of `autoexec pause`.
#[derive(Debug, clap::Args)]
pub struct PauseArgs {
    /// Go on by itself after this time, such as 90m; without it `autoexec resume` ends the pause
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_span)]
    pub span: Option<Duration>,
}

/// Carries out the command.
///
/// # Errors
/// When the queue cannot be used.
pub fn carry_out(args: &PauseArgs, invocation: &mut Invocation<'_>) -> Answer {
    let mut store = invocation.open_queue()?;
    let now = invocation.settings.clock.now();
    let until = args.span.map(|span| now.plus(span));
    store.write(|tx| pause(tx, Pause { since: now, until }))?;
    // A run that does not hear it looks by itself.
    let _later_without = wake::wake(&invocation.settings.state.wake());
    let end = match until {
        Some(until) => format!(
            "until {} or `autoexec resume`",
            Zone::Local.short(until, now)
        ),
        None => "until `autoexec resume`".to_owned(),
    };
    let running = match invocation.active_run() {
        Some(_) => "; what is running may end",
        None => "",
    };
    let line = format!("paused: nothing new is started {end}{running}");
    invocation.output.line(&line);
    Ok(Ending::Well)
}
