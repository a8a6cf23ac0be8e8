//! How long a visitor of `serve` waits for the health of a large queue.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::place::Place;
use crate::queue::Queue;
use crate::score::{Figure, Score, Target, Unit};

const TASKS: usize = 100_000;
/// Longer than a look holds, so that every visit is a look of its own.
const APART: Duration = Duration::from_millis(1700);

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    let dir = place.state()?;
    let mut queue = Queue::make(&dir)?;
    // Half of them are behind it, so that there is a past and a backlog.
    let tasks = queue.add(TASKS, &["true".into()])?;
    queue.finish(tasks.get(..TASKS / 2).unwrap_or_default())?;
    queue.close()?;
    let mut command = place.autoexec(&dir)?;
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped());
    let mut server = Server(command.spawn()?);
    let mut line = String::new();
    let told = server.0.stdout.as_mut().context("it says nothing")?;
    BufReader::new(told).read_line(&mut line)?;
    let address = line
        .trim()
        .trim_start_matches("http://")
        .trim_end_matches('/');
    // The look through the database that the first visit begins is over before the others come.
    visit(address)?;
    std::thread::sleep(APART * 2);
    let mut fresh = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..place.pick(20, 100) {
        std::thread::sleep(APART);
        fresh.push(visit(address)?);
        kept.push(visit(address)?);
    }
    eprintln!(
        "health of {TASKS} tasks: 95 of 100 looks within {:.1} ms",
        rank(&fresh, 95) * 1e3
    );
    for (what, ours) in [("a look", fresh), ("kept", kept)] {
        score.add(&Figure {
            what: format!("`/api/health/detailed`, 100,000 tasks, {what}"),
            unit: Unit::Seconds,
            ours,
            beside: None,
            target: Target::Value(0.05),
        });
    }
    Ok(())
}

/// A server that ends with this.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Seconds from the connection to the end of the answer.
fn visit(address: &str) -> Result<f64> {
    let begin = Instant::now();
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET /api/health/detailed HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let took = begin.elapsed().as_secs_f64();
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Ok(took)
}

fn rank(values: &[f64], share: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() * share).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(f64::NAN)
}
