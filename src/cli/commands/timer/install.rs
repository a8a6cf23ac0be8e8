//! `autoexec timer install`: writes the units and tells the service manager, or prints a crontab line.

use crate::cli::commands::Invocation;
use crate::cli::commands::timer::{NameArgs, Started, systemctl, units_of};
use crate::cli::config::overnight::local_zone;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::host::machine;
use crate::host::timer::units;
use crate::policy::window::ClockTime;
use crate::support::bytes::OsText;
use crate::support::clock::{Timestamp, Zone};

/// Days of a year, in each of which two zones may be apart differently.
const DAYS: u64 = 366;

/// Writes and enables the units.
pub(super) fn units(name: &NameArgs, invocation: &mut Invocation<'_>) -> Answer {
    let files = units_of(name, &invocation.settings)?;
    let started = Started::of(invocation)?;
    let night = started.night(&invocation.settings);
    let (service, timer) = (units::service(&night)?, units::timer(&night));
    if let Some((there, _)) = files.read()
        && !there.contains(&format!(
            " {} ",
            units::word(night.state, "the state directory")?
        ))
    {
        let what = format!("the units `{}` run another queue", files.name());
        return Err(CliError::usage("timer_of_another_queue", what)
            .hint("choose another name with `--name NAME`"));
    }
    files.write(&service, &timer)?;
    for file in [files.service(), files.timer()] {
        let shown = OsText::from(file).untrusted().for_terminal();
        invocation.output.line(&format!("wrote `{shown}`"));
    }
    let unit = format!("{}.timer", files.name());
    let told = systemctl(&["daemon-reload"]).and_then(|_| systemctl(&["start", &unit]));
    let mut is_well = true;
    match told {
        Ok(_) => {
            let next = next_night(invocation);
            invocation
                .output
                .line(&format!("the next night begins {next}"));
        }
        Err(why) => {
            is_well = false;
            invocation.output.warning(&format!(
                "the timer is enabled, but the service manager of this user does not answer: {why}\n  \
                 it begins with your next login; or type, as this user:\n    \
                 systemctl --user daemon-reload && systemctl --user start {unit}\n  \
                 on a machine without systemd: `autoexec timer install --cron`"
            ));
        }
    }
    if machine::lingers() == Some(false) {
        is_well = false;
        invocation.output.warning(
            "it begins nights only while you are logged in, and what runs is ended when you leave\n  \
             hint: type `loginctl enable-linger`",
        );
    }
    Ok(if is_well {
        Ending::Well
    } else {
        Ending::NeedsPerson
    })
}

/// When the next night begins, as a person reads it.
pub(super) fn next_night(invocation: &Invocation<'_>) -> String {
    let settings = &invocation.settings;
    let now = settings.clock.now();
    next_start(invocation).map_or_else(|| "never".to_owned(), |at| Zone::Local.short(at, now))
}

/// When the next night begins that has not begun.
pub(super) fn next_start(invocation: &Invocation<'_>) -> Option<Timestamp> {
    let settings = &invocation.settings;
    let now = settings.clock.now();
    let hours = settings.config.overnight.hours()?;
    let window = hours.window(now)?;
    if window.start > now {
        Some(window.start)
    } else {
        Some(hours.window(window.end)?.start)
    }
}

/// Prints the line for `crontab -e`.
pub(super) fn cron(invocation: &mut Invocation<'_>) -> Answer {
    let started = Started::of(invocation)?;
    let night = started.night(&invocation.settings);
    let (start, is_earlier) = local_start(invocation);
    let (hour, minute) = start.parts();
    let number = |part: u16| u8::try_from(part).unwrap_or_default();
    let line = units::cron_line(&night, number(hour), number(minute))?;
    let output = &mut *invocation.output;
    output.line(&line);
    output.note(
        "add this line with `crontab -e`\n  \
         cron mails what it prints, where the machine has a mail program; MAILTO= says to whom\n  \
         tasks keep the PATH that they were added with; other variables they need belong in an \
         `env_file`\n  \
         cron catches up nothing: a night at whose beginning the machine is off is missed, and said",
    );
    if is_earlier {
        output.note(&format!(
            "nights begin at {} in another zone than the machine's; the run waits for it",
            invocation.settings.config.overnight.start()
        ));
    }
    Ok(Ending::Well)
}

/// The time by the machine's clock at which a run must be started, the earliest of a year: a run that
/// comes early waits.
fn local_start(invocation: &Invocation<'_>) -> (ClockTime, bool) {
    let settings = &invocation.settings;
    let overnight = &settings.config.overnight;
    let (Some(_), Some(hours)) = (overnight.zone(), overnight.hours()) else {
        return (overnight.start(), false);
    };
    let now = settings.clock.now();
    let mut at = now;
    let mut starts = Vec::new();
    for _ in 0..DAYS {
        let Some(window) = hours.window(at) else {
            break;
        };
        let local = Zone::Local.at(window.start).format("%H:%M").to_string();
        starts.extend(ClockTime::parse(&local));
        at = window.end;
    }
    starts.sort_unstable();
    starts.dedup();
    // Two times that differ by an hour or so; over midnight the later one comes first.
    let first = match (starts.first(), starts.last()) {
        (Some(first), Some(last)) if last.parts().0 - first.parts().0 > 12 => *last,
        (Some(first), _) => *first,
        _ => overnight.start(),
    };
    let same = overnight.zone().and_then(|zone| zone.iana_name()) == local_zone().iana_name();
    (first, !same)
}
