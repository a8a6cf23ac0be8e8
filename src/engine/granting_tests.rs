//! Random wishes about chains of tasks, in random order: none of them ever ends a run, and what is
//! said of them is so.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::engine::dispatcher::Dispatcher;
use crate::engine::entry;
use crate::engine::events::Unwatched;
use crate::engine::fixture::NOW;
use crate::engine::hours::Schedule;
use crate::engine::on_failure::OnFailure;
use crate::engine::run::RunRequest;
use crate::engine::run::dispatcher;
use crate::engine::spare::runtime;
use crate::engine::telling::Telling;
use crate::host::state_dir;
use crate::host::state_dir::SharedFileSystem;
use crate::model::dependency::After;
use crate::model::dependency::When;
use crate::model::ids::TaskName;
use crate::model::layout::StateDir;
use crate::model::message::Force;
use crate::model::state::TaskStatus;
use crate::policy::retention::Retention;
use crate::store::journal;
use crate::store::pick::Awaited;
use crate::store::pick::Selection;
use crate::store::requests::PassedOver;
use crate::store::requests::Verdict;
use crate::store::requests::Wish;
use crate::store::tasks::NewTask;
use crate::store::tasks::OnChange;
use crate::support::clock::Clock;

const TASKS: usize = 6;

/// What happens to tasks, given by their places.
#[derive(Debug, Clone)]
enum Happening {
    Fails(usize),
    AddedAgain(usize),
    Wished(usize, Vec<usize>),
}

fn happening() -> impl Strategy<Value = Happening> {
    let places = proptest::collection::vec(0..TASKS, 1..5);
    prop_oneof![
        1 => (0..TASKS).prop_map(Happening::Fails),
        1 => (0..TASKS).prop_map(Happening::AddedAgain),
        6 => (0..8_usize, places).prop_map(|(what, tasks)| Happening::Wished(what, tasks)),
    ]
}

fn wish(what: usize, tasks: Vec<TaskId>) -> Wish {
    let reason = "because".to_owned();
    match what {
        0 => Wish::Cancel {
            tasks,
            force: Force::Gentle,
        },
        1 => Wish::Retry {
            tasks,
            from_scratch: false,
        },
        2 => Wish::Hold { tasks, reason },
        3 => Wish::Release { tasks },
        4 => Wish::Complete { tasks, reason },
        5 => Wish::Reprioritize { tasks, priority: 3 },
        6 => Wish::Rescue { tasks },
        _ => Wish::Remove { tasks },
    }
}

fn request(root: &Path) -> RunRequest {
    let dir = StateDir::at(root.join("state"));
    state_dir::prepare(&dir, SharedFileSystem::Accept).unwrap();
    RunRequest {
        dir,
        clock: Clock::System,
        slots: 0,
        selection: None,
        awaited: Awaited::Attempts,
        adopt: true,
        stalled_after: Duration::from_mins(30),
        executable: "/bin/false".into(),
        patterns: Arc::default(),
        breakers: Arc::default(),
        attended: false,
        schedule: Schedule::default(),
        telling: Telling::default(),
        retention: Retention::default(),
        on_failure: OnFailure::default(),
    }
}

fn new_task(place: usize, upstreams: &[(usize, When)]) -> NewTask {
    let name = |place: usize| TaskName::new(&format!("t{place}")).unwrap();
    let mut new = crate::store::fixture::new_task(name(place).as_str());
    new.spec.after = upstreams
        .iter()
        .map(|(other, when)| After {
            task: name(*other),
            when: *when,
        })
        .collect();
    new
}

/// Adds tasks, each behind some of those before it.
fn add(dispatcher: &mut Dispatcher<'_>, new: &[NewTask]) -> Vec<TaskId> {
    dispatcher
        .entered
        .store
        .write(|tx| {
            tasks::add(
                tx,
                new,
                OnChange::Keep,
                &crate::store::fixture::actor(),
                NOW,
            )
        })
        .unwrap()
        .into_iter()
        .map(crate::store::fixture::id_of)
        .collect()
}

