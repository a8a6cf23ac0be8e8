//! Floor 5: where attempts live.
