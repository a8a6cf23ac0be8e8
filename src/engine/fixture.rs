//! Tests only: a run in memory and the events that happen to it.

use std::time::Duration;

use crate::engine::hand_out::hand_out;
use crate::engine::healing::present::Healing;
use crate::engine::message::Change;
use crate::engine::message::Effects;
use crate::engine::message::Event;
use crate::engine::message::Write;
use crate::engine::state::ClaimedTask;
use crate::engine::state::RunState;
use crate::engine::step::step;
use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::ids::AttemptId;
use crate::model::ids::ProcessIdentity;
use crate::model::ids::RecoveryId;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::outcome::Containment;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::Outcome;
use crate::model::outcome::OutputPlace;
use crate::model::outcome::StopReason;
use crate::model::outcome::Usage;
use crate::model::recovery::RecoveryPlan;
use crate::model::recovery::RecoveryState;
use crate::model::recovery::Risk;
use crate::model::remedy::Remedy;
use crate::model::signal::Signal;
use crate::model::spec::Command;
use crate::model::spec::Surroundings;
use crate::model::spec::TaskSpec;
use crate::model::state::TaskEvent;
use crate::policy::classify::Judgement;
use crate::policy::classify::we_stopped;
use crate::policy::limits::Limits;
use crate::store::recoveries::RecoveryRecord;
use crate::support::clock::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_000_000);

pub(crate) fn attempt(number: i64) -> AttemptId {
    AttemptId::new(number)
}

pub(crate) fn task(number: i64, priority: i64) -> ClaimedTask {
    let mut spec = TaskSpec::of_command(
        TaskName::new(&format!("task-{number}")).unwrap(),
        Command::Direct(vec!["true".into()]),
        "/".into(),
    );
    spec.priority = priority;
    spec.retry.jitter = 0.0;
    ClaimedTask {
        id: TaskId::new(number),
        number: 1,
        used: 0,
        timeout: None,
        time_factor: 1,
        limits: Limits::default(),
        latest_start: None,
        priority,
        steps_done: 0,
        series_started: None,
        last: None,
        healing: Healing::default(),
        rescue: crate::store::rescue::RescueStand::default(),
        habit: crate::policy::suspicion::Habit::default(),
        spec,
        surroundings: Surroundings::default(),
    }
}

/// A run with `capacity` slots and ready attempts 1 to `ready`.
pub(crate) fn run(capacity: usize, ready: i64) -> RunState {
    let mut state = RunState {
        capacity,
        ..RunState::default()
    };
    for number in 1..=ready {
        state.add_ready(attempt(number), task(number, 0));
    }
    state
}

/// A run in which attempt 1 runs in slot 0.
pub(crate) fn running() -> RunState {
    let mut state = run(1, 1);
    hand_out(&mut state, Duration::ZERO);
    step(&mut state, started(1), NOW);
    state
}

pub(crate) fn started(number: i64) -> Event {
    Event::Started {
        attempt: attempt(number),
        slot: 0,
        process: ProcessIdentity { pid: 9, start: 9 },
        at: NOW,
    }
}

pub(crate) fn outcome(ended: Ended) -> Box<Outcome> {
    Box::new(Outcome {
        ended,
        started_at: Some(NOW),
        ended_at: NOW,
        duration: Duration::from_secs(1),
        usage: Usage::default(),
        output: OutputPlace::default(),
        leftovers: Vec::new(),
        leftover_count: 0,
        containment: Containment::Subreaper,
        out_of_memory: false,
        notes: Vec::new(),
        account: crate::model::outcome::Account::default(),
    })
}

pub(crate) fn over(number: i64, ended: Ended, judgement: Judgement) -> Event {
    Event::Ended {
        attempt: attempt(number),
        outcome: outcome(ended),
        judgement,
        chance: 0.5,
        doubt: None,
        survivors: false,
        cut_short: 0,
        open: Vec::new(),
        recovery: None,
    }
}

/// A recovery of task 1 after the failure of its attempt 1: `network`, pattern `test`.
pub(crate) fn recovery(number: i64, remedy: Remedy, state: RecoveryState) -> RecoveryRecord {
    RecoveryRecord {
        id: RecoveryId::new(number),
        task: TaskId::new(1),
        attempt: attempt(1),
        run: RunId::new(1),
        pattern: "test".to_owned(),
        category: Category::Network,
        fingerprint: "f1".to_owned(),
        strategy: "strategy".to_owned(),
        risk: Risk::Observe,
        plan: Some(plan(remedy)),
        state,
        expected: None,
        known: 0,
        started_at: NOW,
        ended_at: None,
        next_attempt: None,
        detail: None,
    }
}

pub(crate) fn plan(remedy: Remedy) -> RecoveryPlan {
    RecoveryPlan {
        strategy: "strategy".to_owned(),
        risk: Risk::Observe,
        remedy,
        about: None,
        undo: None,
        timeout: Duration::from_mins(5),
    }
}

pub(crate) fn success(number: i64) -> Event {
    over(number, Ended::ByItself(Exit::Code(0)), Judgement::Success)
}

pub(crate) fn failure(category: Category) -> Judgement {
    Judgement::Failure(Classification {
        category,
        pattern: "test".to_owned(),
        retryable: Retryable::Yes,
        told: false,
        confidence: 1.0,
        extracted: std::collections::BTreeMap::new(),
        line: None,
    })
}

pub(crate) fn stopped(reason: StopReason) -> Event {
    over(
        1,
        Ended::Stopped {
            reason,
            exit: Exit::Signal {
                signal: Signal::TERM,
                core: false,
            },
            killed: false,
        },
        Judgement::Failure(we_stopped(reason)),
    )
}

pub(crate) fn events_of(effects: &Effects) -> Vec<&TaskEvent> {
    effects
        .writes
        .iter()
        .map(|write| {
            if let Write::Wished { write, .. } = write {
                write
            } else {
                write
            }
        })
        .filter_map(|write| match write {
            Write::Finish { event, .. } | Write::Change { event, .. } => Some(event),
            Write::Started { .. }
            | Write::ReturnClaim { .. }
            | Write::StepsDone { .. }
            | Write::Result { .. }
            | Write::Doubt { .. }
            | Write::StopIntent { .. }
            | Write::Reprioritize { .. }
            | Write::Remove { .. }
            | Write::Cut { .. }
            | Write::Healing(_)
            | Write::Rescue(_)
            | Write::WindowOpened
            | Write::Service(_)
            | Write::Probed(_)
            | Write::ResetBreaker { .. }
            | Write::Wished { .. }
            | Write::ClockSetBack => None,
        })
        .collect()
}

pub(crate) fn change(open: Option<i64>, change: Change) -> Event {
    Event::Change {
        id: TaskId::new(1),
        name: TaskName::new("task-1").unwrap(),
        open: open.map(attempt),
        recovering: false,
        change,
    }
}
