//! Looking whether what a task requires is there, as the task would find it.
//!
//! With the task's own PATH, variables and folder. Everything is bounded in time: a tool that is asked
//! for its version, a host that does not answer, a name that nobody resolves. What a requirement that
//! is not met means is `policy::classify`'s; reading versions is [`crate::policy::version`].
//!
//! Uses threads, because resolving a name cannot be interrupted. So a supervisor, which has one thread
//! and timers to watch, lets [`LOOK`] do it in a child; `plan` calls [`look`] itself.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::net::ToSocketAddrs as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::Access;
use rustix::fs::AtFlags;
use serde::Deserialize;
use serde::Serialize;

use crate::model::checks::Requirement;
use crate::model::outcome::StartFailureKind;
use crate::policy::version;
use crate::process::environment::Environment;
use crate::process::environment::search_path;
use crate::process::helper;
use crate::process::helper::HelperError;
use crate::process::helper::Standing;
use crate::process::spawn;
use crate::support::bytes::OsText;
use crate::support::clock::monotonic;
use crate::support::text;

/// The hidden subcommand that looks: its arguments are requirements as JSON, its answer is what is
/// unmet as JSON.
pub const LOOK: &str = "__look";
/// The most requirements of a task.
pub const MAX_REQUIREMENTS: usize = 64;
/// How long looking at all requirements of a task may take.
pub const LOOK_LIMIT: Duration = Duration::from_secs(30);

/// How long a tool may take to tell its version.
const TOOL_LIMIT: Duration = Duration::from_secs(10);
/// How long a host may take to be found and to answer.
const TCP_LIMIT: Duration = Duration::from_secs(3);
/// What each address of it has at least.
const LEAST_SHARE: Duration = Duration::from_millis(100);
/// So many are looked at side by side.
const WORKERS: usize = 8;

/// A requirement that is not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmet {
    /// What is required.
    pub requirement: Requirement,
    /// What was found instead, as a sentence that names the requirement; untrusted text.
    pub found: String,
}

/// Looks at all requirements; the answer is what is not met, in the order in which it is required.
///
/// Takes three seconds where a host does not answer, ten where a tool does not, and never longer than
/// [`LOOK_LIMIT`].
pub fn look(wanted: &[Requirement], environment: &Environment, workdir: &Path) -> Vec<Unmet> {
    let deadline = monotonic() + LOOK_LIMIT;
    let work = Arc::new(Work {
        wanted: wanted.to_vec(),
        environment: environment.clone(),
        workdir: workdir.to_owned(),
        next: AtomicUsize::new(0),
    });
    let (answers, answered) = mpsc::channel();
    for _ in 0..WORKERS.min(wanted.len()) {
        let (work, answers) = (Arc::clone(&work), answers.clone());
        // Not waited for: what hangs is left behind, and its requirement counts as unmet.
        std::thread::spawn(move || {
            while let Some((index, requirement)) = work.take() {
                let found = work.found(requirement);
                if answers.send((index, found)).is_err() {
                    return;
                }
            }
        });
    }
    drop(answers);
    let mut found: Vec<Option<Option<String>>> = vec![None; wanted.len()];
    while found.iter().any(Option::is_none) {
        let left = deadline.saturating_sub(monotonic());
        let Ok((index, answer)) = answered.recv_timeout(left) else {
            break;
        };
        if let Some(place) = found.get_mut(index) {
            *place = Some(answer);
        }
    }
    wanted
        .iter()
        .zip(found)
        .filter_map(|(requirement, answer)| {
            let found = answer.unwrap_or_else(|| {
                let name = shown(requirement);
                Some(format!(
                    "`{name}` could not be looked at within {}",
                    text::span(LOOK_LIMIT)
                ))
            })?;
            Some(Unmet {
                requirement: requirement.clone(),
                found,
            })
        })
        .collect()
}

/// What the hidden subcommand answers to its arguments; `None` for arguments that are not ours.
pub fn answer(
    arguments: impl Iterator<Item = OsString>,
    environment: &Environment,
) -> Option<Vec<u8>> {
    let wanted: Vec<Requirement> = arguments
        .map(|argument| serde_json::from_slice(argument.as_encoded_bytes()).ok())
        .collect::<Option<_>>()?;
    let workdir = std::env::current_dir().ok()?;
    serde_json::to_vec(&look(&wanted, environment, &workdir)).ok()
}

struct Work {
    wanted: Vec<Requirement>,
    environment: Environment,
    workdir: PathBuf,
    next: AtomicUsize,
}

