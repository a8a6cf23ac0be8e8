//! What commands mean for the reference: the words that people type, and a run to its end.

use crate::commands::model::Model;
use crate::commands::model::Refused;
use crate::commands::nouns::Change;
use crate::commands::nouns::End;
use crate::commands::nouns::New;
use crate::commands::nouns::State;

/// A command that changes tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Cancel,
    Hold,
    Release,
    Retry,
    Complete,
    Remove,
    Reprioritize(i64),
}

impl Verb {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Retry => "retry",
            Self::Complete => "complete",
            Self::Remove => "remove",
            Self::Reprioritize(_) => "reprioritize",
        }
    }

    /// Whether a task in this state is changed; the others are left as they are.
    fn changes(self, state: State) -> bool {
        let is_undone = matches!(
            state,
            State::Failed | State::Cancelled | State::Blocked | State::NotNeeded
        );
        match self {
            Self::Cancel | Self::Reprioritize(_) => state.is_unfinished(),
            Self::Hold => state.is_unfinished() && state != State::Held,
            Self::Release => state == State::Held,
            Self::Retry => is_undone || state == State::Held,
            Self::Complete => state != State::Succeeded,
            Self::Remove => true,
        }
    }
}

/// What of a definition decides how its attempts end.
const SUCCEEDS: u8 = 0;
const FAILS: u8 = 1;
/// Attempts of a task that asks for another one each time.
const MOST: u32 = 2;

/// The shell's word for it.
pub(crate) fn exit_code(variant: u8) -> u8 {
    match variant {
        SUCCEEDS => 0,
        FAILS => 65,
        _ => 75,
    }
}

impl Model {
    /// A task file is held against the queue and itself before any of its tasks comes in, also those that
    /// would not have changed anything.
    pub(crate) fn add_file(
        &mut self,
        tasks: &[New],
        replace: bool,
        ids: &[i64],
    ) -> Result<(), Refused> {
        let of = |name: &str| tasks.iter().find(|task| task.definition.name == name);
        for task in tasks {
            let mut open: Vec<&str> = vec![task.definition.name];
            let mut seen: Vec<&str> = Vec::new();
            while let Some(here) = open.pop() {
                for (upstream, _) in of(here).map_or(&[][..], |task| &task.definition.after) {
                    let is_known = of(upstream).is_some() || self.find(upstream).is_some();
                    if !is_known || *upstream == task.definition.name {
                        return Err(Refused);
                    }
                    if !seen.contains(upstream) {
                        seen.push(upstream);
                        open.push(upstream);
                    }
                }
            }
        }
        self.add(tasks, replace, ids)
    }

    /// A command about tasks that are named: all of it is done, or nothing.
    pub(crate) fn command(&mut self, verb: Verb, names: &[&str]) -> Result<(), Refused> {
        let before = self.clone();
        let done = self.command_or_fail(verb, names);
        if done.is_err() {
            *self = before;
        }
        done
    }

    fn command_or_fail(&mut self, verb: Verb, names: &[&str]) -> Result<(), Refused> {
        let found: Option<Vec<i64>> = names.iter().map(|name| self.find(name)).collect();
        let (mut meant, mut left) = (Vec::new(), Vec::new());
        for id in found.ok_or(Refused)? {
            let state = self.task(id).unwrap().state;
            if verb.changes(state) {
                meant.push(id);
            } else {
                left.push(state);
            }
        }
        if verb == Verb::Retry && left.contains(&State::Succeeded) {
            return Err(Refused);
        }
        for id in meant {
            match verb {
                Verb::Cancel => self.change(id, Change::Cancel),
                Verb::Hold => self.change(id, Change::Hold),
                Verb::Release => self.change(id, Change::Release),
                Verb::Retry => self.change(id, Change::Requeue),
                Verb::Complete => self.change(id, Change::Complete),
                Verb::Remove => self.remove(id),
                Verb::Reprioritize(priority) => self.reprioritize(id, priority),
            }?;
        }
        Ok(())
    }

    /// The name of one of those that a command changes.
    pub(crate) fn changed_by(&self, verb: Verb, which: usize) -> Option<&'static str> {
        let mut names: Vec<&str> = self
            .tasks
            .iter()
            .filter(|task| verb.changes(task.state))
            .map(|task| task.definition.name)
            .filter(|name| {
                self.find(name)
                    .is_some_and(|id| verb.changes(self.task(id).unwrap().state))
            })
            .collect();
        names.dedup();
        names.get(which.checked_rem(names.len())?).copied()
    }

    /// Lets everything run that can; gives the names of what was started, in no order that counts, and
    /// whether one of them failed for good.
    pub(crate) fn run(&mut self) -> (Vec<&'static str>, bool) {
        let (mut started, mut has_failed) = (Vec::new(), false);
        // Attempts have no numbers here that could be told from each other afterwards.
        while let Some(id) = self.candidates().first().copied() {
            let attempt = 1;
            self.claim(id, attempt).unwrap();
            self.start(attempt).unwrap();
            let task = self.task(id).unwrap();
            let (variant, used) = (task.definition.variant, task.used + 1);
            started.push(task.definition.name);
            let end = match variant {
                SUCCEEDS => End::Success,
                FAILS => End::Failure,
                _ if used < MOST => End::Retry(0),
                _ => End::Failure,
            };
            has_failed |= end == End::Failure;
            self.end(attempt, end, true).unwrap();
        }
        started.sort_unstable();
        (started, has_failed)
    }
}
