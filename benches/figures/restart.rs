//! How soon a run is at work again after a hundred running attempts lost everybody who knew them.
//!
//! Everything is killed: the runner and all supervisors, so that a hundred commands run on without
//! anybody. The next run must find and kill them before it may start anything.

use std::os::unix::ffi::OsStrExt as _;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use autoexec::model::layout::StateDir;
use autoexec::support::clock::Timestamp;
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;

use crate::place::Place;
use crate::processes::{self, Process};
use crate::queue::{self, Queue};
use crate::score::{Figure, Score, Target, Unit};

const ATTEMPTS: usize = 100;
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(5);

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    let mut claims = Vec::new();
    let mut deaths = Vec::new();
    for round in 0..place.pick(3, 7) {
        let scene = Scene::make(place, round)?;
        let seen = scene.play();
        scene.clear();
        let (claim, death) = seen.with_context(|| place.last_complaint())?;
        claims.push(claim);
        deaths.push(death);
    }
    for (what, seconds, most) in [
        ("restart to the first claim", claims, 2.0),
        ("restart until all escapees are dead", deaths, 5.0),
    ] {
        score.add(&Figure {
            what: format!("kill -9 of 100 attempts, {what}"),
            unit: Unit::Seconds,
            ours: seconds,
            beside: None,
            target: Target::Value(most),
        });
    }
    Ok(())
}

/// A queue whose commands sleep, and can be told from all others by how long.
struct Scene<'a> {
    place: &'a Place,
    dir: StateDir,
    sleep: String,
}

impl<'a> Scene<'a> {
    fn make(place: &'a Place, round: usize) -> Result<Self> {
        let sleep = format!("{}.{round}", 1_000_000 + std::process::id());
        let dir = place.state()?;
        let mut queue = Queue::make(&dir)?;
        // More than run at once, so that something can be claimed without waiting for a backoff.
        queue.add(4 * ATTEMPTS, &["sleep".into(), sleep.as_str().into()])?;
        queue.close()?;
        Ok(Self { place, dir, sleep })
    }

    /// Seconds from the restart to the first claim, and to the death of the last escapee.
    fn play(&self) -> Result<(f64, f64)> {
        let mut first = self.start()?;
        wait_until(|| self.sleepers().len() >= ATTEMPTS)?;
        let escapees = self.sleepers();
        let supervisors = processes::supervisors(&self.dir);
        first.kill()?;
        first.wait()?;
        for supervisor in &supervisors {
            supervisor.kill(Signal::KILL);
        }
        wait_until(|| !supervisors.iter().any(Process::is_alive))?;
        if escapees.iter().filter(|escapee| escapee.is_alive()).count() < ATTEMPTS {
            bail!("the commands died with their supervisors: nothing escaped");
        }
        let begin = Instant::now();
        let restarted = queue::now();
        let mut second = self.start()?;
        let died = wait_until(|| !escapees.iter().any(Process::is_alive)).map(|()| begin.elapsed());
        let claimed = self.first_claim(restarted);
        // Whether it would end well is not the question here.
        second.kill()?;
        second.wait()?;
        Ok((claimed?, died?.as_secs_f64()))
    }

    fn start(&self) -> Result<Child> {
        let mut command = self.place.autoexec(&self.dir)?;
        Ok(command.args(["run", "-j", &ATTEMPTS.to_string()]).spawn()?)
    }

    fn sleepers(&self) -> Vec<Process> {
        processes::with_arguments(&[self.sleep.as_bytes()])
    }

    /// The queue keeps when a claim was made, so nobody has to look at the right moment.
    fn first_claim(&self, restarted: Timestamp) -> Result<f64> {
        let queue =
            Connection::open_with_flags(self.dir.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut first = None;
        wait_until(|| {
            let found: rusqlite::Result<Option<i64>> = queue.query_row(
                "SELECT min(claimed_at) FROM attempts \
                 WHERE run_id = (SELECT max(id) FROM runs WHERE started_at >= ?)",
                [restarted.as_millis()],
                |row| row.get(0),
            );
            first = found.ok().flatten();
            first.is_some()
        })?;
        let at = Timestamp::from_millis(first.context("nothing was claimed")?);
        Ok(at.since(restarted).as_secs_f64())
    }

    /// Nothing of it stays behind, whatever went wrong: first those who could start something.
    fn clear(&self) {
        let root = self.dir.root().as_os_str().as_bytes();
        for process in processes::with_arguments(&[root]) {
            process.kill(Signal::KILL);
        }
        for process in self.sleepers() {
            process.kill(Signal::KILL);
        }
    }
}

fn wait_until(mut there: impl FnMut() -> bool) -> Result<()> {
    let begin = Instant::now();
    while !there() {
        if begin.elapsed() > PATIENCE {
            bail!("waited for {} seconds", PATIENCE.as_secs());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
