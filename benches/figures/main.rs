//! `cargo bench`: what autoexec costs, beside what it is compared with, in one run and one table.
//!
//! Plain programs and a clock, no framework. Whatever is compared runs in turns (A B A B …), because
//! a machine has moods that last longer than one measurement; a ratio is the median of the ratios of
//! the turns. Nothing fails when a target is missed: the table says so.
//!
//! `cargo bench -- WORD…` measures only the parts whose name holds one of the words.
//! `AUTOEXEC_BENCH=long` takes more turns and larger queues (about half an hour).
//! `AUTOEXEC_BENCH_DIR` says where the folders are made, below `target/` otherwise; it should be on
//! the disk on which queues will live, for the disk's own pace is a large part of what is measured.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it measures with a clock of its own, starts programs and prints"
)]
#![expect(
    clippy::cast_precision_loss,
    reason = "counts and sizes are far below 2^53"
)]

mod adding;
mod classify;
mod depth;
#[cfg(feature = "web")]
mod health;
mod memory;
mod no_op;
mod output;
mod place;
mod processes;
mod queue;
mod report;
mod restart;
mod roles;
mod score;
mod start_up;
mod turns;

use std::process::ExitCode;

use anyhow::Result;

use crate::place::Place;
use crate::score::Score;

/// A part of the figures.
type Part = fn(&Place, &mut Score) -> Result<()>;

const PARTS: &[(&str, Part)] = &[
    ("start-up", start_up::measure),
    ("adding", adding::measure),
    ("no-op", no_op::measure),
    ("depth", depth::measure),
    ("memory", memory::measure),
    ("output", output::measure),
    ("report", report::measure),
    ("classify", classify::measure),
    ("restart", restart::measure),
    #[cfg(feature = "web")]
    ("health", health::measure),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match roles::play(&words) {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
        None if words.contains(&"--bench") => measure(&words),
        None => {
            println!("`cargo bench` measures; without it there is nothing to do");
            ExitCode::SUCCESS
        }
    }
}

fn measure(words: &[&str]) -> ExitCode {
    // Options are for other frameworks.
    let wanted: Vec<&&str> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let place = match Place::make() {
        Ok(place) => place,
        Err(error) => {
            eprintln!("error: no place to measure in: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", place.describe());
    let mut score = Score::default();
    let mut whole = true;
    for (name, part) in PARTS.iter().copied() {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(**word)) {
            continue;
        }
        eprintln!("measuring: {name}");
        if let Err(error) = part(&place, &mut score) {
            whole = false;
            score.not_measured(name, &format!("{error:#}"));
        }
    }
    println!("\n{}", score.table());
    println!("{}", place.load());
    // Late and all at once: some file systems are slow below a folder from which much was deleted.
    place.remove();
    if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
