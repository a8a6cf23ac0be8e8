//! `autoexec timer remove`: the units and their link go; a run that is active goes on.

use crate::cli::commands::Invocation;
use crate::cli::commands::timer::{NameArgs, systemctl, units_of};
use crate::cli::failure::{Answer, Ending};

/// Carries out the command.
pub(super) fn carry_out(name: &NameArgs, invocation: &mut Invocation<'_>) -> Answer {
    let files = units_of(name, &invocation.settings)?;
    let unit = format!("{}.timer", files.name());
    if files.read().is_some() {
        // What cannot be told to a manager that does not answer, it does not know either.
        let _unreachable = systemctl(&["stop", &unit]);
    }
    if !files.remove()? {
        invocation.output.note("there is no timer to remove");
        return Ok(Ending::Well);
    }
    let _unreachable = systemctl(&["daemon-reload"]);
    invocation
        .output
        .line(&format!("removed `{unit}` and its service"));
    if invocation.active_run().is_some() {
        invocation
            .output
            .note("the run that is active goes on; `autoexec stop` ends it");
    }
    Ok(Ending::Well)
}
