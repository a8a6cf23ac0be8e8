//! Measuring in turns: each round runs every contestant once, one after the other.

use std::process::{Command, ExitStatus};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::place::Place;
use crate::processes;

/// What one go cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Seconds from start to end.
    pub(crate) wall: f64,
    /// Seconds of processors, of all that were started.
    pub(crate) cpu: f64,
}

/// One who is measured: does its work once and says what it cost. What it prepares before does not
/// count.
pub(crate) type Contestant<'a> = Box<dyn FnMut() -> Result<Cost> + 'a>;

/// Lets the contestants run in turns; a first round, in which everything comes into the caches, does
/// not count. Gives the costs of each contestant.
pub(crate) fn in_turns(
    rounds: usize,
    mut contestants: Vec<Contestant<'_>>,
) -> Result<Vec<Vec<Cost>>> {
    let mut costs = vec![Vec::with_capacity(rounds); contestants.len()];
    for round in 0..=rounds {
        for (contestant, known) in contestants.iter_mut().zip(&mut costs) {
            let cost = contestant()?;
            if round > 0 {
                known.push(cost);
            }
        }
    }
    Ok(costs)
}

/// Runs a program to its end, which must be a success.
pub(crate) fn timed(place: &Place, command: &mut Command) -> Result<Cost> {
    let (cost, status) = ended(command)?;
    if !status.success() {
        bail!("{}: {status}: {}", name(command), place.last_complaint());
    }
    Ok(cost)
}

/// Runs a program to its end, whatever it says of it.
pub(crate) fn ended(command: &mut Command) -> Result<(Cost, ExitStatus)> {
    let before = processes::time_of_children()?;
    let begin = Instant::now();
    let status = command.status().with_context(|| name(command))?;
    let wall = begin.elapsed().as_secs_f64();
    let cpu = processes::time_of_children()? - before;
    Ok((Cost { wall, cpu }, status))
}

fn name(command: &Command) -> String {
    let mut words = vec![command.get_program()];
    words.extend(command.get_args());
    words
        .join(std::ffi::OsStr::new(" "))
        .to_string_lossy()
        .into_owned()
}

/// The wall-clock times, each divided by `by`.
pub(crate) fn walls(costs: &[Cost], by: usize) -> Vec<f64> {
    costs.iter().map(|cost| cost.wall / by as f64).collect()
}

/// The times of processors, each divided by `by`.
pub(crate) fn cpus(costs: &[Cost], by: usize) -> Vec<f64> {
    costs.iter().map(|cost| cost.cpu / by as f64).collect()
}
