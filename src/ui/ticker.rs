//! What of the bars changes as time goes on, without any event.
//!
//! One thread draws elapsed times and the line of those that wait, however many bars there are.

use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::model::ids::TaskName;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::text::span;

/// Between two drawings of elapsed times.
const TICK: Duration = Duration::from_millis(500);

/// A template of ours; a mistake in one is seen in the tests and costs no run.
pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key(
            "span",
            |state: &ProgressState, text: &mut dyn fmt::Write| {
                let _infallible = text.write_str(&span(state.elapsed()));
            },
        )
        .progress_chars("━━─")
}

/// What changes as time goes on.
#[derive(Default)]
pub(crate) struct Drawn {
    /// The bars that show elapsed time.
    pub(crate) bars: Vec<ProgressBar>,
    /// The line of those that wait; its own elapsed time runs from the instant of the waits.
    pub(crate) waits: Option<(ProgressBar, Waits)>,
}

/// Who waits for a next attempt, the soonest first.
#[derive(Debug, Clone)]
pub(crate) struct Waits {
    pub(crate) zone: Zone,
    pub(crate) told_at: Timestamp,
    pub(crate) soonest: Vec<(Timestamp, TaskName)>,
}

impl Waits {
    /// `next attempts: crawl waits for its turn, shop-dump at 14:24:02`.
    pub(crate) fn words(&self, after: Duration) -> String {
        let now = self.told_at.plus(after);
        let told: Vec<String> = self
            .soonest
            .iter()
            .map(|(due, name)| {
                if *due > now {
                    format!("{name} at {}", self.zone.clock_time(*due))
                } else {
                    // A slot, a service that is left alone, or that nothing else runs: `why` tells.
                    format!("{name} waits for its turn")
                }
            })
            .collect();
        format!("next attempts: {}", told.join(", "))
    }
}

impl Drawn {
    pub(crate) fn tick(&self) {
        if let Some((line, waits)) = &self.waits
            && !line.is_finished()
        {
            line.set_message(waits.words(line.elapsed()));
        }
        for bar in self.bars.iter().filter(|bar| !bar.is_finished()) {
            bar.tick();
        }
    }
}

/// One thread that lets elapsed times go on, however many bars there are.
pub(crate) struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// `None` when the system has no thread to spare; elapsed times then move with the events.
    pub(crate) fn start(drawn: Arc<Mutex<Drawn>>) -> Option<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    drawn.lock().unwrap_or_else(PoisonError::into_inner).tick();
                }
            })
            .ok()?;
        Some(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
