//! Whole nights without a process and without waiting: 500 tasks and a service that is dead, through the
//! real step, the real queue, and a clock that jumps from one event to the next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::engine::claiming;
use crate::engine::claiming::ClaimFacts;
use crate::engine::events::BreakerNews;
use crate::engine::fixture as events;
use crate::engine::hand_out::hand_out;
use crate::engine::ledger;
use crate::engine::message::Act;
use crate::engine::recover::Here;
use crate::engine::step::step;
use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::ids::Epoch;
use crate::model::ids::QueueId;
use crate::model::ids::RunId;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::state::TaskStatus;
use crate::policy::classify::Judgement;
use crate::policy::fit::Room;
use crate::policy::window::AtEnd;
use crate::store::fixture;
use crate::store::fixture::NOW;
use crate::store::fixture::Queue;
use crate::store::pick::Awaited;
use crate::store::pick::Selection;
use crate::store::tasks;
use crate::store::tasks::NewTask;
use crate::store::tasks::OnChange;

const SERVICE: &str = "api.example.com";
const HOUR: Duration = Duration::from_hours(1);

/// A service, and how long it takes to answer or to fail.
#[derive(Debug, Clone, Copy)]
struct Service {
    /// Since when it works; none: never.
    back_after: Option<Duration>,
    takes: Duration,
    /// What it fails with.
    category: Category,
}

impl Service {
    const fn dead(takes: u64) -> Self {
        Self {
            back_after: None,
            takes: Duration::from_secs(takes),
            category: Category::ServerError,
        }
    }

    fn judgement(&self, now: Timestamp) -> Judgement {
        if self.back_after.is_some_and(|back| NOW.plus(back) <= now) {
            return Judgement::Success;
        }
        Judgement::Failure(Classification {
            category: self.category,
            pattern: "http_503".to_owned(),
            retryable: Retryable::Yes,
            told: false,
            confidence: 0.9,
            extracted: BTreeMap::new(),
            line: Some("503 Service Unavailable".to_owned()),
        })
    }
}

struct Night {
    queue: Queue,
    run: RunId,
    state: RunState,
    breakers: Breakers,
    end: Timestamp,
    now: Timestamp,
    running: Vec<(Timestamp, AttemptId)>,
    attempts: usize,
    beats: usize,
    next_due: Option<Timestamp>,
    told: Vec<(Timestamp, RunEvent)>,
}

impl Night {
    fn new(number: usize, service: Option<&str>, slots: usize) -> Self {
        let mut queue = fixture::queue();
        let new: Vec<NewTask> = (0..number)
            .map(|number| {
                let mut new = fixture::new_task(&format!("task-{number}"));
                new.spec.service = service.map(str::to_owned).into_iter().collect();
                new
            })
            .collect();
        queue
            .store
            .write(|tx| tasks::add(tx, &new, OnChange::Keep, &fixture::actor(), NOW))
            .unwrap();
        let run = queue.run();
        Self {
            queue,
            run,
            state: RunState {
                capacity: slots,
                ..RunState::default()
            },
            breakers: Breakers::new(Arc::default(), true, NOW),
            end: NOW.plus(9 * HOUR),
            now: NOW,
            running: Vec::new(),
            attempts: 0,
            beats: 0,
            next_due: None,
            told: Vec::new(),
        }
    }

    /// Lets the night go by.
    fn pass(&mut self, service: Service) {
        while self.now < self.end {
            self.beat(service);
            let busy = self.state.running() + self.state.ready.len();
            let has_slot = busy < self.state.capacity;
            let next = [
                self.running.iter().map(|(end, _)| *end).min(),
                self.next_due,
                self.breakers.next_turn().filter(|_| has_slot),
                self.breakers.is_restless().then_some(self.now),
            ];
            let Some(next) = next.into_iter().flatten().min() else {
                return;
            };
            self.now = next.max(self.now);
            self.beats += 1;
            assert!(self.beats < 20_000, "it never ends: {:?}", self.told.last());
        }
    }

    fn beat(&mut self, service: Service) {
        let mut effects = Effects::default();
        let (over, running): (Vec<_>, Vec<_>) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(|(end, _)| *end <= self.now);
        self.running = running;
        for (_, attempt) in over {
            let code = Ended::ByItself(Exit::Code(1));
            let event = events::over(attempt.get(), code, service.judgement(self.now));
            let more = step(&mut self.state, event, self.now);
            effects.writes.extend(more.writes);
            // Its slot gets the next one only when it heard that the outcome is safe.
            for slot in self.state.slots.values_mut() {
                slot.unacknowledged = 0;
            }
        }
        effects.writes.extend(self.breakers.take_back(self.now));
        self.start(service);
        self.commit(&effects.writes);
        self.start(service);
    }

