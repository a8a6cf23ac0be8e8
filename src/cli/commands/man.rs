//! `autoexec man`: the manual pages, made from the tree of commands.
//!
//! What the parser does not know (exit codes, files, variables) stands here and repeats the README in the
//! words of a manual page.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::cli::args::Cli;
use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::support::bytes::OsText;
use crate::support::similar::closest;
use crate::support::text::count;
use crate::support::untrusted::Untrusted;

/// The command whose exit code is that of the command it runs.
const EXEC: &str = "autoexec-exec";

/// Options of `autoexec man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Read it at once: `autoexec man | man -l -`.")]
pub struct ManArgs {
    /// The page of this command, such as `queue add`
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub command: Vec<String>,
    /// Write one page per command into this folder, such as ~/.local/share/man/man1
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Carries out the command.
///
/// # Errors
/// When there is no such command, or a page cannot be written.
pub fn carry_out(args: &ManArgs, invocation: &mut Invocation<'_>) -> Answer {
    let mut tree = Cli::command().disable_help_subcommand(true);
    tree.build();
    if let Some(folder) = &args.dir {
        return write_all(&tree, folder, invocation);
    }
    let mut command = &tree;
    for name in &args.command {
        command = below(command, name)?;
    }
    let page = page(command).map_err(|error| unwritten(Path::new("standard output"), error))?;
    invocation.output.bytes(&page);
    if io::stdout().is_terminal() {
        let note = "read it with `autoexec man | man -l -`";
        invocation.output.note(note);
    }
    Ok(Ending::Well)
}

fn below<'c>(command: &'c Command, name: &str) -> Result<&'c Command, CliError> {
    command.find_subcommand(name).ok_or_else(|| {
        let shown = Untrusted::from(name).for_terminal_within(40);
        let failure = CliError::usage("usage", format!("there is no command `{shown}`"));
        match closest(name, visible(command).map(Command::get_name)) {
            Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
            None => failure.hint("see all with `autoexec --help`"),
        }
    })
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
}

/// A command and all below it.
fn all(command: &Command) -> Vec<&Command> {
    let mut found = vec![command];
    found.extend(visible(command).flat_map(all));
    found
}

fn write_all(tree: &Command, folder: &Path, invocation: &mut Invocation<'_>) -> Answer {
    std::fs::create_dir_all(folder).map_err(|error| unwritten(folder, error))?;
    let commands = all(tree);
    for command in &commands {
        let path = folder.join(format!("{}.1", full_name(command)));
        page(command)
            .and_then(|text| std::fs::write(&path, text))
            .map_err(|error| unwritten(&path, error))?;
    }
    let shown = OsText::from(folder).untrusted().for_terminal();
    let pages = count(commands.len(), "page");
    invocation.output.line(&format!("{pages} in `{shown}`"));
    Ok(Ending::Well)
}

fn unwritten(path: &Path, error: io::Error) -> CliError {
    let shown = OsText::from(path).untrusted().for_terminal();
    CliError::new(
        Ending::NeedsPerson,
        "page_unwritten",
        format!("cannot write to `{shown}`"),
    )
    .because(error)
}

/// `autoexec-queue-add`.
fn full_name(command: &Command) -> &str {
    command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
}

/// The page of a command.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let name = full_name(command);
    let source = concat!("autoexec ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone())
        .title(name)
        .source(source)
        .manual("autoexec");
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if command.get_after_help().is_some() || command.get_after_long_help().is_some() {
        man.render_extra_section(&mut text)?;
    }
    if name == EXEC {
        section(&mut text, "EXIT STATUS", EXEC_CODES);
    } else {
        section(&mut text, "EXIT STATUS", CODES);
    }
    if name == "autoexec" {
        section(&mut text, "FILES", FILES);
        section(&mut text, "ENVIRONMENT", VARIABLES);
        see_also(&mut text, visible(command).map(full_name));
    } else {
        see_also(&mut text, std::iter::once("autoexec"));
    }
    Ok(in_ascii(&String::from_utf8_lossy(&text)))
}

/// Every reader of manual pages understands ASCII; what is beyond it is named by its number.
fn in_ascii(page: &str) -> Vec<u8> {
    let named = |letter: char| {
        if letter.is_ascii() {
            letter.to_string()
        } else {
            format!("\\[u{:04X}]", u32::from(letter))
        }
    };
    let text: String = page
        .replace(".SH EXTRA\n", ".SH NOTES\n")
        .chars()
        .map(named)
        .collect();
    text.into_bytes()
}

/// A list of terms, each with what it means.
fn section(page: &mut Vec<u8>, title: &str, entries: &[(&str, &str)]) {
    let mut lines = vec![format!(".SH \"{title}\"\n")];
    lines.extend(entries.iter().map(|(term, meaning)| {
        let (term, meaning) = (roff_text(term), roff_text(meaning));
        format!(".TP\n\\fB{term}\\fR\n{meaning}\n")
    }));
    page.extend_from_slice(lines.concat().as_bytes());
}

