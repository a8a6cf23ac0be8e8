//! How a command changes tasks: through the living run, or by itself while nobody runs.
//!
//! With a run active the wish becomes a request, which the run answers; should the run end before it
//! does, the command takes the lock and serves its own wish, after the same recovery as a run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::entry;
use crate::engine::entry::Entered;
use crate::engine::entry::LeftOpen;
use crate::engine::error::EngineError;
use crate::engine::events::RunWatcher;
use crate::engine::events::Unwatched;
use crate::engine::hours::Schedule;
use crate::engine::on_failure::OnFailure;
use crate::engine::run::RunRequest;
use crate::engine::run::dispatcher;
use crate::engine::spare::runtime;
use crate::engine::stale_stops;
use crate::engine::telling::Telling;
use crate::model::ids::TaskId;
use crate::model::layout::StateDir;
use crate::policy::classify::PatternSet;
use crate::policy::retention::Retention;
use crate::process::runlock::Holder;
use crate::process::runlock::RunLock;
use crate::process::runlock::RunLockError;
use crate::process::wake;
use crate::store::Access;
use crate::store::Actor;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::pick::Awaited;
use crate::store::pick::Selection;
use crate::store::requests;
use crate::store::requests::Answer;
use crate::store::requests::PassedOver;
use crate::store::requests::RequestId;
use crate::store::requests::StopHow;
use crate::store::requests::Verdict;
use crate::store::requests::Wish;
use crate::support::clock::Clock;
use crate::support::clock::monotonic;
use crate::support::crash;

/// How long a living run may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two looks for an answer.
const PAUSE: Duration = Duration::from_millis(20);

/// The answer that a command gives to its own wish when it no longer waits.
const WITHDRAWN: &str = "the command that asked no longer waits";

/// Whether a command returns before what it asked for is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// When nothing of the tasks runs any more.
    ForTheEnd,
    /// When the wish was accepted.
    ForTheAnswer,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// It was granted, but for these tasks.
    Granted(Vec<PassedOver>),
    /// It was refused, with a sentence.
    Refused(String),
}

/// Who asks for a change, and where.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The queue.
    pub dir: StateDir,
    /// Where "now" comes from.
    pub clock: Clock,
    /// The command's name, for the record.
    pub command: &'static str,
    /// This program.
    pub executable: PathBuf,
    /// The error patterns of the configuration.
    pub patterns: Arc<PatternSet>,
    /// What the machine says of failures.
    pub on_failure: OnFailure,
}

