//! Floor 7: what is seen while it runs.
