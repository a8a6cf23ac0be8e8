//! The loop of a run, in beats.
//!
//! A beat: wait for the first arrival and take all others that are there; turn them into events;
//! `step` each; hand already claimed attempts to slots that became free; commit all writes and the
//! next claims in one transaction, which may wait a moment for more ([`crate::engine::gather`]); carry
//! out the acts that rest on them.
//!
//! INVARIANT: what rests only on what is durable goes out before the commit, everything else behind
//! it. There is no `?` in the loop: when storage fails, nothing more is started, what runs may end,
//! and its outcomes stay in the slot files for the next run.

use std::path::PathBuf;

use crate::backend::Local;
use crate::engine::adopted::Adopted;
use crate::engine::breakers::Breakers;
use crate::engine::claiming;
use crate::engine::entry::Entered;
use crate::engine::events::RunEnd;
use crate::engine::events::RunEvent;
use crate::engine::events::RunWatcher;
use crate::engine::events::StopCause;
use crate::engine::gather::Gathered;
use crate::engine::granting;
use crate::engine::granting::Refused;
use crate::engine::ground::Ground;
use crate::engine::hand_out::PATIENCE;
use crate::engine::hand_out::hand_out;
use crate::engine::healing::watch::Watchers;
use crate::engine::hours::RunHours;
use crate::engine::inbox::Arrival;
use crate::engine::inbox::Inbox;
use crate::engine::message::Effects;
use crate::engine::message::Event;
use crate::engine::message::Write;
use crate::engine::on_failure::OnFailure;
use crate::engine::overdue;
use crate::engine::pacing::LOOK_AROUND;
use crate::engine::pacing::Pace;
use crate::engine::patterns::Patterns;
use crate::engine::requests::Answer;
use crate::engine::rescue::looks::Looks;
use crate::engine::state::Halt;
use crate::engine::state::RunState;
use crate::engine::step::step;
use crate::engine::tally::Tally;
use crate::engine::telling;
use crate::engine::telling::Courier;
use crate::host::ballast;
use crate::model::ids::RunId;
use crate::policy::fit::Room;
use crate::policy::retention::Retention;
use crate::process::helper::Companion;
use crate::store::Actor;
use crate::store::StoreError;
use crate::store::deaths;
use crate::store::pick::Awaited;
use crate::store::pick::Selection;
use crate::support::clock::Clock;
use crate::support::clock::Timestamp;
use crate::support::clock::monotonic;
use crate::support::crash;

/// A run, or a command that changes something while no run is active.
pub(crate) struct Dispatcher<'a> {
    pub(crate) entered: Entered,
    pub(crate) clock: Clock,
    pub(crate) actor: Actor,
    pub(crate) run: Option<RunId>,
    pub(crate) state: RunState,
    /// What an earlier run left running, to be looked at.
    pub(crate) adopted: Adopted,
    pub(crate) backend: Local,
    pub(crate) inbox: Inbox,
    pub(crate) selection: Selection,
    /// Which times it waits for.
    pub(crate) awaited: Awaited,
    pub(crate) watcher: &'a mut dyn RunWatcher,
    /// Whether a closed terminal ends the run.
    pub(crate) attended: bool,
    /// Slot files that nobody needs any more once everything is durable.
    pub(crate) spent: Vec<PathBuf>,
    /// What recoveries wait for.
    pub(crate) watchers: Watchers,
    /// What is looked at before rescue rounds.
    pub(crate) looks: Looks,
    /// What the machine says of failures.
    pub(crate) on_failure: OnFailure,
    /// When the run began.
    pub(crate) started_at: Option<Timestamp>,
    /// The error patterns that failures are judged by.
    pub(crate) patterns: Patterns,
    /// The services that tasks declare.
    pub(crate) breakers: Breakers,
    /// What happened so far.
    pub(crate) tally: Tally,
    pub(crate) pace: Pace,
    /// The hours that it keeps to.
    pub(crate) hours: RunHours,
    /// The machine is kept from sleeping as long as this is there.
    pub(crate) awake: Option<Companion>,
    /// The files that the run stands on.
    pub(crate) ground: Ground,
    /// How much is kept of what is over.
    pub(crate) retention: Retention,
    /// Tells people who are elsewhere.
    pub(crate) courier: Courier,
    /// What was stepped and waits a moment for its commit.
    pub(crate) gathered: Gathered,
}

