//! A queue of the library and its reference, side by side.

use std::path::Path;

use autoexec::model::ids::AttemptId;
use autoexec::model::ids::BootId;
use autoexec::model::ids::Epoch;
use autoexec::model::ids::ProcessIdentity;
use autoexec::model::ids::RunId;
use autoexec::model::ids::TaskId;
use autoexec::model::layout::StateDir;
use autoexec::model::state::TaskEvent;
use autoexec::store::Access;
use autoexec::store::Extent;
use autoexec::store::Store;
use autoexec::store::StoreError;
use autoexec::store::Transaction;
use autoexec::store::attempts;
use autoexec::store::attempts::ClaimFacts;
use autoexec::store::attempts::Finish;
use autoexec::store::attempts::StartFacts;
use autoexec::store::journal;
use autoexec::store::pick::{self, Selection};
use autoexec::store::runs::{self, NewRun};
use autoexec::store::tasks;
use autoexec::store::tasks::AddResult;
use autoexec::store::tasks::NewTask;
use autoexec::store::tasks::OnChange;
use autoexec::support::clock::Timestamp;

use crate::commands::Step;
use crate::commands::compare::Extent::All;
use crate::commands::compare::compare;
use crate::commands::given::actor;
use crate::commands::given::hold;
use crate::commands::given::new_task;
use crate::commands::given::outcome;
use crate::commands::model::Model;
use crate::commands::model::Refused;
use crate::commands::nouns::Change;
use crate::commands::nouns::End;
use crate::commands::nouns::New;

const BEGIN: i64 = 1_700_000_000_000;
const BOOT: BootId = BootId([7; 16]);

/// The queue and its reference, side by side.
pub(crate) struct Pair {
    dir: StateDir,
    store: Option<Store>,
    model: Model,
    run: RunId,
    next_task: i64,
    next_attempt: i64,
    /// The next step is taken back.
    undo: bool,
}

/// What the reference says, and what the queue does.
type Both = (Result<(), Refused>, Result<(), StoreError>);

/// An empty queue, to begin from.
pub(crate) fn prepare(template: &Path) {
    std::fs::create_dir(template).unwrap();
    let dir = StateDir::at(template);
    std::fs::create_dir(dir.backups()).unwrap();
    let mut store = Store::open(&dir, Access::ReadWrite, Timestamp::from_millis(BEGIN)).unwrap();
    store.checkpoint().unwrap();
}

impl Pair {
    /// Plays a sequence on both sides, beginning from an empty queue; says what differs.
    pub(crate) fn play(template: &Path, place: &Path, sequence: &[Step]) -> Result<(), String> {
        let mut pair = Self::new(template, place);
        for step in sequence {
            pair.take(step)?;
            pair.compare()?;
        }
        pair.crash();
        pair.compare()?;
        let found = pair.store().check(Extent::Whole).unwrap();
        if found.is_sound() {
            Ok(())
        } else {
            Err(format!("not sound: {:?}", found.problems))
        }
    }

    fn new(template: &Path, place: &Path) -> Self {
        if place.exists() {
            std::fs::remove_dir_all(place).unwrap();
        }
        std::fs::create_dir(place).unwrap();
        let dir = StateDir::at(place);
        std::fs::create_dir(dir.backups()).unwrap();
        std::fs::copy(StateDir::at(template).database(), dir.database()).unwrap();
        let mut pair = Self {
            dir,
            store: None,
            model: Model {
                now: BEGIN,
                ..Model::default()
            },
            run: RunId::new(0),
            next_task: 1,
            next_attempt: 1,
            undo: false,
        };
        pair.crash();
        pair
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.model.now)
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    /// Another process opens the queue, and begins another run.
    fn crash(&mut self) {
        let now = self.now();
        self.store = None;
        let mut store = Store::open(&self.dir, Access::ReadWrite, now).unwrap();
        let run = NewRun {
            mode: "run".to_owned(),
            process: ProcessIdentity { pid: 4, start: 5 },
            boot: BOOT,
            epoch: Epoch(1),
            slots: 2,
        };
        self.run = store.write(|tx| runs::start(tx, &run, now)).unwrap();
        self.store = Some(store);
    }

