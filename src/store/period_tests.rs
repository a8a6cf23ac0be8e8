//! Short rows of what happened.

use super::*;
use crate::model::outcome::{Ended, LossCause, StopReason};
use crate::model::state::TaskEvent;
use crate::store::attempts::{self, Finish};
use crate::store::fixture::{
    NOW, Queue, actor, add_one, id_of, later, network, new_task_running, outcome, queue, success,
};
use crate::store::tasks::OnChange;

fn fail(queue: &mut Queue, attempt: AttemptId, ended: Option<Ended>) {
    let mut outcome = outcome(7);
    outcome.output.file = Some("1-0.seg".to_owned());
    if let Some(ended) = ended {
        outcome.ended = ended;
    }
    let judged = network();
    let finish = Finish {
        outcome: &outcome,
        classification: Some(&judged),
        used: true,
        decision: "retry",
        next_at: Some(later(9)),
    };
    let event = TaskEvent::RetryScheduled {
        attempt,
        until: later(9),
    };
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &finish, &event, &actor(), later(3)))
        .unwrap();
}

fn briefs(queue: &Queue, tasks: &[TaskId]) -> Vec<TaskBrief> {
    let mut found = Vec::new();
    let look = |brief| {
        found.push(brief);
        Ok(())
    };
    queue.store.task_briefs(tasks, look).unwrap();
    found
}

fn succeed(queue: &mut Queue, attempt: AttemptId) {
    let outcome = outcome(0);
    let event = TaskEvent::Succeeded { attempt };
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &success(&outcome), &event, &actor(), later(20)))
        .unwrap();
}

#[test]
fn the_attempts_of_a_task_read_back_whole_and_in_short() {
    let mut queue = queue();
    let task = queue.add(&["one"])[0];
    let run = queue.run();
    let first = queue.claim(task, run);
    queue.start(first);
    fail(&mut queue, first, None);
    let second = queue.claim(task, run);
    fail(&mut queue, second, Some(Ended::Lost(LossCause::Reboot)));
    let third = queue.claim(task, run);

    let whole = queue.store.attempts_of(task).unwrap();
    assert_eq!(whole.len(), 3);
    assert_eq!(whole[0].classification, Some(network()));
    assert_eq!(whole[0].outcome.as_ref().unwrap().duration.as_secs(), 2);
    assert_eq!(whole[0].next_at, Some(later(9)));
    assert_eq!(
        (whole[2].id, whole[2].state),
        (third, AttemptState::Claimed)
    );

    let short = queue.store.attempt_briefs(&[task]).unwrap();
    let ends: Vec<Option<&str>> = short.iter().map(|one| one.ended.as_deref()).collect();
    assert_eq!(ends, [Some("by_itself"), Some("lost"), None]);
    assert_eq!(short[0].log.as_deref(), Some("1-0.seg"));
    assert_eq!(short[0].category, Some(Category::Network));
    assert_eq!(short[0].cpu.as_millis(), 42);
}

#[test]
fn only_tasks_that_something_happened_to_are_touched() {
    let mut queue = queue();
    let tasks = queue.add(&["one", "two", "three"]);
    let read = queue.store.last_event().unwrap();
    let run = queue.run();
    let attempt = queue.claim(tasks[1], run);
    succeed(&mut queue, attempt);

    let touched = |what| queue.store.touched(what).unwrap();
    assert_eq!(touched(Touched::AfterEvent(read)), [tasks[1]]);
    assert_eq!(touched(Touched::Since(later(20))), [tasks[1]]);
    assert_eq!(touched(Touched::Since(NOW)), tasks);
    let of_run = Touched::Runs {
        first: run,
        last: run,
        first_attempt: attempt,
        from: later(1),
        to: later(30),
    };
    assert_eq!(touched(of_run), [tasks[1]]);
    assert_eq!(queue.store.unfinished().unwrap(), [tasks[0], tasks[2]]);
    assert_eq!(briefs(&queue, &tasks)[1].state, TaskState::Succeeded);
}

