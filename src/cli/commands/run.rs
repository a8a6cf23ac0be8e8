//! `autoexec run`: adds files, then runs until the queue is drained.

use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::adding;
use crate::cli::commands::Invocation;
use crate::cli::commands::dry_run;
use crate::cli::commands::queue::select;
use crate::cli::commands::report;
use crate::cli::commands::rescue;
use crate::cli::config::run::{WhenRunnerDies, parse_parallel};
use crate::cli::courier;
use crate::cli::courier::Undelivered;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::guard;
use crate::cli::hours::HoursArgs;
use crate::cli::output::Verbosity;
use crate::cli::settings::Settings;
use crate::engine::rescue::suspects::{Sight, suspects};
use crate::engine::{self, RunOutcome, RunRequest, Schedule};
use crate::model::ids::TaskId;
use crate::model::state::TaskStatus as S;
use crate::process::children;
use crate::process::signals;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::pick::{Awaited, Selection};
use crate::store::runs;
use crate::store::runs::{COMMAND_MODE, Run};
use crate::store::tasks::OnChange;
use crate::support::clock::{Timestamp, Zone};
use crate::support::paint::Paint;
use crate::ui::lines::Manner;
use crate::ui::progress::{Show, watcher};

/// Options of `autoexec run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Task files to add first; then only their tasks run
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Attempts that may run at once [default: 2]
    #[arg(short = 'j', long, value_name = "N", value_parser = parse_parallel)]
    pub parallel: Option<NonZeroUsize>,
    /// Run only this task; may be given several times
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Print one line per event instead of progress bars
    #[arg(long)]
    pub no_progress: bool,
    /// Print the report of the run at its end
    #[arg(long)]
    pub report: bool,
    /// The hours that it keeps to
    #[command(flatten)]
    pub hours: HoursArgs,
    /// Say what would run, in order; start nothing, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What this run is about, and how well the adding went.
struct Work {
    selection: Option<Vec<TaskId>>,
    added: Ending,
}

/// A run whose queue cannot be used before it has begun is told like one that loses it later.
fn tell_of_queue(failure: CliError, invocation: &Invocation<'_>) -> CliError {
    // A directory that cannot be trusted is left as it is.
    if failure.ending() == Ending::QueueUnusable && failure.code() != "state_dir_unusable" {
        let settings = &invocation.settings;
        let (telling, now) = (courier::telling(settings), settings.clock.now());
        engine::tell_of_storage(&settings.state, &telling, &failure.message(), now);
    }
    failure
}

/// Carries out the command.
///
/// # Errors
/// When a definition is wrong, another run is active, or the queue cannot be used.
pub fn carry_out(args: &RunArgs, invocation: &mut Invocation<'_>) -> Answer {
    if args.dry_run {
        return dry_run::carry_out(args, invocation);
    }
    if args.hours.overnight && invocation.settings.guarded.is_none() {
        return guard::watch_over(invocation);
    }
    let schedule = args.hours.schedule(invocation)?;
    let found = find_work(args, &schedule, invocation);
    let Some(work) = found.map_err(|failure| tell_of_queue(failure, invocation))? else {
        let place = invocation.place();
        invocation.output.note(&format!(
            "nothing to do: no task is queued in `{place}`; `autoexec queue add` adds one"
        ));
        return Ok(Ending::Well);
    };
    // A run that waits for its window or for tasks waits for the end of a pause, too.
    let waits = args.hours.overnight || args.hours.watch;
    let pause = if waits { Ok(None) } else { paused(invocation) };
    if let Some(failure) = pause.map_err(|failure| tell_of_queue(failure, invocation))? {
        return Err(failure);
    }
    let request = request(args, work.selection, waits, schedule, invocation)?;
    let manner = Manner {
        zone: Zone::Local,
        paint: invocation.output.error_paint(),
    };
    let stream = invocation.output.error_stream();
    let mut shown = watcher(&stream, manner, show(args, invocation));
    // Where the kernel refuses, what hides from a killed supervisor is not found, as for a later run.
    let _weaker_without = children::inherit_orphans();
    let outcome = engine::run(&request, shown.as_mut());
    // All is recorded, and what follows may wait for ever: for a terminal that takes nothing.
    signals::give_up_ending_well();
    let missing = outcome
        .as_ref()
        .ok()
        .map(|outcome| courier::finish(outcome.run, &invocation.settings));
    // The bars are gone before anything else is said.
    drop(shown);
    let outcome = outcome.map_err(|error| {
        courier::set_off(&invocation.settings);
        let failure = CliError::from(error);
        // The adding was done before the run asked for the queue.
        if failure.ending() == Ending::QueueInUse && !args.files.is_empty() {
            failure.detail("the tasks of the files are queued; the active run takes them up")
        } else {
            failure
        }
    })?;
    let exit_code = missing.map_or(outcome.exit_code, |missing| {
        told(outcome, missing, invocation)
    });
    if args.report {
        report::show_run(outcome.run, request.selection.as_deref(), invocation)?;
    }
    if !waits && exit_code != 0 {
        rescue::name(invocation);
    }
    let ending = Ending::of_run(exit_code);
    Ok(if ending == Ending::Well {
        work.added
    } else {
        ending
    })
}

