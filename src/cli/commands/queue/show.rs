//! `autoexec queue show`: one task whole.

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::select;
use crate::cli::failure::{Answer, Ending};
use crate::report::task_page;

/// Options of `autoexec queue show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The task: its id or its name
    #[arg(value_name = "ID|NAME")]
    pub task: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Carries out the command.
///
/// # Errors
/// When there is no such task, or the queue cannot be read.
pub fn carry_out(args: &ShowArgs, invocation: &mut Invocation<'_>) -> Answer {
    let Some(store) = invocation.look_into_queue()? else {
        return Err(select::unknown(&args.task, []));
    };
    let id = select::find(&store, &args.task)?;
    let whole = task_page::load(&store, id, &invocation.settings.state)?;
    let moment = invocation.moment().look_into(&store)?;
    let look = invocation.look();
    if args.json {
        invocation.output.json(&task_page::value(&whole, moment));
    } else {
        invocation
            .output
            .text(&task_page::text(&whole, moment, look));
    }
    Ok(Ending::Well)
}
