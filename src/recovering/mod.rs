//! Floor 8: the face of the library: Rust code run with the retries, recoveries and breakers that
//! tasks get.