/// Has tasks changed.
///
/// # Errors
/// When the queue cannot be used or a living run does not answer.
pub fn change(asker: &Asker, wish: &Wish, wait: Wait) -> Result<Changed, EngineError> {
    let deadline = monotonic() + crash::patience(ANSWER);
    let mut request = None;
    loop {
        // Also when the wish was granted: the run that stops the task may die before it is stopped.
        match entry::enter(&asker.dir, asker.clock.now(), Duration::ZERO) {
            Ok((entered, left)) => return alone(asker, wish, wait, request, entered, left),
            Err(EngineError::Lock(RunLockError::Held { holder })) => {
                match ask(asker, wish, wait, &mut request)? {
                    Asked::Done(changed) => return Ok(changed),
                    Asked::Unheard if monotonic() >= deadline => {
                        return given_up(asker, request, holder.as_ref());
                    }
                    Asked::BeingDone | Asked::Unheard => {}
                }
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Asks the living run to end. `None` when no run is active.
///
/// # Errors
/// When the queue cannot be used or the run does not answer.
pub fn stop(asker: &Asker, how: StopHow) -> Result<Option<Holder>, EngineError> {
    let deadline = monotonic() + crash::patience(ANSWER);
    let mut request = None;
    let mut last_holder = None;
    loop {
        let lock = RunLock::acquire(&asker.dir.run_lock(), asker.clock.now(), Duration::ZERO);
        let holder = match lock {
            Ok(lock) => {
                // The run ended meanwhile: because of us, if it answered with its last breath.
                let granted = matches!(withdraw(asker, request)?, Some(Changed::Granted(_)));
                drop(lock);
                return Ok(last_holder.filter(|_| granted));
            }
            Err(RunLockError::Held { holder }) => holder,
            Err(error) => return Err(EngineError::Lock(error)),
        };
        let wish = Wish::Stop { how };
        match ask(asker, &wish, Wait::ForTheAnswer, &mut request)? {
            Asked::Done(Changed::Granted(_)) => return Ok(holder),
            // It was meant for a run that had ended; another one holds the lock now.
            Asked::Done(Changed::Refused(_)) => request = None,
            Asked::BeingDone | Asked::Unheard => {}
        }
        if monotonic() >= deadline {
            given_up(asker, request, holder.as_ref())?;
            return Ok(holder);
        }
        last_holder = holder;
        std::thread::sleep(PAUSE);
    }
}

/// How far a wish is that was left for a run.
#[derive(Debug)]
enum Asked {
    /// It was answered, and there is nothing more to wait for.
    Done(Changed),
    /// It was granted, and something of the tasks still runs.
    BeingDone,
    /// Nobody has answered yet.
    Unheard,
}

/// Leaves the wish for the living run, the first time, and looks for its answer.
fn ask(
    asker: &Asker,
    wish: &Wish,
    wait: Wait,
    request: &mut Option<(RequestId, Store)>,
) -> Result<Asked, EngineError> {
    let now = asker.clock.now();
    if request.is_none() {
        let mut store = Store::open(&asker.dir, Access::ReadWrite, now)?;
        let id = store.write(|tx| requests::put(tx, wish, asker.command, now))?;
        *request = Some((id, store));
        // The run looks by itself, only later.
        let _slower_without = wake::wake(&asker.dir.wake());
    }
    let Some((id, store)) = request else {
        return Ok(Asked::Unheard);
    };
    let Some(answer) = store.answer_of(*id)? else {
        return Ok(Asked::Unheard);
    };
    if is_being_done(store, &answer, wish, wait)? {
        return Ok(Asked::BeingDone);
    }
    Ok(Asked::Done(as_changed(answer)))
}

/// Whether a wish was granted whose end is waited for and has not come.
fn is_being_done(
    store: &Store,
    answer: &Answer,
    wish: &Wish,
    wait: Wait,
) -> Result<bool, StoreError> {
    Ok(answer.verdict == Verdict::Accepted
        && wait == Wait::ForTheEnd
        && is_worked_on(store, tasks_of(wish))?)
}

/// Takes a wish back; gives what was answered before, if it was.
fn withdraw(
    asker: &Asker,
    request: Option<(RequestId, Store)>,
) -> Result<Option<Changed>, EngineError> {
    let Some((id, mut store)) = request else {
        return Ok(None);
    };
    let now = asker.clock.now();
    store.write(|tx| requests::answer(tx, id, Verdict::Refused, WITHDRAWN, now))?;
    Ok(store.answer_of(id)?.map(as_changed))
}

/// The run did not answer in time. The wish must not come true later, when nobody expects it.
fn given_up(
    asker: &Asker,
    request: Option<(RequestId, Store)>,
    holder: Option<&Holder>,
) -> Result<Changed, EngineError> {
    match withdraw(asker, request)? {
        Some(granted @ Changed::Granted(_)) => Ok(granted),
        Some(Changed::Refused(text)) if text != WITHDRAWN => Ok(Changed::Refused(text)),
        Some(Changed::Refused(_)) | None => Err(EngineError::NoAnswer {
            pid: holder.map(|holder| holder.process.pid),
        }),
    }
}

fn is_worked_on(store: &Store, tasks: &[TaskId]) -> Result<bool, StoreError> {
    for task in tasks {
        match store.state(*task) {
            Ok(state) if state.attempt().is_some() => return Ok(true),
            Ok(_) | Err(StoreError::NoSuchTask { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn tasks_of(wish: &Wish) -> &[TaskId] {
    match wish {
        Wish::Cancel { tasks, .. }
        | Wish::Hold { tasks, .. }
        | Wish::Complete { tasks, .. }
        | Wish::Remove { tasks } => tasks,
        // Whoever lets a task go on does not wait for its end.
        Wish::Retry { .. }
        | Wish::Rescue { .. }
        | Wish::Release { .. }
        | Wish::Reprioritize { .. }
        | Wish::ResetBreakers { .. }
        | Wish::Stop { .. } => &[],
    }
}

/// Nobody runs: the command recovers what an earlier run left open and serves its own wish.
fn alone(
    asker: &Asker,
    wish: &Wish,
    wait: Wait,
    request: Option<(RequestId, Store)>,
    entered: Entered,
    left: LeftOpen,
) -> Result<Changed, EngineError> {
    let id = request.map(|(id, _)| id);
    if let Some(id) = id
        && let Some(answer) = entered.store.answer_of(id)?
        && !is_being_done(&entered.store, &answer, wish, wait)?
    {
        // The run answered with its last breath.
        return Ok(as_changed(answer));
    }
    let request = RunRequest {
        dir: asker.dir.clone(),
        clock: asker.clock,
        slots: 0,
        selection: None,
        awaited: Awaited::Attempts,
        adopt: true,
        // It starts nothing.
        stalled_after: Duration::from_hours(24),
        executable: asker.executable.clone(),
        patterns: Arc::clone(&asker.patterns),
        breakers: Arc::default(),
        attended: false,
        schedule: Schedule::default(),
        telling: Telling::default(),
        retention: Retention::default(),
        on_failure: asker.on_failure.clone(),
    };
    let runtime = runtime()?;
    let mut unwatched = Unwatched;
    let changed = runtime.block_on(async {
        let watcher: &mut dyn RunWatcher = &mut unwatched;
        let mut dispatcher = dispatcher(&request, entered, None, Selection::All, watcher)?;
        dispatcher.actor = Actor::Command(asker.command.to_owned());
        serve_alone(dispatcher, wish, wait, id, left).await
    });
    runtime.shutdown_background();
    changed
}

async fn serve_alone(
    mut dispatcher: Dispatcher<'_>,
    wish: &Wish,
    wait: Wait,
    request: Option<RequestId>,
    left: LeftOpen,
) -> Result<Changed, EngineError> {
    let events = dispatcher.take_over(left)?;
    dispatcher.beat(events);
    let now = dispatcher.clock.now();
    stale_stops::refuse(&mut dispatcher.entered, now)?;
    // INVARIANT: what others asked before is served first, be they dead or alive. Otherwise a later run
    // would serve it, and take back what this command is about to be told.
    dispatcher.pace.requests = true;
    dispatcher.serve_requests(now);
    let changed = match request {
        Some(id) => dispatcher.entered.store.answer_of(id)?.map(as_changed),
        None => dispatcher
            .serve(None, wish, now)
            .map(|answer| changed(answer.verdict, answer.text)),
    };
    while wait == Wait::ForTheEnd
        && dispatcher.pace.failure.is_none()
        && is_worked_on(&dispatcher.entered.store, tasks_of(wish))?
    {
        dispatcher.wait_and_beat().await;
    }
    if let Some(error) = dispatcher.pace.failure.take() {
        return Err(EngineError::Store(error));
    }
    // Nobody is told that something was granted that nobody has granted.
    changed.ok_or(EngineError::Unanswered)
}

/// What a verdict means for whoever asked.
fn changed(verdict: Verdict, text: String) -> Changed {
    match verdict {
        // An answer without such a list leaves nothing out.
        Verdict::Accepted => Changed::Granted(serde_json::from_str(&text).unwrap_or_default()),
        Verdict::Refused => Changed::Refused(text),
    }
}

fn as_changed(answer: Answer) -> Changed {
    changed(answer.verdict, answer.text)
}
