//! What queued tasks need and how long they take, for the tasks that come first.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::model::checks::Requirement;
use crate::model::spec::Surroundings;
use crate::model::spec::TaskSpec;
use crate::model::state::TaskStatus;
use crate::policy::forecast::NEWEST;
use crate::policy::forecast::forecast;
use crate::policy::health::queue::Lacking;
use crate::process::environment::Environment;
use crate::process::environment::Inherited;
use crate::process::environment::of_task;
use crate::process::environment::search_path;
use crate::process::preflight::missing;
use crate::process::spawn::resolve;
use crate::store::Filter;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::tasks::Task;
use crate::support::bytes::OsText;
use crate::support::untrusted::Untrusted;

/// The most tasks that are looked at.
const LOOKED_AT: usize = 200;
/// What cron and service managers set; PATH is cron's.
const NIGHTLY: [&str; 8] = [
    "HOME",
    "LOGNAME",
    "USER",
    "SHELL",
    "LANG",
    "TZ",
    "PATH",
    "XDG_RUNTIME_DIR",
];
/// PATH as cron has it.
const CRON_PATH: &str = "/usr/bin:/bin";

/// A task that is queued.
#[derive(Debug)]
pub(crate) struct Queued {
    /// Its name, fit to be shown.
    pub(crate) name: String,
    workdir: OsText,
    /// How long it takes half of the times.
    pub(crate) usual: Option<Duration>,
}

/// Tasks that were looked at.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    /// The tasks.
    pub(crate) tasks: Vec<Queued>,
    /// The one that has used most memory before: its name, and bytes.
    pub(crate) largest: Option<(String, u64)>,
    /// What is not there.
    pub(crate) lacking: Vec<Lacking>,
    /// Variables that a run by a timer or by cron does not have.
    pub(crate) unset: Vec<Lacking>,
}

impl Sample {
    /// Looks at the tasks that are queued, up to a limit.
    pub(crate) fn fill(&mut self, store: &Store, own_path: &OsStr) -> Result<(), StoreError> {
        let lines = store.list(&Filter {
            statuses: vec![TaskStatus::Queued],
            limit: Some(LOOKED_AT),
            ..Filter::default()
        })?;
        let inherited = Inherited::take();
        let nightly = Inherited::of(nightly());
        let mut lacking = BTreeMap::new();
        let mut unset = BTreeMap::new();
        let mut usual = BTreeMap::new();
        for line in lines {
            let task = match store.task(line.id) {
                Ok(task) => task,
                Err(StoreError::NoSuchTask { .. }) => continue,
                Err(error) => return Err(error),
            };
            let name = Untrusted::from(line.name.as_str()).for_terminal();
            for what in lacks(&task, &inherited, own_path) {
                note(&mut lacking, what, &name);
            }
            for what in unset_at_night(&task.spec, &task.surroundings, &nightly) {
                note(&mut unset, what, &name);
            }
            let spec = &task.spec;
            if !usual.contains_key(&spec.name) {
                let history = store.durations(&spec.name, NEWEST)?;
                let takes = forecast(&history, spec.expect_duration).map(|takes| takes.p50);
                usual.insert(spec.name.clone(), takes);
                let used = store.earlier(task.id, 3)?;
                let most = used.iter().map(|night| night.max_rss_bytes).max();
                if let Some(most) = most
                    && self.largest.as_ref().is_none_or(|(_, known)| most > *known)
                {
                    self.largest = Some((name.clone(), most));
                }
            }
            self.tasks.push(Queued {
                name,
                workdir: spec.workdir.clone(),
                usual: usual.get(&spec.name).copied().flatten(),
            });
        }
        self.lacking = told(lacking);
        self.unset = told(unset);
        Ok(())
    }

    /// The folders that the tasks work in, each with its task.
    pub(crate) fn workdirs(&self) -> impl Iterator<Item = (&Path, String)> {
        self.tasks
            .iter()
            .map(|task| (task.workdir.as_path(), format!("`{}`", task.name)))
    }
}

fn note(found: &mut BTreeMap<String, Vec<String>>, what: String, name: &str) {
    found.entry(what).or_default().push(name.to_owned());
}

fn told(found: BTreeMap<String, Vec<String>>) -> Vec<Lacking> {
    found
        .into_iter()
        .map(|(what, tasks)| Lacking { what, tasks })
        .collect()
}

/// Folders, programs and required tools that are not there. Hosts and versions are not asked here:
/// `plan` does, and takes its time.
fn lacks(task: &Task, inherited: &Inherited, own_path: &OsStr) -> Vec<String> {
    let environment = of_task(&task.spec, &task.surroundings, inherited, &[]);
    let mut found: Vec<String> = missing(&task.spec, &environment, own_path)
        .iter()
        .map(|missing| format!("{}; {}", missing.sentence(), missing.hint()))
        .collect();
    if task.spec.env_file.is_none() {
        let path = search_path(&environment);
        let tools = task.spec.requires.iter().filter_map(|one| match one {
            Requirement::Tool { name, .. } => Some(name),
            Requirement::File(_) | Requirement::Env(_) | Requirement::Tcp { .. } => None,
        });
        found.extend(
            tools
                .filter(|name| !is_on(&path, name, &task.spec))
                .map(|name| {
                    let shown = Untrusted::from(name.as_str()).for_terminal();
                    format!("the tool `{shown}` is not on the task's PATH")
                }),
        );
    }
    found.dedup();
    found
}

fn is_on(path: &OsString, name: &str, spec: &TaskSpec) -> bool {
    resolve(&OsText::from(name), path, spec.workdir.as_path()).is_ok_and(|file| file.exists())
}

/// Required variables that are not set where nobody is logged in, each as a sentence.
pub fn unset_at_night(
    spec: &TaskSpec,
    surroundings: &Surroundings,
    nightly: &Inherited,
) -> Vec<String> {
    unset_for(spec, &of_task(spec, surroundings, nightly, &[]))
}

fn unset_for(spec: &TaskSpec, environment: &Environment) -> Vec<String> {
    if spec.env_file.is_some() {
        return Vec::new();
    }
    spec.requires
        .iter()
        .filter_map(|one| match one {
            Requirement::Env(name) => Some(name),
            Requirement::File(_) | Requirement::Tool { .. } | Requirement::Tcp { .. } => None,
        })
        .filter(|name| {
            environment
                .get(&OsText::from(name.as_str()))
                .is_none_or(OsText::is_empty)
        })
        .map(|name| {
            let shown = Untrusted::from(name.as_str()).for_terminal();
            format!(
                "the variable `{shown}` is not set in a run by a timer or by cron; write it into an \
                 `env_file` of the task"
            )
        })
        .collect()
}

/// The environment of a run that a timer or cron starts, as far as this process can tell.
pub fn nightly() -> Environment {
    let own = std::env::vars_os().map(|(name, value)| (OsText::from(name), OsText::from(value)));
    let mut environment: Environment = own
        .filter(|(name, _)| name.as_str().is_some_and(|name| NIGHTLY.contains(&name)))
        .collect();
    environment.insert(OsText::from("PATH"), OsText::from(CRON_PATH));
    environment
}
