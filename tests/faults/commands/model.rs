//! The reference: what a queue is, said again in memory and without a database.
//!
//! It is as simple as it can be: every question is answered by looking through all tasks. What it
//! refuses, the queue must refuse, and nothing may have changed then.

use std::collections::VecDeque;

use crate::commands::nouns::Change;
use crate::commands::nouns::End;
use crate::commands::nouns::New;
use crate::commands::nouns::State;
use crate::commands::nouns::Task;
use crate::commands::nouns::Wait;
use crate::commands::nouns::WaitsFor;
use crate::commands::nouns::Wanted;
use crate::commands::nouns::reason;

/// The queue as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) now: i64,
    pub(crate) tasks: Vec<Task>,
    /// Attempts that were claimed or begun and have no end.
    pub(crate) open: Vec<i64>,
}

/// It cannot be, and nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl Model {
    pub(crate) fn task(&self, id: i64) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == id)
    }

    fn task_mut(&mut self, id: i64) -> &mut Task {
        self.tasks.iter_mut().find(|task| task.id == id).unwrap()
    }

    /// The task that a name means: the unfinished one, else the newest.
    pub(crate) fn find(&self, name: &str) -> Option<i64> {
        let of_name = || {
            self.tasks
                .iter()
                .filter(|task| task.definition.name == name)
        };
        let unfinished = of_name().find(|task| task.state.is_unfinished());
        unfinished
            .or_else(|| of_name().max_by_key(|task| task.id))
            .map(|task| task.id)
    }

    pub(crate) fn unmet(task: &Task) -> usize {
        task.waits
            .iter()
            .filter(|wait| wait.wait != Wait::Met)
            .count()
    }

    /// What could be claimed, the first one first.
    pub(crate) fn candidates(&self) -> Vec<i64> {
        let mut ready: Vec<&Task> = self
            .tasks
            .iter()
            .filter(|task| {
                let is_due = matches!(task.state, State::Queued { due, claim: None } if due.is_none_or(|due| due <= self.now));
                is_due && Self::unmet(task) == 0
            })
            .collect();
        ready.sort_by_key(|task| (-task.priority, task.id));
        ready.iter().map(|task| task.id).collect()
    }

    /// Adds tasks, all or none; `ids` gives the ids of new ones in turn.
    pub(crate) fn add(&mut self, tasks: &[New], replace: bool, ids: &[i64]) -> Result<(), Refused> {
        let before = self.clone();
        let added = self.add_or_fail(tasks, replace, ids);
        if added.is_err() {
            *self = before;
        }
        added
    }

    fn add_or_fail(&mut self, tasks: &[New], replace: bool, ids: &[i64]) -> Result<(), Refused> {
        // For each of them its task, and whether it is bound anew.
        let mut results: Vec<(i64, bool)> = Vec::new();
        for (new, id) in tasks.iter().zip(ids) {
            let name = new.definition.name;
            let due = new.delay.map(|delay| self.now + delay);
            let present = self
                .find(name)
                .filter(|id| self.task(*id).unwrap().state.is_unfinished());
            let Some(present) = present else {
                self.tasks.push(Task {
                    id: *id,
                    definition: new.definition.clone(),
                    state: State::queued(due),
                    priority: new.definition.priority,
                    not_before: due,
                    attempts: 0,
                    used: 0,
                    waits: Vec::new(),
                });
                results.push((*id, true));
                continue;
            };
            let task = self.task_mut(present);
            let is_attempted = task.attempts > 0 || task.state.attempt().is_some();
            let stays = task.state == State::Held
                || task.definition == new.definition
                || (is_attempted && !replace);
            if !stays {
                task.definition = new.definition.clone();
                task.priority = new.definition.priority;
                task.used = 0;
                task.not_before = due;
                if task.attempts == 0 {
                    task.state = State::queued(due);
                }
            }
            results.push((present, !stays));
        }
        let bound: Vec<(i64, &New)> = results
            .iter()
            .zip(tasks)
            .filter(|((_, is_bound), _)| *is_bound)
            .map(|((id, _), new)| (*id, new))
            .collect();
        for (id, new) in &bound {
            let mut waits: Vec<WaitsFor> = Vec::new();
            for (name, wanted) in &new.definition.after {
                // Those that come in together come first.
                let together = tasks.iter().rposition(|task| task.definition.name == *name);
                let upstream = together.map(|at| results[at].0).or_else(|| self.find(name));
                let upstream = upstream.filter(|upstream| upstream != id).ok_or(Refused)?;
                if waits.iter().all(|known| known.upstream != upstream) {
                    let wait = wanted.weigh(self.task(upstream).unwrap().state);
                    waits.push(WaitsFor {
                        upstream,
                        wanted: *wanted,
                        wait,
                    });
                }
            }
            self.task_mut(*id).waits = waits;
        }
        if bound.iter().any(|(id, _)| self.waits_for_itself(*id)) {
            return Err(Refused);
        }
        for (id, _) in &bound {
            let task = self.task(*id).unwrap();
            if matches!(task.state, State::Queued { claim: None, .. })
                && let Some(reason) = reason(task)
            {
                self.task_mut(*id).state = reason;
                self.carry_on(*id, reason);
            }
        }
        Ok(())
    }

    fn waits_for_itself(&self, id: i64) -> bool {
        let mut open = vec![id];
        let mut seen = Vec::new();
        while let Some(here) = open.pop() {
            for wait in self
                .task(here)
                .map(|task| task.waits.as_slice())
                .unwrap_or_default()
            {
                if wait.upstream == id {
                    return true;
                }
                if !seen.contains(&wait.upstream) {
                    seen.push(wait.upstream);
                    open.push(wait.upstream);
                }
            }
        }
        false
    }

    pub(crate) fn claim(&mut self, id: i64, attempt: i64) -> Result<(), Refused> {
        let task = self.task_mut(id);
        let State::Queued { due, claim: None } = task.state else {
            return Err(Refused);
        };
        task.state = State::Queued {
            due,
            claim: Some(attempt),
        };
        task.attempts += 1;
        self.open.push(attempt);
        Ok(())
    }

    /// The task that a claim is for.
    fn claimed(&mut self, attempt: i64) -> Result<(&mut Task, Option<i64>), Refused> {
        let of = |task: &&mut Task| matches!(task.state, State::Queued { claim: Some(claim), .. } if claim == attempt);
        let task = self.tasks.iter_mut().find(of).ok_or(Refused)?;
        if let State::Queued { due, .. } = task.state {
            Ok((task, due))
        } else {
            Err(Refused)
        }
    }

    pub(crate) fn return_claim(&mut self, attempt: i64) -> Result<(), Refused> {
        let (task, due) = self.claimed(attempt)?;
        task.attempts -= 1;
        let (id, before) = (
            task.id,
            State::Queued {
                due,
                claim: Some(attempt),
            },
        );
        self.open.retain(|open| *open != attempt);
        self.become_(id, before, State::queued(due));
        Ok(())
    }

    pub(crate) fn start(&mut self, attempt: i64) -> Result<(), Refused> {
        let (task, _) = self.claimed(attempt)?;
        task.state = State::Running(attempt);
        Ok(())
    }

    pub(crate) fn end(&mut self, attempt: i64, end: End, used: bool) -> Result<(), Refused> {
        // One that was never noted as started is noted now.
        let _started_already = self.start(attempt);
        let now = self.now;
        let running = |task: &&mut Task| task.state == State::Running(attempt);
        let task = self.tasks.iter_mut().find(running).ok_or(Refused)?;
        task.used += u32::from(used);
        let (id, before) = (task.id, task.state);
        self.open.retain(|open| *open != attempt);
        let after = match end {
            End::Success | End::Completed => State::Succeeded,
            End::Failure => State::Failed,
            End::Retry(delay) => State::queued(Some(now + delay)),
            End::Interrupted => State::queued(None),
            End::Held => State::Held,
            End::Cancelled => State::Cancelled,
            End::Recovery => State::Recovering(attempt),
        };
        self.become_(id, before, after);
        Ok(())
    }

    pub(crate) fn change(&mut self, id: i64, change: Change) -> Result<(), Refused> {
        let task = self.task(id).ok_or(Refused)?;
        let before = task.state;
        let is_idle = matches!(
            before,
            State::Queued { claim: None, .. } | State::Held | State::Recovering(_)
        );
        let is_undone = matches!(
            before,
            State::Failed | State::Cancelled | State::Blocked | State::NotNeeded
        );
        let later = task.not_before.filter(|instant| *instant > self.now);
        let name = task.definition.name;
        let after = match change {
            Change::Cancel if is_idle => State::Cancelled,
            Change::Complete if is_idle || is_undone => State::Succeeded,
            Change::Hold if is_idle && before != State::Held => State::Held,
            Change::Release if before == State::Held => State::queued(later),
            Change::Requeue if before == State::Held => State::queued(None),
            Change::Requeue if is_undone => {
                let is_taken = self
                    .tasks
                    .iter()
                    .any(|other| other.definition.name == name && other.state.is_unfinished());
                if is_taken {
                    return Err(Refused);
                }
                State::queued(None)
            }
            Change::Recovered(delay) if matches!(before, State::Recovering(_)) => {
                State::queued(Some(self.now + delay))
            }
            Change::Cancel
            | Change::Hold
            | Change::Release
            | Change::Requeue
            | Change::Complete
            | Change::Recovered(_) => return Err(Refused),
        };
        if change == Change::Requeue {
            let there: Vec<i64> = self.tasks.iter().map(|task| task.id).collect();
            let task = self.task_mut(id);
            task.used = 0;
            let is_vain = |wait: &WaitsFor| matches!(wait.wait, Wait::Blocked | Wait::NotNeeded);
            task.waits
                .retain(|wait| !is_vain(wait) || there.contains(&wait.upstream));
        }
        self.become_(id, before, after);
        Ok(())
    }

    pub(crate) fn reprioritize(&mut self, id: i64, priority: i64) -> Result<(), Refused> {
        self.task(id).ok_or(Refused)?;
        self.task_mut(id).priority = priority;
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: i64) -> Result<(), Refused> {
        let task = self.task(id).ok_or(Refused)?.clone();
        if task.state.attempt().is_some() {
            return Err(Refused);
        }
        // For those that wait an unfinished one counts as cancelled; whoever has ended, has.
        if task.state.is_unfinished() {
            self.task_mut(id).state = State::Cancelled;
            self.carry_on(id, State::Cancelled);
        }
        self.tasks.retain(|task| task.id != id);
        Ok(())
    }

    /// Gives a task a state, with all that follows.
    fn become_(&mut self, id: i64, before: State, after: State) {
        self.task_mut(id).state = after;
        let own = self.settle(id, after);
        let meaning = |state: State| {
            [Wanted::Success, Wanted::Failure, Wanted::Always].map(|wanted| wanted.weigh(state))
        };
        if meaning(before) != meaning(own) {
            self.carry_on(id, own);
        }
    }

    /// One that is queued and waits in vain is skipped at once.
    fn settle(&mut self, id: i64, state: State) -> State {
        let waits = matches!(state, State::Queued { claim: None, .. });
        match reason(self.task(id).unwrap()).filter(|_| waits) {
            Some(reason) => {
                self.task_mut(id).state = reason;
                reason
            }
            None => state,
        }
    }

    /// Tells everybody who waits, and then those who wait for them.
    fn carry_on(&mut self, id: i64, state: State) {
        let mut told = VecDeque::from([(id, Some(state))]);
        while let Some((upstream, state)) = told.pop_front() {
            let state = state.unwrap_or_else(|| self.task(upstream).unwrap().state);
            let ids: Vec<i64> = self.tasks.iter().map(|task| task.id).collect();
            for id in ids {
                if self.hear(id, upstream, state) && !told.contains(&(id, None)) {
                    told.push_back((id, None));
                }
            }
        }
    }

    /// A task hears where another one stands; whether that changed something for it.
    fn hear(&mut self, id: i64, upstream: i64, state: State) -> bool {
        let task = self.task_mut(id);
        let Some(wait) = task.waits.iter_mut().find(|wait| wait.upstream == upstream) else {
            return false;
        };
        let new = wait.wanted.weigh(state);
        let old = std::mem::replace(&mut wait.wait, new);
        if old == new {
            return false;
        }
        let vain = |wait: Wait| match wait {
            Wait::Blocked => Some(State::Blocked),
            Wait::NotNeeded => Some(State::NotNeeded),
            Wait::Still | Wait::Met => None,
        };
        let (own, skipped) = (task.state, vain(new));
        if let (State::Queued { claim: None, .. }, Some(skipped)) = (own, skipped) {
            task.state = skipped;
            return true;
        }
        let was_for_this = vain(old) == Some(own);
        let still = task.waits.iter().any(|wait| vain(wait.wait) == Some(own));
        let (name, not_before) = (task.definition.name, task.not_before);
        let replaced = self.tasks.iter().any(|other| {
            other.definition.name == name
                && other.id != id
                && (other.id > id || other.state.is_unfinished())
        });
        if !was_for_this || still || replaced {
            return false;
        }
        let due = not_before.filter(|instant| *instant > self.now);
        self.task_mut(id).state = State::queued(due);
        self.settle(id, State::queued(due));
        true
    }
}
