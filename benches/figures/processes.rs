//! What the kernel says of processes.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use autoexec::model::layout::StateDir;
use autoexec::process::launch::SUPERVISE;

/// Ticks in which the kernel counts the time of children, on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process and when it started; a number alone may be given to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    start: u64,
}

/// Seconds of processors used by all children that were waited for, and by theirs.
pub(crate) fn time_of_children() -> Result<f64> {
    let fields = fields(Path::new("/proc/self/stat")).context("/proc/self/stat")?;
    let ticks = |index: usize| fields.get(index).and_then(|word| word.parse::<u64>().ok());
    let user = ticks(13).context("no user time")?;
    let system = ticks(14).context("no system time")?;
    Ok((user + system) as f64 / TICKS_PER_SECOND)
}

/// The fields behind the name, which may hold anything; `state` is the first.
fn fields(stat: &Path) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(stat).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

impl Process {
    /// The process of that number, if there is one that still runs.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let fields = fields(Path::new(&format!("/proc/{pid}/stat")))?;
        if fields.first().is_some_and(|state| state == "Z") {
            return None;
        }
        let start = fields.get(19)?.parse().ok()?;
        Some(Self { pid, start })
    }

    pub(crate) fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Ends a process that this program, or one that it started, has started.
    pub(crate) fn kill(&self, signal: rustix::process::Signal) {
        if let (true, Some(pid)) = (self.is_alive(), rustix::process::Pid::from_raw(self.pid)) {
            let _gone_is_good = rustix::process::kill_process(pid, signal);
        }
    }

    /// The most memory that it had so far, in bytes.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }
}

/// All processes that have each of these words among their arguments.
pub(crate) fn with_arguments(wanted: &[&[u8]]) -> Vec<Process> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let has = |word: &&[u8]| {
            arguments
                .split(|byte| *byte == 0)
                .any(|known| known == *word)
        };
        if wanted.iter().all(has) {
            found.extend(Process::of(pid));
        }
    }
    found
}

/// The supervisors of the runs of a queue.
pub(crate) fn supervisors(dir: &StateDir) -> Vec<Process> {
    with_arguments(&[SUPERVISE.as_bytes(), dir.root().as_os_str().as_bytes()])
}
