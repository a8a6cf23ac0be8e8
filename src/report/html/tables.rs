//! The values of the tables with pictures in them: durations, strategies and the last nights.

use serde::Serialize;

use crate::report::charts::Charts;
use crate::report::html::svg;
use crate::report::strategies::StrategyRate;
use crate::report::usual::Usual;
use crate::support::text::count;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

/// The most durations.
const DURATIONS: usize = 20;

#[derive(Debug, Serialize)]
pub(super) struct DurationView {
    name: String,
    took: String,
    usual: String,
    svg: String,
}

#[derive(Debug, Serialize)]
pub(super) struct StrategyView {
    strategy: String,
    pattern: String,
    helped: String,
    svg: String,
}

#[derive(Debug, Serialize)]
pub(super) struct TrendView {
    svg: String,
    nights: Vec<[String; 6]>,
}

/// The durations that are farthest from what is usual.
pub(super) fn durations(all: &[Usual]) -> Vec<DurationView> {
    let mut all: Vec<&Usual> = all.iter().collect();
    all.sort_by_key(|usual| {
        let apart = usual.took.as_millis().abs_diff(usual.median.as_millis());
        (std::cmp::Reverse(apart), usual.id)
    });
    let shown = all.into_iter().take(DURATIONS);
    shown
        .map(|usual| DurationView {
            name: format!("{} ({})", usual.name, usual.id),
            took: span(usual.took),
            usual: format!(
                "{}, nine of ten up to {} ({})",
                span(usual.median),
                span(usual.p90),
                count(usual.nights, "success").replace("successs", "successes")
            ),
            svg: svg::duration(usual),
        })
        .collect()
}

pub(super) fn strategy(rate: &StrategyRate) -> StrategyView {
    let shown = |text: &str| Untrusted::from(text.replace('_', " ")).for_terminal();
    StrategyView {
        strategy: shown(&rate.strategy),
        pattern: shown(&rate.pattern),
        helped: format!("{} of {}", rate.succeeded, rate.attempts),
        svg: svg::rate([rate.rate, rate.rate_low, rate.rate_high]),
    }
}

pub(super) fn trend(charts: &Charts) -> TrendView {
    TrendView {
        svg: svg::trend(&charts.trend),
        nights: charts
            .trend
            .iter()
            .rev()
            .map(|night| {
                [
                    night.day.format("%a %-d %b").to_string(),
                    night.ok.to_string(),
                    night.recovered.to_string(),
                    night.failed.to_string(),
                    night.open.to_string(),
                    span(night.busy),
                ]
            })
            .collect(),
    }
}
