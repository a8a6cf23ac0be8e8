//! Helper programs: small commands that autoexec itself asks something (never tasks).
//!
//! They run where autoexec does, or where a task would ([`Standing`]). They get no input, a group of their own and little time; what they print is kept up to a limit. A
//! helper that does not end in time is killed with its group. Works in any thread, and waits only for
//! its own child.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::Write as _;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::process::Pid;
use rustix::process::Signal;

use crate::process::children;
use crate::process::children::HELPER_VARIABLE;
use crate::process::environment::Environment;
use crate::support::clock::monotonic;
use crate::support::untrusted::Untrusted;

/// The most bytes kept of each output.
const MOST: usize = 1024 * 1024;
/// Between two looks whether the helper has ended.
const PAUSE: Duration = Duration::from_millis(2);

/// What a helper said.
#[derive(Debug)]
pub struct Answer {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output, at most 1 MiB.
    pub stdout: Untrusted,
    /// What it wrote to standard error, at most 1 MiB.
    pub stderr: Untrusted,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    /// No program was named.
    #[error("no helper program is named")]
    Nameless,
    /// It could not be started.
    #[error("cannot start `{}`", .program.for_terminal())]
    Start {
        /// The program.
        program: Untrusted,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It could not be listened to.
    #[error("cannot read what `{}` says", .program.for_terminal())]
    Read {
        /// The program.
        program: Untrusted,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It took too long and was killed.
    #[error("`{}` did not end within {}", .program.for_terminal(), crate::support::text::span(*.limit))]
    TooSlow {
        /// The program.
        program: Untrusted,
        /// The time it had.
        limit: Duration,
    },
}

/// Runs a helper and waits for its end, at most for `limit`.
///
/// # Errors
/// When it cannot be started or read, or does not end in time.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts helper programs"
)]
pub fn run(argv: &[OsString], limit: Duration) -> Result<Answer, HelperError> {
    let (name, arguments) = argv.split_first().ok_or(HelperError::Nameless)?;
    let mut command = Command::new(name);
    command.args(arguments);
    ask(command, limit)
}

/// Runs a helper that gets `input` on its standard input and `variables` besides those of autoexec.
///
/// # Errors
/// When it cannot be started or read, or does not end in time.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts helper programs"
)]
pub fn run_with_input(
    argv: &[OsString],
    input: &[u8],
    variables: &[(&str, &str)],
    limit: Duration,
) -> Result<Answer, HelperError> {
    let (name, arguments) = argv.split_first().ok_or(HelperError::Nameless)?;
    let input = in_memory(input).map_err(|source| HelperError::Start {
        program: Untrusted::new(name.as_encoded_bytes()),
        source,
    })?;
    let mut command = Command::new(name);
    command.args(arguments).envs(variables.iter().copied());
    ask_with(command, input.into(), limit)
}

/// A file without a name: whoever reads it late, slowly or not at all keeps nobody waiting.
pub(crate) fn in_memory(content: &[u8]) -> io::Result<File> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::memfd_create("input", flags)?);
    file.write_all(content)?;
    file.rewind()?;
    Ok(file)
}

/// Where a task stands: its folder and its variables.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Its working directory.
    pub workdir: &'a Path,
    /// Its whole environment.
    pub environment: &'a Environment,
}

/// Runs `program`, found already, as a task would: called `name`, with its folder and variables.
///
/// # Errors
/// When it cannot be started or read, or does not end in time.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts helper programs"
)]
pub fn run_standing(
    program: &Path,
    name: &str,
    arguments: &[&str],
    standing: Standing<'_>,
    limit: Duration,
) -> Result<Answer, HelperError> {
    let mut command = Command::new(program);
    let variables = standing.environment.iter();
    command
        .arg0(name)
        .args(arguments)
        .current_dir(standing.workdir)
        .env_clear()
        .envs(variables.map(|(name, value)| (name.as_os_str(), value.as_os_str())));
    ask(command, limit)
}

fn ask(command: Command, limit: Duration) -> Result<Answer, HelperError> {
    ask_with(command, Stdio::null(), limit)
}

fn ask_with(mut command: Command, input: Stdio, limit: Duration) -> Result<Answer, HelperError> {
    let program = Untrusted::new(command.get_program().as_encoded_bytes());
    let deadline = monotonic() + limit;
    command
        .env(HELPER_VARIABLE, "1")
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = children::start(&mut command).map_err(|source| HelperError::Start {
        program: program.clone(),
        source,
    })?;
    let pipes = [
        child.stdout.take().map(OwnedFd::from),
        child.stderr.take().map(OwnedFd::from),
    ];
    let heard = listen(pipes, deadline);
    let ended = heard.is_ok().then(|| wait(&mut child, deadline)).flatten();
    let Some(status) = ended else {
        kill(&mut child);
        return Err(match heard {
            Err(source) => HelperError::Read { program, source },
            Ok(_) => HelperError::TooSlow { program, limit },
        });
    };
    let [stdout, stderr] = heard.unwrap_or_default();
    Ok(Answer {
        status,
        stdout: Untrusted::new(stdout),
        stderr: Untrusted::new(stderr),
    })
}

