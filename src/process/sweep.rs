//! Killing what is left of attempts whose supervisor is dead.
//!
//! A process belongs to an attempt when its environment holds the attempt's mark, when it is in
//! the session of the attempt's supervisor (a child between fork and exec has no mark yet, and a
//! program may clear its environment), or when it is in the control group of the supervisor's slot.
//! Whoever sweeps must have taken the supervisor's slot lock
//! first: until then a child may be born.
//!
//! A run that inherits the orphans of its own supervisors ([`children`]) also takes those that came to
//! it: what has none of the three is found by that alone.
//!
//! The session counts only while its number cannot have been given to others: no process has the
//! supervisor's pid with another start time, and a process must be of this user and not older than
//! the supervisor. Nothing is killed for any other reason, and nothing depends on the order of
//! `/proc`: only two looks in a row that find nothing end the sweep.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::ids::AttemptId;
use crate::model::ids::ProcessIdentity;
use crate::model::ids::QueueId;
use crate::model::layout::MARK_VARIABLE;
use crate::model::outcome::Leftover;
use crate::model::outcome::LeftoverFate;
use crate::model::signal::Signal;
use crate::process::cgroup;
use crate::process::children;
use crate::process::children::HELPER_VARIABLE;
use crate::process::children::Strays;
use crate::process::identity;
use crate::process::table;
use crate::support::clock::monotonic;

/// After this time whatever does not die is reported as unkillable.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks while something dies.
const PAUSE: Duration = Duration::from_millis(5);
/// Looks in a row that must find nothing.
const CLEAN_LOOKS: u32 = 2;

/// What a sweep did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SweepReport {
    /// Every process that was found, with its fate.
    pub found: Vec<Leftover>,
}

impl SweepReport {
    /// Those that are still there.
    pub fn survivors(&self) -> impl Iterator<Item = &Leftover> {
        self.found
            .iter()
            .filter(|leftover| leftover.fate == LeftoverFate::Unkillable)
    }

    /// Whether nothing is left.
    pub fn is_clean(&self) -> bool {
        self.survivors().next().is_none()
    }
}

/// Kills every process of these attempts, of these supervisors' sessions and of their slot's control
/// group (by its name; `None` where no slot is known), and no other.
///
/// Takes at most about five seconds.
pub fn sweep(
    queue: QueueId,
    attempts: &[AttemptId],
    sessions: &[ProcessIdentity],
    group: Option<&str>,
) -> SweepReport {
    // The group is only of those that are not older than its supervisor.
    let oldest = sessions.iter().map(|session| session.start).min();
    sweep_wanted(&Wanted {
        marks: attempts.iter().map(|id| mark(queue, *id)).collect(),
        sessions: sessions.to_vec(),
        groups: group.map(str::to_owned).zip(oldest).into_iter().collect(),
        strays: None,
    })
}

/// What one attempt may have left whose supervisor is dead.
#[derive(Debug, Clone)]
pub struct Remains {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its supervisor; unknown where no record names it.
    pub supervisor: Option<ProcessIdentity>,
    /// The name of its slot's control group.
    pub group: Option<String>,
}

/// Sweeps what many attempts have left at once: each look goes through all processes of the machine.
///
/// Takes at most about five seconds.
pub fn sweep_all(queue: QueueId, remains: &[Remains]) -> SweepReport {
    sweep_wanted(&Wanted::of(queue, remains))
}

/// The same, and with them the orphans that came to this process from these supervisors. They must have
/// been children of this process, and be collected.
pub fn sweep_inherited(queue: QueueId, remains: &[Remains]) -> SweepReport {
    let report = sweep_wanted(&Wanted::of(queue, remains).with_strays());
    children::collect_dead_strays();
    report
}

/// Whether something of it is still there; `inherited` as in [`sweep_inherited`].
pub fn is_left(queue: QueueId, remains: &Remains, inherited: bool) -> bool {
    let wanted = Wanted::of(queue, std::slice::from_ref(remains));
    let wanted = if inherited {
        wanted.with_strays()
    } else {
        wanted
    };
    !look(&wanted).is_empty()
}

/// What is looked for.
#[derive(Debug)]
struct Wanted {
    marks: Vec<String>,
    sessions: Vec<ProcessIdentity>,
    /// Names of control groups, each with the start of its supervisor: nothing older is meant.
    groups: Vec<(String, u64)>,
    /// Orphans that came to this process.
    strays: Option<Strays>,
}

