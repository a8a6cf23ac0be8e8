//! The summary as JSON: `autoexec.report/1`.
//!
//! The shape is a contract with scripts. A field is never renamed or removed within version 1; a
//! script passes over fields that it does not know. `docs/report.schema.json` tells the shape to
//! machines; a test holds both together.

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::model::alert::Alert;
use crate::model::ids::TaskName;
use crate::model::verdict::Verdict;
use crate::policy::compare::Change;
use crate::policy::health::Health;
use crate::policy::pick::RunPresence;
use crate::policy::pick::WhyNot;
use crate::report::causes::Cause;
use crate::report::facts::Failure;
use crate::report::facts::RunFacts;
use crate::report::json_healed::BreakerJson;
use crate::report::json_healed::DurationJson;
use crate::report::json_healed::RecoveryJson;
use crate::report::json_healed::StrategyJson;
use crate::report::json_healed::breaker;
use crate::report::json_healed::duration;
use crate::report::json_healed::recovery;
use crate::report::json_healed::strategy;
use crate::report::not_run::NotRun;
use crate::report::not_run::Reason;
use crate::report::since_words;
use crate::report::summary::Changed;
use crate::report::summary::RunSummary;
use crate::report::summary::TaskSummary;
use crate::report::summary::Totals;
use crate::report::told;
use crate::store::retention::Cleared;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::untrusted::Untrusted;
use crate::support::visible_json;

/// The name and version of the shape.
pub const SCHEMA: &str = "autoexec.report/1";

/// The summary as a JSON value, its keys in the documented order when written with [`render`].
pub fn value(summary: &RunSummary) -> impl Serialize + use<> {
    Report {
        schema: SCHEMA,
        generated_at: summary.generated_at.to_rfc3339(),
        from: summary.from.to_rfc3339(),
        to: summary.to.to_rfc3339(),
        runs: summary.runs.iter().map(|one| run(one, summary)).collect(),
        totals: totals(&summary.totals),
        health: health(summary),
        tasks: summary.tasks.iter().map(task).collect(),
        causes: summary.causes.iter().map(cause).collect(),
        not_run: (summary.not_run.iter())
            .map(|task| not_run(task, summary.generated_at))
            .collect(),
        changes: summary.changes.iter().map(changed).collect(),
        alerts: summary.alerts.iter().map(Alert::value).collect(),
        notifications: summary.notifications.iter().map(told::value).collect(),
        cleared: cleared(&summary.cleared),
        durations: summary.durations.iter().map(duration).collect(),
        strategies: summary.strategies.iter().map(strategy).collect(),
        breakers: summary.breakers.iter().map(breaker).collect(),
    }
}

/// The summary as JSON text on one line, with a line feed.
pub fn render(summary: &RunSummary) -> String {
    // It cannot fail: every key is a string.
    let mut text = visible_json::to_string(&value(summary)).unwrap_or_default();
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    generated_at: String,
    from: String,
    to: String,
    runs: Vec<Run>,
    totals: Figures,
    health: HealthJson,
    tasks: Vec<Task>,
    causes: Vec<CauseJson>,
    not_run: Vec<NotRunJson>,
    changes: Vec<Value>,
    durations: Vec<DurationJson>,
    strategies: Vec<StrategyJson>,
    breakers: Vec<BreakerJson>,
    alerts: Vec<Value>,
    notifications: Vec<Value>,
    cleared: ClearedJson,
}

#[derive(Serialize)]
struct ClearedJson {
    tasks: u64,
    attempts: u64,
    events: u64,
    log_files: u64,
    log_bytes: u64,
}

#[derive(Serialize)]
struct GivenUpJson {
    code: String,
    reason: String,
}

#[derive(Serialize)]
struct Run {
    id: i64,
    mode: String,
    started_at: String,
    ended_at: Option<String>,
    ended_because: Option<String>,
    exit_code: Option<i32>,
}

#[derive(Serialize)]
struct Figures {
    tasks: usize,
    ok: usize,
    recovered: usize,
    suspicious: usize,
    failed: usize,
    held: usize,
    blocked: usize,
    not_needed: usize,
    waiting: usize,
    running: usize,
    deferred: usize,
    interrupted: usize,
    cancelled: usize,
    attempts: usize,
    busy_seconds: f64,
    retry_seconds: f64,
    recovery: Recoveries,
}