/// What the engine is asked for.
fn request(
    args: &RunArgs,
    selection: Option<Vec<TaskId>>,
    waits: bool,
    schedule: Schedule,
    invocation: &Invocation<'_>,
) -> Result<RunRequest, CliError> {
    let settings = &invocation.settings;
    let guarded = settings.guarded;
    Ok(RunRequest {
        dir: settings.state.clone(),
        clock: settings.clock,
        slots: if guarded.is_some_and(|guarded| guarded.safely) {
            1
        } else {
            args.parallel.unwrap_or(settings.config.run.parallel).get()
        },
        selection,
        // A plain run leaves what is not to start yet to later ones.
        awaited: if waits {
            Awaited::Hours
        } else {
            Awaited::Attempts
        },
        adopt: settings.config.run.when_runner_dies == WhenRunnerDies::Adopt,
        stalled_after: settings.config.health.stalled_after,
        executable: Settings::own_program()?,
        patterns: settings.config.patterns()?,
        breakers: Arc::new(settings.config.breakers.clone()),
        attended: io::stderr().is_terminal(),
        schedule,
        telling: courier::telling(settings),
        retention: settings.config.retention,
        on_failure: settings.config.on_failure(),
    })
}

/// Says who elsewhere could not be told of the run; the exit code, which says so as well.
fn told(
    outcome: RunOutcome,
    missing: Result<Vec<Undelivered>, StoreError>,
    invocation: &mut Invocation<'_>,
) -> i32 {
    let missing = match missing {
        Ok(missing) => missing,
        Err(error) => {
            let warning = format!("cannot tell whether everybody was told of the run: {error}");
            invocation.output.warning(&warning);
            return outcome.exit_code;
        }
    };
    for one in &missing {
        let next = if one.again {
            "the next run or `autoexec report --send` tries again"
        } else {
            "it is not tried again"
        };
        let text = format!("could not tell {}: {}; {next}", one.target, one.why);
        invocation.output.warning(&text);
    }
    if missing.is_empty() || outcome.exit_code != 0 {
        return outcome.exit_code;
    }
    let code = Ending::NeedsPerson.code().into();
    let noted = invocation
        .open_queue()
        .and_then(|mut store| Ok(store.write(|tx| runs::set_exit_code(tx, outcome.run, code))?));
    if let Err(failure) = noted {
        tracing::warn!(
            failure = failure.as_text(Paint::PLAIN),
            "the exit code is not noted"
        );
    }
    code
}

/// Why a run that does not wait can start nothing: somebody paused the queue.
fn paused(invocation: &Invocation<'_>) -> Result<Option<CliError>, CliError> {
    let now = invocation.settings.clock.now();
    let Some(store) = invocation.look_into_queue()? else {
        return Ok(None);
    };
    let pause = store.pause()?.filter(|pause| pause.holds(now));
    Ok(pause.map(|pause| {
        let until = pause.until.map_or_else(String::new, |until| {
            format!(" until {}", Zone::Local.short(until, now))
        });
        let message = format!("the queue is paused{until}; nothing was started");
        CliError::new(Ending::NothingStarted, "queue_paused", message)
            .hint("`autoexec resume` ends the pause; `autoexec run --watch` waits for its end")
    }))
}

