//! Where is measured: one folder for everything, a fresh one below it for each measurement.

use std::cell::Cell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use autoexec::model::layout::StateDir;

/// The folder, and how long one may take.
#[derive(Debug)]
pub(crate) struct Place {
    root: PathBuf,
    minimal: PathBuf,
    long: bool,
    million: bool,
    made: Cell<usize>,
}

impl Place {
    /// Makes the folder. `long`: more turns; `million`: queues of a million tasks, too.
    pub(crate) fn make(long: bool, million: bool) -> Result<Self> {
        let below = std::env::var_os("AUTOEXEC_BENCH_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
        let root = below.join(format!("figures-{}", std::process::id()));
        std::fs::create_dir_all(&root).with_context(|| root.display().to_string())?;
        Ok(Self {
            root: root.canonicalize()?,
            minimal: minimal()?,
            long,
            million,
            made: Cell::new(0),
        })
    }

    /// One of two figures: for the usual form and for the long one.
    pub(crate) const fn pick(&self, usual: usize, long: usize) -> usize {
        if self.long { long } else { usual }
    }

    /// Whether there is time and room for a million tasks.
    pub(crate) const fn has_million(&self) -> bool {
        self.million
    }

    /// Which form of the figures this is.
    pub(crate) fn form(&self) -> &'static str {
        match (self.long, self.million) {
            (false, false) => "usual",
            (false, true) => "usual, with queues of a million tasks",
            (true, false) => "long",
            (true, true) => "long, with queues of a million tasks",
        }
    }

    /// Where everything lies.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A folder that nobody has used.
    pub(crate) fn fresh(&self) -> Result<PathBuf> {
        let number = self.made.get() + 1;
        self.made.set(number);
        let folder = self.root.join(number.to_string());
        std::fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// A state directory that nobody has used; it is not made yet.
    pub(crate) fn state(&self) -> Result<StateDir> {
        Ok(StateDir::at(self.fresh()?.join("state")))
    }

    /// autoexec on a queue, with nothing of the user's own environment or configuration.
    pub(crate) fn autoexec(&self, dir: &StateDir) -> Result<Command> {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_autoexec")))?;
        command.arg("--state-dir").arg(dir.root());
        Ok(command)
    }

    /// The smallest program that could do it.
    pub(crate) fn minimal(&self) -> Result<Command> {
        self.command(&self.minimal)
    }

    /// This program in another role.
    pub(crate) fn role(&self, role: &str) -> Result<Command> {
        let mut command = self.command(&std::env::current_exe()?)?;
        command.arg(role);
        Ok(command)
    }

    /// Any program, in the same surroundings: what it says is dropped, what it complains of is kept.
    pub(crate) fn command(&self, program: &Path) -> Result<Command> {
        let complaints = File::options()
            .append(true)
            .create(true)
            .open(self.complaints())?;
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.root)
            .env("LANG", "C.UTF-8")
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(complaints);
        Ok(command)
    }

    /// The last thing that a program complained of.
    pub(crate) fn last_complaint(&self) -> String {
        let text = std::fs::read_to_string(self.complaints()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(3).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
    }

    fn complaints(&self) -> PathBuf {
        self.root.join("complaints.log")
    }

    /// How busy the machine is; what others do at the same time makes every figure worse.
    #[expect(clippy::unused_self, reason = "it is about where one measures")]
    pub(crate) fn load(&self) -> String {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let figures: Vec<&str> = load.split(' ').take(3).collect();
        format!("load {}", figures.join(" "))
    }

    pub(crate) fn remove(self) {
        if let Err(error) = std::fs::remove_dir_all(&self.root) {
            eprintln!("warning: cannot remove {}: {error}", self.root.display());
        }
    }
}

/// Cargo builds it beside this program and does not say under which name.
fn minimal() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().context("this program lies nowhere")?;
    let mut newest = None;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("minimal-") && path.extension().is_none() {
            let at = path.metadata()?.modified()?;
            newest = newest.max(Some((at, path)));
        }
    }
    match newest {
        Some((_, path)) => Ok(path),
        None => bail!("`minimal` is not built: run `cargo bench` without `--bench`"),
    }
}
