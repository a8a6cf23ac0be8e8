//! `autoexec check`: validates task files; nothing is added.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::adding;
use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::settings::Settings;
use crate::model::spec::{Command, EnvInherit};
use crate::process::spawn::resolve;
use crate::support::bytes::OsText;
use crate::support::text::count;
use crate::taskfile::{Diagnostic, ParsedTask, Severity, explain, load, render};

/// What the system takes where there is no PATH.
const USUAL_PATH: &str = "/bin:/usr/bin";

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
    let output = &mut *invocation.output;
    let mut loaded = load(&args.files, &invocation.settings.task_context()?);
    let doubts: Vec<Diagnostic> = loaded.tasks.iter().filter_map(doubt_here).collect();
    loaded.diagnostics.extend(doubts);
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

/// What this machine lacks for a task. It is a doubt only: the task may run elsewhere or later, when
/// another one has made what is missing.
fn doubt_here(task: &ParsedTask) -> Option<Diagnostic> {
    let spec = &task.spec;
    let workdir = spec.workdir.as_path();
    if !workdir.is_dir() {
        let shown = spec.workdir.untrusted().for_terminal();
        let message = format!("there is no directory `{shown}` on this machine");
        return Some(task.doubt("workdir", message, "it must be there when the task starts"));
    }
    let Command::Direct(words) = &spec.steps.first()?.command else {
        return None;
    };
    let program = words.first()?;
    // What stands in a file of variables is read when the task starts, and may set PATH.
    if spec.env_file.is_some() {
        return None;
    }
    let path = search_path(task);
    let is_there = resolve(program, path.as_os_str(), workdir).is_ok_and(|file| file.exists());
    if is_there {
        return None;
    }
    let shown = program.untrusted().for_terminal();
    let (message, hint) = if program.as_bytes().contains(&b'/') {
        (
            format!("there is no program `{shown}` on this machine"),
            "a relative path begins at the working directory of the task",
        )
    } else {
        (
            format!("no program `{shown}` is found along PATH"),
            "name it with its path, or add the task where PATH has it",
        )
    };
    Some(task.doubt("command", message, hint))
}

/// PATH as the task gets it when it is added from here.
fn search_path(task: &ParsedTask) -> OsText {
    let own = task.spec.env.get("PATH").cloned();
    own.or_else(|| match &task.spec.env_inherit {
        EnvInherit::Nothing => None,
        EnvInherit::Names(names) if !names.iter().any(|name| name == "PATH") => None,
        EnvInherit::All | EnvInherit::Names(_) => Settings::surroundings().0.get("PATH").cloned(),
    })
    .unwrap_or_else(|| OsText::from(USUAL_PATH))
}