    /// Carries out a step on both sides. What the one refuses, the other refuses.
    fn take(&mut self, step: &Step) -> Result<(), String> {
        let before = self.undo.then(|| self.model.clone());
        let (expected, found) = match step {
            Step::Later(millis) => {
                self.model.now += millis;
                return Ok(());
            }
            Step::Undone => {
                self.undo = true;
                return Ok(());
            }
            Step::Crash => {
                self.crash();
                return Ok(());
            }
            Step::Add { tasks, replace } => self.add(tasks, *replace),
            Step::Claim(which) => self.claim(*which)?,
            Step::ReturnClaim(attempt) => {
                let Some(attempt) = self.attempt(*attempt) else {
                    return Ok(());
                };
                let expected = self.model.return_claim(attempt);
                let found = self.write(|tx, now| {
                    attempts::return_claim(tx, AttemptId::new(attempt), &actor(), now).map(drop)
                });
                (expected, found)
            }
            Step::Start(attempt) => {
                let Some(attempt) = self.attempt(*attempt) else {
                    return Ok(());
                };
                (self.model.start(attempt), self.start(attempt))
            }
            Step::End { attempt, end, used } => {
                let Some(attempt) = self.attempt(*attempt) else {
                    return Ok(());
                };
                let expected = self.model.end(attempt, *end, *used);
                (expected, self.end(attempt, *end, *used))
            }
            Step::Change(task, change) => {
                let Some(task) = self.task(*task) else {
                    return Ok(());
                };
                let expected = self.model.change(task, *change);
                (expected, self.change(task, *change))
            }
            Step::Reprioritize(task, priority) => {
                let Some(task) = self.task(*task) else {
                    return Ok(());
                };
                let expected = self.model.reprioritize(task, *priority);
                let found = self.write(|tx, now| {
                    tasks::reprioritize(tx, TaskId::new(task), *priority, &actor(), now)
                });
                (expected, found)
            }
            Step::Remove(task) => {
                let Some(task) = self.task(*task) else {
                    return Ok(());
                };
                let expected = self.model.remove(task);
                let found =
                    self.write(|tx, now| tasks::remove(tx, TaskId::new(task), &actor(), now));
                (expected, found)
            }
        };
        if let Some(before) = before {
            self.model = before;
            self.undo = false;
            return Ok(());
        }
        match (expected, found) {
            (Ok(()), Ok(())) | (Err(Refused), Err(_)) => Ok(()),
            (expected, found) => Err(format!("{step:?}: expected {expected:?}, found {found:?}")),
        }
    }

    fn start(&mut self, attempt: i64) -> Result<(), StoreError> {
        self.write(|tx, now| {
            let facts = StartFacts {
                process: None,
                slot: Some(1),
                at: now,
            };
            attempts::mark_started(tx, AttemptId::new(attempt), &facts, &actor(), now).map(drop)
        })
    }

