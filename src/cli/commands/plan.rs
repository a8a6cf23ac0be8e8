//! `autoexec plan`: what would run when, what is at risk, and what is in the way. Starts nothing.

use std::collections::HashMap;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::cli::adding;
use crate::cli::commands::{Invocation, evening};
use crate::cli::config::run::parse_parallel;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::judging::times;
use crate::cli::secret_doubts::SecretDoubts;
use crate::cli::settings::Settings;
use crate::model::checks::Requirement;
use crate::model::dependency::{Wait, When};
use crate::model::ids::{TaskId, TaskName};
use crate::model::recovery::RecoveryConfig;
use crate::model::spec::{Surroundings, TaskSpec};
use crate::model::state::Skip;
use crate::model::state::{TaskState, TaskStatus};
use crate::policy::fit::Room;
use crate::policy::forecast::{Forecast, NEWEST, forecast};
use crate::process::environment::{Environment, Inherited, of_task};
use crate::process::preflight::missing;
use crate::process::requires;
use crate::report::evening::Needs;
use crate::report::health_tasks::{nightly, unset_at_night};
use crate::report::plan::{self, Facts, Plan, Task};
use crate::report::plan_page;
use crate::store::{Filter, Store};
use crate::support::bytes::OsText;
use crate::support::clock::{Timestamp, Zone};
use crate::support::opening;
use crate::support::untrusted::Untrusted;
use crate::taskfile::load;

/// Options of `autoexec plan`.
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    /// Task files: what they would add, instead of what is queued
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// For the hours of the next night
    #[arg(long)]
    pub overnight: bool,
    /// Attempts that may run at once [default: as a run has them]
    #[arg(short = 'j', long, value_name = "N", value_parser = parse_parallel)]
    pub parallel: Option<NonZeroUsize>,
    /// List every task
    #[arg(long, conflicts_with = "json")]
    pub all: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Carries out the command.
///
/// # Errors
/// When a definition is wrong, or the queue cannot be read.
pub fn carry_out(args: &PlanArgs, invocation: &mut Invocation<'_>) -> Answer {
    let store = invocation.look_into_queue()?;
    let now = invocation.settings.clock.now();
    let mut tasks = Tasks::new(store.as_ref(), args.overnight, &invocation.settings);
    if args.files.is_empty() {
        tasks.add_queued()?;
    } else {
        let context = invocation.settings.task_context()?;
        let parsed = adding::accept(load(&args.files, &context), invocation.output)?;
        let surroundings = Settings::surroundings();
        for task in parsed {
            tasks.add_new(*task.spec, &surroundings, now)?;
        }
    }
    let settings = &invocation.settings;
    let hours = settings.config.overnight.hours().filter(|_| args.overnight);
    let night = hours.and_then(|hours| hours.window(now));
    let (begin, until) = night.map_or((now, None), |night| (night.start.max(now), Some(night.end)));
    if !args.overnight {
        tasks.leave_out_later(now);
    }
    let room = night.map(|night| Room {
        end: Some(night.end),
        whole: Some(night.length()),
        at_end: settings.config.overnight.at_end,
    });
    if let Some(room) = &room {
        tasks.note_what_resumes(room)?;
    }
    let pause = match &store {
        Some(store) => store.pause()?.filter(|pause| pause.holds(now)),
        None => None,
    };
    tasks.doubts.tell(invocation.output);
    let needs = tasks.evening.map(|evening| evening.needs);
    let evening = needs.map(|needs| evening::check(store.as_ref(), needs, night, invocation));
    let plan = Plan::of(Facts {
        now,
        begin,
        until,
        room,
        paused: pause.map(|pause| pause.until),
        slots: args.parallel.unwrap_or(settings.config.run.parallel).get(),
        tasks: tasks.planned,
    })
    .with_evening(evening);
    if args.json {
        invocation.output.json(&plan::value(&plan));
    } else {
        let look = invocation.look();
        invocation
            .output
            .text(&plan_page::text(&plan, look, args.all));
    }
    Ok(if plan.has_problems() {
        Ending::NeedsPerson
    } else {
        Ending::Well
    })
}

/// The tasks of a plan in the making.
struct Tasks<'a> {
    store: Option<&'a Store>,
    planned: Vec<Task>,
    doubts: SecretDoubts,
    /// Where tasks of the queue stand in the list.
    places: HashMap<TaskId, usize>,
    /// Where tasks that are not in the queue yet stand in the list.
    names: HashMap<TaskName, usize>,
    inherited: Inherited,
    own_path: OsString,
    /// What was found for tasks alike, because looking takes time.
    looked: HashMap<String, Vec<String>>,
    /// What is gathered for the evening check.
    evening: Option<ForEvening<'a>>,
}