/// What a wish of these tasks makes of those that are not left out.
fn holds_what_was_granted(
    dispatcher: &Dispatcher<'_>,
    wish: &Wish,
    passed: &[PassedOver],
) -> Result<(), TestCaseError> {
    use TaskStatus as S;
    let (tasks, wanted): (_, &[TaskStatus]) = match wish {
        Wish::Cancel { tasks, .. } => (tasks, &[S::Cancelled]),
        Wish::Retry { tasks, .. } | Wish::Rescue { tasks } => (tasks, &[S::Queued]),
        Wish::Hold { tasks, .. } => (tasks, &[S::Held]),
        // A person let it go on; what it waits for may have ended otherwise meanwhile.
        Wish::Release { tasks } => (tasks, &[S::Queued, S::Skipped]),
        Wish::Complete { tasks, .. } => (tasks, &[S::Succeeded]),
        Wish::Remove { tasks } => (tasks, &[]),
        Wish::Reprioritize { .. } | Wish::ResetBreakers { .. } | Wish::Stop { .. } => return Ok(()),
    };
    for task in tasks {
        if passed.iter().any(|one| one.task == *task) {
            continue;
        }
        match dispatcher.entered.store.state(*task) {
            Ok(state) => prop_assert!(wanted.contains(&state.status()), "{task}: {state:?}"),
            Err(StoreError::NoSuchTask { .. }) => prop_assert!(wanted.is_empty()),
            Err(error) => panic!("{error}"),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_wish_ends_a_run_and_what_is_granted_is_so(
        bonds in proptest::collection::vec((0..TASKS, 1..TASKS, 0..4_usize), 0..8),
        happenings in proptest::collection::vec(happening(), 1..12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let request = request(folder.path());
        let runtime = runtime().unwrap();
        let _inside = runtime.enter();
        let (entered, _left) = entry::enter(&request.dir, NOW, Duration::ZERO).unwrap();
        let mut unwatched = Unwatched;
        let mut dispatcher =
            dispatcher(&request, entered, None, Selection::All, &mut unwatched).unwrap();
        let new: Vec<NewTask> = (0..TASKS)
            .map(|place| {
                let mut upstreams: Vec<(usize, When)> = Vec::new();
                for (upstream, further, when) in &bonds {
                    let is_new = !upstreams.iter().any(|(other, _)| other == upstream);
                    if upstream + further == place && is_new {
                        // Most bonds want a success.
                        let when = [When::Success, When::Success, When::Failure, When::Always][*when];
                        upstreams.push((*upstream, when));
                    }
                }
                new_task(place, &upstreams)
            })
            .collect();
        let mut ids = add(&mut dispatcher, &new);
        for happening in happenings {
            match happening {
                Happening::Fails(place) => {
                    let event = TaskEvent::GivenUp {
                        code: "deadline_passed".to_owned(),
                        reason: "its deadline passed".to_owned(),
                    };
                    let actor = crate::store::fixture::actor();
                    let _in_no_state_for_it = dispatcher
                        .entered
                        .store
                        .write(|tx| journal::record(tx, ids[place], &event, &actor, NOW));
                }
                Happening::AddedAgain(place) => {
                    ids.extend(add(&mut dispatcher, &[new_task(place, &[])]));
                }
                Happening::Wished(what, places) => {
                    // The later of a name as well as the first.
                    let last = ids.len() - 1;
                    let tasks = places.iter().map(|place| ids[(place * 2).min(last)]).collect();
                    let wish = wish(what, tasks);
                    let answer = dispatcher.serve(None, &wish, NOW);
                    prop_assert!(answer.is_some(), "{wish:?}: {:?}", dispatcher.pace.failure);
                    let answer = answer.unwrap();
                    if answer.verdict == Verdict::Accepted {
                        holds_what_was_granted(&dispatcher, &wish, &answer.passed)?;
                    }
                }
            }
        }
        prop_assert!(dispatcher.state.halt.is_none());
    }
}