/// What there is to run; `None` if there is nothing at all.
fn find_work(
    args: &RunArgs,
    schedule: &Schedule,
    invocation: &mut Invocation<'_>,
) -> Result<Option<Work>, CliError> {
    let for_all = args.hours.overnight && args.only.is_empty();
    if goes_on(invocation)?
        && let Some(store) = invocation.look_into_queue()?
    {
        // Its files were added before, and what of them has ended is not to run once more. Nothing may be
        // left, and the end of the night is still to be told.
        return Ok(Some(Work {
            selection: select_by_name(&args.only, &store)?,
            added: Ending::Well,
        }));
    }
    if !args.files.is_empty() {
        let work = add_files(args, invocation)?;
        return Ok(Some(Work {
            // A night is for the whole queue, whatever is added at its beginning.
            selection: work.selection.filter(|_| !for_all),
            added: work.added,
        }));
    }
    let now = schedule
        .begun
        .unwrap_or_else(|| invocation.settings.clock.now());
    let nights = schedule.nights.as_ref();
    let window = nights.and_then(|nights| nights.window(now));
    // Tasks may be added until the window opens, and at any time of a run that watches.
    let waits = args.hours.watch || window.is_some_and(|window| now < window.start);
    if waits && args.only.is_empty() {
        drop(invocation.open_queue()?);
        return Ok(Some(Work {
            selection: None,
            added: Ending::Well,
        }));
    }
    let Some(store) = invocation.look_into_queue()? else {
        return match args.only.first() {
            Some(name) => Err(select::unknown(name, [])),
            None => Ok(None),
        };
    };
    let selection = select_by_name(&args.only, &store)?;
    for name in &args.only {
        let task = store.task(select::find(&store, name)?)?;
        if !matches!(task.status(), S::Queued | S::Running | S::Recovering) {
            let (name, id) = (&task.spec.name, task.id);
            let note = format!(
                "`{name}` is {} and does not run; `autoexec why {id}` says why and what to type",
                task.status()
            );
            invocation.output.note(&note);
        }
    }
    let unfinished = store.count_unfinished(Selection::All)?;
    // Whoever watches over nights wants to hear of one without work, too.
    let is_watched = args.hours.overnight && !invocation.settings.config.notify.is_empty();
    let has_work =
        unfinished > 0 || is_watched || (for_all && may_rescue(&store, now, invocation)?);
    Ok(has_work.then_some(Work {
        selection,
        added: Ending::Well,
    }))
}

/// Runs that are looked at for one of the same guard; commands of the meantime are among them.
const LOOKED_AT: usize = 100;

/// Whether a run of the same guard had begun before, and died.
fn goes_on(invocation: &Invocation<'_>) -> Result<bool, CliError> {
    let Some(guarded) = invocation.settings.guarded.filter(|guarded| guarded.again) else {
        return Ok(false);
    };
    let Some(store) = invocation.look_into_queue()? else {
        return Ok(false);
    };
    let newest = store.runs(LOOKED_AT)?;
    let began = |run: &Run| run.mode != COMMAND_MODE && run.started_at >= guarded.begun;
    Ok(newest.iter().any(began))
}

/// Whether something failed in earlier nights of which a look may tell that its cause is gone.
fn may_rescue(
    store: &Store,
    now: Timestamp,
    invocation: &Invocation<'_>,
) -> Result<bool, CliError> {
    let config = invocation.settings.config.on_failure();
    let found = suspects(store, &config.recovery, now)?;
    Ok(found
        .iter()
        .any(|one| !matches!(one.sight, Sight::NotSeen(_))))
}

fn add_files(args: &RunArgs, invocation: &mut Invocation<'_>) -> Result<Work, CliError> {
    let context = invocation.settings.task_context()?;
    let tasks = adding::of_files(&args.files, &context, invocation)?;
    let tasks = adding::only_with_upstreams(tasks, &args.only)?;
    let mut store = invocation.open_queue()?;
    let keep = OnChange::Keep;
    let added = adding::add(&mut store, tasks, keep, &context, "run", invocation)?;
    let ids: Vec<TaskId> = added.iter().map(adding::Added::id).collect();
    Ok(Work {
        selection: Some(store.with_upstreams(&ids)?),
        added: adding::ending(&added, invocation.output),
    })
}

fn select_by_name(names: &[String], store: &Store) -> Result<Option<Vec<TaskId>>, CliError> {
    if names.is_empty() {
        return Ok(None);
    }
    let found: Result<Vec<TaskId>, CliError> =
        names.iter().map(|name| select::find(store, name)).collect();
    Ok(Some(store.with_upstreams(&found?)?))
}

fn show(args: &RunArgs, invocation: &Invocation<'_>) -> Show {
    if invocation.output.verbosity() == Verbosity::Quiet {
        Show::Warnings
    } else if !args.no_progress && invocation.settings.can_redraw {
        Show::Bars
    } else {
        Show::Lines
    }
}
