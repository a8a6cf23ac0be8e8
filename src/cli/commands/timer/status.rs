//! `autoexec timer status`: what begins the nights, when the next one begins, and what is missing.

use std::ffi::OsString;

use serde_json::{Value, json};

use crate::cli::commands::Invocation;
use crate::cli::commands::timer::install::next_start;
use crate::cli::commands::timer::{LIMIT, NAME, Started, StatusArgs, systemctl, units_of};
use crate::cli::failure::{Answer, Ending};
use crate::host::machine;
use crate::host::timer::{self, Installed, Units, units};
use crate::process::helper;
use crate::store::runs::Run;
use crate::support::bytes::OsText;
use crate::support::clock::{Timestamp, Zone};

/// The name and version of the shape of an answer.
const SCHEMA: &str = "autoexec.timer/1";
/// The mode of runs that keep to the night.
const OVERNIGHT: &str = "overnight";
/// The most runs that are looked through.
const RUNS: usize = 200;

/// What is known of a timer.
struct Found {
    installed: Option<Installed>,
    /// The units are not as they would be written now.
    is_outdated: bool,
    /// The service manager knows the timer as active; none: it does not answer.
    active: Option<bool>,
    lingers: Option<bool>,
    cron: Vec<String>,
    next: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// The timer of this queue, where one is installed.
pub fn installed(invocation: &Invocation<'_>) -> Option<Installed> {
    let settings = &invocation.settings;
    timer::find(settings.units.as_deref()?, settings.state.root())
}

/// Carries out the command.
pub(super) fn carry_out(args: &StatusArgs, invocation: &mut Invocation<'_>) -> Answer {
    let found = look(args, invocation)?;
    let problems = problems(&found);
    if args.json {
        invocation.output.json(&value(&found, &problems));
    } else {
        show(&found, &problems, invocation);
    }
    Ok(if problems.is_empty() {
        Ending::Well
    } else {
        Ending::NeedsPerson
    })
}

fn look(
    args: &StatusArgs,
    invocation: &Invocation<'_>,
) -> Result<Found, crate::cli::failure::CliError> {
    let installed = if args.name.name == NAME {
        installed(invocation)
    } else {
        let wanted = units_of(&args.name, &invocation.settings)?;
        installed(invocation).filter(|one| one.units == wanted)
    };
    let started = Started::of(invocation)?;
    let night = started.night(&invocation.settings);
    let is_outdated = installed.as_ref().is_some_and(|one| {
        // How long stopping takes follows the queue and is no reason to write it anew.
        let alike = |there: &str, now: &str| {
            let lines = |text: &str| -> Vec<String> {
                let kept = text
                    .lines()
                    .filter(|line| !line.starts_with("TimeoutStopSec="));
                kept.filter(|line| !line.starts_with("Environment="))
                    .map(str::to_owned)
                    .collect()
            };
            lines(there) == lines(now)
        };
        one.units.read().is_none_or(|(service, timer)| {
            units::service(&night).is_ok_and(|now| !alike(&service, &now))
                || !alike(&timer, &units::timer(&night))
        })
    });
    let active = installed.as_ref().and_then(|one| is_active(&one.units));
    let last = invocation.look_into_queue()?.and_then(|store| {
        let runs: Vec<Run> = store.runs(RUNS).ok()?;
        let last = runs.iter().find(|run| run.mode == OVERNIGHT)?;
        Some(last.started_at)
    });
    Ok(Found {
        installed,
        is_outdated,
        active,
        lingers: machine::lingers(),
        cron: crontab(),
        next: next_start(invocation),
        last,
    })
}

fn is_active(units: &Units) -> Option<bool> {
    let unit = format!("{}.timer", units.name());
    let said = systemctl(&["show", "--property=ActiveState", &unit]).ok()?;
    Some(said.for_json().trim() == "ActiveState=active")
}

/// Lines of the user's crontab that run the queue at night, fit to be shown.
pub fn crontab() -> Vec<String> {
    let argv = ["crontab", "-l"].map(OsString::from);
    let Ok(answer) = helper::run(&argv, LIMIT) else {
        return Vec::new();
    };
    let text = answer.stdout.for_json();
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter(|line| line.contains("autoexec") && line.contains("--overnight"))
        .map(|line| crate::support::untrusted::Untrusted::from(line).for_terminal())
        .collect()
}

/// What keeps nights from beginning by themselves, each with what to type.
fn problems(found: &Found) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(installed) = &found.installed else {
        if found.cron.is_empty() {
            problems.push(
                "nothing begins the nights: `autoexec timer install`, or `autoexec timer install --cron`"
                    .to_owned(),
            );
        }
        return problems;
    };
    let name = installed.units.name();
    if !installed.enabled {
        problems.push("the timer is not enabled: `autoexec timer install`".to_owned());
    }
    if found.is_outdated {
        problems.push(
            "the units are not as they would be written now: `autoexec timer install`".to_owned(),
        );
    }
    if found.active == Some(false) {
        problems.push(format!(
            "the timer is not active: `systemctl --user start {name}.timer`"
        ));
    }
    if found.lingers == Some(false) {
        problems.push(
            "it begins nights only while you are logged in: `loginctl enable-linger`".to_owned(),
        );
    }
    if !found.cron.is_empty() {
        problems.push("timer and cron both begin nights; the second run ends with 75".to_owned());
    }
    problems
}

fn show(found: &Found, problems: &[String], invocation: &mut Invocation<'_>) {
    let now = invocation.settings.clock.now();
    let short = |at: Option<Timestamp>, none: &str| {
        at.map_or_else(|| none.to_owned(), |at| Zone::Local.short(at, now))
    };
    let output = &mut *invocation.output;
    if let Some(installed) = &found.installed {
        let file = OsText::from(installed.units.timer())
            .untrusted()
            .for_terminal();
        let since = short(Some(installed.since), "");
        output.line(&format!("timer       `{file}`, since {since}"));
        output.line(match found.active {
            Some(true) => "manager     it is active",
            Some(false) => "manager     it is not active",
            None => "manager     `systemctl --user` does not answer here",
        });
    }
    for line in &found.cron {
        output.line(&format!("cron        {line}"));
    }
    output.line(&format!("next night  {}", short(found.next, "never")));
    output.line(&format!("last night  {}", short(found.last, "none yet")));
    output.line(match found.lingers {
        Some(true) => "logged out  nights begin also while you are logged out",
        Some(false) => "logged out  nights begin only while you are logged in",
        None => "logged out  systemd does not run this machine",
    });
    for problem in problems {
        output.warning(problem);
    }
}

fn value(found: &Found, problems: &[String]) -> Value {
    let installed = found.installed.as_ref().map(|one| {
        json!({
            "name": one.units.name(),
            "timer": OsText::from(one.units.timer()).untrusted().for_json(),
            "service": OsText::from(one.units.service()).untrusted().for_json(),
            "since": one.since.to_rfc3339(),
            "enabled": one.enabled,
            "outdated": found.is_outdated,
            "active": found.active,
        })
    });
    json!({
        "schema": SCHEMA,
        "installed": installed,
        "cron": found.cron,
        "next_night": found.next.map(Timestamp::to_rfc3339),
        "last_night": found.last.map(Timestamp::to_rfc3339),
        "lingers": found.lingers,
        "problems": problems,
    })
}
