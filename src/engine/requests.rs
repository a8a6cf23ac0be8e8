//! Wishes of commands: what is asked of tasks is looked at here, and answered.
//!
//! A command that meets a living run leaves a row in `requests`; the run serves it after a beat, when
//! what it knows and what the database says are the same. A command that finds the lock free serves
//! its own wish through the same code.

use crate::engine::dispatcher::Dispatcher;
use crate::engine::granting;
use crate::engine::granting::Refused;
use crate::engine::message::Change;
use crate::engine::message::Effects;
use crate::engine::message::Event;
use crate::engine::rescue::rounds::RescueEvent;
use crate::engine::state::Halt;
use crate::model::ids::TaskId;
use crate::model::state::Hold;
use crate::model::state::TaskEvent;
use crate::model::state::TaskState;
use crate::policy::when;
use crate::process::checkpoint;
use crate::store::StoreError;
use crate::store::Transaction;
use crate::store::checkpoints;
use crate::store::requests;
use crate::store::requests::PassedOver;
use crate::store::requests::RequestId;
use crate::store::requests::StopHow;
use crate::store::requests::Verdict;
use crate::store::requests::Wish;
use crate::store::tasks::Task;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::crash;

/// The reason of a hold or a completion whose own words are lost.
pub(crate) const BY_HAND_WORDS: &str = "by hand";

/// A hold that somebody wanted.
pub(crate) fn by_hand(reason: String) -> Hold {
    Hold {
        code: "by_hand".to_owned(),
        reason,
    }
}

/// What becomes of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The row, if the wish came through one.
    pub(crate) request: Option<RequestId>,
    /// Whether it is carried out.
    pub(crate) verdict: Verdict,
    /// A sentence for whoever asked.
    pub(crate) text: String,
    /// The tasks that are left out of what is granted.
    pub(crate) passed: Vec<PassedOver>,
    /// Of how many tasks the change is tried.
    pub(crate) tried: usize,
}

impl Answer {
    fn refused(request: Option<RequestId>, text: String) -> Self {
        Self {
            request,
            verdict: Verdict::Refused,
            text,
            passed: Vec::new(),
            tried: 0,
        }
    }

    /// The same after it was tried: what was refused is left out, and a wish of which nothing is left
    /// is refused.
    pub(crate) fn but(mut self, refused: &Refused) -> Self {
        if self.tried > 0
            && self.tried == refused.len()
            && let Some(why) = refused.values().next_back()
        {
            return Self::refused(self.request, why.clone());
        }
        self.passed
            .extend(refused.iter().map(|(task, why)| PassedOver {
                task: *task,
                why: why.clone(),
            }));
        if !self.passed.is_empty() {
            self.text = requests::passed_over(&self.passed);
        }
        self
    }

    /// Writes the answer beside its request.
    pub(crate) fn write(&self, tx: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
        match self.request {
            Some(request) => requests::answer(tx, request, self.verdict, &self.text, now),
            None => Ok(()),
        }
    }
}

/// What a wish comes to.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// What is to be done.
    pub(crate) events: Vec<Event>,
    /// The tasks of which it is clear before that they cannot be changed.
    pub(crate) passed: Vec<PassedOver>,
    /// How many tasks are to be changed.
    pub(crate) tried: usize,
}

impl Wanted {
    fn of(events: Vec<Event>) -> Self {
        Self {
            events,
            ..Self::default()
        }
    }
}

