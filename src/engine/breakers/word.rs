//! What the end of an attempt says about the services that its task declares; a part of the step, and
//! as pure.

use std::time::Duration;

use crate::engine::events::TaskRef;
use crate::engine::message::Write;
use crate::engine::state::Live;
use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::policy::backoff;
use crate::policy::breaker::LastFailure;
use crate::policy::breaker::speaks_of_service;
use crate::policy::classify::Judgement;
use crate::policy::decide::Decided;
use crate::policy::decide::Decision;
use crate::policy::fingerprint::fingerprint;
use crate::policy::fingerprint::names_a_cause;
use crate::support::clock::Timestamp;

/// Characters of a deciding line that a breaker keeps.
const LINE: usize = 300;

/// What an attempt says about services by its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceWord {
    /// The attempt.
    pub(crate) attempt: AttemptId,
    /// Its task.
    pub(crate) task: TaskRef,
    /// The services that its task declares.
    pub(crate) services: Vec<String>,
    /// What it says.
    pub(crate) said: Said,
}

/// What is said about a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// It did its part.
    Served,
    /// It did not.
    Refused {
        /// How.
        failure: LastFailure,
        /// How long it asked to be left alone.
        asked: Option<Duration>,
        /// What failures of the same cause have in common.
        fingerprint: String,
        /// Which of several services it was, where the failure names one.
        blamed: Option<String>,
    },
    /// Nothing: the task itself failed, or was stopped.
    Nothing,
}

/// What the end of an attempt says; `None` where nobody would listen.
fn word(
    live: &Live,
    attempt: AttemptId,
    judgement: &Judgement,
    now: Timestamp,
) -> Option<ServiceWord> {
    let services = live.task.spec.service.clone();
    let said = match judgement {
        Judgement::Success => Said::Served,
        Judgement::Failure(failure) if speaks_of_service(failure) => {
            refused(failure, &services, now)
        }
        Judgement::Failure(_) => Said::Nothing,
    };
    // Of a task without a service its failures are remembered, and that it went well after them.
    let is_first = live.task.number <= 1;
    if services.is_empty() && is_first && !matches!(said, Said::Refused { .. }) {
        return None;
    }
    Some(ServiceWord {
        attempt,
        task: live.task.reference(),
        services,
        said,
    })
}

/// What a failure that speaks of services says of them.
pub(crate) fn refused(failure: &Classification, services: &[String], now: Timestamp) -> Said {
    let is_asking = matches!(
        failure.category,
        Category::RateLimit | Category::ServerError
    );
    let line = failure.line.as_deref().unwrap_or_default();
    if services.is_empty() && !names_a_cause(failure.category, &failure.pattern) {
        return Said::Nothing;
    }
    Said::Refused {
        asked: backoff::asked(failure, now).filter(|_| is_asking),
        fingerprint: fingerprint(failure.category, &failure.pattern, Some(line.as_bytes())),
        blamed: blamed(failure, services),
        failure: LastFailure {
            category: failure.category,
            pattern: failure.pattern.clone(),
            line: Some(line.chars().take(LINE).collect()).filter(|line: &String| !line.is_empty()),
        },
    }
}

/// The one of several declared services that a failure names. What it names besides does not count.
fn blamed(failure: &Classification, services: &[String]) -> Option<String> {
    let host = failure.extracted.get("host")?;
    let is_named = |service: &&String| {
        service.as_str() == host
            || (service.strip_prefix(host.as_str())).is_some_and(|rest| rest.starts_with(':'))
    };
    services.iter().find(is_named).cloned()
}

/// What is to be kept of the end of an attempt; whether it was a probe has a part in what is decided.
pub(crate) fn heard(
    (live, attempt, is_probe): (&Live, AttemptId, bool),
    judgement: &Judgement,
    decided: &mut Decided,
    now: Timestamp,
) -> Option<Write> {
    let word = word(live, attempt, judgement, now);
    let is_refused = |word: &ServiceWord| matches!(word.said, Said::Refused { .. });
    if is_probe && word.as_ref().is_some_and(is_refused) {
        spare(decided, now);
    }
    word.map(Box::new).map(Write::Service)
}

/// A probe that fails for want of the service uses up no attempt: it tried on behalf of all that wait.
pub(crate) fn spare(decided: &mut Decided, now: Timestamp) {
    match &decided.decision {
        Decision::RetryAt { .. } | Decision::Recover { .. } => decided.used = false,
        // Whoever wants one attempt only does not want a second one for this either.
        Decision::Rescue { .. } | Decision::Fail { .. }
            if decided.used_in_all >= decided.limit && decided.limit > 1 =>
        {
            decided.used = false;
            decided.decision = Decision::RetryAt {
                until: now,
                timeout: None,
                reason: "it only tried whether the service is back".to_owned(),
            };
        }
        Decision::Succeed
        | Decision::Rescue { .. }
        | Decision::Fail { .. }
        | Decision::Hold(_)
        | Decision::Interrupt { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixture;
    use crate::model::category::Retryable;
    use std::collections::BTreeMap;

    fn failure(category: Category, host: Option<&str>) -> Judgement {
        let host = host.map(|host| ("host".to_owned(), host.to_owned()));
        Judgement::Failure(Classification {
            category,
            pattern: "p".to_owned(),
            retryable: Retryable::Yes,
            told: false,
            confidence: 1.0,
            extracted: BTreeMap::from_iter(host),
            line: Some("503".to_owned()),
        })
    }

    fn live(services: &[&str], number: u32) -> Live {
        let mut task = fixture::task(1, 0);
        task.number = number;
        task.spec.service = services.iter().map(|one| (*one).to_owned()).collect();
        Live::ready(task)
    }

    fn said(services: &[&str], number: u32, judgement: &Judgement) -> Option<Said> {
        let live = live(services, number);
        word(&live, AttemptId::new(1), judgement, fixture::NOW).map(|word| word.said)
    }

    #[test]
    fn only_failures_of_the_peer_are_a_word_about_it() {
        let own = failure(Category::Logic, None);
        assert_eq!(said(&["a"], 1, &own), Some(Said::Nothing));
        assert_eq!(said(&["a"], 1, &Judgement::Success), Some(Said::Served));
        let down = failure(Category::ServerError, None);
        assert!(matches!(said(&["a"], 1, &down), Some(Said::Refused { .. })));
        // Without a service: a first success tells nobody anything.
        assert_eq!(said(&[], 1, &Judgement::Success), None);
        assert_eq!(said(&[], 2, &Judgement::Success), Some(Said::Served));
        assert!(matches!(said(&[], 1, &down), Some(Said::Refused { .. })));
    }

    #[test]
    fn of_several_services_the_one_that_the_failure_names_is_blamed_and_none_that_is_not_declared()
    {
        let blamed = |host| match said(&["db:5432", "api"], 1, &failure(Category::Network, host)) {
            Some(Said::Refused { blamed, .. }) => blamed,
            other => panic!("{other:?}"),
        };
        assert_eq!(blamed(Some("api")).as_deref(), Some("api"));
        assert_eq!(blamed(Some("db")).as_deref(), Some("db:5432"));
        assert_eq!(blamed(Some("evil.example.com")), None);
        assert_eq!(blamed(None), None);
    }
}
