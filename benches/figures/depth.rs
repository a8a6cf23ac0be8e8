//! Whether a task costs more in a long queue.
//!
//! The whole queue stands before the run, which stops by itself after some hundred tasks: picking
//! and claiming work on the full length all the time, and start and end of the run do not count.

use anyhow::Result;
use autoexec::model::layout::StateDir;

use crate::place::Place;
use crate::queue;
use crate::roles::Seen;
use crate::score::{Figure, Score, Target, Unit};
use crate::turns::{Contestant, Cost, in_turns, walls};

const WARM: usize = 100;
const MEASURED: usize = 500;
const SHORT: usize = 1_000;

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    against_short(place, score, "100,000", 100_000, 1.1)?;
    if place.has_million() {
        against_short(place, score, "1,000,000", 1_000_000, 1.2)?;
    }
    Ok(())
}

fn against_short(
    place: &Place,
    score: &mut Score,
    name: &str,
    length: usize,
    most: f64,
) -> Result<()> {
    let long = place.state()?;
    queue::of_no_ops(&long, length)?;
    let contestants: Vec<Contestant<'_>> = vec![
        // Each round takes some hundred tasks out of the same long queue: nothing, compared with
        // its length.
        Box::new(|| paced(place, &long)),
        Box::new(|| {
            let short = place.state()?;
            queue::of_no_ops(&short, SHORT)?;
            paced(place, &short)
        }),
    ];
    let costs = in_turns(place.pick(7, 15), contestants)?;
    if let [long, short] = costs.as_slice() {
        score.add(&Figure {
            what: format!("no-op task, 2 at once, {name} queued"),
            unit: Unit::Seconds,
            ours: walls(long, MEASURED),
            beside: Some(("the same, 1,000 queued", walls(short, MEASURED))),
            target: Target::Ratio(most),
        });
    }
    Ok(())
}

fn paced(place: &Place, dir: &StateDir) -> Result<Cost> {
    let seen = Seen::of(place, dir, 2, WARM, MEASURED)?;
    Ok(Cost {
        wall: seen.span.as_secs_f64(),
        cpu: 0.0,
    })
}
