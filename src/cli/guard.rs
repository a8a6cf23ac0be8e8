//! The guard of an overnight run: a small parent that starts the run again when it dies.
//!
//! What follows from a death is [`crate::policy::guard`]'s; waiting and passing on of signals is
//! [`crate::process::guard`]'s. The guard itself holds no lock and writes nothing but alerts, so its own
//! death costs nothing but the next start.

use std::ffi::OsString;
use std::time::Duration;

use serde_json::json;

use crate::cli::courier;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::invocation::Invocation;
use crate::cli::settings::Settings;
use crate::host::alerts::{self, Level};
use crate::policy::guard::{LONG_LIFE, MOST_IN_VAIN, Next, RunDeath, Vigil, next};
use crate::process::guard::{Guard, Ward};
use crate::support::clock::Timestamp;

/// Tells a run that it is guarded, and how.
pub const GUARDED_VARIABLE: &str = "__AUTOEXEC_GUARDED";
/// What a cautious run is told.
const SAFELY: &str = "safely";
/// What any other is told.
const AS_USUAL: &str = "as_usual";
/// And one before which another one died.
const AGAIN: &str = "again";
/// Between a death and the next start: what killed the run may pass, but not within a moment.
const PAUSE: Duration = Duration::from_secs(1);

/// What a run is told that is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guarded {
    /// It takes one slot and no risk.
    pub safely: bool,
    /// When the first run of this guard began: the hours of a night are resolved once.
    pub begun: Timestamp,
    /// Another run of this guard went before and died.
    pub again: bool,
}

impl Guarded {
    /// Reads what a guard has told.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(':');
        let (how, begun) = (words.next()?, words.next()?);
        Some(Self {
            safely: how == SAFELY,
            begun: Timestamp::from_millis(begun.parse().ok()?),
            again: words.next() == Some(AGAIN),
        })
    }

    fn words(self) -> String {
        let how = if self.safely { SAFELY } else { AS_USUAL };
        let begun = self.begun.as_millis();
        if self.again {
            format!("{how}:{begun}:{AGAIN}")
        } else {
            format!("{how}:{begun}")
        }
    }
}

/// Guards a run with the arguments of this process until it ends as runs do.
///
/// # Errors
/// When the run cannot be started.
pub fn watch_over(invocation: &mut Invocation<'_>) -> Answer {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let failed = |error: std::io::Error| {
        CliError::new(Ending::Bug, "guard", "cannot guard the run").because(error)
    };
    let mut told = Guarded {
        safely: false,
        begun: invocation.settings.clock.now(),
        again: false,
    };
    let mut ward = Ward {
        program: Settings::own_program()?,
        arguments,
        told: (GUARDED_VARIABLE, told.words()),
    };
    let mut guard = Guard::new().map_err(failed)?;
    let mut vigil = Vigil::default();
    loop {
        let before = last_end(invocation);
        let started = invocation.settings.clock.now();
        let death = guard.watch(&ward).map_err(failed)?;
        let lived = invocation.settings.clock.now().since(started);
        let progress = last_end(invocation) != before || lived >= LONG_LIFE;
        let next = next(&mut vigil, death, guard.stop_wanted, progress);
        let what = match next {
            Next::End(code) => return Ok(Ending::of_run(code)),
            Next::Again => "starting it again".to_owned(),
            Next::Safely => {
                told.safely = true;
                "starting it once more, with one slot and without recoveries".to_owned()
            }
            Next::GiveUp => "it is not started again".to_owned(),
        };
        let message = format!("the run died: {}; {what}", words(death));
        invocation.output.warning(&message);
        alert(invocation, next, death, &message, vigil);
        if next == Next::GiveUp {
            return Ok(Ending::Bug);
        }
        told.again = true;
        ward.told.1 = told.words();
        guard.pause(PAUSE).map_err(failed)?;
        if guard.stop_wanted {
            return Ok(Ending::of_run(143));
        }
    }
}

fn alert(invocation: &Invocation<'_>, next: Next, death: RunDeath, message: &str, vigil: Vigil) {
    let level = match next {
        Next::Safely | Next::GiveUp => Level::Critical,
        Next::End(_) | Next::Again => Level::Warning,
    };
    let details = json!({
        "death": words(death),
        "deaths_without_progress": vigil.in_vain,
        "most": MOST_IN_VAIN,
    });
    let settings = &invocation.settings;
    // Standard error and the exit code tell it too.
    let _told_otherwise = alerts::append(
        &settings.state,
        level,
        "run",
        message,
        &details,
        settings.clock.now(),
    );
    if level == Level::Critical {
        courier::alarm(settings, "run", message);
    }
}

fn words(death: RunDeath) -> String {
    match death {
        RunDeath::Code(code) => format!("exit code {code}, a bug in autoexec"),
        RunDeath::Signal(signal) => format!("{signal}"),
    }
}

/// The event with which an attempt ended last; `None` also where nobody can tell.
fn last_end(invocation: &Invocation<'_>) -> Option<i64> {
    let store = invocation.look_into_queue().ok()??;
    store.last_end().ok()?
}
