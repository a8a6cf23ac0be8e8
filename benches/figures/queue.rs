//! Queues to measure on, filled through the library: a command would take too long for the large ones.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use autoexec::host::state_dir;
use autoexec::host::state_dir::SharedFileSystem;
use autoexec::model::category::{Category, Classification, Retryable};
use autoexec::model::ids::{BootId, Epoch, ProcessIdentity, RunId, TaskId, TaskName};
use autoexec::model::layout::StateDir;
use autoexec::model::outcome::{Containment, Ended, Exit, Outcome, OutputPlace, Usage};
use autoexec::model::spec::{Command, Surroundings, TaskSpec};
use autoexec::model::state::TaskEvent;
use autoexec::store::attempts::{self, ClaimFacts, Finish, StartFacts};
use autoexec::store::runs::{self, NewRun, RunEnd};
use autoexec::store::tasks::{self, AddResult, NewTask, OnChange, Times};
use autoexec::store::{Access, Actor, Store, StoreError, Transaction};
use autoexec::support::bytes::OsText;
use autoexec::support::clock::{Clock, Timestamp};

/// Tasks that go into the queue in one transaction.
const BATCH: usize = 10_000;

/// A queue that is open to be filled.
pub(crate) struct Queue {
    store: Store,
    added: usize,
}

impl Queue {
    /// Makes it.
    pub(crate) fn make(dir: &StateDir) -> Result<Self> {
        state_dir::prepare(dir, SharedFileSystem::Refuse)?;
        let store = Store::open(dir, Access::ReadWrite, now())?;
        Ok(Self { store, added: 0 })
    }

    /// Adds `count` tasks with the same command.
    pub(crate) fn add(&mut self, count: usize, command: &[OsText]) -> Result<Vec<TaskId>> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let surroundings = Arc::new(Surroundings([("PATH".to_owned(), path.into())].into()));
        let mut added = Vec::with_capacity(count);
        while added.len() < count {
            let upto = count.min(added.len() + BATCH);
            let new = (added.len()..upto)
                .map(|number| new_task(self.added + number, command, &surroundings))
                .collect::<Result<Vec<NewTask>>>()?;
            let results = self
                .store
                .write(|tx| tasks::add(tx, &new, OnChange::Keep, &actor(), now()))?;
            added.extend(results.into_iter().filter_map(|result| match result {
                AddResult::Added(id) => Some(id),
                AddResult::AlreadyQueued(_)
                | AddResult::Replaced(_)
                | AddResult::KeptOld(_)
                | AddResult::RefusedHeld(_) => None,
            }));
        }
        self.added += added.len();
        Ok(added)
    }

    /// Gives the tasks a past: of ten tasks nine succeeded at once, and one at its second attempt.
    /// Gives the number of attempts.
    pub(crate) fn finish(&mut self, tasks: &[TaskId]) -> Result<usize> {
        let run = self.store.write(|tx| runs::start(tx, &past_run(), now()))?;
        let mut attempts = 0;
        for batch in tasks.chunks(BATCH) {
            self.store.write(|tx| {
                for task in batch {
                    if task.get() % 10 == 0 {
                        attempt(tx, *task, run, Some(&refused()))?;
                        attempts += 1;
                    }
                    attempt(tx, *task, run, None)?;
                    attempts += 1;
                }
                Ok(())
            })?;
        }
        let end = RunEnd {
            at: now(),
            because: "drained".to_owned(),
            exit_code: 0,
        };
        self.store.write(|tx| runs::end(tx, run, &end))?;
        Ok(attempts)
    }

    /// Brings everything into the database, so that nobody who is measured has to do it.
    pub(crate) fn close(mut self) -> Result<()> {
        Ok(self.store.checkpoint()?)
    }
}

/// A queue with so many tasks that do nothing.
pub(crate) fn of_no_ops(dir: &StateDir, count: usize) -> Result<()> {
    let mut queue = Queue::make(dir)?;
    queue.add(count, &["true".into()])?;
    queue.close()
}

/// A queue with so many finished tasks, and so many that do nothing behind them.
pub(crate) fn fill(dir: &str, finished: &str, queued: &str) -> Result<()> {
    let mut queue = Queue::make(&StateDir::at(dir))?;
    let tasks = queue.add(finished.parse()?, &["true".into()])?;
    queue.finish(&tasks)?;
    queue.add(queued.parse()?, &["true".into()])?;
    queue.close()
}

pub(crate) fn now() -> Timestamp {
    Clock::System.now()
}

fn actor() -> Actor {
    Actor::Command("bench".to_owned())
}

fn new_task(
    number: usize,
    command: &[OsText],
    surroundings: &Arc<Surroundings>,
) -> Result<NewTask> {
    let name = TaskName::new(&format!("task-{number}")).map_err(anyhow::Error::msg)?;
    let command = Command::Direct(command.to_vec());
    Ok(NewTask {
        spec: Box::new(TaskSpec::of_command(name, command, "/".into())),
        surroundings: Arc::clone(surroundings),
        source: None,
        times: Times::default(),
    })
}

fn past_run() -> NewRun {
    NewRun {
        mode: "run".to_owned(),
        process: ProcessIdentity { pid: 1, start: 1 },
        boot: BootId([1; 16]),
        epoch: Epoch(1),
        slots: 2,
    }
}

/// One attempt from its claim to its end.
fn attempt(
    tx: &Transaction<'_>,
    task: TaskId,
    run: RunId,
    failure: Option<&Classification>,
) -> Result<(), StoreError> {
    let (begin, end) = (now(), now().plus(Duration::from_millis(20)));
    let facts = ClaimFacts {
        run,
        boot: BootId([1; 16]),
        epoch: Epoch(1),
        timeout: None,
    };
    let attempt = attempts::claim(tx, task, &facts, &actor(), begin)?.id;
    let start = StartFacts {
        process: Some(ProcessIdentity { pid: 1, start: 1 }),
        slot: Some(0),
        at: begin,
    };
    attempts::mark_started(tx, attempt, &start, &actor(), begin)?;
    let outcome = Outcome {
        ended: Ended::ByItself(Exit::Code(i32::from(failure.is_some()))),
        started_at: Some(begin),
        ended_at: end,
        duration: Duration::from_millis(20),
        usage: Usage {
            max_rss_bytes: 2 << 20,
            cpu_user: Duration::from_millis(8),
            cpu_system: Duration::from_millis(3),
        },
        output: OutputPlace::default(),
        leftovers: Vec::new(),
        leftover_count: 0,
        containment: Containment::Subreaper,
        out_of_memory: false,
        notes: Vec::new(),
        account: autoexec::model::outcome::Account::default(),
    };
    let event = if failure.is_some() {
        TaskEvent::RetryScheduled {
            attempt,
            until: end,
        }
    } else {
        TaskEvent::Succeeded { attempt }
    };
    let finish = Finish {
        outcome: &outcome,
        classification: failure,
        used: true,
        decision: if failure.is_some() {
            "retry"
        } else {
            "success"
        },
        next_at: failure.map(|_| end),
    };
    attempts::finish(tx, attempt, &finish, &event, &actor(), end)?;
    Ok(())
}

fn refused() -> Classification {
    Classification {
        category: Category::Network,
        pattern: "connection_refused".to_owned(),
        retryable: Retryable::Yes,
        told: false,
        confidence: 0.9,
        extracted: std::collections::BTreeMap::new(),
        line: Some("connect to db.internal: connection refused".to_owned()),
    }
}
