//! Floor 8: a local page and a REST API of what the queue and the last run are about.
//!
//! Reads only, but for what a person may do with a token; every answer is one short read of the queue.
