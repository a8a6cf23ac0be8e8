//! Recoveries, breakers and durations in the report as JSON.

use serde::Serialize;

use crate::report::strategies::StrategyRate;
use crate::report::usual::Usual;
use crate::store::BreakerBrief;
use crate::store::RecoveryBrief;
use crate::support::clock::Timestamp;

#[derive(Serialize)]
pub(crate) struct DurationJson {
    id: i64,
    name: String,
    seconds: f64,
    median_seconds: f64,
    p90_seconds: f64,
    successes: usize,
}

#[derive(Serialize)]
pub(crate) struct StrategyJson {
    pattern: String,
    strategy: String,
    attempts: u64,
    succeeded: u64,
    rate: f64,
    rate_low: f64,
    rate_high: f64,
}

#[derive(Serialize)]
pub(crate) struct BreakerJson {
    name: String,
    state: String,
    opened: u64,
    next_probe_at: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct RecoveryJson {
    strategy: String,
    pattern: String,
    state: &'static str,
    /// Whether it helped; null while nobody knows, or where it was not done.
    succeeded: Option<bool>,
    detail: Option<String>,
    seconds: Option<f64>,
}

pub(crate) fn recovery(recovery: &RecoveryBrief) -> RecoveryJson {
    let ended = recovery.ended_at;
    RecoveryJson {
        strategy: recovery.strategy.clone(),
        pattern: recovery.pattern.clone(),
        state: recovery.state.as_str(),
        succeeded: recovery.state.verdict(),
        detail: recovery.detail.clone(),
        seconds: ended.map(|at| at.since(recovery.started_at).as_secs_f64()),
    }
}

pub(crate) fn duration(usual: &Usual) -> DurationJson {
    DurationJson {
        id: usual.id.get(),
        name: usual.name.to_string(),
        seconds: usual.took.as_secs_f64(),
        median_seconds: usual.median.as_secs_f64(),
        p90_seconds: usual.p90.as_secs_f64(),
        successes: usual.nights,
    }
}

pub(crate) fn strategy(rate: &StrategyRate) -> StrategyJson {
    StrategyJson {
        pattern: rate.pattern.clone(),
        strategy: rate.strategy.clone(),
        attempts: rate.attempts,
        succeeded: rate.succeeded,
        rate: rate.rate,
        rate_low: rate.rate_low,
        rate_high: rate.rate_high,
    }
}

pub(crate) fn breaker(breaker: &BreakerBrief) -> BreakerJson {
    BreakerJson {
        name: breaker.name.clone(),
        state: breaker.state.clone(),
        opened: breaker.opened,
        next_probe_at: breaker.next_probe_at.map(Timestamp::to_rfc3339),
    }
}
