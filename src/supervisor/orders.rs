//! What a supervisor is told: by its runner over the pipe, and by signals.

use std::io::Read as _;

use crate::model::ids::AttemptId;
use crate::model::message::Force;
use crate::model::message::FromSupervisor;
use crate::model::message::NotStartedReason;
use crate::model::message::ToSupervisor;
use crate::model::outcome::StopReason;
use crate::model::signal::Signal;
use crate::supervisor::WhenRunnerDies;
use crate::supervisor::service::Service;
use crate::supervisor::service::Stay;

/// Somebody wants the running attempt to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub(super) reason: StopReason,
    pub(super) force: Force,
    /// The signal that asks the command to end, where it is not the task's own.
    pub(super) signal: Option<Signal>,
}

impl Service {
    /// Acts on everything that the runner and signals have said; the answer is what is wanted of the
    /// attempt that runs now.
    pub(super) fn take_orders(&mut self, current: Option<AttemptId>) -> Option<Order> {
        if !self.has_news() {
            return None;
        }
        self.heard = false;
        let mut order: Option<Order> = self.signalled();
        for message in self.control.take_in() {
            match message {
                ToSupervisor::Assign(assignment) => self.inbox.push_back(*assignment),
                ToSupervisor::Acknowledge { attempt } => self.slot.acknowledge(attempt),
                ToSupervisor::Retire => {
                    if self.stay == Stay::Serving {
                        self.stay = Stay::Finishing;
                    }
                }
                ToSupervisor::Stop {
                    attempt,
                    reason,
                    force,
                } => {
                    if current == Some(attempt) {
                        let signal = None;
                        let new = Order {
                            reason,
                            force,
                            signal,
                        };
                        order = Some(stronger(order, new));
                    } else {
                        self.call_off(attempt);
                    }
                }
            }
        }
        if self.control.is_gone() {
            self.mourned = true;
            if !matches!(self.stay, Stay::Leaving(_)) {
                self.stay = Stay::Leaving(NotStartedReason::RunnerGone);
            }
            if self.arguments.when_runner_dies == WhenRunnerDies::Kill {
                let gone = Order {
                    reason: StopReason::RunnerGone,
                    force: Force::Gentle,
                    signal: None,
                };
                order = order.or(Some(gone));
            }
        }
        order
    }

    /// Whether somebody has said something that was not listened to yet, or the runner died.
    pub(super) fn has_news(&self) -> bool {
        self.heard || (self.control.is_gone() && !self.mourned)
    }

    /// What signals to the supervisor itself mean.
    fn signalled(&mut self) -> Option<Order> {
        if !std::mem::take(&mut self.signalled) {
            return None;
        }
        let mut order = None;
        let mut numbers = [0; 64];
        while let Ok(count @ 1..) = self.signals.read(&mut numbers) {
            for number in numbers.get(..count).unwrap_or_default() {
                let force = if i32::from(*number) == libc::SIGQUIT {
                    Force::Kill
                } else {
                    Force::Gentle
                };
                let new = Order {
                    reason: StopReason::RunStopped,
                    force,
                    // Somebody at a terminal speaks to the command, and we stand between them.
                    signal: self.is_alone().then(|| Signal::new(i32::from(*number))),
                };
                order = Some(stronger(order, new));
            }
        }
        if order.is_some() {
            self.retire();
        }
        order
    }

    /// An assignment that has not been started is not wanted any more.
    fn call_off(&mut self, attempt: AttemptId) {
        let before = self.inbox.len();
        self.inbox.retain(|waiting| waiting.attempt != attempt);
        // No record: without one the claim is simply given back, whoever looks.
        if self.inbox.len() < before {
            self.control.send(&FromSupervisor::NotStarted {
                attempt,
                reason: NotStartedReason::Stopped,
            });
        }
    }
}

fn stronger(known: Option<Order>, new: Order) -> Order {
    match known {
        Some(known) if known.force >= new.force => known,
        _ => new,
    }
}
