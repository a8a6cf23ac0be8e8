//! Random graphs and random histories: what is kept step by step is what an evaluation from scratch
//! gives.

use proptest::prelude::*;

use super::*;
use crate::store::Actor;
use crate::store::attempts;
use crate::store::check::Extent;

/// Something that happens in a random history.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Claim,
    Start,
    Succeed,
    Fail,
    TryAgain,
    GiveUp,
    Hold,
    Release,
    Cancel,
    Complete,
    Requeue,
    Remove,
    AddAgain,
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening as H;
    proptest::sample::select(vec![
        H::Claim,
        H::Start,
        H::Succeed,
        H::Fail,
        H::TryAgain,
        H::GiveUp,
        H::Hold,
        H::Release,
        H::Cancel,
        H::Complete,
        H::Requeue,
        H::Requeue,
        H::Remove,
        H::AddAgain,
    ])
}

/// Makes it happen, if it can.
fn try_it(
    tx: &Transaction<'_>,
    run: crate::model::ids::RunId,
    task: TaskId,
    new: &NewTask,
    what: Happening,
) -> Result<(), StoreError> {
    use Happening as H;
    let by: Actor = actor();
    let open = tx.state(task)?.attempt();
    let end = outcome(1);
    let (event, attempt) = match (what, open) {
        (H::Claim, _) => {
            return attempts::claim(tx, task, &facts(run), &by, NOW).map(drop);
        }
        (H::Start, Some(attempt)) => {
            return attempts::mark_started(tx, attempt, &start_facts(), &by, NOW).map(drop);
        }
        (H::Succeed, Some(attempt)) => (TaskEvent::Succeeded { attempt }, Some(attempt)),
        (H::Fail, Some(attempt)) => (TaskEvent::Failed { attempt }, Some(attempt)),
        (H::TryAgain, Some(attempt)) => (
            TaskEvent::RetryScheduled {
                attempt,
                until: NOW,
            },
            Some(attempt),
        ),
        (H::Start | H::Succeed | H::Fail | H::TryAgain, None) => return Ok(()),
        (H::GiveUp, _) => (fail(), None),
        (H::Hold, _) => (
            TaskEvent::Held(Hold {
                code: "by_hand".to_owned(),
                reason: "look".to_owned(),
            }),
            None,
        ),
        (H::Release, _) => (TaskEvent::Released, None),
        (H::Cancel, _) => (TaskEvent::Cancelled, None),
        (H::Complete, _) => (complete(), None),
        (H::Requeue, _) => (TaskEvent::Requeued, None),
        (H::Remove, _) => return tasks::remove(tx, task, &by, NOW),
        (H::AddAgain, _) => {
            return tasks::add(tx, std::slice::from_ref(new), OnChange::Replace, &by, NOW)
                .map(drop);
        }
    };
    match attempt {
        Some(attempt) => attempts::finish(tx, attempt, &success(&end), &event, &by, NOW).map(drop),
        None => record(tx, task, &event, &by, NOW).map(drop),
    }
}

/// What the stored states say about every wait, without looking at how they came about.
fn assert_as_if_evaluated_anew(reader: &Reader, ids: &[TaskId]) {
    for task in ids {
        let Ok(state) = reader.state(*task) else {
            continue;
        };
        let rows = reader.dependencies_of(*task).unwrap();
        for row in &rows {
            if let Ok(upstream) = reader.state(row.upstream) {
                assert_eq!(row.wait, row.when.weigh(&upstream), "{task} {row:?}");
            }
        }
        let unmet = rows.iter().filter(|row| row.wait != Wait::Met).count();
        assert_eq!(reader.task(*task).unwrap().unmet as usize, unmet, "{task}");
        let in_vain = |skip| rows.iter().any(|row| row.wait == Wait::InVain(skip));
        match state {
            TaskState::Queued { claim: None, .. } => {
                assert!(
                    !in_vain(Skip::Blocked) && !in_vain(Skip::NotNeeded),
                    "{task}"
                );
            }
            TaskState::Skipped(skip) => {
                // One whose place a newer task has taken stays as it is.
                let name = reader.task(*task).unwrap().spec.name;
                let newest = reader.find(name.as_str()).unwrap();
                assert!(in_vain(skip) || newest != Some(*task), "{task}");
            }
            TaskState::Queued { .. }
            | TaskState::Running { .. }
            | TaskState::Recovering { .. }
            | TaskState::Held(_)
            | TaskState::Succeeded
            | TaskState::Failed
            | TaskState::Cancelled => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_kept_step_by_step_is_what_an_evaluation_from_scratch_gives(
        edges in proptest::collection::vec((0_usize..8, 0_usize..8, 0_usize..3), 0..20),
        order in Just((0_usize..8).collect::<Vec<_>>()).prop_shuffle(),
        history in proptest::collection::vec((0_usize..8, happening()), 1..50),
    ) {
        const WHENS: [When; 3] = [When::Success, When::Failure, When::Always];
        let new: Vec<NewTask> = order
            .iter()
            .map(|task| {
                let after: Vec<(String, When)> = edges
                    .iter()
                    .filter(|(from, to, _)| from == task && to < from)
                    .map(|(_, to, when)| (format!("t{to}"), WHENS[*when]))
                    .collect();
                let after: Vec<(&str, When)> =
                    after.iter().map(|(name, when)| (name.as_str(), *when)).collect();
                waiting(&format!("t{task}"), &after)
            })
            .collect();
        let mut queue = queue();
        let run = queue.run();
        let ids = add(&mut queue, &new, OnChange::Keep).unwrap();
        let checked = queue.store.write(|tx| {
            for (place, what) in &history {
                // What cannot happen changes nothing.
                let _refused = tx.savepoint(|tx| try_it(tx, run, ids[*place], &new[*place], *what));
                assert_as_if_evaluated_anew(tx, &ids);
            }
            Ok(())
        });
        prop_assert!(checked.is_ok());
        let found = queue.store.check(Extent::Whole).unwrap();
        prop_assert!(found.is_sound(), "{:?}", found.problems);
    }
}
