//! What this program does when it is started again with a hidden word: the loop that autoexec is
//! compared with, a run that looks at its own pace, and a command that floods.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use autoexec::engine::RunRequest;
use autoexec::engine::events::{RunEvent, RunWatcher};
use autoexec::model::layout::StateDir;
use autoexec::policy::retention::Retention;
use autoexec::store::pick::Awaited;
use autoexec::support::bytes::OsText;
use autoexec::support::clock::{Clock, Timestamp};

use crate::classify;
use crate::place::Place;
use crate::queue;

/// The bare loop: `SLOTS COUNT`.
pub(crate) const BARE: &str = "__bare";
/// A run that looks at its own pace: `STATE_DIR SLOTS WARM MEASURED`.
pub(crate) const ENGINE: &str = "__engine";
/// Makes a queue to look at: `STATE_DIR FINISHED QUEUED`.
pub(crate) const FILL: &str = "__fill";
/// A command that writes lines: `BYTES`.
pub(crate) const FLOOD: &str = "__flood";
/// A process that judges a failure: `FILE TIMES PATTERNS`.
pub(crate) const CLASSIFY: &str = "__classify";

/// Plays a hidden role, if the arguments name one.
pub(crate) fn play(words: &[&str]) -> Option<Result<()>> {
    match words {
        [BARE, slots, count] => Some(bare(slots, count)),
        [ENGINE, dir, slots, warm, measured] => Some(engine(dir, slots, warm, measured)),
        [FILL, dir, finished, queued] => Some(queue::fill(dir, finished, queued)),
        [FLOOD, bytes] => Some(flood(bytes)),
        [CLASSIFY, file, times, patterns] => Some(classify::judge(file, times, patterns)),
        _ => None,
    }
}

/// Starts and waits for `count` commands, their output captured and dropped, and does nothing else.
fn bare(slots: &str, count: &str) -> Result<()> {
    let (slots, count): (usize, usize) = (slots.parse()?, count.parse()?);
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        while next.fetch_add(1, Ordering::Relaxed) < count {
            let output = Command::new("true").stdin(Stdio::null()).output()?;
            if !output.status.success() {
                bail!("true: {}", output.status);
            }
        }
        Ok(())
    };
    if slots == 1 {
        return work();
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..slots).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a worker died")))
    })
}

/// What a run saw of its own pace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// From the end of the last attempt that does not count to the end of the last that does.
    pub(crate) span: Duration,
    /// Attempts that were started.
    pub(crate) started: u64,
    /// Transactions.
    pub(crate) commits: u64,
}

impl Seen {
    /// Has the library run a queue, in a process of its own. After `warm` attempts that do not
    /// count and `measured` that do it stops; with 0 measured it goes on until nothing is left.
    pub(crate) fn of(
        place: &Place,
        dir: &StateDir,
        slots: usize,
        warm: usize,
        measured: usize,
    ) -> Result<Self> {
        let mut command = place.role(ENGINE)?;
        command.arg(dir.root());
        command.args([slots, warm, measured].map(|number| number.to_string()));
        let output = command.stdout(Stdio::piped()).output()?;
        if !output.status.success() {
            bail!(
                "a run ended with {}: {}",
                output.status,
                place.last_complaint()
            );
        }
        let text = String::from_utf8(output.stdout)?;
        let figures = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<Vec<u64>, _>>()?;
        match figures.as_slice() {
            [nanos, started, commits] => Ok(Self {
                span: Duration::from_nanos(*nanos),
                started: *started,
                commits: *commits,
            }),
            _ => bail!("a run said `{text}`"),
        }
    }
}

/// Watches a run, and stops it when enough was seen.
struct Pacer {
    ended: usize,
    warm: usize,
    measured: usize,
    begin: Option<Instant>,
    span: Option<Duration>,
}

impl RunWatcher for Pacer {
    fn watch(&mut self, _at: Timestamp, event: &RunEvent) {
        if !matches!(event, RunEvent::AttemptEnded { .. }) {
            return;
        }
        self.ended += 1;
        if self.ended == self.warm {
            self.begin = Some(Instant::now());
        }
        if self.measured > 0 && self.ended == self.warm + self.measured {
            self.span = self.begin.map(|begin| begin.elapsed());
            let own = rustix::process::getpid();
            let _it_ends_anyway = rustix::process::kill_process(own, rustix::process::Signal::TERM);
        }
    }
}

fn engine(dir: &str, slots: &str, warm: &str, measured: &str) -> Result<()> {
    let request = RunRequest {
        dir: StateDir::at(dir),
        clock: Clock::System,
        slots: slots.parse()?,
        selection: None,
        awaited: Awaited::Attempts,
        adopt: true,
        stalled_after: std::time::Duration::from_mins(30),
        executable: PathBuf::from(env!("CARGO_BIN_EXE_autoexec")),
        patterns: std::sync::Arc::default(),
        breakers: std::sync::Arc::default(),
        attended: false,
        schedule: autoexec::engine::Schedule::default(),
        telling: autoexec::engine::telling::Telling::default(),
        retention: Retention::default(),
        on_failure: autoexec::engine::OnFailure::default(),
    };
    let mut pacer = Pacer {
        ended: 0,
        warm: warm.parse()?,
        measured: measured.parse()?,
        begin: None,
        span: None,
    };
    let outcome = autoexec::engine::run(&request, &mut pacer)?;
    if pacer.measured > 0 && pacer.span.is_none() {
        bail!("the queue was empty after {} attempts", pacer.ended);
    }
    let span = pacer.span.unwrap_or_default();
    println!(
        "{} {} {}",
        span.as_nanos(),
        outcome.started,
        outcome.commits
    );
    Ok(())
}

/// Writes lines of 64 bytes as fast as whoever reads takes them.
fn flood(bytes: &str) -> Result<()> {
    let line = b"0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXY\n";
    let block = line.repeat(1024);
    let mut left: usize = bytes.parse()?;
    let mut output = std::io::stdout();
    while left > 0 {
        let part = block.get(..left.min(block.len())).unwrap_or_default();
        std::io::Write::write_all(&mut output, part)?;
        left -= part.len();
    }
    std::io::Write::flush(&mut output).context("the flood was not taken whole")
}

/// The command of a task that floods.
pub(crate) fn flood_command(bytes: usize) -> Result<Vec<OsText>> {
    let own = std::env::current_exe()?;
    Ok(vec![
        own.as_path().into(),
        FLOOD.into(),
        bytes.to_string().into(),
    ])
}
