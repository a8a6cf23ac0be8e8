//! Tests only: a queue in a folder of its own, and the nouns to fill it with.

use std::time::Duration;

use tempfile::TempDir;

use crate::model::category::{Category, Classification, Retryable};
use crate::model::ids::{AttemptId, BootId, Epoch, ProcessIdentity, RunId, TaskId, TaskName};
use crate::model::layout::StateDir;
use crate::model::outcome::{Containment, Ended, Exit, Outcome, OutputPlace, Usage};
use crate::model::spec::{Command, Surroundings, TaskSpec};
use crate::store::attempts::{self, ClaimFacts, Finish, StartFacts};
use crate::store::runs::{self, NewRun};
use crate::store::tasks::{self, AddResult, NewTask, OnChange};
use crate::store::{Access, Actor, Store};
use crate::support::clock::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const BOOT: BootId = BootId([7; 16]);

pub(crate) fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

pub(crate) fn actor() -> Actor {
    Actor::Command("test".to_owned())
}

pub(crate) struct Queue {
    pub(crate) dir: StateDir,
    pub(crate) store: Store,
    folder: TempDir,
}

pub(crate) fn queue() -> Queue {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    std::fs::create_dir(dir.backups()).unwrap();
    let store = Store::open(&dir, Access::ReadWrite, NOW).unwrap();
    Queue { dir, store, folder }
}

impl Queue {
    /// The same queue after its process died and another came.
    pub(crate) fn reopen(self) -> Self {
        drop(self.store);
        let store = Store::open(&self.dir, Access::ReadWrite, NOW).unwrap();
        Self {
            dir: self.dir,
            store,
            folder: self.folder,
        }
    }

    pub(crate) fn add(&mut self, names: &[&str]) -> Vec<TaskId> {
        let new: Vec<NewTask> = names.iter().map(|name| new_task(name)).collect();
        self.store
            .write(|tx| tasks::add(tx, &new, OnChange::Keep, &actor(), NOW))
            .unwrap()
            .into_iter()
            .map(id_of)
            .collect()
    }

    pub(crate) fn run(&mut self) -> RunId {
        let new = NewRun {
            mode: "run".to_owned(),
            process: ProcessIdentity { pid: 4, start: 5 },
            boot: BOOT,
            epoch: Epoch(1),
            slots: 2,
        };
        self.store.write(|tx| runs::start(tx, &new, NOW)).unwrap()
    }

    pub(crate) fn claim(&mut self, task: TaskId, run: RunId) -> AttemptId {
        self.store
            .write(|tx| attempts::claim(tx, task, &facts(run), &actor(), NOW))
            .unwrap()
            .id
    }

    pub(crate) fn start(&mut self, attempt: AttemptId) {
        self.store
            .write(|tx| attempts::mark_started(tx, attempt, &start_facts(), &actor(), NOW))
            .unwrap();
    }
}

pub(crate) fn facts(run: RunId) -> ClaimFacts {
    ClaimFacts {
        run,
        boot: BOOT,
        epoch: Epoch(1),
        timeout: Some(Duration::from_mins(1)),
    }
}

pub(crate) fn start_facts() -> StartFacts {
    StartFacts {
        process: Some(ProcessIdentity { pid: 40, start: 50 }),
        slot: Some(1),
        at: later(1),
    }
}

pub(crate) fn id_of(result: AddResult) -> TaskId {
    result.id()
}

pub(crate) fn new_task(name: &str) -> NewTask {
    new_task_running(name, "true")
}

pub(crate) fn new_task_running(name: &str, program: &str) -> NewTask {
    NewTask {
        spec: Box::new(TaskSpec::of_command(
            TaskName::new(name).unwrap(),
            Command::Direct(vec![program.into()]),
            "/tmp".into(),
        )),
        surroundings: Surroundings([("PATH".to_owned(), "/bin".into())].into()).into(),
        source: Some("/tmp/tasks.toml".to_owned()),
        times: tasks::Times::default(),
    }
}

pub(crate) fn outcome(code: i32) -> Outcome {
    Outcome {
        ended: Ended::ByItself(Exit::Code(code)),
        started_at: Some(later(1)),
        ended_at: later(3),
        duration: Duration::from_secs(2),
        usage: Usage {
            max_rss_bytes: 4096,
            cpu_user: Duration::from_millis(30),
            cpu_system: Duration::from_millis(12),
        },
        output: OutputPlace::default(),
        leftovers: Vec::new(),
        leftover_count: 0,
        containment: Containment::Subreaper,
        out_of_memory: false,
        notes: Vec::new(),
        account: crate::model::outcome::Account::default(),
    }
}

pub(crate) fn network() -> Classification {
    Classification {
        category: Category::Network,
        pattern: "connection_refused".to_owned(),
        retryable: Retryable::Yes,
        told: false,
        confidence: 0.9,
        extracted: [("port".to_owned(), "5432".to_owned())].into(),
        line: Some("connect: connection refused".to_owned()),
    }
}

pub(crate) fn success(outcome: &Outcome) -> Finish<'_> {
    Finish {
        outcome,
        classification: None,
        used: true,
        decision: "succeed",
        next_at: None,
    }
}

pub(crate) fn add_one(queue: &mut Queue, new: NewTask, on_change: OnChange) -> AddResult {
    queue
        .store
        .write(|tx| tasks::add(tx, &[new], on_change, &actor(), NOW))
        .unwrap()[0]
}
