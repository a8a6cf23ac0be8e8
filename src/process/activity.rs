//! How busy processes are, as the kernel counts it: CPU time, bytes read and written.
//!
//! Reading only, and only while somebody doubts that they live. What is too little is not judged here.
//! The figures of a process that another user owns are partly hidden; what is hidden counts as nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::ids::ProcessIdentity;
use crate::process::table::Entry;

/// What processes have used up to a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample(BTreeMap<ProcessKey, Used>);

type ProcessKey = (i32, u64);

/// What one process has used, that of children that it has waited for included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Used {
    ticks: u64,
    read: u64,
    written: u64,
    /// Calls of `write`.
    writes: u64,
    storage: u64,
}

/// What was used between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// CPU time of all.
    pub cpu: Duration,
    /// Bytes read by `read` from anything: files, pipes, sockets.
    pub read: u64,
    /// Bytes written by `write` to anything.
    pub written: u64,
    /// Of them, those of processes whose writes were not all of the kind by which one thread wakes
    /// another: each of one byte (a pipe), or each of eight (an event counter).
    pub told: u64,
    /// Bytes for which a disk had to work.
    pub storage: u64,
}

impl Sample {
    /// What these processes have used so far.
    pub fn take(processes: &[Entry]) -> Self {
        Self(
            processes
                .iter()
                .filter_map(|entry| {
                    let ProcessIdentity { pid, start } = entry.process;
                    Some(((pid, start), used(pid)?))
                })
                .collect(),
        )
    }

    /// What was used since an earlier look. A process that was not there then counts whole.
    pub fn since(&self, earlier: &Self) -> Work {
        let mut ticks = 0_u64;
        let mut work = Work::default();
        for (key, now) in &self.0 {
            let before = earlier.0.get(key).copied().unwrap_or_default();
            ticks += now.ticks.saturating_sub(before.ticks);
            work.read += now.read.saturating_sub(before.read);
            let written = now.written.saturating_sub(before.written);
            let writes = now.writes.saturating_sub(before.writes);
            work.written += written;
            if written != writes && written != writes.saturating_mul(8) {
                work.told += written;
            }
            work.storage += now.storage.saturating_sub(before.storage);
        }
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        work.cpu = Duration::from_millis(ticks.saturating_mul(1000) / per_second);
        work
    }
}

fn used(pid: i32) -> Option<Used> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let count = |name: &str| -> u64 {
        io.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .and_then(|number| number.parse().ok())
            .unwrap_or_default()
    };
    Some(Used {
        ticks: ticks(&stat)?,
        read: count("rchar"),
        written: count("wchar"),
        writes: count("syscw"),
        storage: count("read_bytes") + count("write_bytes"),
    })
}

/// CPU time of a process and of the children that it has waited for.
fn ticks(stat: &[u8]) -> Option<u64> {
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    // The state is field 3; the four times are fields 14 to 17.
    let times = rest.split_ascii_whitespace().skip(11).take(4);
    Some(times.filter_map(|time| time.parse::<u64>().ok()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::table::entry;
    use std::io::Write as _;

    fn own() -> Vec<Entry> {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        vec![entry(own).unwrap()]
    }

    #[test]
    fn the_four_times_are_summed_whatever_the_name() {
        let line = b"7 (a) R 9) S 1 2 3 0 -1 0 0 0 0 0 10 20 30 40 20 0 1 0 4242";
        assert_eq!(ticks(line), Some(100));
        assert_eq!(ticks(b"nothing"), None);
    }

    #[test]
    fn what_a_process_writes_and_burns_is_counted() {
        let before = Sample::take(&own());
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![7; 300_000]).unwrap();
        // Until the kernel has counted it: a tick is all that it promises.
        let work = loop {
            let work = Sample::take(&own()).since(&before);
            if work.cpu >= Duration::from_millis(20) {
                break work;
            }
        };
        assert!(work.written >= 300_000);
        assert_eq!(before.since(&before), Work::default());
    }

    #[test]
    fn a_short_line_is_told_apart_from_waking_somebody() {
        let used = |written, writes| {
            Sample(
                [(
                    (1, 1),
                    Used {
                        written,
                        writes,
                        ..Used::default()
                    },
                )]
                .into(),
            )
        };
        let before = used(1_000, 10);
        for (written, writes, told) in [
            (1_000, 10, 0),
            (1_003, 13, 0),
            (1_024, 13, 0),
            (1_002, 11, 2),
            (1_016, 11, 16),
        ] {
            let work = used(written, writes).since(&before);
            assert_eq!(work.told, told, "{written} in {writes}");
        }
    }

    #[test]
    fn a_process_that_is_gone_takes_its_figures_with_it() {
        let gone = Sample::default();
        let now = Sample::take(&own());
        assert_eq!(gone.since(&now), Work::default());
        assert!(now.since(&gone).read > 0);
    }
}
