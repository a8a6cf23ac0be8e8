//! The pace of the disk itself: a page is written and brought to the disk, again and again. No
//! program that loses nothing can record more often than that, only more at once.

use std::os::unix::fs::FileExt as _;
use std::time::Instant;

use anyhow::Result;

use crate::place::Place;
use crate::score::{Figure, Score, Target, Unit};

const PAGE: usize = 4096;
const PAGES: u64 = 2048;
const WRITES: u64 = 100;

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    let file = std::fs::File::create(place.fresh()?.join("pages"))?;
    let page = [7_u8; PAGE];
    // Written before, so that only contents change, as in a log that is used again.
    for number in 0..PAGES {
        file.write_all_at(&page, number * PAGE as u64)?;
    }
    file.sync_all()?;
    let mut paces = Vec::new();
    for round in 0..place.pick(7, 15) as u64 {
        let begin = Instant::now();
        for number in 0..WRITES {
            let at = (round * WRITES + number) % PAGES;
            file.write_all_at(&page, at * PAGE as u64)?;
            file.sync_data()?;
        }
        paces.push(begin.elapsed().as_secs_f64() / WRITES as f64);
    }
    score.add(&Figure {
        what: "a page, written and synced".to_owned(),
        unit: Unit::Seconds,
        ours: paces,
        beside: None,
        target: Target::Known,
    });
    Ok(())
}