    fn start(&mut self, service: Service) {
        for act in hand_out(&mut self.state, Duration::ZERO) {
            if let Act::Assign { attempt, .. } = act {
                self.attempts += 1;
                self.running.push((self.now.plus(service.takes), attempt));
            }
        }
    }

    fn commit(&mut self, writes: &[Write]) {
        let now = self.now;
        let ahead = self.state.claim_ahead();
        let facts = ClaimFacts {
            run: Some(self.run),
            here: Here {
                queue: QueueId([0; 16]),
                boot: fixture::BOOT,
            },
            epoch: Epoch(1),
            wanted: (ahead.saturating_sub(self.state.ready.len())).max(self.state.capacity),
            above: None,
            selection: Selection::All,
            free: (self.state.capacity)
                .saturating_sub(self.state.running() + self.state.ready.len()),
            room: Room {
                end: Some(self.end),
                whole: None,
                at_end: AtEnd::Stop,
            },
            has_rounds: false,
        };
        let mut gate = self.breakers.gate(&self.state, Some(self.end), true, now);
        let (claimed, due) = self
            .queue
            .store
            .write(|tx| {
                for write in writes {
                    ledger::apply(tx, write, &fixture::actor(), now)?;
                    gate.hear(tx, write)?;
                }
                gate.look(tx)?;
                let claimed = claiming::claim(tx, &facts, &mut gate, &fixture::actor(), now)?;
                gate.look_ahead(tx)?;
                Ok((claimed, tx.next_due(Selection::All, Awaited::Hours)?))
            })
            .unwrap();
        for (attempt, task) in claimed.attempts {
            self.state.add_ready(attempt, task);
        }
        self.next_due = due;
        let (told, probes) = self.breakers.settle(gate, &mut self.state);
        assert!(probes.is_empty());
        self.told.extend(told.into_iter().map(|event| (now, event)));
    }

    fn count(&self, status: TaskStatus) -> u64 {
        let counts = self.queue.store.counts(Selection::All).unwrap();
        counts.of(status)
    }
}

#[test]
fn a_dead_service_that_is_declared_costs_next_to_nothing() {
    // Failures that come at once, and such that take longer than the span in which they are counted.
    for (slots, takes) in [(2, 1), (16, 1), (4, 150)] {
        let mut night = Night::new(500, Some(SERVICE), slots);
        night.pass(Service::dead(takes));
        let attempts = night.attempts;
        assert!(attempts <= 550, "{attempts} attempts with {slots} slots");
        // Far fewer than one per task, and nobody failed for it.
        assert!(attempts <= 80 + slots, "{attempts} with {slots} slots");
        assert_eq!(night.count(TaskStatus::Failed), 0, "{slots} slots");
        assert_eq!(night.count(TaskStatus::Queued), 500);
        let why = night.queue.store.task(crate::model::ids::TaskId::new(400));
        assert_eq!(why.unwrap().parked.unwrap().on.as_deref(), Some(SERVICE));
    }
}

#[test]
fn it_is_tried_in_the_last_minutes_of_the_night() {
    let mut night = Night::new(50, Some(SERVICE), 2);
    night.pass(Service::dead(1));
    let tries = |event: &RunEvent| {
        let news = |news: &BreakerNews| matches!(news, BreakerNews::Tries { .. });
        matches!(event, RunEvent::Breaker { news: one, .. } if news(one))
    };
    let mut told = night.told.iter().rev();
    let last = told.find_map(|(at, event)| tries(event).then_some(*at));
    let left = night.end.since(last.unwrap());
    assert!(left <= Duration::from_mins(15), "{left:?} before the end");
}

#[test]
fn when_it_comes_back_after_two_hours_everybody_succeeds() {
    for (service, category) in [
        (Some(SERVICE), Category::ServerError),
        (Some(SERVICE), Category::RateLimit),
        (None, Category::ServerError),
    ] {
        let mut night = Night::new(500, service, 4);
        night.pass(Service {
            back_after: Some(2 * HOUR),
            category,
            ..Service::dead(1)
        });
        let (attempts, succeeded) = (night.attempts, night.count(TaskStatus::Succeeded));
        assert_eq!(succeeded, 500, "{service:?} {category}");
        // One that succeeds, and before that at most a tenth more than one per task.
        let most = if service.is_some() { 550 } else { 1_050 };
        assert!(attempts <= most, "{attempts} with {service:?}");
    }
}

#[test]
fn a_dead_peer_that_nobody_declared_costs_a_tenth_more_than_one_attempt_each() {
    for (slots, takes) in [(2, 1), (16, 1), (4, 60)] {
        let mut night = Night::new(500, None, slots);
        night.pass(Service::dead(takes));
        let attempts = night.attempts;
        assert!(
            (500..=550).contains(&attempts),
            "{attempts} attempts with {slots} slots, {takes} s each"
        );
        assert_eq!(night.count(TaskStatus::Failed), 0, "{slots} slots");
    }
}
