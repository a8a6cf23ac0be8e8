//! When services were left alone: the spans between the opening and the closing of their breakers.

use crate::store::Reader;
use crate::store::StoreError;
use crate::store::breakers::BreakerEvent;
use crate::support::clock::Timestamp;

/// A span in which a service was left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// The service.
    pub name: String,
    /// Since when; `None` if since before the picture begins.
    pub from: Option<Timestamp>,
    /// Until when; `None` if it went on when the picture ends.
    pub to: Option<Timestamp>,
    /// Why; untrusted text.
    pub because: String,
}

/// The outages of a part of the past, in the order of their beginnings.
pub(super) fn load(
    reader: &Reader,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Outage>, StoreError> {
    Ok(outages(&reader.breaker_events(from, to)?))
}

/// Open and half-open are one span: the service is left alone but for a probe.
fn outages(events: &[BreakerEvent]) -> Vec<Outage> {
    let mut found: Vec<Outage> = Vec::new();
    for event in events {
        let known = found.iter().any(|outage| outage.name == event.name);
        let open = found
            .iter_mut()
            .find(|outage| outage.name == event.name && outage.to.is_none());
        match (event.state.as_str(), open) {
            ("closed", Some(outage)) => outage.to = Some(event.at),
            ("closed", None) if known => {}
            ("closed", None) => found.push(Outage {
                name: event.name.clone(),
                from: None,
                to: Some(event.at),
                because: event.because.clone(),
            }),
            (_, Some(_)) => {}
            (state, None) => found.push(Outage {
                name: event.name.clone(),
                // A probe without an opening before it: that lies before the picture.
                from: (state == "open" || known).then_some(event.at),
                to: None,
                because: event.because.clone(),
            }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, at: i64, state: &str) -> BreakerEvent {
        BreakerEvent {
            name: name.to_owned(),
            at: Timestamp::from_millis(at),
            state: state.to_owned(),
            because: String::new(),
        }
    }

    /// `db 1-6` for each; nothing stands for what is not known.
    fn spans(events: &[BreakerEvent]) -> Vec<String> {
        let millis =
            |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.as_millis().to_string());
        outages(events)
            .into_iter()
            .map(|outage| {
                format!(
                    "{} {}-{}",
                    outage.name,
                    millis(outage.from),
                    millis(outage.to)
                )
            })
            .collect()
    }

    #[test]
    fn an_outage_goes_from_the_opening_to_the_closing_whatever_probes_lie_between() {
        let events = [
            event("db", 1, "open"),
            event("api", 2, "open"),
            event("db", 3, "half_open"),
            event("db", 4, "open"),
            event("db", 5, "half_open"),
            event("db", 6, "closed"),
            event("db", 8, "open"),
        ];
        assert_eq!(spans(&events), ["db 1-6", "api 2-", "db 8-"]);
    }

    #[test]
    fn what_was_open_before_the_picture_begins_there() {
        assert_eq!(spans(&[event("db", 4, "closed")]), ["db -4"]);
        let probed = [event("db", 4, "half_open"), event("db", 5, "closed")];
        assert_eq!(spans(&probed), ["db -5"]);
        assert_eq!(spans(&[]), [""; 0]);
    }
}