impl Dispatcher<'_> {
    /// Beats until there is nothing more to do, and says why it ended.
    pub(crate) async fn work(&mut self, first: Vec<Event>) -> RunEnd {
        self.beat(first);
        loop {
            if let Some(end) = self.end() {
                return end;
            }
            self.wait_and_beat().await;
        }
    }

    /// Waits for the first arrival and beats with all that are there.
    pub(crate) async fn wait_and_beat(&mut self) {
        let patience = self.patience();
        let gathering = self.gathered.patience(monotonic());
        let least = gathering.map_or(patience, |span| span.min(patience));
        let arrival = self.inbox.next(&mut self.backend, least).await;
        // Nothing more came: what was gathered is committed, and nobody need look around.
        let is_over = gathering == Some(least) && matches!(arrival, Arrival::Time);
        let mut events = if is_over {
            Vec::new()
        } else {
            self.take_in(arrival)
        };
        while let Some(arrival) = self.inbox.more() {
            events.extend(self.take_in(arrival));
        }
        // Much that arrives must not keep it from looking.
        if monotonic().saturating_sub(self.pace.looked_around) > 2 * LOOK_AROUND {
            self.look_around();
        }
        self.beat(events);
    }

    /// One beat: from events to durable facts to acts.
    pub(crate) fn beat(&mut self, events: Vec<Event>) {
        let now = self.clock.now();
        let mut gathered = std::mem::take(&mut self.gathered);
        for event in events {
            self.take_step(event, now, &mut gathered.effects);
        }
        self.end_waits(now, &mut gathered.effects);
        self.look_at_the_brake(now, &mut gathered.effects);
        self.look_through_earlier(now, &mut gathered.effects);
        self.take_back_overdue(now, &mut gathered.effects);
        self.take_back_barred(now, &mut gathered.effects);
        self.keep_hours(now, &mut gathered.effects);
        self.halt_without_supervisors(now, &mut gathered.effects);
        // Rests on claims that are durable: it need not wait for the commit.
        self.start_ready(now);
        let is_asked = self.pace.requests || self.run.is_none();
        if !is_asked && gathered.may_wait(&self.state, monotonic()) {
            self.gathered = gathered;
            return;
        }
        self.settle(gathered.effects, &[], now);
        self.start_ready(now);
        self.serve_requests(now);
        // What somebody let go on need not wait for the next arrival.
        self.start_ready(now);
        self.recount(now);
        self.look_after_courier(now);
        // The note is about whoever handled an event; nobody does any more. A stale one is
        // overwritten by the next and weighed with care by the next run.
        let _stale_at_worst = self.entered.lock.clear_note();
    }

    fn start_ready(&mut self, now: Timestamp) {
        let throttled = self.pace.throttled.is_some_and(|until| until > now);
        if !throttled && self.hours.is_open(now) {
            let before = self.state.alone_next.map(|turn| turn.attempt);
            let acts = hand_out(&mut self.state, monotonic());
            self.carry_out(acts);
            let turn = self.state.alone_next.map(|turn| turn.attempt);
            if let Some(attempt) = turn.filter(|turn| before != Some(*turn))
                && let Some(live) = self.state.live.get(&attempt)
            {
                let event = RunEvent::WaitsAlone {
                    task: live.task.reference(),
                    running: self.state.running(),
                    patience: PATIENCE,
                };
                self.tell(&[event], now);
            }
        }
    }

    pub(crate) fn take_step(&mut self, event: Event, now: Timestamp, effects: &mut Effects) {
        let task = granting::wished_of(&event);
        let more = step(&mut self.state, event, now);
        // INVARIANT: what a person wants is refused where it cannot be; it never ends a run.
        effects.add(match task {
            Some(task) => more.wished(task),
            None => more,
        });
    }

    /// Commits what was stepped together with the next claims, then does what rests on it.
    pub(crate) fn settle(&mut self, effects: Effects, answers: &[Answer], now: Timestamp) {
        if self.pace.failure.is_some() {
            return;
        }
        let frees_tasks = effects.writes.iter().any(Write::frees_tasks);
        let reorders = |write: &Write| granting::reorders(write);
        if effects.writes.iter().any(reorders) {
            self.pace.urgent = Some(now);
        }
        let is_due = self.pace.next_due.is_some_and(|due| due <= now);
        let gives_up = self.pace.next_give_up.is_some_and(|at| at <= now);
        if is_due {
            self.pace.urgent = Some(now);
        }
        self.pace.hungry |= frees_tasks || is_due || self.breakers.is_due(now);
        let wanted = self.wanted(now);
        if effects.writes.is_empty() && answers.is_empty() && wanted == 0 && !gives_up {
            return self.tell(&effects.shown, now);
        }
        match self.commit(&effects, answers, wanted, now) {
            Ok(()) => {
                crash::point("after_beat_commit");
                self.carry_out(effects.acts);
                let shown = granting::true_of(effects.shown, &self.pace.refused);
                self.tell(&shown, now);
                let told = std::mem::take(&mut self.pace.told);
                self.tell(&told, now);
            }
            Err(error) => self.storage_failed(error, now),
        }
    }

    fn tell(&mut self, shown: &[RunEvent], now: Timestamp) {
        for event in shown {
            self.tally.note(event);
        }
        self.watcher.watch_all(now, shown);
    }

    fn commit(
        &mut self,
        effects: &Effects,
        answers: &[Answer],
        wanted: usize,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let result = self.commit_once(effects, answers, wanted, now);
        match result {
            Err(error) if error.is_disk_full() && self.pace.ballast_released.is_none() => {
                // The ballast is what lets the end be recorded; then the run ends all the same.
                let released = ballast::release(&self.entered.dir).is_ok();
                self.pace.ballast_released = released.then_some(now);
                let again = self.commit_once(effects, answers, 0, now);
                // If it fails again whoever hears of that tells it, once.
                again.map(|()| {
                    self.alert("the disk is full; the run starts nothing more", &error, now);
                    self.disk_is_full(error);
                })
            }
            other => other,
        }
    }

    fn commit_once(
        &mut self,
        effects: &Effects,
        answers: &[Answer],
        wanted: usize,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let facts = claiming::ClaimFacts {
            run: self.run,
            here: self.entered.here,
            epoch: self.entered.epoch,
            wanted,
            above: self.above(),
            room: Room {
                end: self.hours.end(),
                whole: self.hours.whole(),
                at_end: self.hours.schedule().at_end,
            },
            selection: self.selection,
            has_rounds: self.state.rescue.config.is_some(),
            free: self
                .state
                .capacity
                .saturating_sub(self.state.running() + self.state.ready.len()),
        };
        let actor = self.actor.clone();
        let is_first = self.pace.commits == 0;
        let awaited = self.awaited;
        let mut gate = self.gate(now);
        let courier = &mut self.courier;
        let (claimed, [next_due, next_give_up], told, refused) =
            self.entered.store.write(|tx| {
                if is_first {
                    deaths::forget_silent(tx)?;
                }
                let mut refused = Refused::default();
                for write in &effects.writes {
                    granting::apply(tx, write, &actor, now, &mut refused)?;
                    gate.hear(tx, write)?;
                }
                for answer in answers {
                    answer.clone().but(&refused).write(tx, now)?;
                }
                let mut told = overdue::give_up(tx, &actor, now)?;
                told.extend(tx.take_followed().into_iter().map(overdue::shown));
                gate.look(tx)?;
                let claimed = claiming::claim(tx, &facts, &mut gate, &actor, now)?;
                gate.look_ahead(tx)?;
                told.extend(claimed.passed_over.iter().cloned());
                let events = effects.shown.iter().chain(&told);
                telling::tell_failures(tx, courier, facts.run, events, now)?;
                let next_due = tx.next_due(facts.selection, awaited)?;
                let next_give_up = tx.next_give_up()?;
                Ok((claimed, [next_due, next_give_up], told, refused))
            })?;
        self.pace.refused = refused;
        self.pace.commits += 1;
        if wanted > 0 {
            self.pace.hungry = claimed.more;
            self.pace.urgent = None;
        }
        self.pace.next_due = next_due;
        self.pace.next_give_up = next_give_up;
        self.pace.told = told;
        for (what, waiting) in claimed.looks {
            self.looks.look(what, waiting, self.inbox.looks());
        }
        for (attempt, task) in claimed.attempts {
            self.state.add_ready(attempt, task);
        }
        let news = self.passed_gate(gate);
        self.pace.told.extend(news);
        Ok(())
    }

    /// The facts are safe thanks to the ballast, but nothing more may be started.
    fn disk_is_full(&mut self, error: StoreError) {
        self.pace.failure = Some(error);
        self.stop_for_storage();
    }

    pub(crate) fn storage_failed(&mut self, error: StoreError, now: Timestamp) {
        let message = "the queue cannot be written; the run starts nothing more";
        // One trouble is one alert, whatever it stops further on.
        if self.pace.failure.is_none() {
            self.alert(message, &error, now);
        }
        self.pace.failure = Some(error);
        self.stop_for_storage();
        self.watcher.watch(
            now,
            &RunEvent::Stopping {
                cause: StopCause::Storage,
                running: self.state.running(),
            },
        );
    }

    pub(crate) fn stop_for_storage(&mut self) {
        self.state.halt = self.state.halt.max(Some(Halt::Storage));
        // Their claims stand in the database; the next run gives them back.
        for attempt in std::mem::take(&mut self.state.ready) {
            self.state.live.remove(&attempt);
        }
        // They stand as `recovering` in the database, and the next run watches again.
        self.state.watched.clear();
    }
}
