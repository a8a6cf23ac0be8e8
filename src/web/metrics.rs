//! Figures for a collector, in the format of `OpenMetrics`.
//!
//! Everything is read when it is asked for. Names of tasks are no labels: there is no end to them;
//! services are few, because somebody has to declare them.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::host::alerts::read::Wanted;
use crate::host::alerts::read::newest;
use crate::model::alert::Level;
use crate::model::state::TaskStatus;
use crate::policy::breaker::BreakerState;
use crate::policy::pick::RunPresence;
use crate::store::Store;
use crate::store::breakers::Kind;
use crate::store::pick::Selection;
use crate::support::untrusted::Untrusted;
use crate::web::answer::Refusal;
use crate::web::site::Look;
use crate::web::site::Site;

pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How far back alerts are counted, and the most of them.
const LATELY: Duration = Duration::from_hours(24);
const ALERTS: usize = 1000;
/// The most services that are told of.
const SERVICES: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStatus {
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfService {
    service: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLevel {
    level: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFinding {
    component: &'static str,
    level: &'static str,
}

/// The figures of this moment.
pub(crate) fn text(site: &Site, look: &Look) -> Result<String, Refusal> {
    let mut registry = Registry::with_prefix("autoexec");
    let tasks = Family::<OfStatus, Gauge>::default();
    registry.register("tasks", "Tasks in the queue by status", tasks.clone());
    let active = Gauge::<i64>::default();
    registry.register("run_active", "Whether a run is active", active.clone());
    active.set(i64::from(look.moment.presence == RunPresence::Active));
    if let Some(store) = &look.store {
        let counts = store.counts(Selection::All)?;
        for status in TaskStatus::ALL {
            let label = OfStatus {
                status: status.as_str(),
            };
            tasks.get_or_create(&label).set(signed(counts.of(status)));
        }
        of_queue(&mut registry, store)?;
    }
    of_alerts(&mut registry, site, look);
    of_health(&mut registry, site);
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|_| Refusal::bug())?;
    Ok(text)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn of_queue(registry: &mut Registry, store: &Store) -> Result<(), Refusal> {
    if let Some(end) = store.last_run()?.and_then(|run| run.end) {
        let ended = Gauge::<i64>::default();
        let help = "When the last run ended, in seconds since the epoch";
        registry.register("last_run_ended_timestamp_seconds", help, ended.clone());
        ended.set(end.at.as_millis() / 1000);
        let code = Gauge::<i64>::default();
        registry.register(
            "last_run_exit_code",
            "The exit code of the last run",
            code.clone(),
        );
        code.set(i64::from(end.exit_code));
    }
    let so_far = store.so_far()?;
    for (name, help, number) in [
        (
            "attempts",
            "Attempts that were claimed, ever",
            so_far.attempts,
        ),
        (
            "recoveries",
            "Recoveries that were begun or told of, ever",
            so_far.recoveries,
        ),
        ("runs", "Runs that were begun, ever", so_far.runs),
    ] {
        let counter = Counter::<u64>::default();
        registry.register(name, help, counter.clone());
        counter.inc_by(number);
    }
    let open = Family::<OfService, Gauge>::default();
    let help = "Whether the circuit breaker of a service keeps tasks back (1: half open, 2: open)";
    registry.register("breaker_state", help, open.clone());
    let opened = Family::<OfService, Gauge>::default();
    let help = "How often the circuit breaker of a service has opened";
    registry.register("breaker_opened", help, opened.clone());
    for kept in store.breakers(Kind::Service)?.iter().take(SERVICES) {
        let label = OfService {
            service: Untrusted::from(kept.name.as_str()).for_terminal(),
        };
        let state = match kept.breaker.state {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen { .. } => 1,
            BreakerState::Open { .. } => 2,
        };
        open.get_or_create(&label).set(state);
        opened.get_or_create(&label).set(kept.breaker.opened.into());
    }
    Ok(())
}

fn of_alerts(registry: &mut Registry, site: &Site, look: &Look) {
    let wanted = Wanted {
        from: Some(look.moment.now.minus(LATELY)),
        ..Wanted::newest(ALERTS)
    };
    // A file that cannot be read costs nothing but this figure.
    let Ok(found) = newest(&site.state, &wanted) else {
        return;
    };
    let alerts = Family::<OfLevel, Gauge>::default();
    registry.register(
        "alerts_last_day",
        "Alerts of the last 24 hours",
        alerts.clone(),
    );
    for level in [Level::Info, Level::Warning, Level::Critical] {
        let number = found.alerts.iter().filter(|one| one.level == level).count();
        let label = OfLevel {
            level: level.as_str(),
        };
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        alerts.get_or_create(&label).set(number);
    }
}

fn of_health(registry: &mut Registry, site: &Site) {
    // A look that takes too long costs nothing but these figures.
    let Ok(health) = site.health() else {
        return;
    };
    let score = Gauge::<i64>::default();
    registry.register(
        "health_score",
        "The health of machine and queue, 0 to 100",
        score.clone(),
    );
    score.set(health.score.into());
    let findings = Family::<OfFinding, Gauge>::default();
    let help = "What somebody should look at, by component";
    registry.register("health_findings", help, findings.clone());
    for one in health.findings() {
        let label = OfFinding {
            component: one.component.as_str(),
            level: one.level.map_or("", Level::as_str),
        };
        findings.get_or_create(&label).inc();
    }
}
