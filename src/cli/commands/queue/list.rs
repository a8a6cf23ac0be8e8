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
    let filter = filter(args);
    let mut moment = invocation.moment();
    let store = invocation.look_into_queue()?;
    let lines = match &store {
        Some(store) => {
            moment = moment.look_into(store)?;
            store.list(&filter)?
        }
        None => Vec::new(),
    };
    let hidden = match &store {
        Some(store) if args.limit == Some(lines.len()) => {
            let all = store.count(&filter)?;
            all.saturating_sub(lines.len())
        }
        _ => 0,
    };
    let usual = !args.all && args.status.is_empty();
    let lines: Vec<TaskLine> = lines
        .into_iter()
        // Nobody misses a task that was only wanted if another had failed.
        .filter(|line| !(usual && line.state == TaskState::Skipped(Skip::NotNeeded)))
        .collect();
    let look = invocation.look();
    let place = invocation.place();
    let output = &mut *invocation.output;
    if args.json {
        output.json(&queue_table::value(&lines, moment));
    } else if !lines.is_empty() {
        output.text(&queue_table::text(&lines, moment, look));
    } else if hidden == 0 {
        output.note(&none_listed(args, store.is_some(), &place));
    }
    if hidden > 0 {
        output.note(&format!("and {hidden} more; `--limit` hides them"));
    }
    Ok(Ending::Well)
}

/// Why the list is empty, and of which queue it is: perhaps another one was meant.
fn none_listed(args: &ListArgs, is_there: bool, place: &str) -> String {
    if !is_there {
        return format!("nothing to list: there is no queue in `{place}` yet");
    }
    if args.tag.is_some() || args.category.is_some() || !args.status.is_empty() {
        return format!("no task in `{place}` is like that");
    }
    if args.all {
        return format!("the queue in `{place}` is empty");
    }
    format!("nothing to list in `{place}`; `--all` lists finished tasks too")
}

fn filter(args: &ListArgs) -> Filter {
    let statuses = match (args.all, args.status.as_slice()) {
        (true, _) => Vec::new(),
        (false, []) => USUAL.to_vec(),
        (false, chosen) => chosen.to_vec(),
    };
    Filter {
        statuses,
        needing: false,
        doubted: !args.all && args.status.is_empty(),
        only_doubted: false,
        tag: args.tag.clone(),
        category: args.category,
        after: None,
        limit: args.limit,
    }
}
