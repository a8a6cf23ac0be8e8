//! The options of `queue add` that mirror the keys of a task, made from the table of keys.
//!
//! They are collected as they were typed; `taskfile` checks them with the walk that checks a file.
//! Those of later work are known but hidden, so that they are refused by what they wait for.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, Error, FromArgMatches};

use crate::taskfile::Flag;
use crate::taskfile::KEYS;
use crate::taskfile::keys::{Key, Since};

/// The options as they were typed.
#[derive(Debug, Clone, Default)]
pub struct KeyFlags(pub Vec<Flag>);

/// The keys that have an option, with its name.
fn mirrored() -> impl Iterator<Item = (&'static Key, &'static str)> {
    KEYS.iter().filter_map(|key| Some((key, key.flag?)))
}

/// The name by which the parser knows an option.
fn id_of(flag: &'static str) -> &'static str {
    flag.trim_start_matches('-')
}

impl FromArgMatches for KeyFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut typed = Self::default();
        typed.update_from_arg_matches(matches)?;
        Ok(typed)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for (_, flag) in mirrored() {
            for value in matches
                .get_many::<OsString>(id_of(flag))
                .into_iter()
                .flatten()
            {
                self.0.push(Flag::new(flag, value));
            }
        }
        Ok(())
    }
}

impl clap::Args for KeyFlags {
    fn augment_args(command: Command) -> Command {
        mirrored().fold(command, |command, (key, flag)| {
            // `--env K=V` may be given several times; so may any other, and then the last one counts.
            let help = key.help.trim_end_matches('.').to_owned();
            let help = match key.default {
                "" | "none" => help,
                default => format!("{help} [default: {default}]"),
            };
            let option = Arg::new(id_of(flag))
                .long(id_of(flag))
                .value_name(value_name(key))
                .value_parser(clap::value_parser!(OsString))
                .action(ArgAction::Append)
                .allow_hyphen_values(true)
                .hide(key.since != Since::Now)
                .help_heading("The task")
                .help(help);
            command.arg(option)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// What stands for the value in the help.
fn value_name(key: &Key) -> &'static str {
    match key.name {
        "name" | "service" => "NAME",
        "env" => "NAME=VALUE",
        "tags" => "TAG",
        "requires" => "WHAT",
        "recover_mode" => "MODE",
        "allow" => "STRATEGY",
        "fallback_command" => "COMMAND",
        "priority" | "retries" | "nice" => "N",
        "after" => "NAME[:WHEN]",
        "not_before" | "deadline" => "TIME",
        "timeout" | "idle_timeout" | "grace" | "total_timeout" | "expect_duration" => "DURATION",
        "stop_signal" => "SIGNAL",
        "workdir" => "DIR",
        "env_file" | "stdin" => "FILE",
        "max_output" => "SIZE",
        _ => "VALUE",
    }
}
