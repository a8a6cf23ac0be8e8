//! `autoexec queue add`: tasks from files, one command, or a list of commands.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::adding::{self, Added};
use crate::cli::commands::Invocation;
use crate::cli::commands::queue::flags::KeyFlags;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::output::Output;
use crate::model::spec::Command;
use crate::policy::mask::{HIDDEN, mask, mask_argument};
use crate::store::Store;
use crate::store::tasks::{AddResult, OnChange};
use crate::support::bytes::OsText;
use crate::support::text::count;
use crate::taskfile::{
    CommandLine, Context, Loaded, ParsedTask, from_flags, from_lines, load_lines,
};

/// How many tasks of a list of commands are shown one by one.
const SHOWN_LINES: usize = 20;

/// Options of `autoexec queue add`.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "autoexec queue add [--only NAME] [--replace] FILE…\n       \
                            autoexec queue add [OPTIONS] -- CMD [ARG]…\n       \
                            autoexec queue add [OPTIONS] --lines FILE|-"
)]
pub struct AddArgs {
    /// Task files; all their tasks are added, or none
    #[arg(value_name = "FILE", conflicts_with_all = ["lines", "command"])]
    pub files: Vec<PathBuf>,
    /// Add only this task of the files; may be given several times
    #[arg(long, value_name = "NAME", conflicts_with_all = ["lines", "command"])]
    pub only: Vec<String>,
    /// Give a queued task its new definition, even if it was attempted already
    #[arg(long)]
    pub replace: bool,
    /// Add one task for each line of a file (`-`: of standard input), run by the shell
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    pub lines: Option<PathBuf>,
    /// Join the words of the command and hand them to the shell
    #[arg(long, requires = "command")]
    pub shell: bool,
    /// Options that mirror the keys of a task.
    #[command(flatten)]
    pub keys: KeyFlags,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
    /// The command; every argument is kept as it is
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// Carries out the command.
///
/// # Errors
/// When a definition is wrong or the queue cannot be written; nothing was added then.
pub fn carry_out(args: &AddArgs, invocation: &mut Invocation<'_>) -> Answer {
    if args.files.is_empty() && args.lines.is_none() && args.command.is_empty() {
        return Err(
            CliError::usage("usage", "nothing is named that could be added")
                .hint("`autoexec queue add FILE`, or `autoexec queue add -- CMD ARG…`"),
        );
    }
    if let (false, Some(flag)) = (args.files.is_empty(), args.keys.0.first()) {
        return Err(CliError::usage(
            "usage",
            format!("`{}` belongs to a command behind `--`", flag.name),
        )
        .hint("write it into the task file"));
    }
    let context = invocation.settings.task_context()?;
    let mut store = None;
    let tasks = if args.files.is_empty() {
        let store = store.insert(invocation.open_queue()?);
        let loaded = from_command_line(args, &context, store)?;
        adding::accept(loaded, invocation.output)?
    } else {
        let accepted = adding::of_files(&args.files, &context, invocation);
        let tasks = accepted.map_err(|failure| hint_at_command(args, failure))?;
        adding::only(tasks, &args.only)?
    };
    if tasks.is_empty() {
        invocation
            .output
            .note("nothing to add: there is no command in it");
        return Ok(Ending::Well);
    }
    let mut store = match store {
        Some(store) => store,
        None => invocation.open_queue()?,
    };
    let on_change = if args.replace {
        OnChange::Replace
    } else {
        OnChange::Keep
    };
    let commands = commands(args, &tasks);
    let added = adding::add(
        &mut store,
        tasks,
        on_change,
        &context,
        "queue add",
        invocation,
    )?;
    show(args, &commands, &added, invocation.output);
    Ok(adding::ending(&added, invocation.output))
}

/// Somebody who typed a command where files are expected forgot the `--`.
fn hint_at_command(args: &AddArgs, failure: CliError) -> CliError {
    if args.files.iter().any(|file| file.exists()) {
        return failure;
    }
    let words: Vec<OsText> = args
        .files
        .iter()
        .map(|word| word.as_path().into())
        .collect();
    if words.iter().any(|word| word.as_bytes() == b"-") {
        return failure.hint(
            "commands come from standard input with `autoexec queue add --lines -`, one in a line",
        );
    }
    // Whoever names a file of tasks means no command.
    let is_tasks = |word: &OsText| word.as_path().extension().is_some_and(|ext| ext == "toml");
    if words.iter().all(is_tasks) {
        return failure;
    }
    let shell = if is_script(&words) { "--shell " } else { "" };
    let typed = plain_words(&words);
    // One in which something is hidden would not do what was meant.
    let typed = if shown_words(&words) == typed {
        typed
    } else {
        "COMMAND".to_owned()
    };
    failure.hint(format!(
        "a command goes behind `--`: `autoexec queue add {shell}-- {typed}`"
    ))
}

/// Whether somebody typed a text for the shell in one argument.
fn is_script(words: &[OsText]) -> bool {
    let [only] = words else {
        return false;
    };
    only.as_bytes()
        .iter()
        .any(|byte| byte.is_ascii_whitespace() || b"|&;<>*".contains(byte))
}

fn from_command_line(args: &AddArgs, context: &Context, store: &Store) -> Result<Loaded, CliError> {
    let taken = |name: &str| adding::is_taken(store, name);
    let flags = &args.keys.0;
    if let Some(file) = &args.lines {
        if file != Path::new("-") {
            return Ok(load_lines(file, flags, context, taken));
        }
        let text = read_standard_input()?;
        return Ok(from_lines(
            &text,
            &"standard input".into(),
            flags,
            context,
            taken,
        ));
    }
    let command = args.command.clone();
    let command = if args.shell {
        CommandLine::Shell(command)
    } else {
        CommandLine::Direct(command)
    };
    Ok(from_flags(flags, command, context, taken))
}

fn read_standard_input() -> Result<Vec<u8>, CliError> {
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text).map_err(|error| {
        CliError::usage("input_unreadable", "cannot read standard input").because(error)
    })?;
    Ok(text)
}

