//! What a watcher is told of breakers.

use std::time::Duration;

use crate::engine::events::TaskRef;
use crate::policy::breaker::WhyOpened;

/// What a breaker is about; text from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A service.
    Service(String),
    /// The pattern that many tasks failed of alike.
    Cause(String),
}

/// What became of a breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BreakerNews {
    /// It is left alone for a while.
    Opened {
        /// For so long.
        span: Duration,
        /// Why.
        why: WhyOpened,
    },
    /// One may try.
    Tries {
        /// The task that does; none: a probe of the run itself.
        task: Option<TaskRef>,
    },
    /// It answers again.
    Closed {
        /// It had been left alone for so long.
        after: Duration,
        /// How many tasks go on.
        tasks: usize,
    },
    /// Somebody says that it is back.
    Reset {
        /// How many tasks go on.
        tasks: usize,
    },
}
