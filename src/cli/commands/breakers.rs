//! `autoexec breakers`: the services that tasks declare, and which of them are left alone at present.

use serde_json::{Value, json};

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::change::asker;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::settings::Settings;
use crate::engine::change::{self, Changed, Wait};
use crate::host::state_dir::{self, SharedFileSystem};
use crate::policy::breaker::BreakerState;
use crate::report::services;
use crate::report::services::Service;
use crate::report::services::services as rows;
use crate::store::requests::Wish;
use crate::store::{Access, Store};
use crate::support::clock::{Timestamp, Zone};
use crate::support::similar::closest;
use crate::support::text::count;
use crate::support::untrusted::Untrusted;

/// What to do with circuit breakers.
#[derive(Debug, clap::Subcommand)]
pub enum BreakersCommand {
    /// Show the services that tasks declare, and how they stand
    List(ListArgs),
    /// Say that services are back: their tasks go on
    Reset(ResetArgs),
}

/// Options of `autoexec breakers list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `autoexec breakers reset`.
#[derive(Debug, clap::Args)]
pub struct ResetArgs {
    /// The services, as tasks name them
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Carries out the command.
///
/// # Errors
/// When the queue cannot be used, or there is no such service.
pub fn carry_out(command: &BreakersCommand, invocation: &mut Invocation<'_>) -> Answer {
    match command {
        BreakersCommand::List(args) => list(args, invocation),
        BreakersCommand::Reset(args) => reset(args, invocation),
    }
}

/// The names that may follow `breakers reset` on a command line, each with its state.
pub fn names(store: &Store) -> Vec<(String, &'static str)> {
    let now = Timestamp::from_millis(i64::MAX);
    let rows = rows(store, now).unwrap_or_default();
    rows.into_iter()
        .map(|row| (row.name, row.breaker.state.as_str()))
        .collect()
}

fn open(invocation: &Invocation<'_>) -> Result<Option<Store>, CliError> {
    let settings: &Settings = &invocation.settings;
    state_dir::check(&settings.state, SharedFileSystem::Refuse)?;
    if !settings.state.database().exists() {
        return Ok(None);
    }
    let now = settings.clock.now();
    Ok(Some(Store::open(&settings.state, Access::ReadOnly, now)?))
}

fn list(args: &ListArgs, invocation: &mut Invocation<'_>) -> Answer {
    let now = invocation.settings.clock.now();
    let rows = match open(invocation)? {
        Some(store) => rows(&store, now)?,
        None => Vec::new(),
    };
    if args.json {
        invocation.output.json(&services::value(&rows));
        return Ok(Ending::Well);
    }
    for row in &rows {
        let line = line(row, now);
        invocation.output.line(&line);
    }
    if rows.is_empty() {
        invocation.output.line(
            "no task declares a service; write `service = \"api.example.com\"` in its task file",
        );
    }
    Ok(Ending::Well)
}

/// `api.example.com: open since 02:03, next probe 02:10, 12 tasks wait (server_error)`.
fn line(row: &Service, now: Timestamp) -> String {
    let time = |at| Zone::Local.short(at, now);
    let name = Untrusted::from(row.name.as_str()).for_terminal();
    let state = match row.breaker.state {
        BreakerState::Closed => "closed".to_owned(),
        BreakerState::Open { since, probe_at } if now < probe_at => {
            format!("open since {}, next probe {}", time(since), time(probe_at))
        }
        BreakerState::Open { since, .. } => {
            format!(
                "open since {}, tried as soon as a run is active",
                time(since)
            )
        }
        BreakerState::HalfOpen { .. } => "half open, it is being tried".to_owned(),
    };
    let mut parts = vec![format!("{name}: {state}")];
    if row.waiting > 0 {
        let wait = if row.waiting == 1 { "waits" } else { "wait" };
        parts.push(format!("{} {wait}", count(row.waiting, "task")));
    }
    if let Some(most) = row.breaker.most_at_once {
        parts.push(format!("{most} at once at most"));
    }
    if row.breaker.opened > 0 {
        parts.push(format!("opened {}", times(row.breaker.opened)));
    }
    if let Some(last) = &row.breaker.last {
        parts.push(format!("last failure {}", last.category));
    }
    parts.join(", ")
}

fn times(number: u32) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}

fn reset(args: &ResetArgs, invocation: &mut Invocation<'_>) -> Answer {
    let now = invocation.settings.clock.now();
    let known = match open(invocation)? {
        Some(store) => rows(&store, now)?,
        None => Vec::new(),
    };
    for name in &args.names {
        if !known.iter().any(|row| row.name == *name) {
            return Err(unknown(name, &known));
        }
    }
    let asker = asker("breakers reset", invocation)?;
    let wish = Wish::ResetBreakers {
        services: args.names.clone(),
    };
    if let Changed::Refused(why) = change::change(&asker, &wish, Wait::ForTheAnswer)? {
        return Err(CliError::usage("refused", why).hint("nothing was changed"));
    }
    if args.json {
        let breakers: Vec<Value> = (args.names.iter())
            .map(|name| json!({ "name": Untrusted::from(name.as_str()).for_json(), "result": "reset" }))
            .collect();
        let answer = json!({ "schema": "autoexec.changed/1", "breakers": breakers });
        invocation.output.json(&answer);
        return Ok(Ending::Well);
    }
    for name in &args.names {
        let waiting = known.iter().find(|row| row.name == *name);
        let go_on = match waiting.map_or(0, |row| row.waiting) {
            0 => String::new(),
            1 => "; 1 task goes on".to_owned(),
            more => format!("; {} go on", count(more, "task")),
        };
        let name = Untrusted::from(name.as_str()).for_terminal();
        let line = format!("{name}: closed{go_on}");
        invocation.output.line(&line);
    }
    Ok(Ending::Well)
}

fn unknown(name: &str, known: &[Service]) -> CliError {
    let shown = Untrusted::from(name).for_terminal();
    let names = known.iter().map(|row| row.name.as_str());
    let hint = closest(name, names).map_or_else(
        || "`autoexec breakers list` shows them".to_owned(),
        |meant| format!("did you mean `{}`?", Untrusted::from(meant).for_terminal()),
    );
    CliError::usage(
        "no_such_breaker",
        format!("no task declares a service `{shown}`"),
    )
    .hint(hint)
}
