//! Faults at the border to the kernel: `strace` numbers the system calls of one process and lets the
//! n-th of a kind fail or kill.
//!
//! Only that one process is traced, never its children, so it is known who was hit. A supervisor is
//! traced by standing in its place: a debug build starts what `__AUTOEXEC_SUPERVISOR` names.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::sandbox::{Answer, Sandbox};
use crate::skipped;

/// The system calls that change something that others can see: between two of them it makes no
/// difference where a process dies. What changes only its own memory is left out.
pub(crate) const CHANGES: &str = "write,writev,pwrite64,pwritev,fsync,fdatasync,ftruncate,fallocate,\
     rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,\
     openat,close,flock,fcntl,fchown,fchmod,chmod,pipe2,socketpair,dup2,read,\
     clone,clone3,vfork,wait4,waitid,kill,tgkill,pidfd_send_signal,setsid,setpgid,exit_group";

/// One system call of a process: the n-th of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) kind: String,
    pub(crate) nth: usize,
    /// What the tracer wrote about it.
    pub(crate) line: String,
}

/// What happens at a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The process is killed when it enters the call, which does nothing any more.
    Kill,
    /// The call does nothing and fails with this error.
    Once(&'static str),
    /// This one and all later ones of its kind.
    FromThereOn(&'static str),
}

/// Whether calls can be traced and tampered with here; otherwise it says that the test is skipped.
pub(crate) fn is_open(test: &str) -> bool {
    let tried = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "-e", "trace=chdir"])
        .args(["-e", "inject=chdir:error=EIO:when=1", "true"])
        .stderr(Stdio::null())
        .status();
    let why = match tried {
        Ok(status) if status.success() => return true,
        Ok(_) => "strace may not trace here",
        Err(_) => "strace is not installed",
    };
    skipped::say(test, why);
    false
}

/// The words for the tracer; only calls that touch one of `files` count, if there are any.
fn words(log: &Path, kinds: &str, files: &[PathBuf], fault: Option<(&Call, Fault)>) -> Vec<String> {
    let mut words = vec!["-y".to_owned(), "-o".to_owned(), shown(log)];
    for file in files {
        words.extend(["-P".to_owned(), shown(file)]);
    }
    words.extend(["-e".to_owned(), format!("trace={kinds}")]);
    if let Some((call, fault)) = fault {
        let Call { kind, nth, .. } = call;
        let what = match fault {
            Fault::Kill => format!("inject={kind}:signal=KILL:when={nth}"),
            Fault::Once(error) => format!("inject={kind}:error={error}:when={nth}"),
            Fault::FromThereOn(error) => format!("inject={kind}:error={error}:when={nth}+"),
        };
        words.extend(["-e".to_owned(), what]);
    }
    words
}

/// Runs the program with one fault and gives what it answered.
pub(crate) fn with_fault(
    sandbox: &Sandbox,
    arguments: &[&str],
    files: &[PathBuf],
    (call, fault): (&Call, Fault),
) -> (Answer, Vec<String>) {
    let kinds = format!("{CHANGES},{}", call.kind);
    traced(sandbox, arguments, &kinds, files, Some((call, fault)))
}

/// Runs the program to its end and lists its calls of these kinds in their order.
pub(crate) fn calls(
    sandbox: &Sandbox,
    arguments: &[&str],
    kinds: &str,
    files: &[PathBuf],
) -> (Answer, Vec<Call>) {
    let (answer, lines) = traced(sandbox, arguments, kinds, files, None);
    (answer, numbered(&lines))
}

fn traced(
    sandbox: &Sandbox,
    arguments: &[&str],
    kinds: &str,
    files: &[PathBuf],
    fault: Option<(&Call, Fault)>,
) -> (Answer, Vec<String>) {
    let log = sandbox.home().join("calls");
    let mut command = sandbox.wrapped("strace");
    command
        .args(words(&log, kinds, files, fault))
        .arg(env!("CARGO_BIN_EXE_autoexec"))
        .args(arguments)
        .stdout(Stdio::null())
        // Supervisors may outlive it: a pipe would be open for as long as one of them lives.
        .stderr(fs::File::create(sandbox.home().join("stderr")).unwrap());
    let mut answer = sandbox.answer_of(command.spawn().unwrap());
    answer.stderr = fs::read_to_string(sandbox.home().join("stderr")).unwrap_or_default();
    (answer, lines_of(&log))
}

fn lines_of(log: &Path) -> Vec<String> {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.lines().map(str::to_owned).collect()
}

fn numbered(lines: &[String]) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for line in lines {
        let Some(kind) = kind_of(line) else {
            continue;
        };
        let before = calls.iter().filter(|call| call.kind == kind).count();
        calls.push(Call {
            kind: kind.to_owned(),
            nth: before + 1,
            line: line.clone(),
        });
    }
    calls
}

/// `pwrite64(5, …` → `pwrite64`; a line about a signal or the end is none.
fn kind_of(line: &str) -> Option<&str> {
    let (kind, _) = line.split_once('(')?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (!kind.is_empty() && kind.chars().all(is_name)).then_some(kind)
}

/// Supervisors of a sandbox, the first of which stands under the tracer.
#[derive(Debug)]
pub(crate) struct TracedSupervisor {
    /// What `__AUTOEXEC_SUPERVISOR` is to be.
    program: PathBuf,
    log: PathBuf,
}

impl TracedSupervisor {
    /// Runs with one slot, the first supervisor of which stands under the tracer.
    pub(crate) fn run(
        sandbox: &Sandbox,
        kinds: &str,
        fault: Option<(&Call, Fault)>,
    ) -> (Answer, Self) {
        let traced = Self::new(sandbox, kinds, fault);
        let mut run = sandbox.command();
        run.args(["run", "--no-progress", "-j", "1"]);
        let answer = sandbox.finish(run.env("__AUTOEXEC_SUPERVISOR", &traced.program));
        (answer, traced)
    }

    /// Puts a script in the place of the supervisors.
    fn new(sandbox: &Sandbox, kinds: &str, fault: Option<(&Call, Fault)>) -> Self {
        let log = sandbox.home().join("supervisor-calls");
        let once = sandbox.home().join("traced");
        let program = sandbox.home().join("supervisor");
        for old in [&log, &program] {
            let _there_was_none = fs::remove_file(old);
        }
        let _there_was_none = fs::remove_dir(&once);
        let quoted: Vec<String> = words(&log, kinds, &[], fault)
            .iter()
            .map(|word| format!("'{word}'"))
            .collect();
        // With `-D` the tracer is the one that is aside, and the process stays the runner's child.
        let script = format!(
            "#!/bin/sh\nif mkdir '{once}' 2>/dev/null; then exec strace -D {words} '{own}' \"$@\"; fi\n\
             exec '{own}' \"$@\"\n",
            once = shown(&once),
            words = quoted.join(" "),
            own = env!("CARGO_BIN_EXE_autoexec"),
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { program, log }
    }

    /// The calls of the one that was traced, after its end.
    pub(crate) fn calls(&self) -> Vec<Call> {
        numbered(&self.lines())
    }

    /// What the tracer wrote.
    pub(crate) fn lines(&self) -> Vec<String> {
        lines_of(&self.log)
    }
}

/// Whether a process ended by our kill, by what the tracer wrote.
pub(crate) fn was_killed(lines: &[String]) -> bool {
    lines
        .iter()
        .any(|line| line.starts_with("+++ killed by SIGKILL"))
}

fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
