//! `autoexec check`: validates task files; nothing is added.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::adding;
use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::judging::Judge;
use crate::cli::secret_doubts::secret_doubts;
use crate::cli::settings::Settings;
use crate::process::environment::{Inherited, of_task, search_path};
use crate::process::preflight::{Missing, missing};
use crate::support::text::count;
use crate::taskfile::{Diagnostic, ParsedTask, Severity, explain, load, render};

/// Options of `autoexec check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Task files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print every value that holds for a task, and where it comes from
    #[arg(long, value_name = "TASK")]
    pub explain: Option<String>,
    /// Answer as JSON
    #[arg(long, conflicts_with = "explain")]
    pub json: bool,
}

/// Carries out the command.
///
/// # Errors
/// When a definition is wrong.
pub fn carry_out(args: &CheckArgs, invocation: &mut Invocation<'_>) -> Answer {
    let mut loaded = load(&args.files, &invocation.settings.task_context()?);
    let inherited = Inherited::take();
    let doubts: Vec<Diagnostic> = loaded
        .tasks
        .iter()
        .flat_map(|task| {
            let files = files_missing(task);
            let secrets = doubtful_secrets(task, &inherited);
            let here = doubt_here(task, &inherited);
            here.into_iter().chain(files).chain(secrets)
        })
        .collect();
    loaded.diagnostics.extend(doubts);
    // A queue that cannot be read is told by whoever needs it.
    let store = invocation.look_into_queue().ok().flatten();
    let judge = Judge {
        store: store.as_ref(),
        is_final: false,
        now: invocation.settings.clock.now(),
    };
    judge.complete(&mut loaded)?;
    let output = &mut *invocation.output;
    if let Some(name) = &args.explain {
        let tasks = adding::accept(loaded, output)?;
        let tasks = adding::only(tasks, std::slice::from_ref(name))?;
        for task in &tasks {
            output.text(&explain(task));
        }
        return Ok(Ending::Well);
    }
    let of = |severity| {
        let diagnostics = loaded.diagnostics.iter();
        diagnostics.filter(|one| one.severity == severity).count()
    };
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    if args.json {
        let names: Vec<&str> = loaded
            .tasks
            .iter()
            .map(|task| task.spec.name.as_str())
            .collect();
        output.json(&json!({
            "schema": "autoexec.check/1",
            "errors": errors,
            "warnings": warnings,
            "tasks": names,
            "diagnostics": loaded.diagnostics,
        }));
        return Ok(if errors == 0 {
            Ending::Well
        } else {
            Ending::Usage
        });
    }
    if !loaded.diagnostics.is_empty() {
        // What is wrong is what was asked for here, but it is read where errors are read.
        let shown = render(&loaded.diagnostics, output.error_paint());
        output.message(shown.trim_end());
    }
    if errors > 0 {
        return Err(CliError::usage(
            "definition_wrong",
            format!(
                "{} in {}",
                count(errors, "error"),
                count(args.files.len(), "file")
            ),
        ));
    }
    let doubts = match warnings {
        0 => String::new(),
        _ => format!(", {}", count(warnings, "warning")),
    };
    output.line(&format!(
        "{} in {}: no errors{doubts}",
        count(loaded.tasks.len(), "task"),
        count(args.files.len(), "file")
    ));
    Ok(Ending::Well)
}

/// The files that a task reads and that are not there.
fn files_missing(task: &ParsedTask) -> Vec<Diagnostic> {
    let spec = &task.spec;
    let named = [("env_file", &spec.env_file), ("stdin", &spec.stdin)];
    named
        .into_iter()
        .filter_map(|(key, path)| Some((key, path.as_ref()?)))
        .filter(|(_, path)| !path.as_path().exists())
        .map(|(key, path)| {
            let shown = path.untrusted().for_terminal();
            let message = format!("there is no file `{shown}` on this machine");
            task.doubt(key, message, "it must be there when the task starts")
        })
        .collect()
}

/// Secrets that cannot be hidden or are not set, and a file of them that others may read.
fn doubtful_secrets(task: &ParsedTask, inherited: &Inherited) -> Vec<Diagnostic> {
    secret_doubts(&task.spec, &Settings::surroundings(), inherited)
        .into_iter()
        .map(|doubt| task.doubt(doubt.key, doubt.message, &doubt.hint))
        .collect()
}

/// What this machine lacks for a task. It is a doubt only: the task may run elsewhere or later, when
/// another one has made what is missing.
fn doubt_here(task: &ParsedTask, inherited: &Inherited) -> Option<Diagnostic> {
    let surroundings = Settings::surroundings();
    let environment = of_task(&task.spec, &surroundings, inherited, &[]);
    let own_path = search_path(&environment);
    let missing = missing(&task.spec, &environment, &own_path);
    let first = missing.first()?;
    let key = match first {
        Missing::Workdir(_) => "workdir",
        Missing::Program(_) | Missing::OnPath { .. } => "command",
    };
    Some(task.doubt(key, first.sentence(), first.hint()))
}
