//! The supervisor as a real process, driven over its pipes.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests drive real processes"
)]

mod death;
mod delegated;
mod driver;
mod hostile;
mod install;
mod remedies;
mod remedy_files;
mod requires;
mod silence;
mod steps;
mod success;
mod work;