#[test]
fn the_attempts_of_all_tasks_are_those_of_each() {
    let mut queue = queue();
    let tasks = queue.add(&["one", "two", "three", "four", "five", "six"]);
    let run = queue.run();
    // Not in the order of the tasks.
    for task in tasks.iter().rev() {
        let attempt = queue.claim(*task, run);
        succeed(&mut queue, attempt);
    }
    let whole = queue.store.attempt_briefs(&tasks).unwrap();
    let each: Vec<AttemptBrief> = tasks
        .iter()
        .flat_map(|task| queue.store.attempt_briefs(&[*task]).unwrap())
        .collect();
    assert_eq!(whole, each);
    // Of a range with a gap, and of few that are far apart.
    for some in [vec![tasks[0], tasks[2]], vec![tasks[0], tasks[5]]] {
        let found: Vec<TaskId> = briefs(&queue, &some).iter().map(|brief| brief.id).collect();
        assert_eq!(found, some);
    }
}

#[test]
fn the_state_at_an_earlier_instant_follows_from_the_events() {
    let mut queue = queue();
    let task = queue.add(&["one"])[0];
    let run = queue.run();
    let attempt = queue.claim(task, run);
    succeed(&mut queue, attempt);
    let at = |when| queue.store.state_at(task, when).unwrap();
    assert_eq!(at(NOW.minus(Duration::from_secs(1))), None);
    assert_eq!(
        at(later(19)),
        Some(TaskState::Queued {
            due: None,
            claim: Some(attempt)
        })
    );
    assert_eq!(at(later(20)), Some(TaskState::Succeeded));
}

#[test]
fn a_run_that_has_told_an_attempt_to_stop_is_stopping_until_the_attempt_ended() {
    let mut queue = queue();
    let task = queue.add(&["one"])[0];
    let run = queue.run();
    let attempt = queue.claim(task, run);
    queue.start(attempt);
    let stop = |queue: &mut Queue, reason| {
        queue
            .store
            .write(|tx| attempts::set_stop_intent(tx, attempt, reason, &actor(), NOW))
            .unwrap();
    };
    // Somebody called off the task, not the run.
    stop(&mut queue, StopReason::Cancelled);
    assert!(!queue.store.is_stopping().unwrap());
    stop(&mut queue, StopReason::RunStopped);
    assert!(queue.store.is_stopping().unwrap());
    fail(&mut queue, attempt, None);
    assert!(!queue.store.is_stopping().unwrap());
}

#[test]
fn a_list_has_the_pattern_of_the_last_failure() {
    let mut queue = queue();
    let tasks = queue.add(&["one", "two"]);
    let run = queue.run();
    let attempt = queue.claim(tasks[0], run);
    fail(&mut queue, attempt, None);
    queue.claim(tasks[0], run);
    let lines = queue.store.list(&crate::store::Filter::default()).unwrap();
    assert_eq!(lines[0].last_pattern, Some(network().pattern));
    assert_eq!((lines[0].attempts, lines[0].starts()), (2, 1));
    assert_eq!(lines[1].last_pattern, None);
}

#[test]
fn a_habit_is_made_of_earlier_successes_that_were_defined_alike() {
    use crate::policy::suspicion::Habit;
    let mut queue = queue();
    let run = queue.run();
    let mut night = |program: &str, code: i32, doubtful: bool| {
        let new = new_task_running("dump", program);
        let task = id_of(add_one(&mut queue, new, OnChange::Replace));
        let attempt = queue.claim(task, run);
        let ended = outcome(code);
        let judged = network();
        let end = Finish {
            classification: (code != 0).then_some(&judged),
            ..success(&ended)
        };
        let event = match code {
            0 => TaskEvent::Succeeded { attempt },
            _ => TaskEvent::Failed { attempt },
        };
        queue
            .store
            .write(|tx| {
                attempts::finish(tx, attempt, &end, &event, &actor(), later(3))?;
                if doubtful {
                    attempts::doubt(tx, attempt, "too short")?;
                }
                Ok(())
            })
            .unwrap();
        queue.store.habit(task).unwrap()
    };
    assert_eq!(night("true", 0, false), Habit::default());
    night("true", 0, false);
    // Neither a failure, nor a doubtful success, nor another command makes a habit.
    night("true", 1, false);
    night("true", 0, true);
    night("false", 0, false);
    let habit = Habit {
        successes: 2,
        least: std::time::Duration::from_secs(2),
    };
    assert_eq!(night("true", 0, false), habit);
}
