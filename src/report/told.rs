//! Notifications in the report: whom the runs told of it, and whom they could not.
//!
//! They are noted after the summary is made, like alerts. What a target answered is never part of it.

use serde_json::Value;
use serde_json::json;

use crate::model::ids::RunId;
use crate::report::facts::Scope;
use crate::report::sections::Item;
use crate::report::sections::Part;
use crate::report::sections::Section;
use crate::report::summary::RunSummary;
use crate::report::text::LISTED;
use crate::report::text::Look;
use crate::store::Reader;
use crate::store::StoreError;
use crate::store::outbox::Delivery;
use crate::store::outbox::Sent;
use crate::support::clock::Timestamp;

/// Notes in a summary whom its runs told.
///
/// # Errors
/// When the queue cannot be read.
pub fn note(summary: &mut RunSummary, store: &Reader) -> Result<(), StoreError> {
    summary.notifications = match summary.scope {
        Scope::Runs { first, last } => store.messages_of(first, last)?,
        Scope::SinceRead(_) | Scope::Since(_) => store.messages_since(summary.from)?,
    };
    Ok(())
}

/// The part of a report: only what did not arrive.
pub(crate) fn section(summary: &RunSummary, look: Look) -> Option<Section> {
    let missing: Vec<&Sent> = summary
        .notifications
        .iter()
        .filter(|message| is_missing(message))
        .collect();
    let mut items: Vec<Item> = missing
        .iter()
        .take(LISTED)
        .map(|message| item(message, look, summary.generated_at))
        .collect();
    if missing.len() > LISTED {
        items.push(Item {
            text: format!("and {} more", missing.len() - LISTED),
            ..Item::default()
        });
    }
    let mut part = Section::of(Part::NotTold, "Not told", missing.len(), items)?;
    part.command = Some("autoexec report --send".to_owned());
    Some(part)
}

/// A message that is on its way for the first time is not missing yet.
fn is_missing(message: &Sent) -> bool {
    match message.state {
        Delivery::GivenUp => true,
        Delivery::Waiting => message.error.is_some(),
        Delivery::Delivered | Delivery::Expired => false,
    }
}

fn item(message: &Sent, look: Look, now: Timestamp) -> Item {
    let at = look.zone.short(message.created_at, now);
    let next = match message.state {
        Delivery::GivenUp => "given up",
        Delivery::Waiting | Delivery::Delivered | Delivery::Expired => "will be tried again",
    };
    let occasion = message.occasion.as_str().replace('_', " ");
    let tries = match message.tries {
        1 => "1 try".to_owned(),
        number => format!("{number} tries"),
    };
    let why = message.error.as_deref().unwrap_or("it was not answered");
    Item {
        text: format!(
            "{occasion} of {at} to {}: {why} ({tries}, {next})",
            message.target_name
        ),
        ..Item::default()
    }
}

/// What a message becomes in JSON.
pub(crate) fn value(message: &Sent) -> Value {
    json!({
        "id": message.message_id,
        "occasion": message.occasion,
        "target": message.target_name,
        "state": message.state,
        "tries": message.tries,
        "created_at": message.created_at.to_rfc3339(),
        "ended_at": message.ended_at.map(Timestamp::to_rfc3339),
        "error": message.error,
    })
}

/// The run that a summary tells of, where it is one.
pub fn only_run(summary: &RunSummary) -> Option<RunId> {
    match summary.runs.as_slice() {
        [only] => Some(only.id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::notice::Occasion;

    fn message(state: Delivery, error: Option<&str>) -> Sent {
        Sent {
            message_id: "an-id".to_owned(),
            occasion: Occasion::RunFinished,
            target_name: "webhook #2 (slack, hooks.slack.com)".to_owned(),
            state,
            tries: 3,
            created_at: Timestamp::from_millis(0),
            ended_at: None,
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_on_its_way_for_the_first_time_is_not_missing() {
        for (state, error, missing) in [
            (Delivery::Waiting, None, false),
            (Delivery::Waiting, Some("the connection is refused"), true),
            (Delivery::GivenUp, Some("the connection is refused"), true),
            (
                Delivery::Delivered,
                Some("the connection is refused"),
                false,
            ),
            (Delivery::Expired, None, false),
        ] {
            assert_eq!(is_missing(&message(state, error)), missing, "{state:?}");
        }
    }
}