impl Dispatcher<'_> {
    /// Serves what commands have asked for since the last time.
    pub(crate) fn serve_requests(&mut self, now: Timestamp) {
        if !std::mem::take(&mut self.pace.requests) || self.pace.failure.is_some() {
            return;
        }
        let pending = match self.entered.store.pending_requests() {
            Ok(pending) => pending,
            Err(error) => return self.storage_failed(error, now),
        };
        for request in pending {
            self.serve(Some(request.id), &request.wish, now);
        }
    }

    /// Serves one wish: as a whole or not at all.
    pub(crate) fn serve(
        &mut self,
        request: Option<RequestId>,
        wish: &Wish,
        now: Timestamp,
    ) -> Option<Answer> {
        let (events, answer) = match self.events_of(wish) {
            Ok(Ok(wanted)) => {
                let answer = Answer {
                    request,
                    verdict: Verdict::Accepted,
                    text: String::new(),
                    passed: wanted.passed,
                    tried: wanted.tried,
                };
                (wanted.events, answer)
            }
            Ok(Err(text)) => (Vec::new(), Answer::refused(request, text)),
            Err(error) => {
                self.storage_failed(error, now);
                return None;
            }
        };
        let mut effects = Effects::default();
        for event in events {
            self.take_step(event, now, &mut effects);
        }
        self.settle(effects, std::slice::from_ref(&answer), now);
        let refused = std::mem::take(&mut self.pace.refused);
        self.pace.failure.is_none().then(|| answer.but(&refused))
    }

    /// The events that a wish stands for, or why it is refused.
    pub(crate) fn events_of(&mut self, wish: &Wish) -> Result<Result<Wanted, String>, StoreError> {
        let (tasks, change) = match wish {
            Wish::Stop { how } => {
                return Ok(Ok(Wanted::of(vec![Event::Halt(match how {
                    StopHow::Drain => Halt::Drain,
                    StopHow::Gentle => Halt::Stop,
                    StopHow::Now => Halt::StopNow,
                })])));
            }
            Wish::ResetBreakers { services } => {
                let services = services.iter().cloned();
                return Ok(Ok(Wanted::of(services.map(Event::ResetBreaker).collect())));
            }
            Wish::Cancel { tasks, force } => (tasks, Change::Cancel(*force)),
            Wish::Retry { tasks, .. } | Wish::Rescue { tasks } => (tasks, Change::Requeue),
            Wish::Hold { tasks, reason } => (tasks, Change::Hold(by_hand(reason.clone()))),
            Wish::Release { tasks } => (tasks, Change::Release),
            Wish::Complete { tasks, reason } => (tasks, Change::Complete(reason.clone())),
            Wish::Reprioritize { tasks, priority } => (tasks, Change::Reprioritize(*priority)),
            Wish::Remove { tasks } => (tasks, Change::Remove),
        };
        let from_scratch = matches!(
            wish,
            Wish::Retry {
                from_scratch: true,
                ..
            }
        );
        let mut wanted = Wanted::default();
        for id in self.in_order(tasks, &change)? {
            let task = match self.entered.store.task(id) {
                Ok(task) => task,
                Err(StoreError::NoSuchTask { task }) => {
                    return Ok(Err(format!("there is no task {task}")));
                }
                Err(error) => return Err(error),
            };
            let mut allowed = self.allowed(&task, &change, tasks)?;
            if from_scratch && allowed.is_ok() {
                allowed = match self.stays_behind(id, tasks)? {
                    Some(why) => Err(why),
                    None => self.put_checkpoint_aside(&task)?,
                };
            }
            if let Err(why) = allowed {
                wanted.passed.push(PassedOver { task: id, why });
                continue;
            }
            wanted.tried += 1;
            wanted.events.push(Event::Change {
                id,
                open: task.state.attempt(),
                recovering: matches!(task.state, TaskState::Recovering { .. }),
                name: task.spec.name,
                change: change.clone(),
            });
            if matches!(wish, Wish::Rescue { .. }) {
                wanted
                    .events
                    .push(Event::Rescue(RescueEvent::Rescued { task: id }));
            }
        }
        // Of many tasks some may have gone on since they were chosen: they are passed over.
        match wanted.passed.last() {
            Some(last) if wanted.events.is_empty() => Ok(Err(last.why.clone())),
            Some(_) | None => Ok(Ok(wanted)),
        }
    }

    /// In which order tasks are changed. What is tried again comes behind what it waits for, so that it
    /// need not wait in vain; everything else before it, so that it is not skipped when its turn comes.
    fn in_order(&self, tasks: &[TaskId], change: &Change) -> Result<Vec<TaskId>, StoreError> {
        let mut tasks = self.entered.store.upstream_first(tasks)?;
        if *change != Change::Requeue {
            tasks.reverse();
        }
        Ok(tasks)
    }

    /// Whether a task can be changed like that, or why not.
    fn allowed(
        &self,
        task: &Task,
        change: &Change,
        together: &[TaskId],
    ) -> Result<Result<(), String>, StoreError> {
        let name = &task.spec.name;
        let event = match change {
            Change::Cancel(_) => TaskEvent::Cancelled,
            Change::Requeue => TaskEvent::Requeued,
            Change::Hold(hold) => TaskEvent::Held(hold.clone()),
            Change::Release => TaskEvent::Released,
            Change::Complete(reason) => TaskEvent::Completed {
                reason: reason.clone(),
            },
            Change::Reprioritize(_) if task.status().is_unfinished() => return Ok(Ok(())),
            Change::Reprioritize(_) => {
                let why = format!("`{name}` is {}; nothing of it comes", task.status());
                return Ok(Err(why));
            }
            // Whatever is not being worked on can leave; what is, is stopped first.
            Change::Remove => return Ok(Ok(())),
        };
        // A claim is given back before that, or stopped; who is to go on keeps it.
        let is_claimed = matches!(task.state, TaskState::Queued { claim: Some(_), .. })
            && !matches!(change, Change::Release | Change::Requeue);
        // Whoever releases a task that waits for its recovery does not want to wait.
        let is_released =
            matches!(task.state, TaskState::Recovering { .. }) && *change == Change::Release;
        if !is_claimed
            && !is_released
            && let Err(why) = task.state.apply(&event)
        {
            return Ok(Err(format!("`{name}`: {why}")));
        }
        match change {
            Change::Requeue => self.may_be_queued_again(task, together),
            Change::Cancel(_)
            | Change::Remove
            | Change::Hold(_)
            | Change::Release
            | Change::Complete(_)
            | Change::Reprioritize(_) => Ok(Ok(())),
        }
    }

    /// Whether a task may run again, `together` with others that are queued again before it.
    fn may_be_queued_again(
        &self,
        task: &Task,
        together: &[TaskId],
    ) -> Result<Result<(), String>, StoreError> {
        let name = &task.spec.name;
        if let Some(other) = self.has_the_name(task)? {
            return Ok(Err(format!(
                "`{name}` (task {}) cannot be queued again: task {other} has that name and is not over; \
                 `autoexec why {other}` tells where it stands",
                task.id
            )));
        }
        let now = self.clock.now();
        let deadline = task
            .spec
            .deadline
            .map(|wish| when::resolve(wish, Zone::Local, now));
        if let Some(deadline) = deadline.filter(|deadline| *deadline <= now) {
            return Ok(Err(format!(
                "`{name}` cannot be queued again: its deadline passed, {}",
                Zone::Local.short(deadline, now)
            )));
        }
        // Whether it goes with the others is judged when they have had their turn.
        if together.len() < 2
            && let Some(why) = granting::waits_in_vain(&self.entered.store, task.id)?
        {
            return Ok(Err(why));
        }
        Ok(Ok(()))
    }

    /// Why a task will not run although all of `together` are queued again before it.
    fn stays_behind(
        &self,
        task: TaskId,
        together: &[TaskId],
    ) -> Result<Option<String>, StoreError> {
        let store = &self.entered.store;
        let first = store.in_vain_behind(task, together.len() + 1)?;
        if first.iter().all(|other| together.contains(other)) {
            return Ok(None);
        }
        granting::waits_in_vain(store, task)
    }

    /// Lets a task begin at its beginning: finished steps are forgotten, and what it saved is moved
    /// aside.
    fn put_checkpoint_aside(&mut self, task: &Task) -> Result<Result<(), String>, StoreError> {
        self.entered
            .store
            .write(|tx| checkpoints::forget(tx, task.id))?;
        // CRASH: the task begins at its beginning and finds what it had saved; nothing is lost.
        crash::point("before_checkpoint_aside");
        let now = self.clock.now();
        Ok(checkpoint::set_aside(&self.entered.dir, task.id, now)
            .map(drop)
            .map_err(|error| {
                let name = &task.spec.name;
                format!("the checkpoint of `{name}` cannot be moved aside: {error}")
            }))
    }

    /// The unfinished task that has the name of one that is over.
    fn has_the_name(&self, task: &Task) -> Result<Option<TaskId>, StoreError> {
        if task.state.status().is_unfinished() {
            return Ok(None);
        }
        let newest: Option<TaskId> = self.entered.store.find(task.spec.name.as_str())?;
        match newest {
            Some(other) if other != task.id => {
                let status = self.entered.store.state(other)?.status();
                Ok(status.is_unfinished().then_some(other))
            }
            Some(_) | None => Ok(None),
        }
    }
}
