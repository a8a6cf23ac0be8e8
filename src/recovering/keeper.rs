//! Where breakers are: in memory, shared by the clones of a policy, or in the queue of a state directory.
//!
//! What follows for a breaker is `policy::breaker`; the rows are `store::breakers`. The store blocks, so
//! it is only touched on threads that may.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::host::state_dir;
use crate::host::state_dir::SharedFileSystem;
use crate::host::state_dir::StateDirError;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::model::ids::TaskName;
use crate::model::layout::StateDir;
use crate::policy::breaker::Breaker;
use crate::policy::learning::Context;
use crate::policy::learning::learned;
use crate::policy::recovery::Learned;
use crate::recovering::healing::Deed;
use crate::store::Access;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Transaction;
use crate::store::breakers;
use crate::store::breakers::Kind;
use crate::store::recoveries;
use crate::store::recoveries::NewRecovery;
use crate::support::clock::Clock;
use crate::support::clock::Timestamp;

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeeperError {
    #[error("the state directory cannot be used")]
    Directory(#[from] StateDirError),
    #[error("the queue cannot be used")]
    Store(#[from] StoreError),
    #[error("the thread that used the queue was cut short")]
    CutShort,
}

/// A breaker, and why it turned if it did.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) breaker: Breaker,
    pub(super) because: Option<String>,
}

/// Breakers by the names of their services.
pub(super) type Breakers = BTreeMap<String, Kept>;

/// Keeps breakers, and counts who uses which service at once.
#[derive(Debug)]
pub(super) struct Keeper {
    home: Home,
    pub(super) in_use: Mutex<BTreeMap<String, u32>>,
    /// Something has turned, or somebody has left.
    pub(super) changed: Notify,
    /// An instant by two clocks.
    at: (Timestamp, Instant),
}

#[derive(Debug)]
enum Home {
    Memory(Mutex<BTreeMap<String, Breaker>>),
    Queue(Arc<Queue>),
}

#[derive(Debug)]
struct Queue {
    dir: StateDir,
    /// Opened when it is first needed.
    store: Mutex<Option<Store>>,
}

impl Keeper {
    pub(super) fn in_memory() -> Self {
        Self::of(Home::Memory(Mutex::default()))
    }

    pub(super) fn in_queue(dir: StateDir) -> Self {
        let store = Mutex::default();
        Self::of(Home::Queue(Arc::new(Queue { dir, store })))
    }

    fn of(home: Home) -> Self {
        Self {
            home,
            in_use: Mutex::default(),
            changed: Notify::new(),
            at: (Clock::System.now(), Instant::now()),
        }
    }

    pub(super) const fn is_shared_with_others(&self) -> bool {
        matches!(self.home, Home::Queue(_))
    }

    /// The present instant, by a clock that does not jump where nobody else reads what it says.
    pub(super) fn now(&self) -> Timestamp {
        match self.home {
            Home::Memory(_) => self.at.0.plus(self.at.1.elapsed()),
            Home::Queue(_) => Clock::System.now(),
        }
    }

    /// Reads the breakers of some services, lets them be changed, and keeps what came of it.
    pub(super) async fn change<R: Send + 'static>(
        &self,
        names: &[String],
        change: impl FnOnce(&mut Breakers) -> R + Send + 'static,
    ) -> Result<R, KeeperError> {
        if names.is_empty() {
            return Ok(change(&mut Breakers::new()));
        }
        match &self.home {
            Home::Memory(kept) => Ok(change_in_memory(kept, names, change)),
            Home::Queue(queue) => {
                let (names, now) = (names.to_vec(), self.now());
                queue
                    .with(now, move |store| {
                        change_in_queue(store, &names, change, now)
                    })
                    .await
            }
        }
    }

    /// As [`Keeper::change`] where that is possible without waiting for anybody: in memory.
    pub(super) fn change_at_once(&self, names: &[String], change: impl FnOnce(&mut Breakers)) {
        if let Home::Memory(kept) = &self.home {
            change_in_memory(kept, names, change);
        }
    }

    /// What is known of strategies for a failure.
    pub(super) async fn learned(&self, failure: &Classification) -> Learned {
        let Home::Queue(queue) = &self.home else {
            return Learned::default();
        };
        let (failure, now) = (failure.clone(), self.now());
        let read = queue.with(now, move |store| {
            let context = Context {
                tool: "",
                category: failure.category.as_str(),
                task: None,
            };
            Ok(learned(&store.figures(&failure.pattern)?, context, now))
        });
        // Without it the usual order holds.
        read.await.unwrap_or_default()
    }
}

