//! Watching for what recoveries wait for: one prober for each, however many tasks wait for it.
//!
//! Probers run beside the loop and never block it; what they saw comes through the inbox. When a wait
//! is over is not theirs to say: the loop looks at the clock.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::engine::healing::probe;
use crate::model::ids::AttemptId;
use crate::model::remedy::Await;

/// Between the first two looks.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How much longer each pause is than the one before.
const GROWTH: f64 = 1.5;
/// How much a pause differs at random, so that many machines do not look at one instant.
const JITTER: f64 = 0.2;

/// What was waited for is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// What.
    pub(crate) what: Await,
}

/// Everything that is watched for.
#[derive(Debug)]
pub(crate) struct Watchers {
    seen: UnboundedSender<Seen>,
    probers: BTreeMap<Await, Prober>,
}

#[derive(Debug)]
struct Prober {
    task: AbortHandle,
    waiting: BTreeSet<AttemptId>,
    /// Why it was not there at the last look.
    missing: watch::Receiver<String>,
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watchers {
    /// Watchers that tell through `seen`.
    pub(crate) fn new(seen: UnboundedSender<Seen>) -> Self {
        Self {
            seen,
            probers: BTreeMap::new(),
        }
    }

    /// Watches for something on behalf of a failed attempt.
    pub(crate) fn watch(&mut self, what: &Await, attempt: AttemptId) {
        if let Some(prober) = self.probers.get_mut(what) {
            prober.waiting.insert(attempt);
            return;
        }
        let (say, missing) = watch::channel(String::new());
        let task = tokio::spawn(probing(what.clone(), self.seen.clone(), say));
        let prober = Prober {
            task: task.abort_handle(),
            waiting: BTreeSet::from([attempt]),
            missing,
        };
        self.probers.insert(what.clone(), prober);
    }

    /// An attempt waits no longer; whoever was the last to wait for something ends its prober.
    pub(crate) fn leave(&mut self, what: &Await, attempt: AttemptId) {
        if let Some(prober) = self.probers.get_mut(what) {
            prober.waiting.remove(&attempt);
            if prober.waiting.is_empty() {
                self.probers.remove(what);
            }
        }
    }

    /// Something was seen: whoever waited for it, in the order of their attempts.
    pub(crate) fn take(&mut self, what: &Await) -> BTreeSet<AttemptId> {
        let prober = self.probers.remove(what);
        prober.map_or_else(BTreeSet::new, |mut prober| {
            std::mem::take(&mut prober.waiting)
        })
    }

    /// Why something was not there at the last look; empty before the first.
    pub(crate) fn missing(&self, what: &Await) -> String {
        let prober = self.probers.get(what);
        prober.map_or_else(String::new, |prober| prober.missing.borrow().clone())
    }
}

async fn probing(what: Await, seen: UnboundedSender<Seen>, missing: watch::Sender<String>) {
    until_seen(&what, |why| drop(missing.send_replace(why))).await;
    // Nobody listens any more when the run is over.
    drop(seen.send(Seen { what }));
}

/// Looks until it is there, and tells at each look why it is not.
pub(crate) async fn until_seen(what: &Await, mut missing: impl FnMut(String)) {
    let mut pause = FIRST_PAUSE;
    loop {
        match probe::look(what).await {
            Ok(()) => return,
            Err(why) => missing(why),
        }
        let share = 1.0 + JITTER * (2.0 * fastrand::f64() - 1.0);
        tokio::time::sleep(pause.mul_f64(share)).await;
        pause = pause.mul_f64(GROWTH).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use tokio::sync::mpsc::unbounded_channel;

    fn attempt(number: i64) -> AttemptId {
        AttemptId::new(number)
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    }

    #[test]
    fn whoever_waits_for_the_same_shares_one_prober() {
        let (send, mut seen) = unbounded_channel();
        runtime().block_on(async {
            // None of those that the kernel hands out to others.
            let port = (21_000..30_000)
                .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
                .unwrap();
            let what = Await::Tcp {
                host: "127.0.0.1".to_owned(),
                port,
            };
            let mut watchers = Watchers::new(send);
            for number in 1..=3 {
                watchers.watch(&what, attempt(number));
            }
            assert_eq!(watchers.probers.len(), 1);
            while watchers.missing(&what).is_empty() {
                tokio::task::yield_now().await;
            }
            assert_eq!(watchers.missing(&what), "connection refused");
            watchers.leave(&what, attempt(2));
            let _listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
            assert_eq!(seen.recv().await, Some(Seen { what: what.clone() }));
            assert_eq!(watchers.take(&what), [attempt(1), attempt(3)].into());
            assert!(watchers.probers.is_empty());
        });
    }

    #[test]
    fn the_last_one_to_leave_ends_the_prober() {
        let (send, mut seen) = unbounded_channel();
        runtime().block_on(async {
            let what = Await::Memory {
                available: u64::MAX,
            };
            let mut watchers = Watchers::new(send);
            watchers.watch(&what, attempt(1));
            watchers.leave(&what, attempt(1));
            drop(watchers);
            assert_eq!(seen.recv().await, None, "nobody is left who could see it");
        });
    }
}