/// What tasks need in a night.
struct ForEvening<'a> {
    recovery: &'a RecoveryConfig,
    /// What a run by a timer or by cron hands to its tasks.
    nightly: Inherited,
    needs: Needs,
}

impl<'a> Tasks<'a> {
    fn new(store: Option<&'a Store>, overnight: bool, settings: &'a Settings) -> Self {
        let own = Settings::surroundings();
        let own_path = own.0.get("PATH").map(|path| path.as_os_str().to_owned());
        Self {
            store,
            planned: Vec::new(),
            doubts: SecretDoubts::default(),
            places: HashMap::new(),
            names: HashMap::new(),
            inherited: Inherited::take(),
            own_path: own_path.unwrap_or_default(),
            looked: HashMap::new(),
            evening: overnight.then(|| ForEvening {
                recovery: &settings.config.recovery,
                nightly: Inherited::of(nightly()),
                needs: Needs::default(),
            }),
        }
    }

    /// Everything that is queued, runs, or is put aside with others behind it.
    fn add_queued(&mut self) -> Result<(), CliError> {
        let Some(store) = self.store else {
            return Ok(());
        };
        let lines = store.list(&Filter {
            statuses: vec![
                TaskStatus::Queued,
                TaskStatus::Running,
                TaskStatus::Recovering,
                TaskStatus::Held,
            ],
            ..Filter::default()
        })?;
        for (place, line) in lines.iter().enumerate() {
            self.places.insert(line.id, place);
        }
        for line in &lines {
            let task = store.task(line.id)?;
            let mut planned = self.planned(Some(line.id), &task.spec, &task.surroundings)?;
            planned.priority = task.priority;
            planned.deadline = task.deadline;
            planned.was_tried = task.attempts > 0;
            match &task.state {
                TaskState::Queued { due, .. } => planned.due = *due,
                TaskState::Running { attempt } | TaskState::Recovering { attempt } => {
                    let open = store.open_attempt(*attempt)?;
                    planned.running_since = Some(
                        open.and_then(|open| open.started_at)
                            .unwrap_or(task.changed_at),
                    );
                }
                TaskState::Held(hold) => {
                    let reason = Untrusted::from(hold.reason.as_str()).for_terminal();
                    planned.stuck = Some(format!("put aside: {reason}"));
                    planned.problems.clear();
                }
                TaskState::Succeeded
                | TaskState::Failed
                | TaskState::Cancelled
                | TaskState::Skipped(_) => {}
            }
            if planned.stuck.is_none() {
                self.note(&mut planned, &task.spec, &task.surroundings);
            }
            for upstream in store.dependencies_of(line.id)? {
                if upstream.wait == Wait::Still {
                    let place = self.places.get(&upstream.upstream).copied();
                    planned.after.extend(place.zip(Some(upstream.when)));
                }
            }
            self.planned.push(planned);
        }
        Ok(())
    }

    /// What is not to start yet: a plain run does not wait for it.
    fn leave_out_later(&mut self, now: Timestamp) {
        for task in &mut self.planned {
            if let Some(due) = task.due.filter(|due| *due > now && !task.was_tried) {
                let at = Zone::Local.short(due, now);
                let why = format!("not before {at}; a plain run does not wait, `--overnight` does");
                task.stuck.get_or_insert(why);
            }
        }
    }

    /// Looks whether what no night is long enough for goes on where it was stopped.
    fn note_what_resumes(&mut self, room: &Room) -> Result<(), CliError> {
        for task in &mut self.planned {
            let fits = |whole| task.forecast.is_none_or(|forecast| forecast.p90 <= whole);
            if let (Some(store), Some(id)) = (self.store, task.id)
                && !task.resumes
                && !room.whole.is_none_or(fits)
            {
                task.resumes = store.keeps_checkpoints(id)?;
            }
        }
        Ok(())
    }

    /// A task of a file; what it waits for stands before it or is in the queue.
    fn add_new(
        &mut self,
        spec: TaskSpec,
        surroundings: &Surroundings,
        now: Timestamp,
    ) -> Result<(), CliError> {
        let mut planned = self.planned(None, &spec, surroundings)?;
        let times = times(&spec, now);
        (planned.due, planned.deadline) = (times.not_before, times.deadline);
        for after in &spec.after {
            if let Some(place) = self.names.get(&after.task) {
                planned.after.push((*place, after.when));
            } else if let Some(why) = self.outside(&after.task, after.when)? {
                planned.stuck = Some(why);
            }
        }
        self.note(&mut planned, &spec, surroundings);
        self.names.insert(spec.name, self.planned.len());
        self.planned.push(planned);
        Ok(())
    }

