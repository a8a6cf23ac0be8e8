//! What a task costs beside what it does: a command that does nothing, many times.
//!
//! Beside it run the bare loop, which starts, captures, waits and remembers nothing, and `xargs -P`,
//! which does not even capture.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

use anyhow::Result;

use crate::place::Place;
use crate::queue;
use crate::roles::{self, Seen};
use crate::score::{Figure, Score, Target, Unit};
use crate::turns::{Contestant, Cost, cpus, in_turns, timed, walls};

/// Slots, and what the wall-clock time may be against the bare loop.
const SLOTS: [(usize, f64); 3] = [(1, 1.5), (2, 1.6), (8, 1.4)];

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    let count = place.pick(500, 2_000);
    let mut lines = String::new();
    for number in 0..count {
        writeln!(lines, "{number}")?;
    }
    let numbers = place.fresh()?.join("numbers");
    std::fs::write(&numbers, lines)?;
    for (slots, most) in SLOTS {
        let contestants: Vec<Contestant<'_>> = vec![
            Box::new(|| autoexec(place, slots, count)),
            Box::new(|| bare(place, slots, count)),
            Box::new(|| xargs(place, slots, &numbers)),
        ];
        let costs = in_turns(place.pick(7, 15), contestants)?;
        if let [ours, bare, xargs] = costs.as_slice() {
            let figure = |what: &str, ours, name, beside, target| Figure {
                what: format!("no-op task, {slots} at once, {what}"),
                unit: Unit::Seconds,
                ours,
                beside: Some((name, beside)),
                target,
            };
            let wall = |costs: &[Cost]| walls(costs, count);
            let cpu = |costs: &[Cost]| cpus(costs, count);
            let ratio = Target::Ratio;
            score.add(&figure(
                "wall",
                wall(ours),
                "bare loop",
                wall(bare),
                ratio(most),
            ));
            score.add(&figure(
                "wall",
                wall(ours),
                "xargs -P",
                wall(xargs),
                ratio(1.0),
            ));
            score.add(&figure(
                "processor",
                cpu(ours),
                "bare loop",
                cpu(bare),
                ratio(1.4),
            ));
        }
    }
    commits(place, score, count)
}

fn autoexec(place: &Place, slots: usize, count: usize) -> Result<Cost> {
    let dir = place.state()?;
    queue::of_no_ops(&dir, count)?;
    let mut command = place.autoexec(&dir)?;
    timed(place, command.args(["run", "-j", &slots.to_string()]))
}

fn bare(place: &Place, slots: usize, count: usize) -> Result<Cost> {
    let mut command = place.role(roles::BARE)?;
    timed(place, command.args([slots.to_string(), count.to_string()]))
}

fn xargs(place: &Place, slots: usize, numbers: &Path) -> Result<Cost> {
    let mut command = place.command(Path::new("xargs"))?;
    command.args(["-P", &slots.to_string(), "-n", "1", "true"]);
    timed(place, command.stdin(File::open(numbers)?))
}

fn commits(place: &Place, score: &mut Score, count: usize) -> Result<()> {
    for (slots, most) in [(1, 1.0), (2, f64::NAN), (8, 0.4)] {
        let dir = place.state()?;
        queue::of_no_ops(&dir, count)?;
        let seen = Seen::of(place, &dir, slots, 0, 0)?;
        score.add(&Figure {
            what: format!("commits per task, {slots} at once"),
            unit: Unit::Count,
            ours: vec![seen.commits as f64 / seen.started as f64],
            beside: None,
            target: if most.is_nan() {
                Target::Known
            } else {
                Target::Value(most)
            },
        });
    }
    Ok(())
}
