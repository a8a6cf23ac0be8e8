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
use crate::host::alerts;
use crate::host::alerts::Level;
use crate::model::remedy::Await;
use crate::model::state::TaskState;
use crate::policy::rescue::MOST_IN_VAIN;
use crate::store::parking::BY_RESCUE;
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

/// Looks that nobody has finished, and who waits for them.
#[derive(Debug, Default)]
pub(crate) struct Looks(BTreeMap<Await, Vec<Waiting>>);

impl Looks {
    /// Whether nobody waits for any.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks on behalf of a task.
    pub(crate) fn look(
        &mut self,
        what: Await,
        waiting: Waiting,
        answers: &UnboundedSender<Looked>,
    ) {
        if let Some(others) = self.0.get_mut(&what) {
            others.push(waiting);
            return;
        }
        let answers = answers.clone();
        let target = what.clone();
        self.0.insert(what, vec![waiting]);
        drop(tokio::spawn(async move {
            let found = look(&target).await;
            let what = target;
            // When nobody listens any more, the run is over.
            drop(answers.send(Looked { what, found }));
        }));
    }
}

impl Dispatcher<'_> {
    /// A look is finished: an event for everybody who still waits for it.
    pub(crate) fn looked(&mut self, looked: &Looked) -> Vec<Event> {
        let waiting = self.looks.0.remove(&looked.what).unwrap_or_default();
        let store = &self.entered.store;
        // Somebody may have wanted something else meanwhile.
        let still_waits = |one: &Waiting| {
            store.task(one.task.id).is_ok_and(|task| {
                let idle = matches!(task.state, TaskState::Queued { claim: None, .. });
                idle && task.parked.is_some_and(|parked| parked.by == BY_RESCUE)
            })
        };
        waiting
            .into_iter()
            .filter(still_waits)
            .map(|waiting| {
                Event::Rescue(RescueEvent::Looked {
                    waiting,
                    what: looked.what.clone(),
                    found: looked.found.clone(),
                })
            })
            .collect()
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
