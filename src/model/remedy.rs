//! Remedies: what is done about a failure, waited for, changed or carried out, as data.
//!
//! A remedy that waits is carried out by the engine while the task holds no slot, one that acts by the
//! supervisor of the next attempt, one that adjusts by whoever hands that attempt out. Everything in
//! a remedy comes from the task's definition, the configuration or this machine.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::ids::RecoveryId;
use crate::model::layout::StateDir;
use crate::model::recovery::DependencyList;
use crate::model::spans::millis;
use crate::model::spec::{Command, TaskSpec};
use crate::support::bytes::{OsText, to_hex};

/// What is done about a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Wait until something is observed; the engine does, and the task holds no slot.
    Await(Await),
    /// The next attempt is made differently.
    Adjust(Adjustment),
    /// Something is done before the next attempt, by its supervisor, where the task runs.
    Act(Action),
    /// Fewer attempts at once against services that asked us to slow down: half as many as now, one at
    /// least. Whoever keeps the breakers applies it; the next attempt follows at its time.
    SlowDown {
        /// The services, as the task declares them.
        services: Vec<String>,
    },
    /// Nothing but the next attempt itself, at its time.
    Retry,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Await {
    /// A TCP port accepts connections.
    Tcp {
        /// Its host, as it is declared.
        host: String,
        /// Its port.
        port: u16,
    },
    /// An address answers with a status below 500.
    Http {
        /// The address, as it is declared.
        url: String,
    },
    /// A name resolves.
    Dns {
        /// The name, as it is declared.
        host: String,
    },
    /// A declared probe of a service exits with 0.
    Probe {
        /// The service.
        service: String,
        /// The argument vector.
        argv: Vec<OsText>,
    },
    /// A file system has so much space again.
    Disk {
        /// A path on it.
        path: OsText,
        /// Bytes.
        free: u64,
    },
    /// This machine has so much memory available.
    Memory {
        /// Bytes.
        available: u64,
    },
    /// Nobody holds a lock on a declared file.
    Lock {
        /// The file.
        path: OsText,
    },
}

/// How the attempts after a recovery differ from the definition. Adjustments add up; `queue retry`
/// forgets them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Adjustment {
    /// Variables with other values: the next endpoint, a free port, the declared fallbacks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, OsText>,
    /// Another limit of memory, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Another limit of open files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Another limit of time, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Nothing else runs beside it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
    /// Its `fallback_command` runs in place of its steps.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fallback_command: bool,
    /// An environment of its own comes first on its paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<InstalledEnvironment>,
}

impl Adjustment {
    /// Whether attempts are as they are defined.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// This, and `other` after it: where both say something, `other` holds.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.env.extend(other.env);
        self.memory = other.memory.or(self.memory);
        self.files = other.files.or(self.files);
        self.timeout_ms = other.timeout_ms.or(self.timeout_ms);
        self.alone |= other.alone;
        self.fallback_command |= other.fallback_command;
        for environment in other.environments {
            if !self.environments.contains(&environment) {
                self.environments.push(environment);
            }
        }
        self
    }
}

/// An environment that was installed for a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstalledEnvironment {
    /// A virtual environment of Python.
    Python(OsText),
    /// A folder with `node_modules`.
    Node(OsText),
}

impl InstalledEnvironment {
    /// Where what a task declares for Python is installed, whether it is there or not. What stands
    /// in its list is looked at when it is installed.
    pub fn of_python(dir: &StateDir, spec: &TaskSpec, list: &DependencyList) -> Self {
        Self::Python(place(dir, spec, "python", list))
    }

    /// The same for Node.
    pub fn of_node(dir: &StateDir, spec: &TaskSpec, list: &DependencyList) -> Self {
        Self::Node(place(dir, spec, "node", list))
    }

    /// Its folder.
    pub const fn path(&self) -> &OsText {
        match self {
            Self::Python(path) | Self::Node(path) => path,
        }
    }
}

