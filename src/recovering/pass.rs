//! The permission to use services for one attempt: who may try one, and what an attempt says of it.
//!
//! INVARIANT: whatever becomes of a call, dropped in the middle included, its places at services are free
//! again. A probe that was lent is given back, too; where breakers are in a queue and the call was
//! dropped, its lease runs out instead.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::breakers::word::Said;
use crate::model::category::Category;
use crate::model::ids::AttemptId;
use crate::policy::breaker::Admission;
use crate::policy::breaker::BreakerConfig;
use crate::policy::breaker::Heard;
use crate::policy::breaker::Turn;
use crate::recovering::keeper::Breakers;
use crate::recovering::keeper::Keeper;
use crate::recovering::keeper::KeeperError;
use crate::recovering::keeper::Kept;
use crate::recovering::keeper::locked;
use crate::support::clock::Timestamp;

/// Whether an attempt may begin.
#[derive(Debug)]
pub(super) enum Entry {
    /// It may.
    In(Pass),
    /// A service is left alone until then; and whether nobody waits for it any more.
    Later(Timestamp, String, bool),
    /// As many as it bears use a service.
    Busy(String),
}

/// An attempt's places at its services.
#[derive(Debug)]
pub(super) struct Pass {
    keeper: Arc<Keeper>,
    names: Vec<String>,
    attempt: AttemptId,
    /// It tries a service on behalf of all.
    pub(super) is_probe: bool,
    /// The breakers have not heard of its end.
    is_open: bool,
}

/// What asking for places found; `true`: it is a probe.
enum Found {
    In(bool),
    Later(Timestamp, String, bool),
    Busy(String),
}

/// Asks for an attempt's places at its services.
pub(super) async fn enter(
    keeper: &Arc<Keeper>,
    names: &[String],
    config: &Arc<BreakerConfig>,
) -> Result<Entry, KeeperError> {
    // No number of an attempt in a queue is below zero.
    let attempt = AttemptId::new(fastrand::i64(i64::MIN..0));
    let now = keeper.now();
    let asking = (Arc::clone(keeper), Arc::clone(config));
    let found = keeper
        .change(names, move |breakers| {
            let (keeper, config) = asking;
            admit(&keeper, breakers, &config, attempt, now)
        })
        .await?;
    Ok(match found {
        Found::In(is_probe) => Entry::In(Pass {
            keeper: Arc::clone(keeper),
            names: names.to_vec(),
            attempt,
            is_probe,
            is_open: true,
        }),
        Found::Later(until, name, is_given_up) => Entry::Later(until, name, is_given_up),
        Found::Busy(name) => Entry::Busy(name),
    })
}

fn admit(
    keeper: &Keeper,
    breakers: &mut Breakers,
    config: &BreakerConfig,
    attempt: AttemptId,
    now: Timestamp,
) -> Found {
    let mut in_use = locked(&keeper.in_use);
    let mut lending = Vec::new();
    let mut later: Option<(Timestamp, String, bool)> = None;
    for (name, kept) in breakers.iter() {
        let settings = config.settings(name);
        match kept.breaker.admit(settings, now) {
            Admission::Probe => lending.push(name.clone()),
            Admission::NotBefore(until) if later.as_ref().is_none_or(|(at, ..)| *at < until) => {
                later = Some((until, name.clone(), kept.breaker.is_given_up(settings)));
            }
            Admission::Free | Admission::NotBefore(_) => {}
        }
        let used = in_use.get(name).copied().unwrap_or_default();
        if later.is_none() && kept.breaker.most_at_once.is_some_and(|most| used >= most) {
            return Found::Busy(name.clone());
        }
    }
    if let Some((until, name, is_given_up)) = later {
        return Found::Later(until, name, is_given_up);
    }
    for name in &lending {
        let until = now.plus(config.settings(name).max_open);
        if let Some(kept) = breakers.get_mut(name) {
            kept.breaker.lend(Some(attempt), until, now);
        }
    }
    for name in breakers.keys() {
        *in_use.entry(name.clone()).or_default() += 1;
    }
    Found::In(!lending.is_empty())
}

impl Pass {
    /// Tells the breakers how the attempt ended.
    pub(super) async fn hear(
        mut self,
        said: Said,
        config: &Arc<BreakerConfig>,
    ) -> Result<(), KeeperError> {
        let (attempt, now, config) = (self.attempt, self.keeper.now(), Arc::clone(config));
        let keeper = Arc::clone(&self.keeper);
        let heard = self.keeper.change(&self.names, move |breakers| {
            let in_use = locked(&keeper.in_use).clone();
            for (name, kept) in breakers {
                let used = in_use.get(name).copied().unwrap_or_default();
                tell(name, kept, &said, (attempt, used), &config, now);
                kept.breaker.give_back(attempt);
            }
        });
        heard.await?;
        self.is_open = false;
        Ok(())
    }
}

fn tell(
    name: &str,
    kept: &mut Kept,
    said: &Said,
    (attempt, used): (AttemptId, u32),
    config: &BreakerConfig,
    now: Timestamp,
) {
    let settings = config.settings(name);
    let turn = match said {
        Said::Nothing => None,
        Said::Served => kept.breaker.on_success(settings, now),
        Said::Refused { blamed, .. } if blamed.as_ref().is_some_and(|one| one != name) => None,
        Said::Refused { failure, asked, .. } => {
            if failure.category == Category::RateLimit {
                kept.breaker.slow_down(used);
            }
            let heard = Heard {
                attempt: Some(attempt),
                of: attempt.get(),
                failure: failure.clone(),
                asked: *asked,
            };
            kept.breaker.on_failure(&heard, settings, None, now)
        }
    };
    kept.because = turn.map(|turn| match turn {
        Turn::Opened { why, .. } => why.words(),
        Turn::Closed { .. } => "it answers again".to_owned(),
    });
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut in_use = locked(&self.keeper.in_use);
        for name in &self.names {
            if let Some(used) = in_use.get_mut(name) {
                *used = used.saturating_sub(1);
            }
        }
        drop(in_use);
        if self.is_open {
            let attempt = self.attempt;
            self.keeper.change_at_once(&self.names, |breakers| {
                for kept in breakers.values_mut() {
                    kept.breaker.give_back(attempt);
                }
            });
        }
        self.keeper.changed.notify_waiters();
    }
}

/// How long a call that waits for a service sleeps at most before it looks again, where others may
/// change a breaker without telling.
pub(super) const LOOKS_AGAIN: Duration = Duration::from_secs(5);
