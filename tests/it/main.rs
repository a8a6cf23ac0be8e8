//! Tests of the real program, all in one binary; one file per subcommand.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests: a broken expectation shall stop them, and they start programs"
)]

mod sandbox;

mod after;
mod alerts;
mod breakers;
mod browser;
mod capabilities;
mod check;
mod checkpoint;
mod classify;
mod clock;
mod completions;
mod crash;
mod db;
mod doubt;
mod exec;
mod exec_recovery;
mod exec_signals;
mod from_scratch;
mod guard;
mod healing;
mod healing_hostile;
mod healing_install;
mod healing_night;
mod healing_peers;
mod healing_resources;
mod healing_words;
mod health;
mod held;
mod hostile;
mod html;
mod kept;
mod learning;
mod live;
mod live_api;
mod logs;
mod mail;
mod mail_server;
mod many_nights;
mod month;
mod namesakes;
mod night;
mod night_clock;
#[cfg(feature = "notify")]
mod notify;
mod patterns;
mod pause;
mod plan;
mod port;
#[cfg(feature = "notify")]
mod post_office;
mod private;
mod queue_add;
mod queue_change;
mod queue_list;
mod recovery;
mod report;
mod requires;
mod rescue;
mod restored;
mod run;
mod said;
mod serve;
mod server;
mod silence;
mod skipped;
mod start;
mod status;
mod steps;
mod stop;
mod stopped;
mod strays;
mod success;
mod task_times;
mod terminal;
mod timer;
#[path = "../faults/trials.rs"]
mod trials;
mod unanswered;
mod why;
#[expect(dead_code, reason = "shared with the fault suites")]
mod wild;
mod window;
mod words;
