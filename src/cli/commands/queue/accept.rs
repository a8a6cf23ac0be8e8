//! `autoexec queue complete` of a task that succeeded in a way that is hard to believe: its success is
//! accepted. Its state stays, so no run has to be asked.

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::change::Meant;
use crate::cli::failure::CliError;
use crate::model::state::TaskStatus;
use crate::store::Actor;
use crate::store::doubts;
use crate::store::requests::Wish;

/// Accepts those of the tasks whose success is doubted, if that is what is wished; gives them.
///
/// # Errors
/// When the queue cannot be used.
pub(crate) fn accept<'t>(
    wish: &Wish,
    tasks: &'t [Meant],
    invocation: &mut Invocation<'_>,
) -> Result<Vec<&'t Meant>, CliError> {
    let Wish::Complete { reason, .. } = wish else {
        return Ok(Vec::new());
    };
    let is_done = |task: &&Meant| task.status == TaskStatus::Succeeded;
    let done: Vec<&Meant> = tasks.iter().filter(is_done).collect();
    if done.is_empty() {
        return Ok(done);
    }
    let now = invocation.settings.clock.now();
    let actor = Actor::Command("queue complete".to_owned());
    let mut store = invocation.open_queue()?;
    let accepted = store.write(|tx| {
        let mut accepted = Vec::new();
        for task in done {
            if doubts::accept(tx, task.id, reason, &actor, now)? {
                accepted.push(task);
            }
        }
        Ok(accepted)
    })?;
    Ok(accepted)
}
