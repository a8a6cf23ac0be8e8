//! Showing a run beside it: whoever does not read must not stop it.
//!
//! A terminal on which somebody typed Ctrl-S, or a pager that nobody scrolls, takes no more output,
//! and a write to it waits for ever. So events go through a channel to a thread that does the
//! writing. [`ROOM`] events may wait; what comes when so many do is counted, and the number is told when
//! there is room again.
//!
//! What a beat tells goes through the channel in one piece, so that the thread is woken up once for it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use crate::engine::events::RunEvent;
use crate::engine::events::RunWatcher;
use crate::support::clock::Timestamp;
use crate::support::text::count;

/// Events that may wait to be shown, a few megabytes.
const ROOM: usize = 16 * 1024;

type Told = (Timestamp, Vec<RunEvent>);

/// Hands events to a watcher in a thread of its own.
pub(crate) struct Aside {
    sender: Option<Sender<Told>>,
    thread: Option<JoinHandle<()>>,
    /// Events that were handed over and that the thread has not taken.
    waiting: Arc<AtomicUsize>,
    room: usize,
    missed: usize,
    /// The end of the run, if there was no room for it.
    last: Option<(Timestamp, RunEvent)>,
}

impl Aside {
    /// Puts a watcher into a thread; without one to spare the run is not shown at all.
    pub(crate) fn new(watcher: Box<dyn RunWatcher + Send>) -> Self {
        Self::with_room(watcher, ROOM)
    }

    fn with_room(mut watcher: Box<dyn RunWatcher + Send>, room: usize) -> Self {
        let (sender, receiver): (_, Receiver<Told>) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        let thread = std::thread::Builder::new()
            .name("shown".to_owned())
            .spawn(move || {
                for (at, events) in receiver {
                    left.fetch_sub(events.len(), Ordering::Relaxed);
                    watcher.watch_all(at, &events);
                }
            })
            .ok();
        Self {
            sender: Some(sender),
            thread,
            waiting,
            room,
            missed: 0,
            last: None,
        }
    }

    /// Whether so many events found room; a thread that is gone takes everything.
    fn offer(&self, at: Timestamp, events: &[RunEvent]) -> bool {
        // Only we add to it, so there is at least as much room as is seen here.
        let waiting = self.waiting.load(Ordering::Relaxed);
        // What one beat tells stays together, however much it is.
        if waiting > 0 && waiting + events.len() > self.room {
            return false;
        }
        self.send(at, events.to_vec());
        true
    }

    fn send(&self, at: Timestamp, events: Vec<RunEvent>) {
        if let Some(sender) = &self.sender {
            self.waiting.fetch_add(events.len(), Ordering::Relaxed);
            let _thread_gone = sender.send((at, events));
        }
    }

    fn apology(&self) -> RunEvent {
        let events = count(self.missed, "event");
        let text = format!("{events} could not be shown, as nobody took the output");
        RunEvent::Warning { text }
    }
}

impl RunWatcher for Aside {
    fn watch(&mut self, at: Timestamp, event: &RunEvent) {
        self.watch_all(at, std::slice::from_ref(event));
    }

    fn watch_all(&mut self, at: Timestamp, events: &[RunEvent]) {
        if events.is_empty() {
            return;
        }
        if self.missed > 0 && self.offer(at, &[self.apology()]) {
            self.missed = 0;
        }
        if !self.offer(at, events) {
            self.missed += events.len();
            let last = events.last();
            let end = last.filter(|last| matches!(last, RunEvent::RunEnded { .. }));
            self.last = end.map(|end| (at, end.clone()));
        }
    }
}

impl Drop for Aside {
    /// Waits until everything is shown. The run is over and recorded, so nobody is kept from
    /// anything but the prompt.
    fn drop(&mut self) {
        if let Some((at, end)) = self.last.take() {
            self.send(at, vec![self.apology(), end]);
        }
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aside")
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::events::RunEnd;
    use crate::engine::events::RunTotals;
    use std::sync::{Arc, Mutex};

    /// Shows an event only when it is allowed to, like a terminal that is held.
    struct Held {
        taken: mpsc::Sender<()>,
        permits: Receiver<()>,
        shown: Arc<Mutex<Vec<String>>>,
    }

    impl RunWatcher for Held {
        fn watch(&mut self, _at: Timestamp, event: &RunEvent) {
            // Nobody need listen.
            let _nobody_listens = self.taken.send(());
            // A closed channel is a permit for all that is left.
            let _closed = self.permits.recv();
            let shown = if let RunEvent::Warning { text } = event {
                text.clone()
            } else {
                "the end".to_owned()
            };
            self.shown.lock().unwrap().push(shown);
        }
    }

    fn warning(number: usize) -> RunEvent {
        RunEvent::Warning {
            text: number.to_string(),
        }
    }

    #[test]
    fn an_output_that_nobody_takes_does_not_stop_the_run() {
        let (permit, permits) = mpsc::channel();
        let (taken, taking) = mpsc::channel();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let held = Held {
            taken,
            permits,
            shown: Arc::clone(&shown),
        };
        let now = Timestamp::from_millis(0);
        let mut aside = Aside::with_room(Box::new(held), 4);
        // Declared behind what waits for it, so that a failing test ends, too.
        let permit = permit;
        aside.watch(now, &warning(0));
        taking.recv().unwrap();
        // One is in the hands of the thread, four wait, the rest finds no room.
        for number in 1..100 {
            aside.watch(now, &warning(number));
        }
        assert_eq!(aside.missed, 95);
        let end = RunEvent::RunEnded {
            because: RunEnd::Drained,
            totals: RunTotals::default(),
        };
        aside.watch(now, &end);
        drop(permit);
        drop(aside);
        let shown = shown.lock().unwrap();
        assert_eq!(shown.first().map(String::as_str), Some("0"));
        assert_eq!(shown.last().map(String::as_str), Some("the end"));
        assert!(shown.iter().any(|line| line.contains("could not be shown")));
    }

    #[test]
    fn what_is_taken_is_shown_in_order_and_whole() {
        let (permit, permits) = mpsc::channel::<()>();
        drop(permit);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (taken, _nobody_listens) = mpsc::channel();
        let held = Held {
            taken,
            permits,
            shown: Arc::clone(&shown),
        };
        let mut aside = Aside::with_room(Box::new(held), 1000);
        for number in 0..500 {
            aside.watch(Timestamp::from_millis(0), &warning(number));
        }
        drop(aside);
        let expected: Vec<String> = (0..500).map(|number: usize| number.to_string()).collect();
        assert_eq!(*shown.lock().unwrap(), expected);
    }
}
