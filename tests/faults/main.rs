//! The fault suites: what is promised is held while processes are killed, disks fill, power goes and
//! input is junk.
//!
//! One file per suite, each with the command that runs it alone. In `cargo test` every suite takes its
//! short form; `trials` says how to ask for another seed, more trials, and the long form.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests: a broken expectation shall stop them, and they start programs"
)]

#[cfg(feature = "notify")]
#[path = "../it/mail_server.rs"]
mod mail_server;
#[path = "../it/sandbox.rs"]
#[expect(dead_code, reason = "shared with the tests of the program")]
mod sandbox;
#[cfg(feature = "web")]
#[path = "../it/server.rs"]
#[expect(dead_code, reason = "shared with the tests of the program")]
mod server;
#[path = "../it/skipped.rs"]
mod skipped;
#[path = "../it/wild.rs"]
mod wild;
#[path = "../it/window.rs"]
#[expect(dead_code, reason = "shared with the tests of the program")]
mod window;

mod bit_rot;
mod border;
mod canaries;
mod commands;
mod container;
mod crowds;
mod each_call;
mod floods;
mod full_disks;
mod fuzz;
mod hostile;
mod hostile_groups;
mod io_errors;
mod kills;
mod manners;
mod night_tasks;
mod nights;
mod persons;
mod pid_reuse;
mod power_cuts;
mod short_calls;
mod sightings;
mod soak;
mod stage;
mod starts;
mod texts;
mod toll;
#[expect(dead_code, reason = "shared with the tests of the program")]
mod trials;
mod upgrades;
