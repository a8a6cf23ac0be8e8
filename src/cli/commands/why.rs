//! `autoexec why`: why a task is not running, or why it failed, and what to do.

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::select;
use crate::cli::failure::{Answer, Ending};
use crate::model::state::TaskState;
use crate::policy::since::differences;
use crate::report::task_page;
use crate::report::why::{self, Facts, Why};

/// Options of `autoexec why`.
#[derive(Debug, clap::Args)]
pub struct WhyArgs {
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
pub fn carry_out(args: &WhyArgs, invocation: &mut Invocation<'_>) -> Answer {
    let Some(store) = invocation.look_into_queue()? else {
        return Err(select::unknown(&args.task, []));
    };
    let id = select::find(&store, &args.task)?;
    let whole = task_page::load(&store, id, &invocation.settings.state)?;
    let moment = invocation.moment().look_into(&store)?;
    let since = if whole.task.state == TaskState::Failed {
        let found = store.now_and_then(id)?;
        found.map(|(now, then)| differences(&then, &now))
    } else {
        None
    };
    let alone = match moment.alone {
        Some(lone) => store.name_of_lone(lone)?,
        None => None,
    };
    let facts = Facts {
        whole: &whole,
        moment,
        ahead: store.ahead_of(id)?,
        alone,
        since: since.unwrap_or_default(),
    };
    let look = invocation.look();
    let answer = Why::of(&facts, look);
    if args.json {
        invocation.output.json(&why::value(&answer, &facts));
    } else {
        invocation.output.text(&why::text(&answer, look));
    }
    Ok(Ending::Well)
}
