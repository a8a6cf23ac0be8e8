//! `autoexec exec`: one command now, with the retries and recoveries of a task and without a queue.
//!
//! The exit code belongs to the command, so whatever goes wrong on our side is 125 here, also a wrong
//! option: [`own_ending`].

use std::cell::Cell;
use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _, stderr, stdin};
use std::path::Path;

use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

use crate::cli::commands::patterns;
use crate::cli::commands::queue::flags::KeyFlags;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::invocation::{Invocation, look_into_queue};
use crate::cli::output::{Output, Verbosity};
use crate::cli::settings::Settings;
use crate::engine::direct::{self, Direct, Telling, Told};
use crate::engine::events::RunEvent;
use crate::model::signal::Signal;
use crate::model::spec::TaskSpec;
use crate::policy::classify::user::UserPatterns;
use crate::process::children;
use crate::process::signals;
use crate::support::clock::{Timestamp, Zone};
use crate::support::text::{count, span};
use crate::taskfile::{CommandLine, Diagnostic, Flag, Severity, from_flags, render};
use crate::ui::lines::{self, Manner};

/// The exit code of a failure of ours.
const OUR_ERROR: u8 = 125;

/// The options of a task that make sense without a queue; the others are refused. Not `--idle-timeout`: the
/// supervisor does not see the output.
const OPTIONS: &[&str] = &[
    "--name",
    "--workdir",
    "--env",
    "--env-file",
    "--secret",
    "--stdin",
    "--requires",
    "--retries",
    "--timeout",
    "--grace",
    "--stop-signal",
    "--leftovers",
    "--nice",
    "--total-timeout",
    "--service",
    "--recover-mode",
    "--allow",
    "--fallback-command",
];

