//! Floor 2: choices as pure functions of facts and `now`: classify, backoff, decide, pick.

pub mod verdict;
