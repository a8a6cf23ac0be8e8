//! `autoexec queue list`: what is in the queue, by default what is unfinished or needs a person.

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::select::{parse_category, parse_status};
use crate::cli::failure::{Answer, Ending};
use crate::model::category::Category;
use crate::model::state::{Skip, TaskState, TaskStatus};
use crate::report::queue_table;
use crate::store::{Filter, TaskLine};

/// Options of `autoexec queue list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only tasks in this state; may be given several times
    #[arg(long, value_name = "STATUS", value_parser = parse_status)]
    pub status: Vec<TaskStatus>,
    /// Only tasks with this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Only tasks whose last failure is of this category
    #[arg(long, value_name = "CATEGORY", value_parser = parse_category)]
    pub category: Option<Category>,
    /// Finished tasks too
    #[arg(long, conflicts_with = "status")]
    pub all: bool,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// What is unfinished or may need a person.
const USUAL: [TaskStatus; 6] = [
    TaskStatus::Queued,
    TaskStatus::Running,
    TaskStatus::Recovering,
    TaskStatus::Held,
    TaskStatus::Failed,
    TaskStatus::Skipped,
];

/// Carries out the command.
///
/// # Errors
/// When the queue cannot be read.
pub fn carry_out(args: &ListArgs, invocation: &mut Invocation<'_>) -> Answer {
    let lines = match invocation.look_into_queue()? {
        Some(store) => store.list(&filter(args))?,
        None => Vec::new(),
    };
    let usual = !args.all && args.status.is_empty();
    let lines: Vec<TaskLine> = lines
        .into_iter()
        // Nobody misses a task that was only wanted if another had failed.
        .filter(|line| !(usual && line.state == TaskState::Skipped(Skip::NotNeeded)))
        .collect();
    let moment = invocation.moment();
    let look = invocation.look();
    let output = &mut *invocation.output;
    if args.json {
        output.json(&queue_table::value(&lines, moment));
    } else if lines.is_empty() {
        output.note(if args.all {
            "the queue is empty"
        } else {
            "nothing to list; `--all` lists finished tasks too"
        });
    } else {
        output.text(&queue_table::text(&lines, moment, look));
    }
    Ok(Ending::Well)
}

fn filter(args: &ListArgs) -> Filter {
    let statuses = match (args.all, args.status.as_slice()) {
        (true, _) => Vec::new(),
        (false, []) => USUAL.to_vec(),
        (false, chosen) => chosen.to_vec(),
    };
    Filter {
        statuses,
        tag: args.tag.clone(),
        category: args.category,
        after: None,
        limit: args.limit,
    }
}
