//! Tasks that failed earlier, and whether the cause is seen to be gone.
//!
//! Everything that is looked at is named by the task's definition, the configuration or this machine; what
//! nobody can look at is never guessed. The command and the night ask the same questions here.
//!
//! Not here: queueing tasks again (`engine::requests`).

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::engine::healing::facts::remedy_failed;
use crate::engine::rescue::looks;
use crate::host::memory;
use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::checks::Requirement;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::outcome::Outcome;
use crate::model::recovery::DependencyList;
use crate::model::recovery::RecoveryConfig;
use crate::model::remedy::Await;
use crate::model::spec::TaskSpec;
use crate::policy::breaker::BreakerState;
use crate::policy::recovery;
use crate::policy::recovery::HostFacts;
use crate::policy::recovery::RecoveryFacts;
use crate::policy::rescue::OLDEST;
use crate::policy::rescue::heals_with_time;
use crate::store::Reader;
use crate::store::StoreError;
use crate::store::breakers::Kind;
use crate::support::clock::Timestamp;

/// A task that failed, and what is known of its cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The task.
    pub id: TaskId,
    /// Its name.
    pub name: TaskName,
    /// The category of its failure, where that is known.
    pub category: Option<Category>,
    /// When it failed.
    pub failed_at: Timestamp,
    /// What is known of its cause.
    pub sight: Sight,
}

/// What is known of a cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// A look at this tells.
    LookAt(Await),
    /// It is seen to be gone: what was seen; untrusted text.
    Gone(String),
    /// It is not: why; untrusted text.
    NotSeen(String),
}

/// The tasks that failed within the last nights, the oldest first.
///
/// # Errors
/// When the queue cannot be read.
pub fn suspects(
    store: &Reader,
    config: &RecoveryConfig,
    now: Timestamp,
) -> Result<Vec<Suspect>, StoreError> {
    let mut found = Vec::new();
    for failed in store.failed_since(now.minus(OLDEST))? {
        let task = store.task(failed.id)?;
        let mut newest_first = store.attempts_of(failed.id)?.into_iter().rev();
        // A remedy that failed says nothing of the program.
        let judged = newest_first.find_map(|one| {
            let outcome = one.outcome.filter(|it| !remedy_failed(&it.ended))?;
            Some((one.classification?, outcome))
        });
        let sight = match (&judged, failed.unfinished, failed.newer) {
            (_, Some(other), _) => {
                Sight::NotSeen(format!("task {other} has the same name and is not over"))
            }
            (_, None, Some(newer)) => Sight::NotSeen(format!(
                "task {newer} of the same name is newer and stands for it"
            )),
            (None, None, None) => Sight::NotSeen("nobody knows what it failed of".to_owned()),
            (Some((failure, outcome)), None, None) => {
                let facts = RecoveryFacts {
                    adjustments: store.adjustments(failed.id)?,
                    probes: config.probes.clone(),
                    host: HostFacts {
                        memory_total: memory::memory().ok().map(|memory| memory.total),
                        ..HostFacts::default()
                    },
                    ..RecoveryFacts::default()
                };
                let case = (failure, outcome, &facts);
                sight(store, &task.spec, case, failed.failed_at, now)?
            }
        };
        found.push(Suspect {
            id: failed.id,
            name: task.spec.name,
            category: judged.map(|(failure, _)| failure.category),
            failed_at: failed.failed_at,
            sight,
        });
    }
    Ok(found)
}

fn sight(
    store: &Reader,
    spec: &TaskSpec,
    (failure, outcome, facts): (&Classification, &Outcome, &RecoveryFacts),
    failed_at: Timestamp,
    now: Timestamp,
) -> Result<Sight, StoreError> {
    if spec.retry.max_attempts == Some(1) {
        return Ok(Sight::NotSeen("it wants no further attempt".to_owned()));
    }
    if failure.category == Category::Dependency {
        return Ok(of_dependencies(spec, failed_at));
    }
    if failure.pattern == "requirement_missing" && failure.category == Category::Resource {
        return Ok(of_files(spec));
    }
    if !heals_with_time(failure) {
        let why = format!(
            "what it failed of ({}) does not go away by itself",
            failure.category
        );
        return Ok(Sight::NotSeen(why));
    }
    let mut closed = None;
    for service in &spec.service {
        let breaker = store.breaker(Kind::Service, service)?;
        match breaker.state {
            BreakerState::Closed if breaker.opened > 0 && breaker.in_a_row == 0 => {
                closed = Some(format!("{service} serves others again"));
            }
            BreakerState::Closed => {}
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => {
                return Ok(Sight::NotSeen(format!(
                    "{service} is left alone at present"
                )));
            }
        }
    }
    let looked = recovery::cause_of(spec, outcome, failure, facts, now).map(Sight::LookAt);
    Ok(looked.or(closed.map(Sight::Gone)).unwrap_or_else(|| {
        Sight::NotSeen("nothing that it declares tells whether its cause is gone".to_owned())
    }))
}

/// Somebody changed a list of what is to be installed for it.
fn of_dependencies(spec: &TaskSpec, failed_at: Timestamp) -> Sight {
    let lists = [&spec.dependencies.python, &spec.dependencies.node];
    for list in lists.into_iter().flatten() {
        let DependencyList::File(path) = list else {
            continue;
        };
        let file = spec.workdir.as_path().join(path.as_path());
        let changed = std::fs::metadata(&file).map(|file| file.mtime().saturating_mul(1000));
        if changed.is_ok_and(|at| Timestamp::from_millis(at) > failed_at) {
            let name = path.untrusted().for_terminal();
            return Sight::Gone(format!("`{name}` was changed since"));
        }
    }
    Sight::NotSeen("no declared list of dependencies was changed since".to_owned())
}

/// All files that it requires are there.
fn of_files(spec: &TaskSpec) -> Sight {
    let mut files: Vec<PathBuf> = Vec::new();
    for requirement in &spec.requires {
        match requirement {
            Requirement::File(path) => files.push(spec.workdir.as_path().join(path.as_path())),
            Requirement::Tool { .. } | Requirement::Env(_) | Requirement::Tcp { .. } => {}
        }
    }
    match files.iter().find(|file| !file.exists()) {
        Some(missing) => Sight::NotSeen(format!("`{}` is not there", missing.display())),
        None if files.is_empty() => Sight::NotSeen("it declares no file".to_owned()),
        None => Sight::Gone("the files that it requires are there".to_owned()),
    }
}

/// Looks at everything that a look can tell of, once at each.
pub async fn look_at(mut suspects: Vec<Suspect>) -> Vec<Suspect> {
    let mut looking = tokio::task::JoinSet::new();
    let mut seen: BTreeMap<Await, Option<Sight>> = BTreeMap::new();
    for suspect in &suspects {
        if let Sight::LookAt(what) = &suspect.sight
            && seen.insert(what.clone(), None).is_none()
        {
            let what = what.clone();
            looking.spawn(async move {
                let found = looks::look(&what).await;
                (what, found)
            });
        }
    }
    while let Some(looked) = looking.join_next().await {
        if let Ok((what, found)) = looked {
            let sight = looks::sight(&what, &found);
            seen.insert(what, Some(sight));
        }
    }
    for suspect in &mut suspects {
        if let Sight::LookAt(what) = &suspect.sight {
            let sight = seen.get(what).cloned().flatten();
            suspect.sight =
                sight.unwrap_or_else(|| Sight::NotSeen("the look at it was cut short".to_owned()));
        }
    }
    suspects
}
