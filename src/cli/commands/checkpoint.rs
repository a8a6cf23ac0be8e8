//! `autoexec checkpoint`: named values that a task saves for its next attempt.
//!
//! Inside a task the environment says which task it is; a person names it with `--task`.

use std::ffi::OsString;
use std::io;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::select;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::process::checkpoint::values::{self, Key, MOST_BYTES};
use crate::support::clock::Timestamp;
use crate::support::table::{Column, titled};
use crate::support::text;

/// The name and version of the shape of a list of values.
const SCHEMA: &str = "autoexec.checkpoint/1";

/// What to do with a task's values.
#[derive(Debug, Subcommand)]
pub enum CheckpointCommand {
    /// Print a value, byte for byte; exits with 1 if it is not set
    Get {
        /// Its name
        #[arg(value_name = "KEY", value_parser = parse_key)]
        key: Key,
        /// What to print if it is not set
        #[arg(long, value_name = "VALUE")]
        default: Option<OsString>,
        /// Of which task
        #[command(flatten)]
        of: OfTask,
    },
    /// Set a value; it survives a loss of power when this returns
    Set {
        /// Its name: 1 to 128 of A-Z a-z 0-9 . _ -
        #[arg(value_name = "KEY", value_parser = parse_key)]
        key: Key,
        /// The value, at most 1 MiB; `-` reads standard input
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: OsString,
        /// Of which task
        #[command(flatten)]
        of: OfTask,
    },
    /// List the names, sizes and times of all values
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
        /// Of which task
        #[command(flatten)]
        of: OfTask,
    },
    /// Remove one value, or all of them
    Clear {
        /// The name of the one
        #[arg(value_name = "KEY", value_parser = parse_key)]
        key: Option<Key>,
        /// Of which task
        #[command(flatten)]
        of: OfTask,
    },
}

/// Whose values.
#[derive(Debug, clap::Args)]
pub struct OfTask {
    /// The task: its id or its name [default: the task that this is typed in]
    #[arg(long, value_name = "ID|NAME")]
    pub task: Option<String>,
}

/// Carries out the command.
///
/// # Errors
/// When nobody knows which task is meant, or its values cannot be read or written.
pub fn carry_out(command: &CheckpointCommand, invocation: &mut Invocation<'_>) -> Answer {
    match command {
        CheckpointCommand::Get { key, default, of } => {
            let folder = folder(of, invocation)?;
            let value = values::get(&folder, key).map_err(|error| failed("read", error))?;
            let Some(value) = value.or_else(|| Some(default.as_ref()?.as_bytes().to_vec())) else {
                return Ok(Ending::NeedsPerson);
            };
            invocation.output.bytes(&value);
        }
        CheckpointCommand::Set { key, value, of } => {
            let folder = folder(of, invocation)?;
            let value = given(value)?;
            values::set(&folder, key, &value).map_err(|error| failed("write", error))?;
        }
        CheckpointCommand::List { json, of } => {
            let folder = folder(of, invocation)?;
            let listed = values::list(&folder).map_err(|error| failed("read", error))?;
            if *json {
                let values: Vec<_> = listed
                    .iter()
                    .map(|one| {
                        json!({
                            "key": one.key.as_str(),
                            "bytes": one.bytes,
                            "set_at": one.set_at.map(Timestamp::to_rfc3339),
                        })
                    })
                    .collect();
                invocation
                    .output
                    .json(&json!({ "schema": SCHEMA, "values": values }));
            } else if listed.is_empty() {
                invocation.output.note("no value is set");
            } else {
                let (look, now) = (invocation.look(), invocation.settings.clock.now());
                let lines: Vec<Vec<String>> = listed
                    .iter()
                    .map(|one| {
                        let at = one.set_at.map(|at| look.zone.short(at, now));
                        vec![
                            one.key.as_str().to_owned(),
                            text::size(one.bytes),
                            at.unwrap_or_default(),
                        ]
                    })
                    .collect();
                let columns = [
                    Column::words("KEY"),
                    Column::words("SIZE"),
                    Column::words("SET"),
                ];
                let title = |title: &str| look.paint.strong(title);
                invocation
                    .output
                    .text(&titled(&columns, &lines, look.width, title));
            }
        }
        CheckpointCommand::Clear { key, of } => {
            let folder = folder(of, invocation)?;
            let removed =
                values::clear(&folder, key.as_ref()).map_err(|error| failed("remove", error))?;
            if removed == 0 {
                invocation.output.note("no value was set");
            }
        }
    }
    Ok(Ending::Well)
}

/// The checkpoint directory that is meant.
fn folder(of: &OfTask, invocation: &Invocation<'_>) -> Result<PathBuf, CliError> {
    let Some(task) = &of.task else {
        return invocation
            .settings
            .inside
            .checkpoint
            .clone()
            .ok_or_else(|| {
                CliError::usage(
                    "no_task",
                    "this is not typed inside a task, so nobody knows whose values are meant",
                )
                .hint("name the task with `--task ID|NAME`")
            });
    };
    let Some(store) = invocation.look_into_queue()? else {
        return Err(select::unknown(task, []));
    };
    let id = select::find(&store, task)?;
    Ok(invocation.settings.state.checkpoint(id))
}

/// The value as it was given, or standard input.
fn given(value: &OsString) -> Result<Vec<u8>, CliError> {
    let mut bytes = value.as_bytes().to_vec();
    if bytes == b"-" {
        bytes.clear();
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        io::stdin()
            .take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| {
                CliError::usage("input_unreadable", "cannot read standard input").because(error)
            })?;
    }
    if bytes.len() > MOST_BYTES {
        return Err(
            CliError::usage("value_too_long", "the value is longer than 1 MiB")
                .hint("write it to a file in the directory that AUTOEXEC_CHECKPOINT_DIR names"),
        );
    }
    Ok(bytes)
}

fn failed(doing: &str, error: io::Error) -> CliError {
    CliError::new(
        Ending::QueueUnusable,
        "checkpoint_unusable",
        format!("cannot {doing} the values of the task"),
    )
    .because(error)
}

fn parse_key(text: &str) -> Result<Key, String> {
    Key::new(text).map_err(|why| format!("the key {why}"))
}
