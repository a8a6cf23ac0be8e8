//! What is set about breakers. Reading it from a file is `cli::config`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::remedy::Await;

/// When a breaker opens and closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many failures open it.
    pub failures: u32,
    /// Within this span.
    pub within: Duration,
    /// How long it stays open the first time.
    pub open_for: Duration,
    /// How long it stays open at most; it doubles up to that at each failed probe.
    pub max_open: Duration,
    /// So many probes must succeed, one after the other, to close it.
    pub half_open_calls: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            within: Duration::from_mins(1),
            open_for: Duration::from_secs(30),
            max_open: Duration::from_mins(15),
            half_open_calls: 1,
        }
    }
}

impl BreakerSettings {
    /// How long it stays open after so many failed probes in a row.
    pub(super) fn span(&self, failed_probes: u32) -> Duration {
        let doubled = self
            .open_for
            .saturating_mul(2_u32.saturating_pow(failed_probes.min(31)));
        doubled.min(self.max_open)
    }

    /// How many probes fail before it stays open for as long as it ever does.
    pub(super) fn doublings(&self) -> u32 {
        (0..32)
            .find(|failed| self.span(*failed) >= self.max_open)
            .unwrap_or(0)
    }
}

/// A service with settings of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceSettings {
    /// All of its settings, those that it shares with others included.
    pub settings: BreakerSettings,
    /// How the engine itself finds out whether it is back; none: one task tries.
    pub probe: Option<Await>,
}

/// `[breaker]` and `[breaker.service."NAME"]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BreakerConfig {
    /// What holds for every service that has no settings of its own.
    pub default: BreakerSettings,
    /// Services with settings of their own, by name.
    pub services: BTreeMap<String, ServiceSettings>,
}

impl BreakerConfig {
    /// The settings of a service.
    pub fn settings(&self, service: &str) -> &BreakerSettings {
        self.services
            .get(service)
            .map_or(&self.default, |own| &own.settings)
    }

    /// How the engine itself finds out whether a service is back.
    pub fn probe(&self, service: &str) -> Option<&Await> {
        self.services.get(service)?.probe.as_ref()
    }
}
