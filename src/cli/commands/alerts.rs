//! `autoexec alerts`: what needed somebody's attention lately. Works without the database.

use std::io;
use std::time::Duration;

use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::host::alerts::follow::Follower;
use crate::host::alerts::read::{Wanted, newest};
use crate::host::state_dir::{self, SharedFileSystem};
use crate::model::alert::Level;
use crate::report::alerted;
use crate::report::text::Look;

/// Alerts that are shown where nobody says how many.
const LISTED: usize = 20;
/// Columns beyond which sentences are hard to read.
const WIDEST: usize = 100;
/// Between two looks for new ones.
const PAUSE: Duration = Duration::from_millis(250);

/// Options of `autoexec alerts`.
#[derive(Debug, clap::Args)]
pub struct AlertsArgs {
    /// The most alerts to show, the newest
    #[arg(long, value_name = "N", default_value_t = LISTED)]
    pub limit: usize,
    /// Only those as bad as this or worse: `info`, `warning` or `critical`
    #[arg(long, value_name = "LEVEL", value_parser = parse_level, default_value = "info")]
    pub level: Level,
    /// Go on showing alerts as they come, until Ctrl-C
    #[arg(short, long)]
    pub follow: bool,
    /// Answer as JSON; with `--follow` one object per line and alert
    #[arg(long)]
    pub json: bool,
}

fn parse_level(word: &str) -> Result<Level, String> {
    Level::parse(word).ok_or_else(|| "must be `info`, `warning` or `critical`".to_owned())
}

/// Carries out the command.
///
/// # Errors
/// When the file cannot be read.
pub fn carry_out(args: &AlertsArgs, invocation: &mut Invocation<'_>) -> Answer {
    let dir = invocation.settings.state.clone();
    state_dir::check(&dir, SharedFileSystem::Refuse)?;
    let wanted = Wanted {
        level: args.level,
        most: args.limit,
        ..Wanted::newest(args.limit)
    };
    // Begun before the list is read, so that nothing falls between the two.
    let follower = if args.follow {
        Some(Follower::from_now(&dir).map_err(|error| unreadable(invocation, error))?)
    } else {
        None
    };
    let found = newest(&dir, &wanted).map_err(|error| unreadable(invocation, error))?;
    let look = look(invocation);
    match (args.json, args.follow) {
        (true, false) => invocation.output.json(&alerted::value(&found)),
        (true, true) => {
            for alert in found.alerts.iter().rev() {
                invocation.output.json(&alert.value());
            }
        }
        (false, _) => {
            let now = invocation.settings.clock.now();
            invocation.output.text(&alerted::page(&found, look, now));
            for note in alerted::notes(&found) {
                invocation.output.note(&note);
            }
            if found.alerts.is_empty() && !args.follow {
                invocation.output.line("no alerts");
            }
        }
    }
    match follower {
        Some(follower) => go_on(follower, &wanted, args.json, invocation),
        None => Ok(Ending::Well),
    }
}

fn go_on(
    mut follower: Follower<'_>,
    wanted: &Wanted,
    json: bool,
    invocation: &mut Invocation<'_>,
) -> Answer {
    let look = look(invocation);
    loop {
        let new = follower.poll(wanted);
        for alert in new.map_err(|error| unreadable(invocation, error))? {
            if json {
                invocation.output.json(&alert.value());
            } else {
                let now = invocation.settings.clock.now();
                let entry = alerted::entry(&alert, look, now);
                invocation.output.text(&entry);
            }
        }
        invocation.output.flush();
        if invocation.output.is_broken() {
            return Ok(Ending::Well);
        }
        std::thread::sleep(PAUSE);
    }
}

fn look(invocation: &Invocation<'_>) -> Look {
    let look = invocation.look();
    Look {
        width: look.width.min(WIDEST),
        ..look
    }
}

fn unreadable(invocation: &Invocation<'_>, error: io::Error) -> CliError {
    let what = format!("cannot read `{}/alerts.jsonl`", invocation.place());
    CliError::new(Ending::QueueUnusable, "alerts_unreadable", what).because(error)
}
