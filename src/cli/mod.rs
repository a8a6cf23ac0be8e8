//! Floor 9: the command line, from arguments to an exit code.
//!
//! [`args`] says what may be typed, [`settings`] puts flags, environment and configuration file
//! together, [`commands`] has one file per command (load, call, print), [`failure`] turns what went
//! wrong into a message and an exit code, [`output`] writes what was asked for. No judgement and no
//! SQL lives here.
//!
//! # What goes where
//!
//! Standard output takes what was asked for, standard error everything else. With `--json` a
//! failure is shown twice: as `autoexec.error/1` on standard output, where a script reads, and as
//! text on standard error, where a person or a log reads.
//!
//! # Start-up
//!
//! A command pays for what it uses: no runtime, no log set-up, no database before a command asks
//! for it. `--version` is answered before the tree of commands is built.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use crate::cli::commands::exec;
use crate::cli::failure::Ending;
use crate::cli::global_args::ColorChoice;
use crate::cli::invocation::Invocation;
use crate::cli::output::Output;
use crate::cli::settings::Settings;
use crate::model::signal::Signal;
use crate::process::cores;
use crate::process::signals;

pub mod adding;
pub mod args;
pub mod commands;
pub mod completing;
pub mod config;
pub mod courier;
pub mod engine_failure;
mod environment;
pub mod failure;
pub mod global_args;
pub mod guard;
pub mod hours;
pub mod invocation;
pub mod judging;
pub mod logging;
pub mod output;
pub mod secret_doubts;
pub mod settings;
pub mod store_failure;
mod ulimits;
mod written;

/// Runs the program: the only entry of the library that a binary needs.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    failure::shorten_panics();
    // A file that may not grow further is an error to be told, not the end. Where no handler can be
    // set it stays the end.
    let _the_end_otherwise = signals::catch(Signal::XFSZ);
    let arguments: Vec<OsString> = arguments.collect();
    let mut output = Output::of_process(args::wants_json(&arguments));

    // A panic is a bug of ours; it must neither look like a failed task nor print a page of trace.
    let ending =
        catch_unwind(AssertUnwindSafe(|| answer(&arguments, &mut output))).unwrap_or(Ending::Bug);
    let ending = if exec::is_meant(&arguments) {
        exec::own_ending(ending)
    } else {
        ending
    };
    ExitCode::from(ending.code())
}

fn answer(arguments: &[OsString], output: &mut Output) -> Ending {
    if args::asks_only_for_version(arguments) {
        output.line(args::VERSION_LINE);
        return output.finish(Ending::Well);
    }
    if let Some([_program, first, asked @ ..]) = arguments.get(..)
        && first == completing::COMPLETE
    {
        completing::answer(asked, output);
        return output.finish(Ending::Well);
    }
    if let Err(failure) = ulimits::check_stack() {
        let ending = failure.show(output);
        return output.finish(ending);
    }
    // Passwords, tokens and definitions pass through here. Where the kernel refuses, a core file is
    // what any other program would leave.
    let _as_any_program = cores::forbid();
    output.set_paints(settings::paints(ColorChoice::Auto));
    let cli = match args::parse(arguments) {
        Ok(cli) => cli,
        Err(refusal) => return refusal.show(output),
    };
    let paints = settings::paints(cli.global.color);
    output.set_paints(paints);
    logging::start(cli.global.verbose, output.error_stream(), paints.1);
    let ending = Settings::load(&cli.global)
        .and_then(|settings| {
            let mut invocation = Invocation { settings, output };
            commands::carry_out(cli.command.as_ref(), &mut invocation)
        })
        .unwrap_or_else(|failure| failure.show(output));
    output.finish(ending)
}
