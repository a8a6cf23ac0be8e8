//! `autoexec report --send`: the report, now, to everybody who wants reports; and whatever else could
//! not be delivered before.

use crate::cli::commands::Invocation;
use crate::cli::courier;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::model::notice::Occasion;
use crate::notify::Target;
use crate::report::summary::RunSummary;
use crate::report::told;
use crate::store::outbox::{self, Delivery};

/// Sends the report and says to whom.
///
/// # Errors
/// When nobody wants reports, or the queue cannot be used.
pub fn carry_out(summary: &RunSummary, invocation: &mut Invocation<'_>) -> Answer {
    let settings = invocation.settings.clone();
    let targets = courier::targets_of(&settings, Occasion::Report);
    if targets.is_empty() {
        let what = "nobody is to be told of reports";
        return Err(CliError::usage("no_report_target", what).hint(
            "add a `[[notify]]` with `on = [\"report\"]` to the configuration file; the README has \
             examples",
        ));
    }
    let store = invocation.look_into_queue()?;
    let queue = store.as_ref().and_then(|store| store.queue().ok());
    let page = store
        .as_ref()
        .and_then(|store| courier::page_of(summary, store, &settings));
    drop(store);
    let id = uuid::Uuid::new_v4().to_string();
    let run = told::only_run(summary);
    let letter = courier::letter_of_report(&id, summary, run, page, (&courier::host_name(), queue));
    let results = courier::tell_at_once(&settings, &targets, &letter);
    let mut told = Vec::new();
    let mut ending = Ending::Well;
    for (target, result) in targets.iter().zip(results) {
        match result {
            Ok(()) => {
                invocation
                    .output
                    .line(&format!("sent to {}", target.name()));
                told.push(*target);
            }
            Err(error) => {
                let warning = format!("could not send to {}: {error}", target.name());
                invocation.output.warning(&warning);
                ending = Ending::NeedsPerson;
            }
        }
    }
    if queue.is_some() && !told.is_empty() {
        deliver_the_rest(&told, invocation)?;
    }
    Ok(ending)
}

/// Delivers what could not be delivered before.
fn deliver_the_rest(told: &[&Target], invocation: &mut Invocation<'_>) -> Result<(), CliError> {
    let mut store = invocation.open_queue()?;
    let now = invocation.settings.clock.now();
    store.write(|tx| {
        for target in told {
            outbox::replace_reports(tx, &target.key(), now)?;
        }
        outbox::hurry(tx, now)
    })?;
    if store.next_message()?.is_none() {
        return Ok(());
    }
    courier::deliver_due(&invocation.settings)?;
    let left = store.messages_since(now)?;
    for message in left.iter().filter(|one| one.state == Delivery::Waiting) {
        let why = message.error.as_deref().unwrap_or("it is not answered");
        let occasion = message.occasion.as_str().replace('_', " ");
        let target = &message.target_name;
        let warning = format!("could not deliver {occasion} to {target}: {why}");
        invocation.output.warning(&warning);
    }
    Ok(())
}
