//! What the shortest commands cost: saying the version, looking into a queue.

use anyhow::Result;

use crate::place::Place;
use crate::queue::Queue;
use crate::score::{Figure, Score, Target, Unit};
use crate::turns::{Contestant, in_turns, timed, walls};

const FINISHED: usize = 10_000;

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    version(place, score)?;
    looking(place, score)
}

fn version(place: &Place, score: &mut Score) -> Result<()> {
    let dir = place.state()?;
    let contestants: Vec<Contestant<'_>> = vec![
        Box::new(|| timed(place, place.autoexec(&dir)?.arg("--version"))),
        Box::new(|| timed(place, place.minimal()?.arg("say"))),
    ];
    let costs = in_turns(place.pick(60, 300), contestants)?;
    if let [ours, minimal] = costs.as_slice() {
        score.add(&Figure {
            what: "`--version`".to_owned(),
            unit: Unit::Seconds,
            ours: walls(ours, 1),
            beside: Some(("a minimal program", walls(minimal, 1))),
            target: Target::Ratio(1.3),
        });
    }
    Ok(())
}

fn looking(place: &Place, score: &mut Score) -> Result<()> {
    let dir = place.state()?;
    let mut queue = Queue::make(&dir)?;
    let tasks = queue.add(FINISHED, &["true".into()])?;
    queue.finish(&tasks)?;
    queue.close()?;
    let database = dir.database();
    let contestants: Vec<Contestant<'_>> = vec![
        Box::new(|| timed(place, &mut place.autoexec(&dir)?)),
        Box::new(|| timed(place, place.autoexec(&dir)?.args(["queue", "list"]))),
        Box::new(|| timed(place, place.minimal()?.arg("open").arg(&database))),
    ];
    let costs = in_turns(place.pick(40, 200), contestants)?;
    if let [bare, list, minimal] = costs.as_slice() {
        for (what, ours) in [("no arguments", bare), ("`queue list`", list)] {
            score.add(&Figure {
                what: format!("{what}, 10,000 tasks finished"),
                unit: Unit::Seconds,
                ours: walls(ours, 1),
                beside: Some(("minimal, opens the database", walls(minimal, 1))),
                target: Target::Ratio(2.0),
            });
        }
    }
    Ok(())
}
