//! Looks before rounds: one for each thing that is looked at, however many tasks wait for it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::healing::probe;
use crate::engine::message::Effects;
use crate::engine::message::Event;
use crate::engine::message::Write;
use crate::engine::rescue::rounds::RescueEvent;
use crate::engine::rescue::rounds::RescueWrite;
use crate::engine::rescue::rounds::Waiting;
use crate::engine::rescue::suspects;
use crate::engine::rescue::suspects::Sight;
use crate::host::alerts;
use crate::host::alerts::Level;
use crate::model::ids::TaskId;
use crate::model::remedy::Await;
use crate::model::state::TaskState;
use crate::policy::rescue::MOST_IN_VAIN;
use crate::store::parking::BY_RESCUE;
use crate::store::pick::Selection;
use crate::store::requests::Wish;
use crate::support::clock::Timestamp;

/// How long a look may take, whatever is looked at.
pub(crate) const LONGEST: Duration = Duration::from_secs(40);

/// What a look saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    /// What was looked at.
    pub(crate) what: Await,
    /// Why it is not there; untrusted text.
    pub(crate) found: Result<(), String>,
}

/// Looks once.
pub(crate) async fn look(what: &Await) -> Result<(), String> {
    let looked = tokio::time::timeout(LONGEST, probe::look(what)).await;
    looked.unwrap_or_else(|_| Err("it does not answer".to_owned()))
}

/// What a look means for whoever failed because of it.
pub(crate) fn sight(what: &Await, found: &Result<(), String>) -> Sight {
    let name = probe::name(what);
    match found {
        Ok(()) => Sight::Gone(format!("{name} {}", probe::seen(what))),
        Err(why) => Sight::NotSeen(format!("{name}: {why}")),
    }
}

/// Looks that nobody has finished, and who waits for them.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    /// Tasks whose round has come.
    rounds: BTreeMap<Await, Vec<Waiting>>,
    /// Tasks that failed in earlier nights.
    earlier: BTreeMap<Await, Vec<TaskId>>,
    /// Those were looked through in this run.
    looked_through: bool,
}

impl Looks {
    /// Whether nobody waits for any.
    pub(crate) fn is_empty(&self) -> bool {
        self.rounds.is_empty() && self.earlier.is_empty()
    }

    /// Looks on behalf of a task.
    pub(crate) fn look(
        &mut self,
        what: Await,
        waiting: Waiting,
        answers: &UnboundedSender<Looked>,
    ) {
        let is_new = !self.rounds.contains_key(&what) && !self.earlier.contains_key(&what);
        self.rounds.entry(what.clone()).or_default().push(waiting);
        if is_new {
            start(what, answers.clone());
        }
    }
}

/// Has a look taken and what it saw sent.
fn start(what: Await, answers: UnboundedSender<Looked>) {
    drop(tokio::spawn(async move {
        let found = look(&what).await;
        // When nobody listens any more, the run is over.
        drop(answers.send(Looked { what, found }));
    }));
}

impl Dispatcher<'_> {
    /// A look is finished: an event for everybody who still waits for it.
    pub(crate) fn looked(&mut self, looked: &Looked) -> Vec<Event> {
        let earlier = self.looks.earlier.remove(&looked.what).unwrap_or_default();
        let mut events = match looked.found {
            Ok(()) => self.rescued(earlier),
            Err(_) => Vec::new(),
        };
        let rounds = self.looks.rounds.remove(&looked.what).unwrap_or_default();
        let store = &self.entered.store;
        // Somebody may have wanted something else meanwhile.
        let still_waits = |one: &Waiting| {
            store.task(one.task.id).is_ok_and(|task| {
                let idle = matches!(task.state, TaskState::Queued { claim: None, .. });
                idle && task.parked.is_some_and(|parked| parked.by == BY_RESCUE)
            })
        };
        let still = rounds.into_iter().filter(still_waits);
        events.extend(still.map(|waiting| {
            Event::Rescue(RescueEvent::Looked {
                waiting,
                what: looked.what.clone(),
                found: looked.found.clone(),
            })
        }));
        events
    }

    /// Queues tasks again whose cause is seen to be gone. What cannot be queued any more stays as it is.
    fn rescued(&mut self, tasks: Vec<TaskId>) -> Vec<Event> {
        let wish = Wish::Rescue { tasks };
        let events = self.events_of(&wish);
        // What cannot be read is told by the next commit.
        let wanted = events.ok().and_then(Result::ok).unwrap_or_default();
        wanted.events
    }

    /// Looks once in a night, when tasks may start, through what failed in earlier ones.
    pub(crate) fn look_through_earlier(&mut self, now: Timestamp, effects: &mut Effects) {
        let is_night = self.state.rescue.config.is_some() && self.hours.is_open(now);
        if self.looks.looked_through || !is_night || self.state.halt.is_some() {
            return;
        }
        self.looks.looked_through = true;
        if self.selection != Selection::All {
            return;
        }
        let config = &self.on_failure.recovery;
        // What cannot be read is told by the next commit.
        let found = suspects::suspects(&self.entered.store, config, now).unwrap_or_default();
        let mut gone = Vec::new();
        for suspect in found {
            match suspect.sight {
                Sight::LookAt(what) => {
                    let looks = &mut self.looks.earlier;
                    let others = looks.entry(what.clone()).or_default();
                    if others.is_empty() {
                        start(what, self.inbox.looks().clone());
                    }
                    others.push(suspect.id);
                }
                Sight::Gone(_) => gone.push(suspect.id),
                Sight::NotSeen(_) => {}
            }
        }
        for event in self.rescued(gone) {
            self.take_step(event, now, effects);
        }
    }

    /// Ends rescuing for this run if the brake was put on in this beat.
    pub(crate) fn look_at_the_brake(&mut self, now: Timestamp, effects: &mut Effects) {
        if !std::mem::take(&mut self.state.rescue.untold) {
            return;
        }
        effects.writes.push(Write::Rescue(RescueWrite::Brake));
        let message = format!(
            "{MOST_IN_VAIN} rescues in a row did not help; nothing more is rescued in this run"
        );
        // Whoever reads the report sees it as well.
        let _report_tells_too = alerts::append(
            &self.entered.dir,
            Level::Warning,
            "rescue",
            &message,
            &serde_json::Value::Null,
            now,
        );
        effects
            .shown
            .push(crate::engine::events::RunEvent::Warning { text: message });
    }
}
