//! Points in time as somebody writes them; what instant one means depends on when it is read.
//!
//! Turning a wish into an instant is `policy`'s, because it needs the present and a zone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::spans::millis;
use crate::support::clock::Timestamp;

/// A point in time as it is written: `"02:00"`, `"+30m"` or RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeWish {
    /// The next time that the clocks show this.
    Daily {
        /// Hours, 0 to 23.
        hour: u8,
        /// Minutes, 0 to 59.
        minute: u8,
    },
    /// So long after the task is added.
    In(#[serde(with = "millis")] Duration),
    /// This instant.
    At(Timestamp),
}