/// Names of tasks come again with other lists and in other folders, so these are part of the name.
fn place(dir: &StateDir, spec: &TaskSpec, language: &str, list: &DependencyList) -> OsText {
    let mut hash = Sha256::new();
    hash.update(language);
    hash.update([0]);
    hash.update(spec.workdir.as_bytes());
    match list {
        DependencyList::File(path) => {
            hash.update([0, 1]);
            hash.update(path.as_bytes());
        }
        DependencyList::Names(names) => {
            for name in names {
                hash.update([0, 2]);
                hash.update(name);
            }
        }
    }
    let digits = to_hex(hash.finalize().get(..8).unwrap_or_default());
    dir.environments()
        .join(format!("{}-{digits}", spec.name))
        .into()
}

/// The name of the task whose environment has this name; `None` for what is no environment.
pub fn task_of_environment(folder: &str) -> Option<&str> {
    let (task, digits) = folder.rsplit_once('-')?;
    let is_ours = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_ours.then_some(task)
}

/// What a supervisor does before an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Run a command that the task's definition holds.
    Run {
        /// The command.
        command: Command,
    },
    /// Create an empty directory beneath the workdir, or one that `ensure` declares.
    CreateDirectory {
        /// Relative to the workdir unless it is declared as absolute.
        path: OsText,
        /// It stands in `ensure`; only an absolute path that does is followed.
        declared: bool,
    },
    /// Delete files that the task's `temp` names.
    Clean {
        /// The patterns, relative to the workdir.
        patterns: Vec<String>,
    },
    /// Delete one file that the task's `temp` names: a stale lock, or what is to be fetched again.
    Delete {
        /// The patterns that it must match.
        patterns: Vec<String>,
        /// The file, relative to the workdir.
        path: OsText,
        /// Only if no process holds it.
        unless_held: bool,
    },
    /// Set the execute bit of a program of the task that lies beneath the workdir.
    MakeExecutable {
        /// The program, as the command names it.
        program: OsText,
    },
    /// Install what the task declares into an environment of its own.
    Install {
        /// For which language.
        environment: InstalledEnvironment,
        /// What.
        list: DependencyList,
    },
    /// Move the checkpoint aside.
    MoveCheckpointAside,
}

/// An action that a supervisor is asked for before an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemedyOrder {
    /// The recovery that it belongs to.
    pub recovery: RecoveryId,
    /// The strategy's stable name.
    pub strategy: String,
    /// What to do.
    pub action: Action,
    /// The most time that it may take.
    #[serde(with = "millis")]
    pub timeout: Duration,
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemedyResult {
    /// The recovery that it belongs to.
    pub recovery: RecoveryId,
    /// Whether the verification afterwards says that it is done.
    pub succeeded: bool,
    /// What was done or was in the way, in a sentence; untrusted text.
    pub detail: String,
    /// How long it took.
    #[serde(with = "millis")]
    pub took: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::TaskName;

    #[test]
    fn each_list_of_each_folder_has_an_environment_of_its_own() {
        let dir = StateDir::at("/state");
        let argv = vec!["true".into()];
        let name = TaskName::new("train").unwrap();
        let spec = TaskSpec::of_command(name, Command::Direct(argv), "/work".into());
        let mut elsewhere = spec.clone();
        elsewhere.workdir = "/other".into();
        let file = DependencyList::File("requirements.txt".into());
        let names = |names: &[&str]| {
            DependencyList::Names(names.iter().map(|name| (*name).to_owned()).collect())
        };
        let all = [
            InstalledEnvironment::of_python(&dir, &spec, &file),
            InstalledEnvironment::of_python(&dir, &elsewhere, &file),
            InstalledEnvironment::of_node(&dir, &spec, &file),
            InstalledEnvironment::of_python(&dir, &spec, &names(&["a==1", "b==2"])),
            InstalledEnvironment::of_python(&dir, &spec, &names(&["a==1b==2"])),
        ];
        let mut paths: Vec<&OsText> = all.iter().map(InstalledEnvironment::path).collect();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), all.len());
        for path in paths {
            let path = path.as_path().to_str().unwrap();
            let name = path.strip_prefix("/state/environments/").unwrap();
            assert_eq!(task_of_environment(name), Some("train"), "{path}");
        }
        let again = InstalledEnvironment::of_python(&dir, &spec, &file);
        assert_eq!(all[0], again);
    }
}
