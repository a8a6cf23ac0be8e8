//! `autoexec rescue`: looks through what failed for causes that have gone away, and queues that again.

use serde_json::json;

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::change::asker;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::engine::change::{self, Changed, Wait};
use crate::engine::rescue::suspects::{Sight, Suspect, look_at, suspects};
use crate::host::state_dir::{self, SharedFileSystem};
use crate::model::category::Category;
use crate::store::requests::Wish;
use crate::store::{Access, Store};
use crate::support::text::count;
use crate::support::untrusted::Untrusted;

/// Options of `autoexec rescue`.
#[derive(Debug, clap::Args)]
pub struct RescueArgs {
    /// Look and say what would be queued again; change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Carries out the command.
///
/// # Errors
/// When the queue cannot be used.
pub fn carry_out(args: &RescueArgs, invocation: &mut Invocation<'_>) -> Answer {
    let looked = look(invocation)?;
    let gone: Vec<_> = looked
        .iter()
        .filter(|one| matches!(one.sight, Sight::Gone(_)))
        .map(|one| one.id)
        .collect();
    if !args.dry_run && !gone.is_empty() {
        let asker = asker("rescue", invocation)?;
        let wish = Wish::Rescue { tasks: gone };
        if let Changed::Refused(why) = change::change(&asker, &wish, Wait::ForTheAnswer)? {
            return Err(CliError::usage("refused", why).hint("nothing was changed"));
        }
    }
    if args.json {
        let tasks: Vec<_> = looked.iter().map(|one| value(one, args.dry_run)).collect();
        invocation
            .output
            .json(&json!({ "schema": "autoexec.rescue/1", "tasks": tasks }));
    } else {
        tell(&looked, args.dry_run, invocation);
    }
    Ok(Ending::Well)
}

/// Names the command to somebody whose run left what may heal with time: a plain run waits for no
/// slower rounds.
pub fn name(invocation: &mut Invocation<'_>) {
    let now = invocation.settings.clock.now();
    let recovery = invocation.settings.config.on_failure().recovery;
    let found = match invocation.look_into_queue() {
        Ok(Some(store)) => suspects(&store, &recovery, now).unwrap_or_default(),
        // Whoever asks for it is told why it does not work.
        Ok(None) | Err(_) => return,
    };
    let may_heal = found
        .iter()
        .filter(|one| !matches!(one.sight, Sight::NotSeen(_)))
        .count();
    if may_heal > 0 {
        let tasks = count(may_heal, "failed task");
        invocation.output.note(&format!(
            "{tasks} may work once the cause is gone: `autoexec rescue` looks, and queues again what does"
        ));
    }
}

/// What failed within the last nights, and what is seen of its causes.
fn look(invocation: &Invocation<'_>) -> Result<Vec<Suspect>, CliError> {
    let settings = &invocation.settings;
    state_dir::check(&settings.state, SharedFileSystem::Refuse)?;
    if !settings.state.database().exists() {
        return Ok(Vec::new());
    }
    let now = settings.clock.now();
    let store = Store::open(&settings.state, Access::ReadOnly, now)?;
    let found = suspects(&store, &settings.config.on_failure().recovery, now)?;
    drop(store);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::usage("no_runtime", format!("cannot look: {error}")))?;
    let looked = runtime.block_on(look_at(found));
    runtime.shutdown_background();
    Ok(looked)
}

const fn result(sight: &Sight, dry_run: bool) -> &'static str {
    match (sight, dry_run) {
        (Sight::Gone(_), true) => "would be queued again",
        (Sight::Gone(_), false) => "queued again",
        (Sight::NotSeen(_) | Sight::LookAt(_), _) => "not queued again",
    }
}

fn seen(sight: &Sight) -> String {
    match sight {
        Sight::Gone(seen) | Sight::NotSeen(seen) => seen.clone(),
        Sight::LookAt(_) => String::new(),
    }
}

fn value(one: &Suspect, dry_run: bool) -> serde_json::Value {
    json!({
        "id": one.id.get(),
        "name": one.name.as_str(),
        "category": one.category.map(Category::as_str),
        "failed_at": one.failed_at.to_rfc3339(),
        "result": result(&one.sight, dry_run).replace(' ', "_"),
        "seen": Untrusted::from(seen(&one.sight)).for_json(),
    })
}

fn tell(looked: &[Suspect], dry_run: bool, invocation: &mut Invocation<'_>) {
    if looked.is_empty() {
        invocation
            .output
            .line("nothing failed within the last 7 nights that could be rescued");
        return;
    }
    for one in looked {
        let seen = Untrusted::from(seen(&one.sight)).for_terminal();
        let line = format!("{}: {}: {seen}", one.name, result(&one.sight, dry_run));
        invocation.output.line(&line);
    }
    let gone = looked
        .iter()
        .filter(|one| matches!(one.sight, Sight::Gone(_)))
        .count();
    if gone > 0 && !dry_run {
        let line = format!(
            "{} queued again; `autoexec run` runs them",
            count(gone, "task")
        );
        invocation.output.line(&line);
    }
}
