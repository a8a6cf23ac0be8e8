//! Installing what a task declares into an environment of its own.
//!
//! Only what stands in the task's list, only into a folder below the state directory, by argument
//! vectors without a shell, and without anything that would run while it is installed: binary packages
//! for Python, no install scripts for Node.
//!
//! # Crash safety
//!
//! An environment counts as whole when its mark stands in it, which is written last and says for which
//! list it was made. It is built where it stays, because a virtual environment of Python has its own
//! path in its programs and does not survive another name; one without a mark is removed and built
//! anew. A lock beside it keeps two builders apart.

mod list;
mod node;
mod python;
mod spent;

pub use spent::tidy;

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::FlockOperation;
use rustix::process::Pid;
use rustix::process::WaitOptions;

use crate::model::outcome::StartFailureKind;
use crate::model::recovery::DependencyList;
use crate::model::remedy::InstalledEnvironment;
use crate::model::spec::Limits;
use crate::process::checkpoint::spare::make_private;
use crate::process::environment::Environment;
use crate::process::remedy::RemedyError;
use crate::process::spawn;
use crate::process::spawn::Launch;
use crate::process::spawn::Streams;
use crate::support::bytes::OsText;
use crate::support::crash;

/// The file that says for which list a whole environment was made.
const MARK: &str = ".autoexec-whole";
/// What the name of its lock ends with.
const LOCK: &str = ".lock";

/// Where something is installed, and with what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    /// The task's folder, in which its list lies.
    pub(super) workdir: &'a Path,
    /// The task's variables.
    pub(super) environment: &'a Environment,
    /// Where environments of tasks lie.
    pub(super) all: &'a Path,
}

/// Installs a list into an environment, unless it is there already.
pub(super) fn install(
    target: &InstalledEnvironment,
    list: &DependencyList,
    site: &Site<'_>,
) -> Result<String, RemedyError> {
    let folder = target.path().as_path();
    if folder.parent() != Some(site.all) || folder.file_name().is_none() {
        return Err(RemedyError::refused(
            folder,
            "is no place for an environment of a task",
        ));
    }
    let content = match target {
        InstalledEnvironment::Python(_) => python::content(list, site)?,
        InstalledEnvironment::Node(_) => node::content(list, site)?,
    };
    unless_there(make_private(site.all)).map_err(RemedyError::system("create", site.all))?;
    let _held_until_the_end = lock(folder)?;
    let work = Work { folder, site };
    let verify = || match target {
        InstalledEnvironment::Python(_) => python::verify(&work),
        InstalledEnvironment::Node(_) => node::verify(&work),
    };
    let is_whole = fs::read_to_string(folder.join(MARK)).is_ok_and(|mark| mark == content.hash);
    if is_whole && verify().is_ok() {
        return Ok("what it declares is installed already".to_owned());
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(RemedyError::system("remove the unfinished", folder)(error));
        }
        _ => {}
    }
    // CRASH: an environment without a mark is left, which the next installation removes.
    make_private(folder).map_err(RemedyError::system("create", folder))?;
    crash::point("remedy_builds_environment");
    let built = match target {
        InstalledEnvironment::Python(_) => python::build(&content, &work),
        InstalledEnvironment::Node(_) => node::build(&content, &work),
    };
    if let Err(error) = built.and_then(|()| verify()) {
        // Half of it would only mislead the task.
        let _stays_without_a_mark = fs::remove_dir_all(folder);
        return Err(error);
    }
    // CRASH: the environment is whole and has no mark; it is built again.
    crash::point("remedy_before_mark");
    leave_mark(folder, &content.hash).map_err(RemedyError::system("mark as whole", folder))?;
    Ok(format!("installed {}", content.told))
}

/// What a list holds.
#[derive(Debug)]
struct Content {
    /// Of all that decides what is installed.
    hash: String,
    /// What is installed, in a few words.
    told: String,
    /// How the installer is told.
    arguments: Vec<OsText>,
    /// Files that it needs in the environment's folder, by name.
    files: Vec<(&'static str, Vec<u8>)>,
}

/// An environment that is worked on.
struct Work<'a> {
    folder: &'a Path,
    site: &'a Site<'a>,
}

/// Runs a program to its end; what it prints is kept with the output of the attempt. `what` is
/// for the sentence that says that it failed.
fn run(
    what: &str,
    argv: &[OsText],
    workdir: &Path,
    environment: &Environment,
) -> Result<(), RemedyError> {
    let launched = spawn::launch(&Launch {
        argv,
        program: None,
        workdir,
        environment,
        stdin: None,
        streams: Streams::Errors,
        limits: &Limits::default(),
        nice: None,
    })
    .map_err(|failure| {
        let name = failure.path.untrusted().for_terminal();
        let is_missing = failure.kind == StartFailureKind::ProgramMissing;
        RemedyError::InVain(if is_missing {
            format!("`{name}` is not on the task's PATH")
        } else {
            format!("`{what}` could not be started: `{name}`")
        })
    })?;
    let ended = Pid::from_raw(launched.process.pid).and_then(|pid| {
        loop {
            match rustix::process::waitpid(Some(pid), WaitOptions::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                ended => return ended.ok().flatten(),
            }
        }
    });
    match ended.map(|(_, status)| (status.exit_status(), status.terminating_signal())) {
        Some((Some(0), _)) => Ok(()),
        Some((Some(code), _)) => Err(RemedyError::InVain(format!(
            "`{what}` ended with exit code {code}; its output is in the log of the attempt"
        ))),
        Some((None, Some(signal))) => Err(RemedyError::InVain(format!(
            "`{what}` was ended by signal {signal}"
        ))),
        Some((None, None)) | None => {
            Err(RemedyError::InVain(format!("`{what}` was lost sight of")))
        }
    }
}

/// Keeps another builder of the same environment out until the file is closed.
fn lock(folder: &Path) -> Result<File, RemedyError> {
    let mut name = folder.as_os_str().as_bytes().to_vec();
    name.extend(LOCK.bytes());
    let path = PathBuf::from(OsText::new(name).as_os_str());
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&path)
        .map_err(RemedyError::system("open", path.as_path()))?;
    rustix::fs::flock(&file, FlockOperation::LockExclusive)
        .map_err(|error| RemedyError::system("lock", path.as_path())(error.into()))?;
    Ok(file)
}

fn leave_mark(folder: &Path, hash: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(folder.join(MARK))?;
    file.write_all(hash.as_bytes())?;
    file.sync_all()
}

fn unless_there(made: io::Result<()>) -> io::Result<()> {
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A variable list without some that would lead an installer elsewhere.
fn without(environment: &Environment, names: &[&str]) -> Environment {
    let mut environment = environment.clone();
    for name in names {
        environment.remove(&OsText::from(*name));
    }
    environment
}
