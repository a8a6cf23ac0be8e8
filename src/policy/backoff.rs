//! How long to wait before the next attempt.
//!
//! The waits grow from `retry.base` by `retry.factor` up to a cap; a share of each wait, the jitter,
//! is left to chance so that tasks that failed together do not come back together. Whether to try
//! again at all is `policy::decide`.
//!
//! INVARIANT: a wait is never longer than the cap, whatever numbers a task file holds.

use std::time::Duration;

use chrono::DateTime;
use chrono::NaiveDateTime;
use chrono::Utc;

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::retry::Backoff;
use crate::model::retry::RetrySpec;
use crate::policy::classify::said::SAID_WAIT;
use crate::support::clock::Timestamp;

/// The longest wait for a rate limit where its category has no cap of its own.
///
/// Peers ask for minutes; the general cap of seconds would only use attempts up.
pub const RATE_LIMIT_CAP: Duration = Duration::from_mins(15);

/// The longest wait that holds for failures of `category`.
pub fn cap(retry: &RetrySpec, category: Category) -> Duration {
    let own = retry.on.get(&category).and_then(|on| on.cap);
    own.unwrap_or(if category == Category::RateLimit {
        RATE_LIMIT_CAP
    } else {
        retry.cap
    })
}

/// The wait after the `failures`-th failure in a row (1 = the first).
///
/// `chance` is a share from 0 to 1. The wait lies between `d × (1 - jitter)` and `d`, where `d` is the
/// wait without jitter: chance only shortens, so waits at the cap are spread too.
pub fn delay(retry: &RetrySpec, category: Category, failures: u32, chance: f64) -> Duration {
    let cap = cap(retry, category);
    let base = retry.base.as_secs_f64();
    let whole = match retry.backoff {
        Backoff::Fixed => base,
        Backoff::Exponential => {
            let doublings = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
            base * share_or(retry.factor.max(0.0), 2.0).powi(doublings)
        }
    };
    // Zero times infinity is no number: a base of zero means no wait.
    let whole = share_or(whole, 0.0).min(cap.as_secs_f64());
    let jitter = share_or(retry.jitter, 0.0).clamp(0.0, 1.0);
    let chance = share_or(chance, 0.5).clamp(0.0, 1.0);
    let seconds = whole * (1.0 - jitter * chance);
    Duration::try_from_secs_f64(seconds).unwrap_or(cap).min(cap)
}

/// How long the peer itself asked to be left alone, as its failure was judged: by a number of seconds
/// or by a date. `None` where it did not ask, or asked for nothing that lies ahead.
pub fn asked(failure: &Classification, now: Timestamp) -> Option<Duration> {
    let seconds = failure.extracted.get("retry_after_s").and_then(|text| {
        let seconds: f64 = text.trim().parse().ok()?;
        // What is too long to be counted is certainly longer than any cap.
        (seconds > 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    });
    let ahead = |text: &String| {
        let wait = Timestamp::from(date(text)?).since(now);
        (!wait.is_zero()).then_some(wait)
    };
    seconds.or_else(|| failure.extracted.get("retry_after_at").and_then(ahead))
}

/// The wait after a failure: as the peer asked, else by [`delay`]; never longer than the category's cap.
///
/// What was asked is lengthened by a share of the jitter, so that tasks that were all told the same do
/// not come back in one moment.
pub fn wait(
    retry: &RetrySpec,
    failure: &Classification,
    failures: u32,
    chance: f64,
    now: Timestamp,
) -> Duration {
    if let Some(said) = said(failure) {
        let own = retry.on.get(&failure.category).and_then(|on| on.cap);
        return said.min(own.unwrap_or(retry.cap.max(RATE_LIMIT_CAP)));
    }
    let limited = matches!(
        failure.category,
        Category::RateLimit | Category::ServerError
    );
    let Some(asked) = asked(failure, now).filter(|_| limited) else {
        return delay(retry, failure.category, failures, chance);
    };
    let more = share_or(retry.jitter, 0.0).clamp(0.0, 1.0) * share_or(chance, 0.5).clamp(0.0, 1.0);
    let cap = cap(retry, failure.category);
    Duration::try_from_secs_f64(asked.as_secs_f64() * (1.0 + more))
        .unwrap_or(cap)
        .min(cap)
}

/// The wait that the task itself asked for.
fn said(failure: &Classification) -> Option<Duration> {
    let seconds: f64 = failure.extracted.get(SAID_WAIT)?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// A date as HTTP and JSON write it; a zone that is not written is UTC.
fn date(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(date) =
        DateTime::parse_from_rfc2822(text).or_else(|_| DateTime::parse_from_rfc3339(text))
    {
        return Some(date.to_utc());
    }
    let bare = text.trim_end_matches("UTC").trim_end_matches('Z').trim();
    [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
    ]
    .iter()
    .find_map(|format| NaiveDateTime::parse_from_str(bare, format).ok())
    .map(|date| date.and_utc())
}

/// The number, or `instead` where it is none.
fn share_or(number: f64, instead: f64) -> f64 {
    if number.is_nan() { instead } else { number }
}

#[cfg(test)]
#[path = "backoff_tests.rs"]
mod tests;
