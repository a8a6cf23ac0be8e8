//! A place of its own for one test: state directory, home, working directory and environment, in
//! which the real program runs.
//!
//! Nothing of the machine's own environment reaches the program but PATH. Texts are compared with
//! paths, times and durations masked, so that a test says what it means and nothing else:
//! `[SANDBOX]`, `[TIME]` (`14:23:47`), `[DATE]`, `[SPAN]` (`2.0s`, `3m 05s`), `[SIZE]` and `[PID]`.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};

/// The longest that a test waits for anything, without the time that looking at it takes.
const PATIENCE: Duration = Duration::from_mins(1);
/// The longest that a program may take: only one that hangs reaches it.
const LONGEST: Duration = Duration::from_mins(3);

/// The place. It is removed with the value.
pub(crate) struct Sandbox {
    root: tempfile::TempDir,
}

/// What a command answered.
pub(crate) struct Answer {
    /// The exit code; 128 + n for a death by signal n, as a shell tells it.
    pub(crate) code: i32,
    /// Standard output as it is.
    pub(crate) raw_stdout: Vec<u8>,
    /// Standard output with paths, times and durations masked.
    pub(crate) stdout: String,
    /// Standard error, masked.
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new()
            .prefix("autoexec-it-")
            .tempdir()
            .unwrap();
        for folder in ["home", "work"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self { root }
    }

    /// The home directory.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The directory in which commands are typed.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// The state directory; the program makes it.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// Sets the clock of every program that is started in this sandbox from now on, and of those that
    /// run by it already: milliseconds since the epoch, or `+` and `-` of them to move the machine's.
    pub(crate) fn set_clock(&self, line: impl std::fmt::Display) {
        let (file, new) = (self.clock(), self.root.path().join("clock.new"));
        std::fs::write(&new, format!("{line}\n")).unwrap();
        std::fs::rename(new, file).unwrap();
    }

    /// Lets the clock stand at the machine's present time.
    pub(crate) fn stop_clock(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.set_clock(now.unwrap().as_millis());
    }

    /// Writes the configuration where the program finds it by itself.
    pub(crate) fn configure(&self, content: impl AsRef<[u8]>) {
        let folder = self.home().join(".config/autoexec");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.toml"), content).unwrap();
    }

    fn clock(&self) -> PathBuf {
        self.root.path().join("clock")
    }

    /// Writes a file below the working directory and gives its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work().join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The text of a file below the working directory.
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.work().join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The program, ready to be given arguments, in this sandbox's environment.
    pub(crate) fn command(&self) -> Command {
        self.in_here(Command::new(env!("CARGO_BIN_EXE_autoexec")))
    }

    /// The same, as if a shell had started it in the foreground: one that starts the tests in the
    /// background lets them ignore Ctrl-C, and the program would go on ignoring it.
    pub(crate) fn foreground(&self) -> Command {
        let mut command = Command::new("env");
        command
            .arg("--default-signal=INT")
            .arg(env!("CARGO_BIN_EXE_autoexec"));
        self.in_here(command)
    }

    /// Another program that starts ours, in this sandbox's environment.
    pub(crate) fn wrapped(&self, program: &str) -> Command {
        self.in_here(Command::new(program))
    }

    fn in_here(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("USER", "tester")
            .env("TZ", "UTC")
            .env("LANG", "C.UTF-8")
            .env("AUTOEXEC_STATE_DIR", self.state())
            // A machine that stalls for a while is no process that does not answer.
            .env("__AUTOEXEC_PATIENCE", "12")
            .current_dir(self.work())
            .stdin(Stdio::null());
        if self.clock().exists() {
            command.env("__AUTOEXEC_TEST_CLOCK", self.clock());
        }
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Answer {
        self.finish(self.command().args(arguments))
    }

    /// Runs the program with text on its standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Answer {
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        self.answer_of(child)
    }

    /// Runs a prepared command to its end.
    pub(crate) fn finish(&self, command: &mut Command) -> Answer {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.answer_of(child)
    }

    /// Starts the program and lets it run; its output is kept for [`Sandbox::answer_of`].
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.foreground()
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The process of the run that is active: it has told its number to the lock of the queue. The lock
    /// itself is not tried, because that would keep it for a moment from whoever wants it.
    pub(crate) fn runner(&self) -> Option<i32> {
        let path = self.state().join("run.lock");
        let lock = std::fs::read(&path).ok()?;
        let text = String::from_utf8_lossy(&lock);
        let (_, behind) = text.split_once("\"pid\":")?;
        let digits = behind.split(|c: char| !c.is_ascii_digit()).next()?;
        let path = path.canonicalize().ok()?;
        // Who died has left its number and no open file.
        let holds = match std::fs::read_dir(format!("/proc/{digits}/fd")) {
            Ok(open) => open
                .flatten()
                .any(|file| std::fs::read_link(file.path()).is_ok_and(|file| file == path)),
            // Only root may look into processes that cannot be dumped.
            Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
        };
        digits.parse().ok().filter(|_| holds)
    }

