//! Floor 7: what happened, as one value and its renderings.