/// Options of `autoexec exec`.
#[derive(Debug, Args)]
#[command(
    override_usage = "autoexec exec [OPTIONS] -- CMD [ARG]…",
    after_help = "The command's output passes through unchanged, by pipes also where yours is a terminal; \
                  programs that want one (editors, `top`) are not for this. Ctrl-C goes to the command, \
                  once more kills it. A file as standard input is read again from where it began by each \
                  attempt; of a pipe what was read is gone, and then nothing is tried again.\n\n\
                  Exit code: the command's own; 124 after --timeout, 125 an error of autoexec itself, \
                  126 not executable, 127 not found, 128 + n ended by signal n."
)]
pub struct ExecArgs {
    /// Join the words of the command and hand them to the shell
    #[arg(long)]
    pub shell: bool,
    /// Options that mirror the keys of a task.
    #[command(flatten)]
    pub keys: ExecKeys,
    /// The command; every argument is kept as it is
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// The options that mirror the keys of a task, as far as they are for a command without a queue.
#[derive(Debug, Clone, Default)]
pub struct ExecKeys(pub KeyFlags);

impl FromArgMatches for ExecKeys {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        KeyFlags::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl Args for ExecKeys {
    fn augment_args(command: Command) -> Command {
        KeyFlags::augment_args(command).mut_args(|arg| {
            let is_foreign = arg.get_help_heading() == Some("The task")
                && arg
                    .get_long()
                    .is_some_and(|long| !OPTIONS.contains(&format!("--{long}").as_str()));
            let is_hidden = arg.is_hide_set() || is_foreign;
            let help = match arg.get_id().as_str() {
                "name" => "What it is called in messages [default: the program]",
                "workdir" => "Where the command runs [default: here]",
                "stdin" => {
                    "The file that becomes standard input [default: the standard input of autoexec]"
                }
                "retries" => {
                    "How often to try again [default: 4, or 1 where nobody can tell why it failed]"
                }
                _ => return arg.hide(is_hidden),
            };
            arg.help(help)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Carries out the command.
///
/// # Errors
/// When an option is wrong, or the machinery around the command fails.
pub fn carry_out(args: &ExecArgs, invocation: &mut Invocation<'_>) -> Answer {
    let spec = definition(args, invocation)?;
    let settings = &invocation.settings;
    let unread = Cell::new(None);
    let find = || {
        patterns::in_force(settings).unwrap_or_else(|failure| {
            unread.set(Some(failure));
            UserPatterns::default()
        })
    };
    let direct = Direct {
        executable: Settings::own_program()?,
        clock: settings.clock,
        spec: &spec,
        patterns: &find,
        on_failure: settings.config.on_failure(),
        queue: &|| look_into_queue(settings).ok().flatten(),
    };
    let manner = Manner {
        zone: Zone::Local,
        paint: invocation.output.error_paint(),
    };
    let is_quiet = invocation.output.verbosity() < Verbosity::Normal;
    let mut stream = invocation.output.error_stream();
    let mut tell = |telling: &Telling<'_>| {
        if is_quiet {
            return;
        }
        if telling.breaks_line {
            let _nobody_to_tell = stream.write_all(b"\n");
        }
        for line in words(manner, telling) {
            stream.line(&line);
        }
    };
    // Where the kernel refuses, what hides from a killed supervisor is not found.
    let _weaker_without = children::inherit_orphans();
    let finish = direct::run(&direct, &mut tell)
        .map_err(|error| CliError::of_error(Ending::OfCommand(OUR_ERROR), "exec_failed", error))?;
    if let Some(failure) = unread.take() {
        let why = failure.as_reason();
        let warning = format!("your error patterns did not count: {why}");
        invocation.output.warning(&warning);
    }
    if let Some(error) = &finish.unwritten {
        let failure = CliError::new(
            Ending::OfCommand(OUR_ERROR),
            "output_failed",
            "cannot pass the output of the command on",
        )
        .detail(error.to_string());
        invocation.output.failure(&failure);
    }
    if finish.stopped == Some(Signal::INT) && (stdin().is_terminal() || stderr().is_terminal()) {
        // A shell goes on with its loop after a Ctrl-C that ended nobody.
        signals::die_of(Signal::INT);
    }
    Ok(Ending::of_command(finish.exit_code()))
}

/// What the options and the command mean.
fn definition(args: &ExecArgs, invocation: &mut Invocation<'_>) -> Result<TaskSpec, CliError> {
    let flags = &args.keys.0.0;
    let named = flags.iter().find(|flag| flag.name == "--name");
    if let Some(flag) = flags
        .iter()
        .find(|flag| !OPTIONS.contains(&flag.name.as_str()))
    {
        return Err(CliError::usage(
            "usage",
            format!("`{}` is for a task in the queue", flag.name),
        )
        .hint("leave it out, or queue the command with `autoexec queue add`"));
    }
    let mut flags = flags.clone();
    if let (None, Some(name)) = (named, args.command.first().and_then(name_of)) {
        flags.push(Flag::new("--name", name));
    }
    let words = args.command.clone();
    let command = if args.shell {
        CommandLine::Shell(words)
    } else {
        CommandLine::Direct(words)
    };
    let context = invocation.settings.task_context()?;
    let loaded = from_flags(&flags, command, &context, |_| false);
    let output = &mut *invocation.output;
    show(&loaded.diagnostics, loaded.has_errors(), output);
    let errors = loaded
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .count();
    loaded
        .tasks
        .into_iter()
        .next()
        .map(|task| *task.spec)
        .ok_or_else(|| {
            CliError::usage(
                "definition_wrong",
                format!("nothing was started because of {}", count(errors, "error")),
            )
        })
}

/// What a program is called in messages, if its name can be one of a task.
fn name_of(program: &OsString) -> Option<String> {
    let first = program.to_str()?.split_ascii_whitespace().next()?;
    let name = Path::new(first).file_name()?.to_str()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (name.len() <= 64 && name.bytes().all(is_plain)).then(|| name.to_owned())
}

fn show(diagnostics: &[Diagnostic], is_wrong: bool, output: &mut Output) {
    if !diagnostics.is_empty() && (is_wrong || output.verbosity() >= Verbosity::Normal) {
        let shown = render(diagnostics, output.error_paint());
        output.message(shown.trim_end());
    }
}

/// The lines for what happened, in the manner of a run's.
fn words(manner: Manner, telling: &Telling<'_>) -> Vec<String> {
    let at = telling.at;
    match telling.told {
        Told::Ended {
            attempt,
            end,
            duration,
            next,
        } => {
            let event = RunEvent::AttemptEnded {
                attempt: attempt.clone(),
                end: end.clone(),
                step: None,
                duration: *duration,
                next: next.clone(),
            };
            lines::words(manner, at, &event)
        }
        Told::GivenUp {
            attempt,
            why,
            duration,
            reason,
        } => vec![lines::given_up(manner, at, attempt, why, *duration, reason)],
        Told::Healing(event) => lines::words(manner, at, event),
        Told::LeftAlone {
            name,
            service,
            until,
        } => {
            let left = span(until.since(at));
            vec![format!(
                "{} {name} waits for {left}: `{service}` did not answer lately and is left alone",
                time(manner, at)
            )]
        }
        Told::Stopping { signal, killed } => {
            let time = time(manner, at);
            let what = if *killed {
                "the command is killed"
            } else {
                "the command gets it; once more kills it"
            };
            vec![format!("{time} stopping: {signal}; {what}")]
        }
    }
}

fn time(manner: Manner, at: Timestamp) -> String {
    let time = manner.zone.clock_time(at);
    manner.paint.dim(&format!("[{time}]"))
}

/// Whether these arguments of the program are for `exec`.
pub fn is_meant(arguments: &[OsString]) -> bool {
    let mut words = arguments.iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_encoded_bytes() {
            b"--state-dir" | b"--config" | b"--color" => drop(words.next()),
            [b'-', ..] => {}
            name => return name == b"exec",
        }
    }
    false
}

/// The ending of a program that was asked to `exec`: what is not the command's own is an error of ours.
pub fn own_ending(ending: Ending) -> Ending {
    match ending {
        Ending::Well | Ending::OfCommand(_) => ending,
        Ending::NeedsPerson
        | Ending::Usage
        | Ending::QueueUnusable
        | Ending::NothingStarted
        | Ending::Bug
        | Ending::QueueInUse
        | Ending::OfRun(_) => Ending::OfCommand(OUR_ERROR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exec_is_found_behind_global_options_and_nowhere_else() {
        let meant = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            is_meant(&words)
        };
        assert!(meant("autoexec exec -- true"));
        assert!(meant("autoexec -q --state-dir /x --color=never exec"));
        assert!(!meant("autoexec --state-dir exec run"));
        assert!(!meant("autoexec queue add -- exec"));
        assert!(!meant("autoexec"));
    }

    #[test]
    fn only_the_commands_own_codes_are_not_ours() {
        assert_eq!(own_ending(Ending::Well).code(), 0);
        assert_eq!(own_ending(Ending::of_command(3)).code(), 3);
        for ending in [Ending::Usage, Ending::Bug, Ending::NeedsPerson] {
            assert_eq!(own_ending(ending).code(), OUR_ERROR);
        }
    }
}
