//! Floor 6: the run.

pub mod events;
