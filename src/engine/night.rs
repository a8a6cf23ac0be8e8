//! What follows when the hours of a run turn: waiting, opening, ending, and a clock that was set back.

use std::time::Duration;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::events::RunEvent;
use crate::engine::hours::Turn;
use crate::engine::message::Effects;
use crate::engine::message::Event;
use crate::engine::message::Write;
use crate::engine::state::Halt;
use crate::process::helper::Companion;
use crate::support::clock::Timestamp;
use crate::support::text;

/// Keeps the machine awake as long as its standard input is open; a part of systemd.
const KEEP_AWAKE: [&str; 7] = [
    "systemd-inhibit",
    "--what=sleep:idle:handle-lid-switch",
    "--who=autoexec",
    "--why=tasks run overnight",
    "--mode=block",
    "--no-ask-password",
    "cat",
];

impl Dispatcher<'_> {
    /// Looks at the hours and does what has become due.
    pub(crate) fn keep_hours(&mut self, now: Timestamp, effects: &mut Effects) {
        if self.run.is_none() {
            return;
        }
        for turn in self.hours.look(now) {
            match turn {
                Turn::SetBack { by } => self.clock_was_set_back(by, effects),
                Turn::Barred(bar) => self.take_step(Event::Barred(bar), now, effects),
                Turn::Free(after) => {
                    self.pace.hungry = true;
                    effects.writes.push(Write::WindowOpened);
                    effects.shown.push(RunEvent::GoesOn {
                        after,
                        until: self.hours.end(),
                    });
                }
                Turn::Over => {
                    let at_end = self.hours.schedule().at_end;
                    self.take_step(Event::Halt(Halt::Deadline(at_end)), now, effects);
                }
            }
        }
        self.state.until = self.hours.end();
        let is_night = matches!(self.hours.start(), Some(start) if start <= now);
        if is_night && self.awake.is_none() {
            // Where nobody offers it, nothing keeps the machine awake.
            self.awake = Some(Companion::start(&KEEP_AWAKE).unwrap_or_default());
        }
    }

    fn clock_was_set_back(&mut self, by: Duration, effects: &mut Effects) {
        // Instants that were noted by the old time would be waited for.
        self.pace.throttled = None;
        self.pace.counted = None;
        self.pace.hungry = true;
        effects.writes.push(Write::ClockSetBack);
        effects.shown.push(RunEvent::Warning {
            text: format!("the clock was set back by {}", text::span(by)),
        });
    }

    /// Looks whether somebody paused the queue, or ended its pause.
    pub(crate) fn look_at_pause(&mut self) {
        if self.run.is_none() {
            return;
        }
        // What cannot be read now is looked at again soon; the next commit says what is wrong.
        if let Ok(pause) = self.entered.store.pause() {
            self.hours.note_pause(pause);
        }
    }

    /// Whether the clock has been set back since something was written last.
    pub(crate) fn look_at_the_past(&mut self, now: Timestamp) {
        let last = self.entered.store.last_event_at().ok().flatten();
        if last.is_some_and(|last| last.since(now) > Duration::from_secs(1)) {
            self.hours.saw(last.unwrap_or(now));
        }
    }
}