impl Wanted {
    fn of(queue: QueueId, remains: &[Remains]) -> Self {
        let group_of = |one: &Remains| one.group.clone().zip(one.supervisor.map(|own| own.start));
        Self {
            marks: remains.iter().map(|one| mark(queue, one.attempt)).collect(),
            sessions: remains.iter().filter_map(|one| one.supervisor).collect(),
            groups: remains.iter().filter_map(group_of).collect(),
            strays: None,
        }
    }

    fn with_strays(mut self) -> Self {
        self.strays = Strays::of(&self.sessions);
        self
    }

    /// Whether a process is an orphan of one of these supervisors. What it leaves behind itself when it
    /// is killed comes to us in turn, and the next look finds it.
    fn is_stray(&self, entry: &table::Entry) -> bool {
        let Some(strays) = &self.strays else {
            return false;
        };
        strays.may_hold(entry)
            && table::environment(entry.process.pid).is_none_or(|environment| {
                let mut variables = environment.split(|byte| *byte == 0);
                // What has the mark of another attempt may be there by that one's right.
                !variables.any(|variable| {
                    variable.starts_with(HELPER_VARIABLE.as_bytes())
                        || variable.starts_with(MARK_VARIABLE.as_bytes())
                })
            })
    }
}

fn sweep_wanted(wanted: &Wanted) -> SweepReport {
    let mut found: BTreeMap<(i32, u64), Leftover> = BTreeMap::new();
    let deadline = monotonic() + PATIENCE;
    let mut clean = 0;
    loop {
        let alive = look(wanted);
        if alive.is_empty() {
            clean += 1;
            if clean == CLEAN_LOOKS {
                break;
            }
            continue;
        }
        clean = 0;
        // All are stopped before the first one is killed: whoever sees the end of another one must not
        // take it for the end of the data, and make a whole result of half of them.
        for entry in &alive {
            let _gone = identity::signal(entry.process, Signal::STOP);
        }
        for entry in alive {
            // It may be gone by now; then the next look does not find it.
            let _gone = identity::signal(entry.process, Signal::KILL);
            found
                .entry((entry.process.pid, entry.process.start))
                .or_insert(Leftover {
                    process: entry.process,
                    name: entry.name,
                    fate: LeftoverFate::Killed,
                });
        }
        if monotonic() >= deadline {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    if clean < CLEAN_LOOKS {
        for leftover in found.values_mut() {
            if identity::is_alive(leftover.process) {
                leftover.fate = LeftoverFate::Unkillable;
            }
        }
    }
    SweepReport {
        found: found.into_values().collect(),
    }
}

/// The mark of an attempt, as it stands in the environment of its processes.
pub fn mark(queue: QueueId, attempt: AttemptId) -> String {
    format!("{queue}:{attempt}")
}

/// The living processes that belong to what is asked for.
fn look(wanted: &Wanted) -> Vec<table::Entry> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let user = rustix::process::getuid().as_raw();
    let sessions: Vec<ProcessIdentity> = wanted
        .sessions
        .iter()
        .copied()
        .filter(|session| identity::identity(session.pid).is_none_or(|holder| holder == *session))
        .collect();
    // If /proc cannot be listed, nothing is found; whoever could not list it could not start either.
    table::pids()
        .unwrap_or_default()
        .into_iter()
        .filter(|pid| *pid != own)
        .filter_map(table::entry)
        .filter(table::Entry::is_alive)
        .filter(|entry| {
            let in_session = sessions.iter().any(|session| {
                entry.session == session.pid && entry.process.start >= session.start
            });
            (in_session && table::user(entry.process.pid) == Some(user))
                || table::environment(entry.process.pid)
                    .is_some_and(|environment| carries(&environment, &wanted.marks))
                // INVARIANT: read after the start time, which the signal looks at again.
                || is_in_group(entry, &wanted.groups)
                || wanted.is_stray(entry)
        })
        .collect()
}

fn is_in_group(entry: &table::Entry, groups: &[(String, u64)]) -> bool {
    let start = entry.process.start;
    !groups.is_empty()
        && cgroup::is_in(entry.process.pid, |part| {
            groups
                .iter()
                .any(|(name, oldest)| start >= *oldest && part == name.as_str())
        })
}

/// Whether an environment holds one of the marks.
///
/// A run inside a task adds its mark to the one that is there, separated by a comma: its processes
/// belong to both attempts.
fn carries(environment: &[u8], marks: &[String]) -> bool {
    environment
        .split(|byte| *byte == 0)
        .filter_map(|variable| variable.strip_prefix(MARK_VARIABLE.as_bytes()))
        .filter_map(|rest| rest.strip_prefix(b"="))
        .flat_map(|value| value.split(|byte| *byte == b','))
        .any(|carried| marks.iter().any(|mark| mark.as_bytes() == carried))
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
