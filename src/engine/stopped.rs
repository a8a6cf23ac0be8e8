//! Supervisors that somebody has stopped: with SIGSTOP, or with the session that they were in.
//!
//! One that is stopped enforces no time limit, hears no order and tells no end, and its run would wait
//! for it without end. So it is looked for now and then and let go on, and that is told. One that a
//! debugger holds is left to it.

use crate::engine::dispatcher::Dispatcher;
use crate::engine::events::RunEvent;
use crate::engine::state::Place;
use crate::host::alerts;
use crate::host::alerts::Level;
use crate::process::identity;
use crate::support::clock::Timestamp;

impl Dispatcher<'_> {
    /// Lets supervisors go on that are stopped.
    pub(crate) fn wake_stopped(&mut self, now: Timestamp) {
        let mut woken = Vec::new();
        for (attempt, live) in &mut self.state.live {
            let supervisor = match live.place {
                Place::Slot(slot) => self.backend.supervisor(slot),
                Place::Adopted { supervisor } => Some(supervisor),
                Place::Ready | Place::Orphan => None,
            };
            let was_stopped = supervisor.is_some_and(identity::let_go_on);
            // Once is news; a task that does it again and again is woken up as often.
            if was_stopped && !std::mem::replace(&mut live.woken, true) {
                woken.push((*attempt, live.task.spec.name.clone()));
            }
        }
        for (attempt, name) in woken {
            let text = format!(
                "the process that watches over `{name}` had been stopped by a signal; it goes on"
            );
            let details = serde_json::json!({ "task": name, "attempt": attempt });
            let dir = &self.entered.dir;
            // The event tells as well.
            let _only_an_alert =
                alerts::append(dir, Level::Warning, "supervisor", &text, &details, now);
            self.watcher.watch(now, &RunEvent::Warning { text });
        }
    }
}
