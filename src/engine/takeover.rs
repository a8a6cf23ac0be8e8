//! Making what an earlier run left open our own: adopting what lives, turning the fate of the rest
//! into events, and counting the death of the last runner against whoever it was busy with.

use std::path::PathBuf;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::entry::LeftOpen;
use crate::engine::error::EngineError;
use crate::engine::events::AttemptRef;
use crate::engine::events::Found;
use crate::engine::events::RunEvent;
use crate::engine::ledger;
use crate::engine::message::Event;
use crate::engine::recover::Fate;
use crate::engine::requests::BY_HAND_WORDS;
use crate::engine::requests::by_hand;
use crate::engine::state::Afterwards;
use crate::engine::state::Live;
use crate::engine::state::Place;
use crate::model::ids::AttemptId;
use crate::model::ids::ProcessIdentity;
use crate::model::ids::RunId;
use crate::model::message::Force;
use crate::model::outcome::LossCause;
use crate::model::outcome::StopReason;
use crate::model::signal::Signal;
use crate::policy::poison;
use crate::process::identity;
use crate::process::runlock::Death;
use crate::store::OpenAttempt;
use crate::store::deaths;
use crate::store::pick::Selection;
use crate::support::clock::Timestamp;

impl Dispatcher<'_> {
    /// Makes what an earlier run left open our own: adopts what lives, and turns the fate of the
    /// rest into events.
    pub(crate) fn take_over(&mut self, left: LeftOpen) -> Result<Vec<Event>, EngineError> {
        let poisoned = self.weigh_note()?;
        let LeftOpen {
            attempts,
            examination,
        } = left;
        for row in attempts {
            let mut task = ledger::load(&self.entered.store, row.task)?;
            task.number = row.number;
            task.timeout = row.timeout;
            let live = Live {
                task,
                place: Place::Orphan,
                started: row.started_at,
                stopping: None,
                afterwards: if poisoned == Some(row.id) {
                    Some(Afterwards::Hold(poison::hold()))
                } else {
                    self.afterwards(&row)?
                },
                found: None,
                result: None,
                // Nobody remembers what ran beside it.
                beside: false,
                woken: false,
            };
            self.state.live.insert(row.id, live);
        }
        self.spent.extend(examination.spent);
        let mut events = Vec::new();
        for (attempt, fate) in examination.fates {
            if let Fate::Alive {
                slot_file,
                supervisor,
                started_at,
            } = fate
            {
                self.adopt(attempt, slot_file, supervisor, started_at);
            } else {
                if let Some(live) = self.state.live.get_mut(&attempt) {
                    live.found = Some(found(&fate));
                }
                events.extend(self.fate(attempt, fate));
            }
        }
        self.look_at_adopted(self.clock.now());
        Ok(events)
    }

    /// Counts what runs of the same night did before they died. They told nobody how they ended, so the
    /// figures and the exit code of this run are those of the night.
    pub(crate) fn count_died(&mut self, run: RunId) -> Result<(), EngineError> {
        // Of a run for a few tasks nobody asks about the others.
        if self.selection != Selection::All {
            return Ok(());
        }
        let store = &self.entered.store;
        let died = store.died_before(run)?;
        if let (Some(first), Some(last)) = (died.first(), died.last()) {
            let attempts = store.attempts_ended_in(first, last)?;
            self.tally
                .note_earlier(attempts, store.ends_in(first, last)?);
        }
        Ok(())
    }

    /// What an attempt that was to be stopped meant for its task.
    fn afterwards(&self, row: &OpenAttempt) -> Result<Option<Afterwards>, EngineError> {
        let given = || -> Result<String, EngineError> {
            let given = self.entered.store.reason_given(row.task)?;
            Ok(given.unwrap_or_else(|| BY_HAND_WORDS.to_owned()))
        };
        Ok(match row.stop_intent {
            Some(StopReason::Cancelled) => Some(Afterwards::Cancel),
            Some(StopReason::Held) => Some(Afterwards::Hold(by_hand(given()?))),
            Some(StopReason::Completed) => Some(Afterwards::Complete(given()?)),
            Some(StopReason::RunStopped | StopReason::WindowEnded | StopReason::RunnerGone)
            | None => None,
        })
    }

    fn adopt(
        &mut self,
        attempt: AttemptId,
        slot_file: PathBuf,
        supervisor: ProcessIdentity,
        started_at: Option<Timestamp>,
    ) {
        let Some(live) = self.state.live.get_mut(&attempt) else {
            return;
        };
        live.place = Place::Adopted { supervisor };
        live.started = live.started.or(started_at);
        let reference: AttemptRef = live.reference(attempt);
        if let Some(afterwards) = &live.afterwards {
            // It was told before, but whoever told it may have died before the word was out.
            live.stopping = Some((afterwards.stop_reason(), Force::Gentle));
            let _gone_or_told = identity::signal(supervisor, Signal::TERM);
        }
        self.adopted.add(attempt, slot_file.clone());
        self.inbox
            .inspect(None, slot_file, self.entered.here, vec![attempt], None);
        self.watcher.watch(
            self.clock.now(),
            &RunEvent::Adopted {
                attempt: reference,
                started_at,
            },
        );
    }

    /// Counts a death of the last runner against the attempt that it was busy with. Gives back the
    /// attempt if it has brought down too many.
    fn weigh_note(&mut self) -> Result<Option<AttemptId>, EngineError> {
        let Some(note) = self.entered.lock.left_note() else {
            return Ok(None);
        };
        let deaths = self
            .entered
            .store
            .write(|tx| deaths::count(tx, note.attempt, note.death == Death::Crashed))?;
        self.entered.lock.clear_note()?;
        Ok(poison::is_poison(deaths).then_some(note.attempt))
    }
}

/// A fate, for a watcher.
fn found(fate: &Fate) -> Found {
    match fate {
        Fate::NeverStarted(_) => Found::NeverStarted,
        Fate::Lost {
            cause: LossCause::Reboot,
            ..
        } => Found::Reboot,
        Fate::Lost {
            cause: LossCause::SupervisorDied,
            ..
        } => Found::MaybeRan,
        Fate::Outcome(_) | Fate::Alive { .. } => Found::Outcome,
    }
}