/// The commands that are shown, those of the first tasks. Files say themselves what they hold.
fn commands(args: &AddArgs, tasks: &[ParsedTask]) -> Vec<String> {
    let is_shown = args.files.is_empty() && !args.json;
    let shown = tasks.iter().take(if is_shown { SHOWN_LINES } else { 0 });
    shown
        .map(|task| {
            let step = task.spec.steps.first();
            step.map(|step| shown_command(&step.command))
                .unwrap_or_default()
        })
        .collect()
}

fn show(args: &AddArgs, commands: &[String], added: &[Added], output: &mut Output) {
    if args.json {
        let tasks: Vec<_> = added.iter().map(Added::as_json).collect();
        output.json(&json!({"schema": "autoexec.added/1", "tasks": tasks}));
        return;
    }
    // Files are short and say themselves what they hold; a list of commands may be very long.
    let shown = if args.lines.is_some() {
        SHOWN_LINES
    } else {
        usize::MAX
    };
    for (index, added) in added.iter().enumerate().take(shown) {
        match (added.result, commands.get(index)) {
            // What was typed went through a shell first; this shows what is left of it.
            (AddResult::Added(_), Some(command)) => {
                output.line(&format!("{}: {command}", added.sentence()));
            }
            (AddResult::Added(_) | AddResult::AlreadyQueued(_) | AddResult::Replaced(_), _) => {
                output.line(&added.sentence());
            }
            // Told as warnings.
            (AddResult::KeptOld(_) | AddResult::RefusedHeld(_), _) => {}
        }
    }
    if added.len() > shown {
        let all = count(added.len(), "task");
        output.line(&format!("… and {} more; {all} in all", added.len() - shown));
    }
}

/// A command on one line, without what looks like a secret. A script of one line of a list is shown
/// without the shell that runs it.
fn shown_command(command: &Command) -> String {
    match command {
        Command::Direct(words) => shown_words(words),
        Command::Shell { script, .. } => mask(&script.untrusted().for_terminal()),
    }
}

/// An argument vector as a shell would read it back, without what looks like a secret.
fn shown_words(words: &[OsText]) -> String {
    let mut shown = Vec::new();
    let mut before: Option<&str> = None;
    for word in words {
        // Hidden before it is quoted: what quotes a word for the shell would end the secret in it.
        let text = word.as_path().to_str();
        let masked = text.map(|text| OsText::from(mask_argument(before, text)));
        shown.push(match masked {
            Some(masked) if masked.as_bytes() == HIDDEN.as_bytes() => HIDDEN.to_owned(),
            Some(masked) => shown_argument(&masked),
            None => mask(&shown_argument(word)),
        });
        before = text;
    }
    shown.join(" ")
}

/// An argument vector as a shell would read it back, with everything that it holds.
fn plain_words(words: &[OsText]) -> String {
    let shown: Vec<String> = words.iter().map(shown_argument).collect();
    shown.join(" ")
}

fn shown_argument(argument: &OsText) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./=:,@%+".contains(byte);
    let bytes = argument.as_bytes();
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        return argument.untrusted().for_terminal();
    }
    let visible = argument.untrusted().for_terminal();
    format!("'{}'", visible.replace('\'', "'\\''"))
}