fn see_also<'n>(page: &mut Vec<u8>, names: impl Iterator<Item = &'n str>) {
    let links: Vec<String> = names
        .map(|name| format!("\\fB{}\\fR(1)", roff_text(name)))
        .collect();
    let text = format!(".SH \"SEE ALSO\"\n{}\n", links.join(", "));
    page.extend_from_slice(text.as_bytes());
}

/// Text of a line that does not begin with a dot.
fn roff_text(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

const CODES: &[(&str, &str)] = &[
    ("0", "All well, or nothing to do."),
    (
        "1",
        "Something needs a person: a task failed, is held or blocked, or looks suspicious.",
    ),
    (
        "2",
        "The command line or a file is wrong, or an id is unknown; nothing was started.",
    ),
    (
        "3",
        "The queue cannot be used: damaged, from a newer version, or the disk is full.",
    ),
    ("4", "There was work, and none of it could be started."),
    ("70", "A bug in autoexec."),
    ("75", "Another run is active on this queue."),
    (
        "130, 143",
        "Stopped by Ctrl-C or SIGTERM; the queue is kept.",
    ),
];

const EXEC_CODES: &[(&str, &str)] = &[
    (
        "0 to 255",
        "The exit code of the command's last attempt; 128 + n if signal n ended it.",
    ),
    (
        "124",
        "The last attempt took longer than --timeout and was stopped.",
    ),
    (
        "125",
        "autoexec itself could not do its work, or --leftovers fail made a failure of a success.",
    ),
    ("126", "The command was found and cannot be executed."),
    ("127", "There is no such command."),
    (
        "129, 130, 131, 143",
        "Somebody stopped it by SIGHUP, Ctrl-C, SIGQUIT or SIGTERM.",
    ),
];

const FILES: &[(&str, &str)] = &[
    (
        "$XDG_STATE_HOME/autoexec",
        "The state directory: one queue. Default ~/.local/state/autoexec.",
    ),
    (
        "queue.db",
        "In the state directory: the queue, an SQLite database.",
    ),
    ("logs/", "In the state directory: output of attempts."),
    (
        "slots/",
        "In the state directory: what supervisors noted, so that nothing is lost in a crash.",
    ),
    (
        "checkpoints/",
        "In the state directory: what tasks saved, so that they need not start over.",
    ),
    (
        "run.lock, run.wake, ballast",
        "In the state directory: one run at a time, a bell for it, and space for the end when the disk is full.",
    ),
    (
        "$XDG_CONFIG_HOME/autoexec/config.toml",
        "The configuration of this machine; none is needed. Default ~/.config/autoexec/config.toml.",
    ),
];

const VARIABLES: &[(&str, &str)] = &[
    (
        "AUTOEXEC_STATE_DIR",
        "The state directory; --state-dir beats it.",
    ),
    (
        "AUTOEXEC_CONFIG",
        "The configuration file; --config beats it.",
    ),
    ("NO_COLOR", "No colours, unless --color asks for them."),
    (
        "AUTOEXEC_TASK_ID, AUTOEXEC_TASK_NAME, AUTOEXEC_RUN_ID",
        "Set for every task: who it is.",
    ),
    (
        "AUTOEXEC_ATTEMPT, AUTOEXEC_MAX_ATTEMPTS, AUTOEXEC_STEP",
        "Set for every task: which attempt it is, of how many, and which step.",
    ),
    (
        "AUTOEXEC_LAST_CATEGORY, AUTOEXEC_LAST_PATTERN",
        "Set for a task that failed before: what its last attempt died of.",
    ),
    (
        "AUTOEXEC_TIMEOUT_SECONDS",
        "Set for a task with a time limit: how long this attempt may take.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Command {
        let mut tree = Cli::command().disable_help_subcommand(true);
        tree.build();
        tree
    }

    #[test]
    fn every_command_has_a_page_with_its_name_and_codes() {
        let tree = tree();
        let names: Vec<&str> = all(&tree).into_iter().map(full_name).collect();
        for name in ["autoexec", "autoexec-run", "autoexec-queue-add"] {
            assert!(names.contains(&name), "{names:?}");
        }
        for command in all(&tree) {
            let text = String::from_utf8(page(command).unwrap()).unwrap();
            assert!(text.contains(".SH NAME\n"), "{text}");
            assert!(text.contains("EXIT STATUS"), "{text}");
            assert!(text.is_ascii(), "{text}");
            assert!(command.get_about().is_some(), "{}", full_name(command));
        }
    }

    #[test]
    fn the_first_page_tells_files_and_variables() {
        let text = String::from_utf8(page(&tree()).unwrap()).unwrap();
        for piece in [
            "queue.db",
            "AUTOEXEC_STATE_DIR",
            "\\fBautoexec\\-queue\\fR(1)",
        ] {
            assert!(text.contains(piece), "no {piece} in {text}");
        }
    }

    #[test]
    fn an_unknown_command_is_a_slip_of_the_finger() {
        let error = below(&tree(), "quueue").unwrap_err();
        let text = error.as_text(crate::support::paint::Paint::PLAIN);
        assert!(text.contains("did you mean `queue`?"), "{text}");
    }
}