    /// Waits for a started program.
    pub(crate) fn answer_of(&self, child: Child) -> Answer {
        use std::os::unix::process::ExitStatusExt as _;
        let watchdog = Watchdog::over(&child);
        let output = child.wait_with_output().unwrap();
        drop(watchdog);
        Answer {
            code: output
                .status
                .code()
                .or_else(|| Some(128 + output.status.signal()?))
                .unwrap(),
            stdout: self.mask(&output.stdout),
            raw_stdout: output.stdout,
            stderr: self.mask(&output.stderr),
        }
    }

    /// Runs the program, which must succeed, and gives its standard output.
    #[track_caller]
    pub(crate) fn ok<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let answer = self.run(arguments);
        assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
        answer.stdout
    }

    /// Runs the program, which must succeed, and reads its standard output as JSON.
    #[track_caller]
    pub(crate) fn json<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> serde_json::Value {
        let answer = self.run(arguments);
        assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
        answer.json()
    }

    fn mask(&self, bytes: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        let root = self.root.path();
        // A temporary directory may be reached through a link; the program shows the real one.
        for shown in [Some(root.to_owned()), root.canonicalize().ok()]
            .into_iter()
            .flatten()
        {
            text = text.replace(shown.to_str().unwrap(), "[SANDBOX]");
        }
        for (pattern, name) in [
            (r"\b\d{4}-\d\d-\d\d\b", "[DATE]"),
            (r"\b\d\d:\d\d(:\d\d)?(\.\d+)?\b", "[TIME]"),
            (r"\b\d+[dhm] \d\d[hms]\b|\b\d+\.\d+s\b", "[SPAN]"),
            (r"\b\d+(\.\d)? ([KMGT]i)?B\b", "[SIZE]"),
            (r"\bprocess \d+\b", "process [PID]"),
        ] {
            let pattern = Regex::new(pattern).unwrap();
            text = pattern.replace_all(&text, name).into_owned();
        }
        text
    }
}

impl Answer {
    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.raw_stdout)
            .unwrap_or_else(|error| panic!("{error} in {}{}", self.stdout, self.stderr))
    }

    /// The exit code and both texts, to compare in one go.
    #[track_caller]
    pub(crate) fn is(&self, code: i32, stdout: &str, stderr: &str) {
        assert_eq!(
            (self.code, self.stdout.as_str(), self.stderr.as_str()),
            (code, stdout, stderr)
        );
    }

    /// A failure with this exit code whose message holds all of these pieces.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, pieces: &[&str]) {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        for piece in pieces {
            assert!(
                self.stderr.contains(piece),
                "no `{piece}` in\n{}",
                self.stderr
            );
        }
    }
}

/// Kills a program that does not end: a test that fails is better than one that hangs.
struct Watchdog {
    _bark: mpsc::Sender<()>,
}

impl Watchdog {
    fn over(child: &Child) -> Self {
        let (bark, quiet) = mpsc::channel::<()>();
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        std::thread::spawn(move || {
            if quiet.recv_timeout(LONGEST) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _already_gone = pid.map(|pid| kill_process(pid, Signal::KILL));
            }
        });
        Self { _bark: bark }
    }
}

/// Waits until a started program has said this on its standard error; its answer has what comes after.
#[track_caller]
pub(crate) fn wait_for_words(child: &mut Child, words: &str) {
    let watchdog = Watchdog::over(child);
    let mut said = Vec::new();
    let mut byte = [0];
    while !said.ends_with(words.as_bytes()) {
        let length = child.stderr.as_mut().unwrap().read(&mut byte).unwrap();
        assert_eq!(length, 1, "{}", String::from_utf8_lossy(&said));
        said.extend(byte);
    }
    drop(watchdog);
}

/// Waits until something is so, and says what it waited for if that takes too long.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    while !is_so() {
        assert!(waited < PATIENCE, "waited {PATIENCE:?} until {what}");
        std::thread::sleep(PAUSE);
        waited += PAUSE;
    }
}

/// For the script of a task: waits until words that it has printed are in the log. Then its supervisor has
/// heard them, and knows that the task runs.
pub(crate) fn until_kept(words: &str) -> String {
    format!("until grep -qs -e \"{words}\" \"$AUTOEXEC_STATE_DIR\"/logs/*.seg; do sleep 0.01; done")
}

/// Waits until a file is there and not empty.
#[track_caller]
pub(crate) fn wait_for_file(path: &Path) {
    wait_until(&format!("{} is written", path.display()), || {
        std::fs::metadata(path).is_ok_and(|file| file.len() > 0)
    });
}
