//! What adding costs: one task to a short and to a long queue, and many from a file.

use std::cell::Cell;
use std::fmt::Write as _;

use anyhow::Result;
use autoexec::model::layout::StateDir;

use crate::place::Place;
use crate::queue;
use crate::score::{Figure, Score, Target, Unit};
use crate::turns::{Contestant, Cost, in_turns, timed, walls};

const LONG_QUEUE: usize = 100_000;
const IN_A_FILE: usize = 10_000;

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    one(place, score)?;
    many(place, score)
}

fn one(place: &Place, score: &mut Score) -> Result<()> {
    let (short, long) = (place.state()?, place.state()?);
    queue::of_no_ops(&short, 0)?;
    queue::of_no_ops(&long, LONG_QUEUE)?;
    let database = short.database();
    let number = Cell::new(0);
    let add = |dir: &StateDir| -> Result<Cost> {
        number.set(number.get() + 1);
        let name = format!("added-{}", number.get());
        let mut command = place.autoexec(dir)?;
        timed(
            place,
            command.args(["queue", "add", "--name", &name, "--", "true"]),
        )
    };
    let contestants: Vec<Contestant<'_>> = vec![
        Box::new(|| add(&short)),
        Box::new(|| add(&long)),
        Box::new(|| timed(place, place.minimal()?.arg("open").arg(&database))),
        Box::new(|| timed(place, place.minimal()?.arg("write").arg(&database))),
    ];
    let costs = in_turns(place.pick(40, 200), contestants)?;
    let [short, long, open, write] = costs.as_slice() else {
        return Ok(());
    };
    score.add(&Figure {
        what: "`queue add` of one".to_owned(),
        unit: Unit::Seconds,
        ours: walls(short, 1),
        beside: Some(("minimal, opens the database", walls(open, 1))),
        target: Target::Ratio(2.2),
    });
    score.add(&Figure {
        what: "`queue add` of one".to_owned(),
        unit: Unit::Seconds,
        ours: walls(short, 1),
        beside: Some(("minimal, commits one row", walls(write, 1))),
        target: Target::Known,
    });
    score.add(&Figure {
        what: "`queue add` of one, 100,000 queued".to_owned(),
        unit: Unit::Seconds,
        ours: walls(long, 1),
        beside: Some(("the same, none queued", walls(short, 1))),
        target: Target::Ratio(1.1),
    });
    Ok(())
}

fn many(place: &Place, score: &mut Score) -> Result<()> {
    let mut text = String::new();
    for number in 0..IN_A_FILE {
        write!(
            text,
            "[[task]]\nname = \"task-{number}\"\ncommand = [\"true\"]\n\n"
        )?;
    }
    let file = place.fresh()?.join("tasks.toml");
    std::fs::write(&file, text)?;
    let contestant: Contestant<'_> = Box::new(|| {
        let dir = place.state()?;
        queue::of_no_ops(&dir, 0)?;
        timed(
            place,
            place.autoexec(&dir)?.args(["queue", "add"]).arg(&file),
        )
    });
    let costs = in_turns(place.pick(7, 20), vec![contestant])?;
    score.add(&Figure {
        what: "`queue add` of 10,000 from a file".to_owned(),
        unit: Unit::Seconds,
        ours: costs.iter().flat_map(|ours| walls(ours, 1)).collect(),
        beside: None,
        target: Target::Value(0.060),
    });
    Ok(())
}
