//! The evening check of `autoexec plan --overnight`: what is asked of this machine for it.

use crate::cli::commands::Invocation;
use crate::cli::commands::health::{self, PATIENCE};
use crate::cli::commands::timer::status::{crontab, installed};
use crate::policy::health::Reading;
use crate::policy::window::Window;
use crate::report::evening::{Evening, Needs, starter, switch};
use crate::report::health::look;
use crate::store::Store;

/// Puts together what is to be looked at before a night.
pub fn check(
    store: Option<&Store>,
    needs: Needs,
    night: Option<Window>,
    invocation: &Invocation<'_>,
) -> Evening {
    let found = look(Ok(store), &health::inquiry(invocation, PATIENCE));
    let hours = invocation.settings.config.overnight.hours();
    let mut more: Vec<Reading> = hours
        .zip(night)
        .and_then(|(hours, night)| switch(&hours, night))
        .into_iter()
        .collect();
    more.push(starter(starts_by(invocation)));
    Evening::of(&found, needs, more)
}

/// What will begin the night, in words.
fn starts_by(invocation: &Invocation<'_>) -> Option<String> {
    if let Some(run) = invocation.active_run().and_then(|holder| holder.run) {
        return Some(format!("run {run} is active already"));
    }
    if let Some(timer) = installed(invocation).filter(|timer| timer.enabled) {
        return Some(format!(
            "the timer `{}.timer` begins it",
            timer.units.name()
        ));
    }
    (!crontab().is_empty()).then(|| "a line of the crontab begins it".to_owned())
}
