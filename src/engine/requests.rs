//! Wishes of commands: what is asked of tasks is looked at here, and answered.
//!
//! A command that meets a living run leaves a row in `requests`; the run serves it after a beat, when
//! what it knows and what the database says are the same. A command that finds the lock free serves
//! its own wish through the same code.

use crate::engine::dispatcher::Dispatcher;
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
}

impl Answer {
    /// Writes the answer beside its request.
    pub(crate) fn write(&self, tx: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
        match self.request {
            Some(request) => requests::answer(tx, request, self.verdict, &self.text, now),
            None => Ok(()),
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
        let answer = match self.events_of(wish) {
            Ok(Ok(events)) => {
                let mut effects = Effects::default();
                for event in events {
                    self.take_step(event, now, &mut effects);
                }
                let answer = Answer {
                    request,
                    verdict: Verdict::Accepted,
                    text: String::new(),
                };
                self.settle(effects, std::slice::from_ref(&answer), now);
                answer
            }
            Ok(Err(text)) => {
                let answer = Answer {
                    request,
                    verdict: Verdict::Refused,
                    text,
                };
                self.settle(Effects::default(), std::slice::from_ref(&answer), now);
                answer
            }
            Err(error) => {
                self.storage_failed(error, now);
                return None;
            }
        };
        self.pace.failure.is_none().then_some(answer)
    }

    /// The events that a wish stands for, or why it is refused.
    pub(crate) fn events_of(
        &mut self,
        wish: &Wish,
    ) -> Result<Result<Vec<Event>, String>, StoreError> {
        let (tasks, change) = match wish {
            Wish::Stop { how } => {
                return Ok(Ok(vec![Event::Halt(match how {
                    StopHow::Drain => Halt::Drain,
                    StopHow::Gentle => Halt::Stop,
                    StopHow::Now => Halt::StopNow,
                })]));
            }
            Wish::ResetBreakers { services } => {
                let services = services.iter().cloned();
                return Ok(Ok(services.map(Event::ResetBreaker).collect()));
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
        let mut events = Vec::new();
        let mut refused = None;
        for id in tasks {
            let task = match self.entered.store.task(*id) {
                Ok(task) => task,
                Err(StoreError::NoSuchTask { task }) => {
                    return Ok(Err(format!("there is no task {task}")));
                }
                Err(error) => return Err(error),
            };
            if let Err(why) = self.allowed(&task, &change)? {
                refused = Some(why);
                continue;
            }
            if from_scratch && let Err(why) = self.put_checkpoint_aside(&task)? {
                refused = Some(why);
                continue;
            }
            events.push(Event::Change {
                id: *id,
                open: task.state.attempt(),
                recovering: matches!(task.state, TaskState::Recovering { .. }),
                name: task.spec.name,
                change: change.clone(),
            });
            if matches!(wish, Wish::Rescue { .. }) {
                events.push(Event::Rescue(RescueEvent::Rescued { task: *id }));
            }
        }
        // Of many tasks some may have gone on since they were chosen: they are passed over.
        match refused {
            Some(why) if events.is_empty() => Ok(Err(why)),
            Some(_) | None => Ok(Ok(events)),
        }
    }

    /// Whether a task can be changed like that, or why not.
    fn allowed(&self, task: &Task, change: &Change) -> Result<Result<(), String>, StoreError> {
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
            Change::Requeue => self.may_be_queued_again(task),
            Change::Cancel(_)
            | Change::Remove
            | Change::Hold(_)
            | Change::Release
            | Change::Complete(_)
            | Change::Reprioritize(_) => Ok(Ok(())),
        }
    }

    fn may_be_queued_again(&self, task: &Task) -> Result<Result<(), String>, StoreError> {
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
        let in_vain = self.entered.store.waits_in_vain_for(task.id)?;
        // One that has left the queue is passed over: nothing else could ever help.
        if let Some(other) = in_vain
            && let Some(status) = other.status
        {
            let (upstream, id) = (&other.name, other.upstream);
            return Ok(Err(format!(
                "`{name}` cannot be queued again: it waits for `{upstream}`, which is {status}; \
                 `autoexec queue retry {id}` queues both again"
            )));
        }
        Ok(Ok(()))
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
