//! What the configuration of this machine says of failures, as a run is handed it.
//!
//! Reading it is `cli::config`, meaning it is `policy`; this only carries it.

use crate::model::recovery::{RecoveryConfig, RescueConfig};
use crate::policy::breaker::BreakerConfig;

/// What the configuration of this machine says of failures.
#[derive(Debug, Clone, Default)]
pub struct OnFailure {
    /// How far recoveries may go, and how services are probed.
    pub recovery: RecoveryConfig,
    /// The slower rounds of attempts.
    pub rescue: RescueConfig,
    /// When services are left alone.
    pub breakers: BreakerConfig,
}