    /// One transaction, that fails in its last moment if it is to be taken back.
    fn write(
        &mut self,
        change: impl FnOnce(&Transaction<'_>, Timestamp) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (now, undo) = (self.now(), self.undo);
        self.store().write(|tx| {
            change(tx, now)?;
            if undo {
                return Err(StoreError::NoSuchTask {
                    task: TaskId::new(0),
                });
            }
            Ok(())
        })
    }

    fn add(&mut self, news: &[New], replace: bool) -> Both {
        let now = self.now();
        let new: Vec<NewTask> = news.iter().map(|new| new_task(new, now)).collect();
        let on_change = if replace {
            OnChange::Replace
        } else {
            OnChange::Keep
        };
        let mut results = Vec::new();
        let found = self.write(|tx, now| {
            results = tasks::add(tx, &new, on_change, &actor(), now)?;
            Ok(())
        });
        let mut next = self.next_task;
        let mut ids = Vec::new();
        for (place, _) in news.iter().enumerate() {
            match results.get(place) {
                Some(AddResult::Added(id)) => ids.push(id.get()),
                Some(_) => ids.push(0),
                None => {
                    ids.push(next);
                    next += 1;
                }
            }
        }
        self.next_task = ids
            .iter()
            .copied()
            .max()
            .unwrap_or_default()
            .max(self.next_task - 1)
            + 1;
        (self.model.add(news, replace, &ids), found)
    }

    fn claim(&mut self, which: Option<usize>) -> Result<Both, String> {
        let now = self.now();
        let found = self
            .store()
            .write(|tx| pick::candidates(tx, now, 64, Selection::All))
            .unwrap();
        let found: Vec<i64> = found.iter().map(|candidate| candidate.id.get()).collect();
        let expected = self.model.candidates();
        if found != expected {
            return Err(format!(
                "could start: expected {expected:?}, found {found:?}"
            ));
        }
        let task = match which {
            Some(which) => self.task(which),
            None => found.first().copied(),
        };
        let Some(task) = task else {
            return Ok((Ok(()), Ok(())));
        };
        let facts = ClaimFacts {
            run: self.run,
            boot: BOOT,
            epoch: Epoch(1),
            timeout: None,
        };
        let mut attempt = self.next_attempt;
        let found = self.write(|tx, now| {
            attempt = attempts::claim(tx, TaskId::new(task), &facts, &actor(), now)?
                .id
                .get();
            Ok(())
        });
        if found.is_ok() {
            if attempt < self.next_attempt {
                return Err(format!("attempt {attempt} was there before"));
            }
            self.next_attempt = attempt + 1;
        }
        Ok((self.model.claim(task, attempt), found))
    }

    fn end(&mut self, attempt: i64, end: End, used: bool) -> Result<(), StoreError> {
        let id = AttemptId::new(attempt);
        self.write(|tx, now| {
            let event = match end {
                End::Success => TaskEvent::Succeeded { attempt: id },
                End::Failure => TaskEvent::Failed { attempt: id },
                End::Retry(delay) => TaskEvent::RetryScheduled {
                    attempt: id,
                    until: Timestamp::from_millis(now.as_millis() + delay),
                },
                End::Interrupted => TaskEvent::Interrupted {
                    attempt: id,
                    until: None,
                },
                End::Held => TaskEvent::Held(hold()),
                End::Cancelled => TaskEvent::Cancelled,
                End::Completed => TaskEvent::Completed {
                    reason: "x".to_owned(),
                },
                End::Recovery => TaskEvent::RecoveryStarted { attempt: id },
            };
            let outcome = outcome(now);
            let finish = Finish {
                outcome: &outcome,
                classification: None,
                used,
                decision: "x",
                next_at: None,
            };
            attempts::finish(tx, id, &finish, &event, &actor(), now).map(drop)
        })
    }

    fn change(&mut self, task: i64, change: Change) -> Result<(), StoreError> {
        let id = TaskId::new(task);
        self.write(|tx, now| {
            let event = match change {
                Change::Cancel => TaskEvent::Cancelled,
                Change::Hold => TaskEvent::Held(hold()),
                Change::Release => match tx.still_to_come(id, now)? {
                    Some(until) => TaskEvent::ReleasedUntil { until },
                    None => TaskEvent::Released,
                },
                Change::Requeue => TaskEvent::Requeued,
                Change::Complete => TaskEvent::Completed {
                    reason: "x".to_owned(),
                },
                Change::Recovered(delay) => {
                    let until = Timestamp::from_millis(now.as_millis() + delay);
                    match tx.state(id)?.attempt() {
                        Some(attempt) => TaskEvent::Recovered { attempt, until },
                        None => return Err(StoreError::NoSuchTask { task: id }),
                    }
                }
            };
            journal::record(tx, id, &event, &actor(), now).map(drop)
        })
    }

    fn task(&self, number: usize) -> Option<i64> {
        let tasks = &self.model.tasks;
        tasks
            .get(number.checked_rem(tasks.len())?)
            .map(|task| task.id)
    }

    /// One that is open, or for once one that is not.
    fn attempt(&self, number: usize) -> Option<i64> {
        let open = &self.model.open;
        if number.is_multiple_of(10) && self.next_attempt > 1 {
            return Some(1 + i64::try_from(number).unwrap() % (self.next_attempt - 1));
        }
        open.get(number.checked_rem(open.len())?).copied()
    }

    fn compare(&self) -> Result<(), String> {
        let same = |store| compare(store, &self.model, All, 0);
        self.store.as_ref().map_or(Ok(()), same)
    }
}
