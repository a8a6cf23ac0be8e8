//! Probes of the engine itself: `[breaker.service."NAME"] probe`.
//!
//! A probe costs no attempt and no slot. One look is taken when the breaker's time has come; its word
//! comes back through the inbox.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::engine::healing::probe::look;
use crate::model::category::Category;
use crate::model::remedy::Await;
use crate::policy::breaker::LastFailure;

/// The pattern of a probe that found nobody.
const PROBE_FAILED: &str = "probe_failed";
/// How long a look may take: less than the lease, so that its word is still heard.
const LONGEST: Duration = Duration::from_secs(40);

/// What a probe saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Probed {
    /// The service.
    pub(crate) service: String,
    /// Why it is not back; none: it is.
    pub(crate) failure: Option<LastFailure>,
}

/// Has a look taken and its word sent.
pub(crate) fn start(service: String, probe: Await, answers: UnboundedSender<Probed>) {
    drop(tokio::spawn(async move {
        let seen = tokio::time::timeout(LONGEST, look(&probe)).await;
        let failure = match seen {
            Ok(Ok(())) => None,
            Ok(Err(line)) => Some(line),
            Err(_) => Some("it does not answer".to_owned()),
        };
        let failure = failure.map(|line| LastFailure {
            category: Category::Network,
            pattern: PROBE_FAILED.to_owned(),
            line: Some(line),
        });
        // When nobody listens any more, the run is over.
        drop(answers.send(Probed { service, failure }));
    }));
}