    /// Why a task of the queue keeps one of a file from starting, if it does.
    fn outside(&self, name: &TaskName, when: When) -> Result<Option<String>, CliError> {
        let Some(store) = self.store else {
            return Ok(Some(format!("there is no task `{name}` to wait for")));
        };
        let Some(id) = store.find(name.as_str())? else {
            return Ok(Some(format!("there is no task `{name}` to wait for")));
        };
        let state = store.state(id)?;
        Ok(match when.weigh(&state) {
            Wait::Met => None,
            Wait::Still => Some(format!(
                "waits for `{name}` ({id}), which is {}",
                state.status()
            )),
            Wait::InVain(skip) => {
                let word = match skip {
                    Skip::Blocked => "blocked",
                    Skip::NotNeeded => "not needed",
                };
                let status = state.status();
                Some(format!("{word}: `{name}` ({id}) is {status}"))
            }
        })
    }

    fn planned(
        &mut self,
        id: Option<TaskId>,
        spec: &TaskSpec,
        surroundings: &Surroundings,
    ) -> Result<Task, CliError> {
        let environment = of_task(spec, surroundings, &self.inherited, &[]);
        let nightly = self.evening.as_ref().map(|evening| &evening.nightly);
        let inherited = nightly.unwrap_or(&self.inherited);
        self.doubts.add(spec, surroundings, inherited);
        Ok(Task {
            id,
            name: Untrusted::from(spec.name.as_str()).for_terminal(),
            priority: spec.priority,
            due: None,
            deadline: None,
            was_tried: false,
            after: Vec::new(),
            forecast: self.forecast(spec)?,
            limit: spec.timeout.into_iter().chain(spec.total_timeout).min(),
            has_steps: spec.steps.len() > 1,
            resumes: spec.steps.len() > 1,
            running_since: None,
            stuck: None,
            problems: self.problems(spec, &environment),
        })
    }

    fn forecast(&self, spec: &TaskSpec) -> Result<Option<Forecast>, CliError> {
        let history = match self.store {
            Some(store) => store.durations(&spec.name, NEWEST)?,
            None => Vec::new(),
        };
        Ok(forecast(&history, spec.expect_duration))
    }

    /// Notes for the evening check what a task needs.
    fn note(&mut self, task: &mut Task, spec: &TaskSpec, surroundings: &Surroundings) {
        let Some(evening) = &mut self.evening else {
            return;
        };
        let unset = unset_at_night(spec, surroundings, &evening.nightly);
        let RecoveryConfig { mode, allow, .. } = evening.recovery;
        evening
            .needs
            .add((&task.name, spec), (&task.problems, &unset), (*mode, allow));
        task.problems.extend(unset);
    }

    /// What is in the way of a task.
    fn problems(&mut self, spec: &TaskSpec, environment: &Environment) -> Vec<String> {
        let lacking = missing(spec, environment, &self.own_path);
        let mut problems: Vec<String> = lacking
            .iter()
            .map(|missing| format!("{}; {}", missing.sentence(), missing.hint()))
            .collect();
        problems.extend(spec.env_file.as_ref().and_then(no_env_file));
        // What a variable is at this moment says nothing of the night.
        let is_looked_at =
            |one: &&Requirement| self.evening.is_none() || !matches!(one, Requirement::Env(_));
        let wanted: Vec<Requirement> = spec.requires.iter().filter(is_looked_at).cloned().collect();
        if wanted.is_empty() || spec.env_file.is_some() {
            return problems;
        }
        let alike = format!("{wanted:?} {:?} {environment:?}", spec.workdir);
        let found = self.looked.entry(alike).or_insert_with(|| {
            let unmet = requires::look(&wanted, environment, spec.workdir.as_path());
            let found = unmet.into_iter().map(|one| Untrusted::from(one.found));
            found.map(|one| one.for_terminal()).collect()
        });
        problems.extend(found.iter().cloned());
        problems
    }
}

/// Why a file of variables cannot be read, if so.
fn no_env_file(file: &OsText) -> Option<String> {
    let error = opening::open(file.as_path()).err()?;
    let shown = file.untrusted().for_terminal();
    let why = if error.kind() == std::io::ErrorKind::NotFound {
        "is not there".to_owned()
    } else {
        format!("cannot be read ({error})")
    };
    Some(format!("the file of variables `{shown}` {why}"))
}
