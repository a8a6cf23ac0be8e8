//! What capturing costs: 1 GiB of output against the same command writing to a file.

use std::fs::File;
use std::path::Path;

use anyhow::{Result, bail};

use crate::place::Place;
use crate::queue::Queue;
use crate::roles;
use crate::score::{Figure, Score, Target, Unit};
use crate::turns::{Contestant, Cost, in_turns, timed, walls};

const FLOOD: usize = 1 << 30;
/// Less than a task may keep, more than it keeps of small outputs: proof that it was captured.
const KEPT: u64 = 16 << 20;

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    let file = place.fresh()?.join("flood");
    let contestants: Vec<Contestant<'_>> = vec![
        Box::new(|| captured(place)),
        Box::new(|| redirected(place, &file)),
    ];
    let costs = in_turns(place.pick(3, 7), contestants)?;
    if let [ours, plain] = costs.as_slice() {
        score.add(&Figure {
            what: "1 GiB of output, in lines".to_owned(),
            unit: Unit::Seconds,
            ours: walls(ours, 1),
            beside: Some(("redirected to a file", walls(plain, 1))),
            target: Target::Ratio(4.0),
        });
    }
    Ok(())
}

fn captured(place: &Place) -> Result<Cost> {
    let dir = place.state()?;
    let mut queue = Queue::make(&dir)?;
    queue.add(1, &roles::flood_command(FLOOD)?)?;
    queue.close()?;
    let cost = timed(place, place.autoexec(&dir)?.arg("run"))?;
    let mut kept = 0;
    for entry in std::fs::read_dir(dir.logs())? {
        kept += entry?.metadata()?.len();
    }
    if kept < KEPT {
        bail!("of the flood only {kept} bytes were kept");
    }
    Ok(cost)
}

fn redirected(place: &Place, file: &Path) -> Result<Cost> {
    let mut command = place.role(roles::FLOOD)?;
    timed(
        place,
        command.arg(FLOOD.to_string()).stdout(File::create(file)?),
    )
}
