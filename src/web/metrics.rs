//! Figures for a collector, in the format of `OpenMetrics`.
//!
//! Everything is read when it is asked for. Names of tasks are no labels: there is no end to them.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::model::state::TaskStatus;
use crate::policy::pick::RunPresence;
use crate::store::pick::Selection;
use crate::web::answer::Refusal;
use crate::web::site::Look;

pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStatus {
    status: &'static str,
}

/// The figures of this moment.
pub(crate) fn text(look: &Look) -> Result<String, Refusal> {
    let mut registry = Registry::with_prefix("autoexec");
    let tasks = Family::<OfStatus, Gauge>::default();
    registry.register("tasks", "Tasks in the queue by status", tasks.clone());
    let active = Gauge::<i64>::default();
    registry.register("run_active", "Whether a run is active", active.clone());
    active.set(i64::from(look.moment.presence == RunPresence::Active));
    let ended = Gauge::<i64>::default();
    let code = Gauge::<i64>::default();
    if let Some(store) = &look.store {
        let counts = store.counts(Selection::All)?;
        for status in TaskStatus::ALL {
            let label = OfStatus {
                status: status.as_str(),
            };
            let count = i64::try_from(counts.of(status)).unwrap_or(i64::MAX);
            tasks.get_or_create(&label).set(count);
        }
        if let Some(end) = store.last_run()?.and_then(|run| run.end) {
            let help = "When the last run ended, in seconds since the epoch";
            registry.register("last_run_ended_timestamp_seconds", help, ended.clone());
            ended.set(end.at.as_millis() / 1000);
            let help = "The exit code of the last run";
            registry.register("last_run_exit_code", help, code.clone());
            code.set(i64::from(end.exit_code));
        }
    }
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|_| Refusal::bug())?;
    Ok(text)
}