#[derive(Serialize)]
struct Recoveries {
    attempted: usize,
    succeeded: usize,
    median_seconds: Option<f64>,
}

#[derive(Serialize)]
struct HealthJson {
    score: Option<u8>,
    findings: Vec<Value>,
}

#[derive(Serialize)]
struct Task {
    id: i64,
    name: String,
    verdict: &'static str,
    status: &'static str,
    attempts: u32,
    duration_ms: u64,
    category: Option<&'static str>,
    pattern: Option<String>,
    cause: Option<String>,
    doubt: Option<String>,
    hold: Option<Value>,
    log: Option<String>,
    changed: Vec<Value>,
    recoveries: Vec<RecoveryJson>,
    given_up: Option<GivenUpJson>,
    evidence: Vec<Value>,
    next: Option<String>,
    max_rss_bytes: u64,
    cpu_seconds: f64,
    leftovers: u32,
    blocked_by: Option<i64>,
    stalled: Option<Value>,
}

#[derive(Serialize)]
struct CauseJson {
    fingerprint: String,
    category: &'static str,
    pattern: String,
    count: usize,
    tasks: Vec<String>,
    first_at: String,
    last_at: String,
    example: Option<String>,
}

#[derive(Serialize)]
struct NotRunJson {
    id: i64,
    name: String,
    why: String,
    detail: Option<String>,
}

fn run(run: &RunFacts, summary: &RunSummary) -> Run {
    let newest = summary.runs.last().is_some_and(|last| last.id == run.id);
    let goes_on = summary.presence == RunPresence::Active && newest;
    let died = (run.ended_at.is_none() && !goes_on).then(|| {
        let cause = if run.rebooted {
            "machine_restarted"
        } else {
            "killed"
        };
        cause.to_owned()
    });
    Run {
        id: run.id.get(),
        mode: run.mode.clone(),
        started_at: run.started_at.to_rfc3339(),
        ended_at: run.ended_at.map(Timestamp::to_rfc3339),
        ended_because: run.ended_because.clone().or(died),
        exit_code: run.exit_code,
    }
}

fn cleared(cleared: &Cleared) -> ClearedJson {
    ClearedJson {
        tasks: cleared.tasks,
        attempts: cleared.attempts,
        events: cleared.events,
        log_files: cleared.log_files,
        log_bytes: cleared.log_bytes,
    }
}

fn health(summary: &RunSummary) -> HealthJson {
    let health = summary.health.as_ref();
    HealthJson {
        score: health.map(|health| health.score),
        findings: health.map(Health::finding_values).unwrap_or_default(),
    }
}

fn totals(totals: &Totals) -> Figures {
    Figures {
        tasks: totals.tasks(),
        ok: totals.of(Verdict::Ok),
        recovered: totals.of(Verdict::Recovered),
        suspicious: totals.of(Verdict::Suspicious),
        failed: totals.of(Verdict::Failed),
        held: totals.of(Verdict::Held),
        blocked: totals.of(Verdict::Blocked),
        not_needed: totals.of(Verdict::NotNeeded),
        waiting: totals.of(Verdict::Waiting),
        running: totals.of(Verdict::Running),
        deferred: totals.of(Verdict::Deferred),
        interrupted: totals.of(Verdict::Interrupted),
        cancelled: totals.of(Verdict::Cancelled),
        attempts: totals.attempts,
        busy_seconds: totals.busy.as_secs_f64(),
        retry_seconds: totals.retry.as_secs_f64(),
        recovery: Recoveries {
            attempted: totals.recovery.attempted,
            succeeded: totals.recovery.succeeded,
            median_seconds: totals.recovery.median.map(|span| span.as_secs_f64()),
        },
    }
}

