//! What keeps a parked task back, as a reason that can be shown.
//!
//! Not here: parking (`store::parking`), and what the window has to do with it (`report::not_run`).

use crate::policy::pick::WhyNot;
use crate::report::text::Look;
use crate::store::parking::BY_BREAKER;
use crate::store::parking::BY_CAUSE;
use crate::store::parking::BY_SERVICE;
use crate::store::parking::Parked;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// The reason, where a breaker is behind it.
pub(crate) fn breaker_reason(parked: &Parked) -> Option<WhyNot> {
    let on = parked.on.clone()?;
    match parked.by.as_str() {
        BY_BREAKER => Some(WhyNot::BreakerOpen {
            service: on,
            next_probe_at: parked.next_try,
        }),
        BY_SERVICE => Some(WhyNot::ServiceFull { service: on }),
        BY_CAUSE => Some(WhyNot::FailedAlike {
            detail: parked.detail.clone().unwrap_or_default(),
            next_try: parked.next_try,
        }),
        _ => None,
    }
}

/// The reason, whatever is behind it.
pub(crate) fn reason(parked: &Parked) -> WhyNot {
    breaker_reason(parked).unwrap_or_else(|| {
        let detail = parked.detail.as_deref().unwrap_or(&parked.by);
        WhyNot::WouldNotFinish {
            detail: Untrusted::from(detail).for_terminal(),
        }
    })
}

/// A service and when it is tried again: `api.example.com, next probe 02:10`.
pub(crate) fn probe_words(
    service: &str,
    next: Option<Timestamp>,
    now: Timestamp,
    look: Look,
) -> String {
    let service = Untrusted::from(service).for_terminal();
    match next {
        Some(next) if now < next => {
            format!("{service}, next probe {}", look.zone.short(next, now))
        }
        Some(_) | None => format!("{service}, which is tried next"),
    }
}

/// What many tasks failed of, and when one of them tries again.
pub(crate) fn alike_words(
    detail: &str,
    next: Option<Timestamp>,
    now: Timestamp,
    look: Look,
) -> String {
    let detail = Untrusted::from(detail).for_terminal();
    match next.filter(|next| now < *next) {
        Some(next) => format!(
            "{detail}; one of them tries at {}",
            look.zone.short(next, now)
        ),
        None => format!("{detail}; one of them tries next"),
    }
}
