//! Floor 6: the run.
