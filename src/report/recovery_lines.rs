//! What was done about the failures of a task, as lines of its page and as JSON.

use serde_json::Value;
use serde_json::json;

use crate::model::recovery::RecoveryState;
use crate::report::text::Look;
use crate::store::recoveries::RecoveryRecord;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// The most columns of a detail.
const DETAIL: usize = 160;

/// The lines of one recovery.
pub(crate) fn lines(recovery: &RecoveryRecord, now: Timestamp, look: Look) -> Vec<String> {
    let paint = look.paint;
    let at = paint.dim(&look.zone.short(recovery.started_at, now));
    let strategy = Untrusted::from(recovery.strategy.as_str()).for_terminal();
    let about = recovery.plan.as_ref().and_then(|plan| plan.about.as_ref());
    let about = about.map_or_else(String::new, |about| {
        let about = Untrusted::from(about.as_str()).for_terminal_within(DETAIL);
        format!(" ({about})")
    });
    let state = match recovery.state {
        RecoveryState::Pending => paint.strong("under way"),
        RecoveryState::Applied => "done; the next attempt will tell".to_owned(),
        RecoveryState::Helped => paint.good("helped"),
        RecoveryState::InVain => paint.warn("did not help"),
        RecoveryState::Failed => paint.bad("failed"),
        RecoveryState::Suggested => "only suggested".to_owned(),
        RecoveryState::Refused => "refused".to_owned(),
        RecoveryState::Abandoned => "given up, nobody needed it any more".to_owned(),
    };
    let mut lines = vec![format!("  {at}  {strategy}{about}: {state}")];
    if let Some(expected) = expected_words(recovery) {
        lines.push(format!("      {expected}"));
    }
    if let Some(detail) = &recovery.detail {
        let detail = Untrusted::from(detail.as_str()).for_terminal_within(DETAIL);
        lines.push(format!("      {detail}"));
    }
    let undo = recovery.plan.as_ref().and_then(|plan| plan.undo.as_ref());
    if let Some(undo) = undo.filter(|_| recovery.next_attempt.is_some()) {
        let undo = Untrusted::from(undo.as_str()).for_terminal_within(DETAIL);
        lines.push(format!("      to undo it: {undo}"));
    }
    lines
}

/// What would have been done, or was refused: a label and a sentence.
pub(crate) fn only_told(recovery: &RecoveryRecord) -> Option<(&'static str, String)> {
    let label = match recovery.state {
        RecoveryState::Suggested => "suggested",
        RecoveryState::Refused => "refused",
        RecoveryState::Pending
        | RecoveryState::Applied
        | RecoveryState::Helped
        | RecoveryState::InVain
        | RecoveryState::Failed
        | RecoveryState::Abandoned => return None,
    };
    let shown = |text: &str| Untrusted::from(text).for_terminal_within(DETAIL);
    let strategy = shown(&recovery.strategy);
    let plan = recovery.plan.as_ref();
    let about = plan.and_then(|plan| plan.about.as_ref());
    let about = about.map_or_else(String::new, |about| format!(" ({})", shown(about)));
    let detail = recovery.detail.as_ref();
    let detail = detail.map_or_else(String::new, |detail| format!(": {}", shown(detail)));
    Some((label, format!("{strategy}{about}{detail}")))
}

/// What was expected of it, where something was known.
pub(crate) fn expected_words(recovery: &RecoveryRecord) -> Option<String> {
    let expected = recovery.expected.filter(|_| recovery.known > 0)? * 100.0;
    let earlier = match recovery.known {
        1 => "1 earlier one".to_owned(),
        number => format!("{number} earlier ones"),
    };
    Some(format!(
        "expected to help in {expected:.0} % of cases, by {earlier}"
    ))
}

/// One recovery as JSON.
pub(crate) fn value(recovery: &RecoveryRecord) -> Value {
    let plan = recovery.plan.as_ref();
    json!({
        "id": recovery.id,
        "attempt": recovery.attempt,
        "run": recovery.run,
        "category": recovery.category,
        "pattern": recovery.pattern,
        "strategy": recovery.strategy,
        "risk": recovery.risk,
        "about": plan.and_then(|plan| plan.about.as_ref()),
        "state": recovery.state,
        "helped": recovery.state.verdict(),
        "expected": recovery.expected,
        "expected_from": recovery.known,
        "started_at": recovery.started_at.to_rfc3339(),
        "ended_at": recovery.ended_at.map(Timestamp::to_rfc3339),
        "next_attempt": recovery.next_attempt,
        "detail": recovery.detail,
        "undo": plan.and_then(|plan| plan.undo.as_ref()),
    })
}
