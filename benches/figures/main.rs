//! `cargo bench`: what autoexec costs, beside what it is compared with, in one run and one table.
//!
//! Plain programs and a clock, no framework. Whatever is compared runs in turns (A B A B …), because
//! a machine has moods that last longer than one measurement; a ratio is the median of the ratios of
//! the turns. Nothing fails when a target is missed: the table says so.
//!
//! `cargo bench -- WORD…` measures only the parts whose name holds one of the words.
//! `--long` takes more turns (about half an hour). `--million` adds queues of a million tasks (about
//! ten minutes, and 6 GB of disk). `--write` writes what was measured into `docs/benchmarks.md`.
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
mod machine;
mod memory;
mod no_op;
mod output;
mod peers;
mod place;
mod processes;
mod published;
mod queue;
mod report;
mod restart;
mod roles;
mod scale;
mod score;
mod start_up;
mod syncs;
mod turns;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::place::Place;
use crate::score::Score;

/// A part of the figures.
type Part = fn(&Place, &mut Score) -> Result<()>;

const PARTS: &[(&str, Part)] = &[
    ("disk", syncs::measure),
    ("start-up", start_up::measure),
    ("adding", adding::measure),
    ("no-op", no_op::measure),
    ("peers", peers::measure),
    ("depth", depth::measure),
    ("memory", memory::measure),
    ("output", output::measure),
    ("report", report::measure),
    ("scale", scale::measure),
    ("classify", classify::measure),
    ("restart", restart::measure),
    #[cfg(feature = "web")]
    ("health", health::measure),
];

/// Options of our own; all others are for other frameworks.
const LONG: &str = "--long";
const MILLION: &str = "--million";
const WRITE: &str = "--write";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match roles::play(&words) {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
        None if words.contains(&"--bench") => match measure(&words) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        },
        None => {
            println!("`cargo bench` measures; without it there is nothing to do");
            ExitCode::SUCCESS
        }
    }
}

/// Whether everything that was wanted could be measured.
fn measure(words: &[&str]) -> Result<bool> {
    let wanted: Vec<&&str> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let writes = words.contains(&WRITE);
    if writes && !wanted.is_empty() {
        bail!("`--write` publishes all figures together: leave out the words");
    }
    let place = Place::make(words.contains(&LONG), words.contains(&MILLION))
        .context("no place to measure in")?;
    let load_before = place.load();
    for (what, fact) in machine::facts(&place) {
        println!("{what}: {fact}");
    }
    println!("{load_before}");
    let mut score = Score::default();
    let mut whole = true;
    for (name, part) in PARTS.iter().copied() {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(**word)) {
            continue;
        }
        eprintln!("measuring: {name}");
        score.begin(name);
        if let Err(error) = part(&place, &mut score) {
            whole = false;
            score.not_measured(name, &format!("{error:#}"));
        }
    }
    println!("\n{}", score.table());
    println!("{}", place.load());
    let written = writes.then(|| published::write(&place, &score, &load_before));
    // Late and all at once: some file systems are slow below a folder from which much was deleted.
    place.remove();
    if let Some(path) = written.transpose()? {
        println!("written: {}", path.display());
    }
    Ok(whole)
}