impl Keeper {
    /// Keeps what is known now of what was done, where somebody else can learn from it.
    pub(super) async fn teach(&self, deeds: Vec<Deed>) -> Result<(), KeeperError> {
        let Home::Queue(queue) = &self.home else {
            return Ok(());
        };
        if deeds.is_empty() {
            return Ok(());
        }
        let teaching = queue.with(self.now(), move |store| {
            store.write(|tx| deeds.iter().try_for_each(|deed| teach(tx, deed)))
        });
        teaching.await
    }
}

fn teach(tx: &Transaction<'_>, deed: &Deed) -> Result<(), StoreError> {
    let past = &deed.past;
    let Some(plan) = &past.plan else {
        return Ok(());
    };
    let of = NewRecovery {
        attempt: AttemptId::new(0),
        failure: &deed.failure,
        tool: "",
        fingerprint: &past.fingerprint,
        strategy: &past.strategy,
        risk: plan.risk,
        plan: Some(plan),
        variant: None,
        expected: None,
        draw: None,
        seed: None,
        state: past.state,
        detail: deed.detail.as_deref(),
    };
    let name = TaskName::of_a_call();
    let ended = past.ended_at.unwrap_or(past.started_at);
    recoveries::learn_elsewhere(tx, name.as_str(), &of, (past.started_at, ended))
}

impl Queue {
    /// Does something with the store, on a thread that may block.
    async fn with<R: Send + 'static>(
        self: &Arc<Self>,
        now: Timestamp,
        work: impl FnOnce(&mut Store) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, KeeperError> {
        let queue = Arc::clone(self);
        let worked = tokio::task::spawn_blocking(move || {
            let mut opened = locked(&queue.store);
            let store = if let Some(store) = opened.as_mut() {
                store
            } else {
                state_dir::prepare(&queue.dir, SharedFileSystem::Refuse)?;
                opened.insert(Store::open(&queue.dir, Access::ReadWrite, now)?)
            };
            Ok(work(store)?)
        });
        worked.await.unwrap_or(Err(KeeperError::CutShort))
    }
}

fn change_in_memory<R>(
    kept: &Mutex<BTreeMap<String, Breaker>>,
    names: &[String],
    change: impl FnOnce(&mut Breakers) -> R,
) -> R {
    let mut kept = locked(kept);
    let mut breakers: Breakers = names
        .iter()
        .map(|name| {
            (
                name.clone(),
                unchanged(kept.remove(name).unwrap_or_default()),
            )
        })
        .collect();
    let changed = change(&mut breakers);
    kept.extend(
        breakers
            .into_iter()
            .map(|(name, kept)| (name, kept.breaker)),
    );
    changed
}

fn change_in_queue<R>(
    store: &mut Store,
    names: &[String],
    change: impl FnOnce(&mut Breakers) -> R,
    now: Timestamp,
) -> Result<R, StoreError> {
    store.write(|tx| {
        let mut before = Breakers::new();
        for name in names {
            let breaker = tx.breaker(Kind::Service, name)?;
            before.insert(name.clone(), unchanged(breaker));
        }
        let mut after = before.clone();
        let changed = change(&mut after);
        for (name, kept) in &after {
            if before.get(name).map(|one| &one.breaker) != Some(&kept.breaker) {
                breakers::save(tx, Kind::Service, name, &kept.breaker, now)?;
            }
            if let Some(because) = &kept.because {
                breakers::note(tx, name, &kept.breaker.state, because, now)?;
            }
        }
        Ok(changed)
    })
}

const fn unchanged(breaker: Breaker) -> Kept {
    Kept {
        breaker,
        because: None,
    }
}

/// What a panic of somebody else has left is as good as before: every change is whole.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