/// A helper that stays beside us for as long as this value lives, and ends with us however we end: it
/// reads standard input, and nobody else holds the other end of that. Empty where none could be
/// started.
#[derive(Debug, Default)]
pub struct Companion {
    child: Option<Child>,
}

impl Companion {
    /// Starts a companion. It must end when its standard input does.
    ///
    /// # Errors
    /// When it cannot be started.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts helper programs"
    )]
    pub fn start(argv: &[&str]) -> io::Result<Self> {
        let (name, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(name);
        command
            .args(arguments)
            .env(HELPER_VARIABLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .process_group(0);
        let child = children::start(&mut command)?;
        Ok(Self { child: Some(child) })
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.stdin.take());
            // It holds nothing that it would have to put away.
            kill(child);
        }
    }
}

/// Reads both pipes to their end or until the deadline.
fn listen(pipes: [Option<OwnedFd>; 2], deadline: Duration) -> io::Result<[Vec<u8>; 2]> {
    let mut files = pipes.map(|pipe| pipe.map(File::from));
    let mut texts = [Vec::new(), Vec::new()];
    let mut buffer = [0; 8192];
    while files.iter().any(Option::is_some) {
        let left = deadline.saturating_sub(monotonic());
        if left.is_zero() {
            break;
        }
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let mut fds: Vec<PollFd<'_>> = files
            .iter()
            .flatten()
            .map(|file| PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN))
            .collect();
        match rustix::event::poll(&mut fds, Some(&timeout)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        for (slot, text) in files.iter_mut().zip(&mut texts) {
            let Some(file) = slot else { continue };
            if !ready.next().unwrap_or(false) {
                continue;
            }
            match file.read(&mut buffer) {
                Ok(0) => *slot = None,
                Ok(count) => {
                    let room = MOST.saturating_sub(text.len()).min(count);
                    text.extend_from_slice(buffer.get(..room).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(texts)
}

fn wait(child: &mut Child, deadline: Duration) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if monotonic() >= deadline {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

fn kill(child: &mut Child) {
    // Not collected yet, so its number is still its group's.
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _gone = rustix::process::kill_process_group(group, Signal::KILL);
    }
    let _gone = child.kill();
    let _collected = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(script: &str, limit: Duration) -> Result<Answer, HelperError> {
        let argv = ["/bin/sh", "-c", script].map(OsString::from);
        run(&argv, limit)
    }

    const PLENTY: Duration = Duration::from_mins(1);

    #[test]
    fn an_answer_has_both_outputs_and_the_code() {
        let answer = ask("cat; echo out; echo err >&2; exit 3", PLENTY).unwrap();
        assert_eq!(answer.status.code(), Some(3));
        assert_eq!(answer.stdout.as_bytes(), b"out\n");
        assert_eq!(answer.stderr.as_bytes(), b"err\n");
    }

    #[test]
    fn input_reaches_a_helper_and_nobody_waits_for_one_that_does_not_read_it() {
        let long = vec![b'x'; 3_000_000];
        let ask = |script: &str| {
            let argv = ["/bin/sh", "-c", script].map(OsString::from);
            run_with_input(&argv, &long, &[("TITLE", "a title")], PLENTY).unwrap()
        };
        assert_eq!(ask("wc -c").stdout.as_bytes(), b"3000000\n");
        assert_eq!(ask("echo $TITLE").stdout.as_bytes(), b"a title\n");
    }

    #[test]
    fn a_helper_that_hangs_is_killed_with_its_children() {
        let limit = Duration::from_millis(50);
        let error = ask("sleep 600 & sleep 600", limit).unwrap_err();
        assert!(matches!(error, HelperError::TooSlow { .. }));
        assert_eq!(error.to_string(), "`/bin/sh` did not end within 0.1s");
    }

    #[test]
    fn what_is_too_much_is_read_and_not_kept() {
        let answer = ask("head -c 3000000 /dev/zero", PLENTY).unwrap();
        assert_eq!(answer.stdout.as_bytes().len(), MOST);
    }

    #[test]
    fn a_companion_ends_with_the_value() {
        let companion = Companion::start(&["cat"]).unwrap();
        let pid = companion.child.as_ref().unwrap().id();
        let process = std::path::PathBuf::from(format!("/proc/{pid}"));
        assert!(process.exists());
        drop(companion);
        assert!(!process.exists());
        assert!(Companion::start(&["/no/such/helper"]).is_err());
        assert!(Companion::start(&[]).is_err());
    }

    #[test]
    fn a_helper_that_is_not_there_is_an_error() {
        assert!(matches!(
            run(&["/no/such/helper".into()], PLENTY),
            Err(HelperError::Start { .. })
        ));
        assert!(matches!(run(&[], PLENTY), Err(HelperError::Nameless)));
    }
}
