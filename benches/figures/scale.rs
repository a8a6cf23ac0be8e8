//! What grows with the queue: commands, start, memory and files on a queue of 100,000 tasks, and of a
//! million where that is wanted, queued and finished.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use autoexec::model::layout::StateDir;
use autoexec::support::clock::Timestamp;
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;

use crate::place::Place;
use crate::processes::Process;
use crate::queue::{self, Queue};
use crate::score::{Figure, Score, Target, Unit};
use crate::turns::{Contestant, ended, in_turns, timed, walls};

const SHORT: usize = 1_000;
const PATIENCE: Duration = Duration::from_mins(5);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Commands that look; what they are for, and whether they look at finished tasks.
const QUEUED: [&[&str]; 7] = [
    &[],
    &["queue", "list", "--limit", "20"],
    &["queue", "list", "--json"],
    &["why", "task-700"],
    &["health"],
    &["plan"],
    &["queue", "add", "--", "true"],
];
const FINISHED: [&[&str]; 6] = [
    &[],
    &["queue", "list"],
    &["why", "task-700"],
    &["health"],
    &["report", "--peek"],
    &["db", "check"],
];

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    of(place, score, "100,000", 100_000)?;
    if place.has_million() {
        of(place, score, "1,000,000", 1_000_000)?;
    }
    Ok(())
}

fn of(place: &Place, score: &mut Score, name: &str, length: usize) -> Result<()> {
    let (short, long) = (place.state()?, place.state()?);
    fill(&short, SHORT, false)?;
    let adding = fill(&long, length, false)?;
    known(
        score,
        Unit::Seconds,
        format!("a task added in one of {name}"),
        adding / length as f64,
    );
    size(score, &format!("{name} queued"), &long, length)?;
    for command in QUEUED {
        look(
            place,
            score,
            &format!("{name} queued"),
            command,
            (&long, &short),
        )?;
    }
    started(place, score, &format!("{name} queued"), &long)?;
    let (short, long) = (place.state()?, place.state()?);
    fill(&short, SHORT, true)?;
    fill(&long, length, true)?;
    size(score, &format!("{name} finished"), &long, length)?;
    for command in FINISHED {
        look(
            place,
            score,
            &format!("{name} finished"),
            command,
            (&long, &short),
        )?;
    }
    let copy = place.fresh()?.join("copy.db");
    let mut backup = place.autoexec(&long)?;
    let took = timed(place, backup.args(["db", "backup"]).arg(copy))?;
    known(
        score,
        Unit::Seconds,
        format!("`db backup`, {name} finished"),
        took.wall,
    );
    // So that there is something to start.
    let mut add = place.autoexec(&long)?;
    timed(place, add.args(["queue", "add", "--", "sleep", "60"]))?;
    started(place, score, &format!("{name} finished"), &long)
}

/// Fills a queue; gives the seconds that adding took.
fn fill(dir: &StateDir, length: usize, finished: bool) -> Result<f64> {
    let mut queue = Queue::make(dir)?;
    let begin = Instant::now();
    let tasks = queue.add(length, &["true".into()])?;
    let adding = begin.elapsed().as_secs_f64();
    if finished {
        queue.finish(&tasks)?;
    }
    queue.close()?;
    Ok(adding)
}

fn known(score: &mut Score, unit: Unit, what: String, value: f64) {
    score.add(&Figure {
        what,
        unit,
        ours: vec![value],
        beside: None,
        target: Target::Known,
    });
}

fn size(score: &mut Score, when: &str, dir: &StateDir, length: usize) -> Result<()> {
    let bytes = std::fs::metadata(dir.database())?.len() as f64;
    known(score, Unit::Bytes, format!("database, {when}"), bytes);
    let each = bytes / length as f64;
    known(
        score,
        Unit::Count,
        format!("bytes of it for each task, {when}"),
        each,
    );
    Ok(())
}

fn look(
    place: &Place,
    score: &mut Score,
    when: &str,
    words: &[&str],
    (long, short): (&StateDir, &StateDir),
) -> Result<()> {
    let contestants: Vec<Contestant<'_>> = [long, short]
        .into_iter()
        .map(|dir| {
            // Some of them say by their code that something is not well.
            Box::new(move || Ok(ended(place.autoexec(dir)?.args(words))?.0)) as Contestant<'_>
        })
        .collect();
    let costs = in_turns(place.pick(3, 7), contestants)?;
    if let [long, short] = costs.as_slice() {
        let command = if words.is_empty() {
            "no arguments".to_owned()
        } else {
            format!("`{}`", words.join(" "))
        };
        score.add(&Figure {
            what: format!("{command}, {when}"),
            unit: Unit::Seconds,
            ours: walls(long, 1),
            beside: Some(("the same, 1,000", walls(short, 1))),
            target: Target::Known,
        });
    }
    Ok(())
}

/// How long a run takes to its first claim, and how much memory it needs in its first seconds.
fn started(place: &Place, score: &mut Score, when: &str, dir: &StateDir) -> Result<()> {
    let begin = queue::now();
    let mut child = place.autoexec(dir)?.args(["run", "-j", "2"]).spawn()?;
    let claimed = first_claim(dir, begin);
    std::thread::sleep(Duration::from_secs(1));
    let runner = Process::of(i32::try_from(child.id())?);
    let memory = runner.as_ref().and_then(Process::peak_memory);
    if let Some(runner) = &runner {
        // Twice: what runs is not waited for.
        runner.kill(Signal::TERM);
        std::thread::sleep(Duration::from_millis(200));
        runner.kill(Signal::TERM);
    }
    let told = Instant::now();
    child.wait()?;
    let ending = told.elapsed().as_secs_f64();
    let claimed = claimed.with_context(|| place.last_complaint())?;
    known(
        score,
        Unit::Seconds,
        format!("start of a run to its first claim, {when}"),
        claimed,
    );
    if let Some(bytes) = memory {
        known(
            score,
            Unit::Bytes,
            format!("memory of its runner, {when}"),
            bytes as f64,
        );
    }
    known(
        score,
        Unit::Seconds,
        format!("its end after it was told to stop, {when}"),
        ending,
    );
    Ok(())
}

fn first_claim(dir: &StateDir, since: Timestamp) -> Result<f64> {
    let queue = Connection::open_with_flags(dir.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        let found: rusqlite::Result<Option<i64>> = queue.query_row(
            "SELECT claimed_at FROM attempts WHERE claimed_at >= ? \
             AND id > (SELECT max(id) FROM attempts) - 1000 ORDER BY id LIMIT 1",
            [since.as_millis()],
            |row| row.get(0),
        );
        if let Ok(Some(at)) = found {
            return Ok(Timestamp::from_millis(at).since(since).as_secs_f64());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    bail!("nothing was claimed in {} seconds", PATIENCE.as_secs())
}
