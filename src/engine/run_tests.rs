//! Runs whose supervisors are not what they should be, and wishes that come too late.

use std::path::Path;

use super::*;
use crate::engine::events::StopCause;
use crate::engine::events::Unwatched;
use crate::engine::fixture::NOW;
use crate::host::state_dir;
use crate::host::state_dir::SharedFileSystem;
use crate::model::ids::TaskName;
use crate::model::spec::Command;
use crate::model::spec::TaskSpec;
use crate::store::Access;
use crate::store::Store;
use crate::store::requests;
use crate::store::requests::StopHow;
use crate::store::requests::Verdict;
use crate::store::requests::Wish;
use crate::store::tasks;
use crate::store::tasks::NewTask;
use crate::store::tasks::OnChange;
use crate::support::clock::Timestamp;

fn request(root: &Path) -> RunRequest {
    let dir = StateDir::at(root.join("state"));
    state_dir::prepare(&dir, SharedFileSystem::Accept).unwrap();
    RunRequest {
        dir,
        clock: Clock::System,
        slots: 1,
        selection: None,
        awaited: crate::store::pick::Awaited::Attempts,
        adopt: true,
        stalled_after: std::time::Duration::from_mins(30),
        executable: "/bin/false".into(),
        patterns: Arc::default(),
        breakers: Arc::default(),
        attended: false,
        schedule: Schedule::default(),
        telling: crate::engine::telling::Telling::default(),
        retention: Retention::default(),
        on_failure: OnFailure::default(),
    }
}

/// Why a run started nothing more.
#[derive(Default)]
struct Causes(Vec<StopCause>);

impl RunWatcher for Causes {
    fn watch(&mut self, _at: Timestamp, event: &RunEvent) {
        if let RunEvent::Stopping { cause, .. } = event {
            self.0.push(*cause);
        }
    }
}

fn open(request: &RunRequest) -> Store {
    Store::open(&request.dir, Access::ReadWrite, NOW).unwrap()
}

#[test]
fn a_run_whose_supervisors_die_at_birth_ends_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let request = request(folder.path());
    // More than there are slots: some are claimed and never handed out.
    let tasks = ["one", "two", "three"].map(|name| NewTask {
        spec: Box::new(TaskSpec::of_command(
            TaskName::new(name).unwrap(),
            Command::Direct(vec!["true".into()]),
            "/".into(),
        )),
        surroundings: Arc::default(),
        source: None,
        times: tasks::Times::default(),
    });
    let actor = Actor::Command("test".to_owned());
    open(&request)
        .write(|tx| tasks::add(tx, &tasks, OnChange::Keep, &actor, NOW))
        .unwrap();
    let mut causes = Causes::default();
    let end = run(&request, &mut causes);
    // Else it would wait for its claims until they are taken back.
    assert_eq!(causes.0, [StopCause::NoSupervisor]);
    assert!(
        matches!(end, Err(EngineError::NoSupervisor { .. })),
        "{end:?}"
    );
    let store = open(&request);
    let runs = store.runs(1).unwrap();
    assert_eq!(runs[0].end.as_ref().unwrap().because, "no_supervisor");
    assert!(store.open_attempts().unwrap().is_empty());
    assert_eq!(
        store.counts(Selection::All).unwrap().of(TaskStatus::Queued),
        3
    );
}

#[test]
fn a_wish_to_stop_that_came_too_late_does_not_stop_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let request = request(folder.path());
    let wish = Wish::Stop { how: StopHow::Now };
    let id = open(&request)
        .write(|tx| requests::put(tx, &wish, "stop", NOW))
        .unwrap();
    let outcome = run(&request, &mut Unwatched).unwrap();
    assert_eq!(outcome.end, RunEnd::Drained);
    let answer = open(&request).answer_of(id).unwrap().unwrap();
    assert_eq!(answer.verdict, Verdict::Refused);
}
