//! `autoexec stop`: asks the active run to end.

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::change::asker;
use crate::cli::failure::{Answer, Ending};
use crate::engine::change;
use crate::store::requests::StopHow;

/// Options of `autoexec stop`.
#[derive(Debug, clap::Args)]
pub struct StopArgs {
    /// Kill what is running instead of asking it to end
    #[arg(long, conflicts_with = "drain")]
    pub now: bool,
    /// Let what is running end; only nothing new is started
    #[arg(long)]
    pub drain: bool,
}

/// Carries out the command.
///
/// # Errors
/// When the run does not answer, or the queue cannot be used.
pub fn carry_out(args: &StopArgs, invocation: &mut Invocation<'_>) -> Answer {
    const NO_RUN: &str = "no run is active; nothing to stop";
    if invocation.look_into_queue()?.is_none() {
        invocation.output.note(NO_RUN);
        return Ok(Ending::Well);
    }
    let (how, what) = if args.now {
        (StopHow::Now, "what is running is killed")
    } else if args.drain {
        (StopHow::Drain, "what is running may end")
    } else {
        (StopHow::Gentle, "what is running is asked to end")
    };
    match change::stop(&asker("stop", invocation)?, how)? {
        Some(holder) => {
            let pid = holder.process.pid;
            let line = format!("the run of process {pid} stops: {what}, and the queue is kept");
            invocation.output.line(&line);
        }
        None => invocation.output.note(NO_RUN),
    }
    Ok(Ending::Well)
}