fn task(task: &TaskSummary) -> Task {
    let failure = task.failure.as_ref();
    Task {
        id: task.id.get(),
        name: task.name.to_string(),
        verdict: task.verdict.as_str(),
        status: task.status.as_str(),
        attempts: task.attempts,
        duration_ms: u64::try_from(task.duration.as_millis()).unwrap_or(u64::MAX),
        category: failure.map(|failure| failure.category.as_str()),
        pattern: failure.map(|failure| failure.pattern.clone()),
        cause: failure.and_then(line),
        doubt: task.doubt.as_ref().map(Untrusted::for_json),
        hold: task
            .hold
            .as_ref()
            .map(|hold| json!({ "code": hold.code, "reason": hold.reason })),
        log: task.log.clone(),
        changed: task.since.iter().map(since_words::value).collect(),
        recoveries: task.recoveries.iter().map(recovery).collect(),
        given_up: task.given_up.as_ref().map(|(code, reason)| GivenUpJson {
            code: code.clone(),
            reason: reason.for_json(),
        }),
        evidence: Vec::new(),
        next: task.next.clone(),
        max_rss_bytes: task.max_rss_bytes,
        cpu_seconds: task.cpu.as_secs_f64(),
        leftovers: task.leftovers,
        blocked_by: task.blocked_by.as_ref().map(|(id, _)| id.get()),
        stalled: task.stalled.map(|stalled| {
            json!({ "stage": stalled.stage.as_str(), "since": stalled.since.to_rfc3339() })
        }),
    }
}

fn line(failure: &Failure) -> Option<String> {
    failure.line.as_ref().map(Untrusted::for_json)
}

fn cause(cause: &Cause) -> CauseJson {
    CauseJson {
        fingerprint: cause.fingerprint.clone(),
        category: cause.category.as_str(),
        pattern: cause.pattern.clone(),
        count: cause.count,
        tasks: cause.tasks.iter().map(ToString::to_string).collect(),
        first_at: cause.first_at.to_rfc3339(),
        last_at: cause.last_at.to_rfc3339(),
        example: cause.example.as_ref().map(Untrusted::for_json),
    }
}

fn not_run(task: &NotRun, now: Timestamp) -> NotRunJson {
    NotRunJson {
        id: task.id.get(),
        name: task.name.to_string(),
        why: task.why.code().to_owned(),
        detail: match &task.why {
            Reason::WaitsFor(names) => {
                let names: Vec<&str> = names.iter().map(TaskName::as_str).collect();
                Some(format!("waits for {}", names.join(", ")))
            }
            Reason::Parked(_, detail) => detail.as_ref().map(Untrusted::for_json),
            Reason::Turn(WhyNot::BreakerOpen {
                service,
                next_probe_at,
            }) => {
                let service = Untrusted::from(service.as_str()).for_json();
                let look = |next| Zone::Local.short(next, now);
                Some(next_probe_at.map(look).map_or_else(
                    || service.clone(),
                    |next| format!("{service}, next probe {next}"),
                ))
            }
            Reason::Turn(WhyNot::ServiceFull { service }) => {
                Some(Untrusted::from(service.as_str()).for_json())
            }
            Reason::Turn(WhyNot::FailedAlike { detail, .. }) => {
                Some(Untrusted::from(detail.as_str()).for_json())
            }
            Reason::Turn(_) | Reason::WindowClosed => task
                .until()
                .map(|until| format!("not before {}", until.to_rfc3339())),
        },
    }
}

fn changed(changed: &Changed) -> Value {
    let what = changed.change.as_str();
    let (id, name) = (changed.id.get(), changed.name.as_str());
    match changed.change {
        Change::Broke {
            worked,
            failures,
            redefined,
        } => json!({ "id": id, "name": name, "what": what, "worked_at": worked.to_rfc3339(),
            "failed_before": failures, "redefined": redefined }),
        Change::Mended {
            failures,
            redefined,
        } => json!({ "id": id, "name": name, "what": what,
            "failed_before": failures, "redefined": redefined }),
        Change::Slower { took, usual } => json!({ "id": id, "name": name, "what": what,
            "seconds": took.as_secs_f64(), "usual_seconds": usual.as_secs_f64() }),
        Change::Busier { used, usual } => json!({ "id": id, "name": name, "what": what,
            "cpu_seconds": used.as_secs_f64(), "usual_cpu_seconds": usual.as_secs_f64() }),
        Change::Bigger { used, usual } => json!({ "id": id, "name": name, "what": what,
            "max_rss_bytes": used, "usual_max_rss_bytes": usual }),
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
