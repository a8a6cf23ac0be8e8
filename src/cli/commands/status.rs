//! Bare `autoexec`: what is queued, what needs a person, and where to start.

use std::time::Duration;

use crate::cli::commands::{Invocation, health};
use crate::cli::failure::{Answer, Ending};
use crate::report::evening;
use crate::report::health::look_ahead;
use crate::report::health_page;
use crate::report::present_needs::PresentNeeds;
use crate::report::status_page::{self, Status};
use crate::support::table::wrap;

/// Prints the short status.
///
/// # Errors
/// When the queue cannot be read.
pub fn carry_out(invocation: &mut Invocation<'_>) -> Answer {
    let (moment, look) = (invocation.moment(), invocation.look());
    let Some(store) = invocation.look_into_queue()? else {
        invocation.output.text(&status_page::of_nothing(look));
        return Ok(Ending::Well);
    };
    let moment = moment.look_into(&store)?;
    let counts = store.counts_of_unfinished()?;
    let needing = PresentNeeds::read(&store, status_page::LISTED)?;
    let active = match invocation.active_run() {
        Some(holder) => holder.run.map(|run| (run, holder.since)),
        None => None,
    };
    let status = Status {
        counts: &counts,
        is_empty: store.is_empty()?,
        needing: &needing,
        active,
    };
    invocation
        .output
        .text(&status_page::text(status, moment, look));
    let inquiry = health::inquiry(invocation, Duration::ZERO);
    let night = inquiry
        .hours
        .as_ref()
        .and_then(|hours| hours.window(moment.now));
    let (found, backlog) = look_ahead(Ok(Some(&store)), &inquiry);
    let tonight = evening::brief(&found, backlog.as_ref(), night, (moment.now, look.zone));
    let lines: Vec<String> = [tonight, health_page::brief(&found)]
        .into_iter()
        .flatten()
        .flat_map(|line| wrap(&line, look.width))
        .collect();
    if !lines.is_empty() {
        let lines = lines.join("\n");
        invocation.output.line(&format!("\n{lines}"));
    }
    Ok(Ending::Well)
}
