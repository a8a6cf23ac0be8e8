//! Carrying out what a step decided, once it is durable.

use std::io;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::events::RunEvent;
use crate::engine::ledger;
use crate::engine::message::Act;
use crate::engine::overdue;
use crate::engine::state::Place;
use crate::model::ids::AttemptId;
use crate::model::message::Force;
use crate::model::message::ToSupervisor;
use crate::model::signal::Signal;
use crate::process::identity;
use crate::support::crash;

impl Dispatcher<'_> {
    pub(crate) fn carry_out(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Open { slot } => self.open(slot),
                Act::Assign { slot, attempt } => self.assign(slot, attempt),
                Act::Acknowledge { slot, attempt } => {
                    crash::point("before_acknowledge");
                    self.acknowledge(slot, attempt);
                }
                Act::Stop {
                    slot,
                    attempt,
                    reason,
                    force,
                } => {
                    self.send(
                        slot,
                        &ToSupervisor::Stop {
                            attempt,
                            reason,
                            force,
                        },
                    );
                    self.backend.wake_up(slot);
                }
                Act::Watch { attempt } => {
                    crash::point("before_watch");
                    if let Some(watched) = self.state.watched.get(&attempt) {
                        self.watchers.watch(&watched.what, attempt);
                    }
                }
                Act::Leave { attempt, what } => self.watchers.leave(&what, attempt),
                Act::StopAdopted { supervisor, force } => {
                    let signal = match force {
                        Force::Gentle => Signal::TERM,
                        Force::Kill => Signal::QUIT,
                    };
                    // A supervisor that is gone has let go of its lock; that is being waited for.
                    let _gone_or_told = identity::signal(supervisor, signal);
                    // One that is stopped cannot hear it.
                    let _was_running = identity::let_go_on(supervisor);
                }
            }
        }
    }

    fn open(&mut self, slot: usize) {
        if let Err(error) = self.backend.open(slot) {
            self.state.slots.remove(&slot);
            let now = self.clock.now();
            self.not_born();
            self.watcher.watch(
                now,
                &RunEvent::Warning {
                    text: format!("cannot start a supervisor: {error}; trying again"),
                },
            );
        }
    }

    fn assign(&mut self, slot: usize, attempt: AttemptId) {
        let (Some(live), Some(run)) = (self.state.live.get_mut(&attempt), self.run) else {
            return;
        };
        if !self.state.slots.contains_key(&slot) {
            // Its supervisor could not be started: nobody saw the assignment, so it waits again.
            live.place = Place::Ready;
            self.state.ready.insert(0, attempt);
            return;
        }
        let until = self.hours.end();
        let mut assignment = ledger::assignment(attempt, &live.task, run, &self.entered.dir, until);
        overdue::shorten(&mut assignment, &live.task, self.clock.now());
        crash::point("before_assign");
        self.send(slot, &ToSupervisor::Assign(Box::new(assignment)));
        crash::point("after_assign");
    }

    /// The end of an attempt is durable: its pages in the slot file are free.
    fn acknowledge(&mut self, slot: usize, attempt: AttemptId) {
        let mut is_busy = false;
        if let Some(line) = self.state.slots.get_mut(&slot) {
            line.unacknowledged = line.unacknowledged.saturating_sub(1);
            is_busy = line.busy.is_some();
        }
        let message = ToSupervisor::Acknowledge { attempt };
        // A supervisor needs the pages for its next attempt, and so together with that: one that
        // watches a command is not woken up for them.
        // CRASH: the pages stay full, and whoever reads them finds attempts that are over.
        let sent = if is_busy {
            self.backend.send_later(slot, &message)
        } else {
            self.backend.send(slot, &message)
        };
        self.complain(slot, sent);
    }

    fn send(&mut self, slot: usize, message: &ToSupervisor) {
        let sent = self.backend.send(slot, message);
        self.complain(slot, sent);
    }

    fn complain(&mut self, slot: usize, sent: io::Result<()>) {
        if let Err(error) = sent {
            self.watcher.watch(
                self.clock.now(),
                &RunEvent::Warning {
                    text: format!("cannot speak to the supervisor of slot {slot}: {error}"),
                },
            );
        }
    }
}