impl Work {
    fn take(&self) -> Option<(usize, &Requirement)> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        Some((index, self.wanted.get(index)?))
    }

    /// What was found where a requirement is not met; `None` where it is.
    fn found(&self, requirement: &Requirement) -> Option<String> {
        match requirement {
            Requirement::Tool { name, version } => self.tool(name, version.as_deref()),
            Requirement::File(path) => file(&self.workdir, path),
            Requirement::Env(name) => {
                let value = self.environment.get(&OsText::from(name.as_str()));
                match value {
                    Some(value) if !value.is_empty() => None,
                    Some(_) => Some(format!("the variable `{name}` is empty")),
                    None => Some(format!("the variable `{name}` is not set")),
                }
            }
            Requirement::Tcp { host, port } => tcp(host, *port),
        }
    }

    fn tool(&self, name: &str, wanted: Option<&str>) -> Option<String> {
        let search = search_path(&self.environment);
        let program = match spawn::resolve(&OsText::from(name), &search, &self.workdir) {
            Ok(program) => program,
            Err(failure) if failure.kind == StartFailureKind::NotExecutable => {
                return Some(format!("`{name}` may not be executed"));
            }
            Err(_) => return Some(format!("`{name}` is not on the task's PATH")),
        };
        let wanted = wanted?;
        let standing = Standing {
            workdir: &self.workdir,
            environment: &self.environment,
        };
        let required = format!("{wanted} is required");
        let answer = helper::run_standing(&program, name, &["--version"], standing, TOOL_LIMIT);
        let answer = match answer {
            Ok(answer) if answer.status.success() => answer,
            Ok(answer) => {
                let end = match answer.status.code() {
                    Some(code) => format!("ended with exit code {code}"),
                    None => "was killed by a signal".to_owned(),
                };
                return Some(format!("`{name} --version` {end}, {required}"));
            }
            Err(HelperError::TooSlow { limit, .. }) => {
                return Some(format!(
                    "`{name} --version` did not end within {}, {required}",
                    text::span(limit)
                ));
            }
            Err(HelperError::Nameless | HelperError::Start { .. } | HelperError::Read { .. }) => {
                return Some(format!("`{name} --version` cannot be run, {required}"));
            }
        };
        let said = version::find(answer.stdout.as_bytes())
            .or_else(|| version::find(answer.stderr.as_bytes()));
        match said {
            None => Some(format!("`{name} --version` tells no version, {required}")),
            Some(found) if version::is_at_least(&found, wanted) => None,
            Some(found) => Some(format!("`{name}` is {found}, {required}")),
        }
    }
}

fn file(workdir: &Path, path: &OsText) -> Option<String> {
    let whole = workdir.join(path.as_path());
    let name = path.untrusted().for_terminal();
    match std::fs::metadata(&whole) {
        Ok(_) => {
            let access =
                rustix::fs::accessat(rustix::fs::CWD, &whole, Access::READ_OK, AtFlags::EACCESS);
            access.err().map(|_| format!("`{name}` may not be read"))
        }
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Some(format!("`{name}` is missing"))
        }
        Err(error) => Some(format!("`{name}` cannot be looked at ({error})")),
    }
}

fn tcp(host: &str, port: u16) -> Option<String> {
    let deadline = monotonic() + TCP_LIMIT;
    let limit = text::span(TCP_LIMIT);
    let (resolved, addresses) = mpsc::channel();
    let owned = host.to_owned();
    // Nothing stops a resolver; a thread that it keeps goes with the process.
    std::thread::spawn(move || {
        let found = (owned.as_str(), port).to_socket_addrs();
        let _nobody_waits_any_more = resolved.send(found.map(Vec::from_iter));
    });
    let addresses: Vec<SocketAddr> = match addresses.recv_timeout(TCP_LIMIT) {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(_)) => return Some(format!("the host `{host}` is not known")),
        Err(_) => return Some(format!("the host `{host}` was not found within {limit}")),
    };
    let mut last = None;
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_sub(monotonic());
        // One address that swallows packets must not take the time of the others, and a machine that
        // stalled must not be taken for a host that does not answer.
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(1);
        let share = share.max(LEAST_SHARE);
        match TcpStream::connect_timeout(address, share) {
            Ok(_) => return None,
            Err(error) => last = Some(error),
        }
    }
    let place = format!("`{host}` port {port}");
    Some(match last.map(|error| error.kind()) {
        Some(io::ErrorKind::ConnectionRefused) => format!("{place} refuses connections"),
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            format!("{place} cannot be reached")
        }
        _ => format!("{place} does not answer within {limit}"),
    })
}

fn shown(requirement: &Requirement) -> String {
    requirement.written().untrusted().for_terminal()
}

#[cfg(test)]
#[path = "requires_tests.rs"]
mod tests;
