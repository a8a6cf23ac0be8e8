//! What an attempt died of, in the words of the policies: an error is the end of a command that printed
//! its text. And the facts that the choice of a recovery rests on.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::host::disk;
use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::outcome::Account;
use crate::model::outcome::Containment;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::Outcome;
use crate::model::outcome::OutputPlace;
use crate::model::outcome::Usage;
use crate::model::recovery::RecoverMode;
use crate::model::recovery::RecoverWhen;
use crate::policy::breaker::speaks_of_service;
use crate::policy::classify::Facts;
use crate::policy::classify::Judgement;
use crate::policy::classify::TAIL;
use crate::policy::classify::classify_with;
use crate::policy::expression;
use crate::policy::fingerprint::fingerprint;
use crate::policy::recovery::HostFacts;
use crate::policy::recovery::RecoveryFacts;
use crate::recovering::course::Course;
use crate::recovering::failure::Failure;
use crate::recovering::pass::Pass;

/// What is done for code that has no process, no directory and no slot of its own. The hooks come besides.
const ABLE: &[&str] = &[
    "wait_and_retry",
    "wait_retry_after",
    "wait_for_reconnection",
    "check_dns",
    "wait_for_disk",
    "reduce_concurrency",
    "retry_with_longer_timeout",
    "rotate_endpoint",
    "use_defaults",
];

/// An attempt that failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) outcome: Outcome,
    pub(super) judgement: Judgement,
    pub(super) failure: Classification,
    text: String,
    pub(super) is_probe: bool,
    pub(super) is_refused: bool,
}

impl Course {
    pub(super) fn judge(
        &self,
        failure: Option<Failure>,
        (limit, took): (Option<Duration>, Duration),
        pass: &Pass,
    ) -> Failed {
        let ended = match (&failure, limit) {
            (None, Some(limit)) => Ended::TimedOut {
                limit,
                exit: Exit::Code(1),
                killed: false,
            },
            _ => Ended::ByItself(Exit::Code(1)),
        };
        let failure = failure.unwrap_or_default();
        let now = self.now();
        let outcome = Outcome {
            ended,
            started_at: Some(now.minus(took)),
            ended_at: now,
            duration: took,
            usage: Usage::default(),
            output: OutputPlace::default(),
            leftovers: Vec::new(),
            leftover_count: 0,
            containment: Containment::Group,
            out_of_memory: false,
            notes: Vec::new(),
            account: Account {
                said: failure.said(),
                ..Account::default()
            },
        };
        let text = failure.text().as_bytes();
        let judgement = classify_with(
            &Facts {
                spec: &self.policy.spec,
                outcome: &outcome,
                stdout: b"",
                stderr: text.get(text.len().saturating_sub(TAIL)..).unwrap_or(text),
            },
            &self.policy.user,
        );
        let failure_judged = match &judgement {
            Judgement::Failure(failure) => failure.clone(),
            // No exit code but 0 is a success of code.
            Judgement::Success => unknown(),
        };
        Failed {
            is_refused: !self.policy.spec.service.is_empty() && speaks_of_service(&failure_judged),
            is_probe: pass.is_probe,
            outcome,
            judgement,
            failure: failure_judged,
            text: failure.text().to_owned(),
        }
    }

    /// What the choice of a recovery rests on.
    pub(super) async fn facts(&self, failed: &Failed) -> RecoveryFacts {
        let failure = &failed.failure;
        let spec = &self.policy.spec;
        let matched = spec.recover.iter().map(|one| match &one.when {
            RecoverWhen::Matches(written) => expression::compile(written)
                .is_ok_and(|regex| regex.is_match(failed.text.as_bytes())),
            RecoverWhen::Category(_) | RecoverWhen::Pattern(_) => false,
        });
        let named = self.policy.user.spec(&failure.pattern);
        let named = named.map(|(_, spec)| spec.strategies.clone());
        RecoveryFacts {
            mode: spec.recover_mode.unwrap_or(RecoverMode::Safe),
            past: self.deeds.iter().map(|deed| deed.past.clone()).collect(),
            adjustments: self.adjustments.clone(),
            fingerprint: fingerprint(
                failure.category,
                &failure.pattern,
                failure.line.as_ref().map(String::as_bytes),
            ),
            matched: matched.collect(),
            strategies: named.filter(|named| !named.is_empty()),
            able: Some(ABLE),
            learned: self.policy.keeper.learned(failure).await,
            probes: self.policy.probes.clone(),
            host: self.host_facts(failure).await,
            seed: fastrand::u64(..),
            ..RecoveryFacts::default()
        }
    }

    async fn host_facts(&self, failure: &Classification) -> HostFacts {
        let place = self.policy.place.clone();
        let Some(place) = place.filter(|_| failure.category == Category::Resource) else {
            return HostFacts::default();
        };
        let free = tokio::task::spawn_blocking(move || disk::free(&place).ok()).await;
        HostFacts {
            disk_free: free.ok().flatten(),
            ..HostFacts::default()
        }
    }
}

fn unknown() -> Classification {
    Classification {
        category: Category::Unknown,
        pattern: "silent".to_owned(),
        retryable: Retryable::Yes,
        told: false,
        confidence: 0.0,
        extracted: BTreeMap::new(),
        line: None,
    }
}
