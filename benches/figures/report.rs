//! How long one waits for the report of a long past.

use anyhow::Result;

use crate::place::Place;
use crate::queue::Queue;
use crate::score::{Figure, Score, Target, Unit};
use crate::turns::{Contestant, in_turns, timed, walls};

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    of(place, score, "100,000", 100_000, 0.3)?;
    if place.has_million() {
        of(place, score, "1,000,000", 1_000_000, 3.0)?;
    }
    Ok(())
}

fn of(place: &Place, score: &mut Score, name: &str, attempts: usize, most: f64) -> Result<()> {
    let dir = place.state()?;
    let mut queue = Queue::make(&dir)?;
    // One task of ten has two attempts.
    let tasks = queue.add(attempts * 10 / 11, &["true".into()])?;
    let made = queue.finish(&tasks)?;
    queue.close()?;
    let contestant: Contestant<'_> =
        Box::new(|| timed(place, place.autoexec(&dir)?.args(["report", "--peek"])));
    let costs = in_turns(place.pick(7, 15), vec![contestant])?;
    score.add(&Figure {
        what: format!("`report` over {name} attempts"),
        unit: Unit::Seconds,
        ours: costs.iter().flat_map(|ours| walls(ours, 1)).collect(),
        beside: None,
        target: Target::Value(most * made as f64 / attempts as f64),
    });
    Ok(())
}
