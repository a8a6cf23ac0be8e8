//! `autoexec resume`: ends a pause.

use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, Ending};
use crate::process::wake;
use crate::store::pause::resume;

/// Options of `autoexec resume`.
#[derive(Debug, clap::Args)]
pub struct ResumeArgs {}

/// Carries out the command.
///
/// # Errors
/// When the queue cannot be used.
pub fn carry_out(_args: &ResumeArgs, invocation: &mut Invocation<'_>) -> Answer {
    let now = invocation.settings.clock.now();
    let is_paused = match invocation.look_into_queue()? {
        Some(store) => store.pause()?.is_some_and(|pause| pause.holds(now)),
        None => false,
    };
    if !is_paused {
        invocation
            .output
            .note("the queue is not paused; nothing to resume");
        return Ok(Ending::Well);
    }
    invocation.open_queue()?.write(resume)?;
    // A run that does not hear it looks by itself.
    let _later_without = wake::wake(&invocation.settings.state.wake());
    let line = match invocation.active_run() {
        Some(_) => "resumed: the run goes on",
        None => "resumed; `autoexec run` works through the queue",
    };
    invocation.output.line(line);
    Ok(Ending::Well)
}
