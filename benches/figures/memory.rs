//! How much memory a run takes at most: the runner, and the largest of its supervisors.

use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use autoexec::model::layout::StateDir;
use rustix::process::Signal;

use crate::place::Place;
use crate::processes::{self, Process};
use crate::queue::{self, Queue};
use crate::roles;
use crate::score::{Figure, Score, Target, Unit};

const MOST: f64 = 16.0 * 1024.0 * 1024.0;
const FLOOD: usize = 1 << 30;
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// What a run does not need on its first thousands of tasks it will not need on the others.
const LONG_ENOUGH: Duration = Duration::from_secs(5);

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    for (name, length) in [("10,000", 10_000), ("100,000", 100_000)] {
        let dir = place.state()?;
        queue::of_no_ops(&dir, length)?;
        let peaks = peaks(place, &dir, Some(LONG_ENOUGH))?;
        note(score, &format!("{name} queued"), peaks);
    }
    let dir = place.state()?;
    let mut queue = Queue::make(&dir)?;
    queue.add(1, &roles::flood_command(FLOOD)?)?;
    queue.close()?;
    note(score, "1 GiB of output", peaks(place, &dir, None)?);
    Ok(())
}

fn note(score: &mut Score, when: &str, peaks: Peaks) {
    for (who, bytes) in [("runner", peaks.runner), ("supervisor", peaks.supervisor)] {
        score.add(&Figure {
            what: format!("memory of a {who}, {when}"),
            unit: Unit::Bytes,
            ours: vec![bytes as f64],
            beside: None,
            target: Target::Value(MOST),
        });
    }
}

/// The most memory that was seen, in bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Peaks {
    runner: u64,
    supervisor: u64,
}

/// Lets a queue run, to its end or until it has run long enough.
fn peaks(place: &Place, dir: &StateDir, patience: Option<Duration>) -> Result<Peaks> {
    let mut child = place.autoexec(dir)?.args(["run", "-j", "2"]).spawn()?;
    let seen = watch(&mut child, dir, patience);
    if seen.is_err() {
        // Whatever is wrong with it, it does not stay behind.
        let _gone_is_good = child.kill();
        let _code_does_not_matter = child.wait();
    }
    let seen = seen.with_context(|| place.last_complaint())?;
    if seen.runner == 0 || seen.supervisor == 0 {
        bail!("the run was over too soon: {}", place.last_complaint());
    }
    Ok(seen)
}

fn watch(child: &mut Child, dir: &StateDir, patience: Option<Duration>) -> Result<Peaks> {
    let begin = Instant::now();
    let runner = Process::of(i32::try_from(child.id())?).context("the run did not start")?;
    let mut seen = Peaks::default();
    let mut told = false;
    while child.try_wait()?.is_none() {
        // The kernel keeps the highest value, so a look now and then misses only the very last.
        seen.runner = seen.runner.max(runner.peak_memory().unwrap_or_default());
        for supervisor in processes::supervisors(dir) {
            let peak = supervisor.peak_memory().unwrap_or_default();
            seen.supervisor = seen.supervisor.max(peak);
        }
        if !told && patience.is_some_and(|patience| begin.elapsed() > patience) {
            runner.kill(Signal::TERM);
            told = true;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(seen)
}
