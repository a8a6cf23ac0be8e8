//! Floor 5: the hidden process around an attempt.
