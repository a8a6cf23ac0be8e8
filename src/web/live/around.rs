//! What the live page says besides tasks: services, alerts, health and runs.

use serde::Serialize;

use crate::host::alerts::read::Wanted;
use crate::host::alerts::read::newest;
use crate::model::alert::Level;
use crate::model::ids::RunId;
use crate::policy::breaker::BreakerState;
use crate::policy::health::Health;
use crate::policy::health::Reading;
use crate::store::breakers::KeptBreaker;
use crate::store::runs::Run;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;
use crate::web::site::Site;

/// The most alerts.
const LISTED: usize = 8;

/// A service that keeps tasks back.
#[derive(Debug, Serialize)]
pub(super) struct Breaker {
    name: String,
    class: &'static str,
    word: &'static str,
    what: String,
    line: Option<String>,
    command: String,
}

/// An alert.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    class: &'static str,
    level: String,
    at: String,
    component: String,
    message: String,
}

/// How machine and queue are.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    score: u8,
    class: &'static str,
    at: String,
    findings: Vec<Finding>,
    good: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Finding {
    class: &'static str,
    word: &'static str,
    component: &'static str,
    message: String,
    hint: Option<String>,
}

/// A run.
#[derive(Debug, Serialize)]
pub(super) struct Past {
    id: i64,
    class: &'static str,
    word: String,
    when: String,
}

/// What is to be said of a service.
pub(super) fn breaker(kept: &KeptBreaker, now: Timestamp) -> Breaker {
    let at = |at| Zone::Local.short(at, now);
    let breaker = &kept.breaker;
    let (class, word, told) = match breaker.state {
        BreakerState::Closed => ("warn", "slowed down", None),
        BreakerState::Open { since, probe_at } => {
            let next = if now < probe_at {
                format!("tried next {}", at(probe_at))
            } else {
                "tried as soon as a run is active".to_owned()
            };
            ("bad", "open", Some(format!("since {}, {next}", at(since))))
        }
        BreakerState::HalfOpen { since, .. } => {
            let told = format!("open since {}, one task tries it", at(since));
            ("warn", "half open", Some(told))
        }
    };
    let most = breaker
        .most_at_once
        .map(|most| format!("{most} at once at most"));
    let what: Vec<String> = told.into_iter().chain(most).collect();
    let name = Untrusted::from(kept.name.as_str()).for_terminal();
    let line = breaker.last.as_ref().and_then(|last| last.line.as_deref());
    Breaker {
        command: format!("autoexec breakers reset {name}"),
        name,
        class,
        word,
        what: what.join("; "),
        line: line.map(|line| Untrusted::from(line).for_terminal_within(200)),
    }
}

/// The newest alerts that somebody should see.
pub(super) fn alerts(site: &Site, now: Timestamp) -> Vec<Told> {
    let wanted = Wanted {
        level: Level::Warning,
        ..Wanted::newest(LISTED)
    };
    // A file that cannot be read costs the page nothing but them.
    let found = newest(&site.state, &wanted).unwrap_or_default();
    found
        .alerts
        .iter()
        .map(|alert| Told {
            class: if alert.level == Level::Critical {
                "bad"
            } else {
                "warn"
            },
            level: alert.level.as_str().to_lowercase(),
            at: Zone::Local.short(alert.timestamp, now),
            component: alert.component.for_terminal_within(40),
            message: alert.message.for_terminal_within(400),
        })
        .collect()
}

/// What is to be said of health.
pub(super) fn checked(health: &Health) -> Checked {
    let bad = health.findings();
    Checked {
        score: health.score,
        class: if bad.iter().any(|one| one.level == Some(Level::Critical)) {
            "bad"
        } else if bad.is_empty() {
            "good"
        } else {
            "warn"
        },
        at: Zone::Local.clock_time(health.at),
        good: health.readings.iter().filter(|one| !one.is_bad()).count(),
        findings: bad.into_iter().map(finding).collect(),
    }
}

fn finding(reading: &Reading) -> Finding {
    let is_critical = reading.level == Some(Level::Critical);
    Finding {
        class: if is_critical { "bad" } else { "warn" },
        word: if is_critical { "critical" } else { "warning" },
        component: reading.component.as_str(),
        message: reading.message.clone(),
        hint: reading.hint.clone(),
    }
}

/// What is to be said of a run.
pub(super) fn past(run: &Run, active: Option<(RunId, Timestamp)>, now: Timestamp) -> Past {
    let at = |at| Zone::Local.short(at, now);
    let (class, word, when) = match &run.end {
        Some(end) => {
            let (class, word) = match end.exit_code {
                0 => ("good", "all well".to_owned()),
                1 => ("bad", "needs you".to_owned()),
                code => ("warn", format!("exit code {code}")),
            };
            let took = span(end.at.since(run.started_at));
            (
                class,
                word,
                format!("{} to {}, {took}", at(run.started_at), at(end.at)),
            )
        }
        None if active.is_some_and(|(id, _)| id == run.id) => {
            let took = span(now.since(run.started_at));
            (
                "run",
                "goes on".to_owned(),
                format!("since {}, {took}", at(run.started_at)),
            )
        }
        None => (
            "bad",
            "cut off".to_owned(),
            format!("began {}", at(run.started_at)),
        ),
    };
    Past {
        id: run.id.get(),
        class,
        word,
        when,
    }
}
