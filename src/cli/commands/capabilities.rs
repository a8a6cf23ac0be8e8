//! `autoexec capabilities`: which tools are here, which strategies are allowed, where attempts may live.

use std::collections::BTreeMap;

use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::settings::Settings;
use crate::model::checks::Requirement;
use crate::model::spec::{Command, TaskSpec};
use crate::model::state::TaskStatus;
use crate::process::tools::{self, USUAL};
use crate::report::capabilities::{self, Capabilities};
use crate::store::{Filter, StoreError};
use crate::support::untrusted::Untrusted;

/// The most tasks that are looked at.
const LOOKED_AT: usize = 200;

/// Options of `autoexec capabilities`.
#[derive(Debug, clap::Args)]
pub struct CapabilitiesArgs {
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Carries out the command.
///
/// # Errors
/// When the queue cannot be read.
pub fn carry_out(args: &CapabilitiesArgs, invocation: &mut Invocation<'_>) -> Answer {
    let mut users = used(invocation)?;
    let mut names: Vec<String> = USUAL.map(str::to_owned).into();
    let more = users.keys().filter(|name| !USUAL.contains(&name.as_str()));
    names.extend(more.cloned());
    let environment = Settings::surroundings()
        .0
        .into_iter()
        .map(|(name, value)| (name.as_str().into(), value))
        .collect();
    let tools = tools::look(&names, &environment)
        .into_iter()
        .map(|mut tool| {
            let users = users.remove(&tool.name).unwrap_or_default();
            tool.name = Untrusted::from(tool.name).for_terminal();
            (tool, users)
        })
        .collect();
    let recovery = &invocation.settings.config.recovery;
    let found = Capabilities {
        tools,
        mode: recovery.mode,
        allow: recovery.allow.clone(),
    };
    if args.json {
        invocation.output.json(&capabilities::value(&found));
    } else {
        let look = invocation.look();
        invocation.output.text(&capabilities::text(&found, look));
    }
    Ok(Ending::Well)
}

/// The programs that queued tasks name without a path, each with its tasks.
fn used(invocation: &Invocation<'_>) -> Result<BTreeMap<String, Vec<String>>, CliError> {
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let Some(store) = invocation.look_into_queue()? else {
        return Ok(users);
    };
    let lines = store.list(&Filter {
        statuses: vec![TaskStatus::Queued, TaskStatus::Running, TaskStatus::Held],
        limit: Some(LOOKED_AT),
        ..Filter::default()
    })?;
    for line in lines {
        let task = match store.task(line.id) {
            Ok(task) => task,
            Err(StoreError::NoSuchTask { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let name = Untrusted::from(line.name.as_str()).for_terminal();
        for program in programs(&task.spec) {
            let known = users.entry(program).or_default();
            if known.last() != Some(&name) {
                known.push(name.clone());
            }
        }
    }
    Ok(users)
}

fn programs(spec: &TaskSpec) -> Vec<String> {
    let commands = spec.steps.iter().filter_map(|step| match &step.command {
        Command::Direct(words) => words.first()?.as_str(),
        Command::Shell { .. } => None,
    });
    let required = spec.requires.iter().filter_map(|one| match one {
        Requirement::Tool { name, .. } => Some(name.as_str()),
        Requirement::File(_) | Requirement::Env(_) | Requirement::Tcp { .. } => None,
    });
    let mut programs: Vec<String> = commands
        .chain(required)
        .filter(|name| !name.is_empty() && !name.contains('/'))
        .map(str::to_owned)
        .collect();
    programs.sort_unstable();
    programs.dedup();
    programs
}
