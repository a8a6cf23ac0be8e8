//! The processes below a supervisor: killing all of them, and naming those that were left over.
//!
//! The supervisor is a subreaper: a descendant whose parent dies becomes its child, whatever session
//! or group it has moved to. So "no children" proves that nothing is left. Where it has a control group
//! the group is looked into too: somebody may have been moved in.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::ids::ProcessIdentity;
use crate::model::outcome::Exit;
use crate::model::outcome::Leftover;
use crate::model::outcome::LeftoverFate;
use crate::model::outcome::MAX_LEFTOVERS;
use crate::model::outcome::Usage;
use crate::model::signal::Signal;
use crate::process::cgroup::Group;
use crate::process::identity;
use crate::process::reap::Reaped;
use crate::process::reap::reap_any;
use crate::process::table;
use crate::process::table::Entry;
use crate::support::clock::monotonic;

/// What does not die within this time after the kill is unkillable.
pub(super) const KILL_PATIENCE: Duration = Duration::from_secs(5);
/// Between two rounds of killing.
const PAUSE: Duration = Duration::from_millis(5);

/// What reaping has brought to light.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// How the command ended, once it has.
    pub(super) exit: Option<Exit>,
    /// What all processes used so far.
    pub(super) usage: Usage,
    /// Whether there are no children at all.
    pub(super) nothing_left: bool,
}

impl Collected {
    /// Collects everything that is dead; `leader` is the command.
    pub(super) fn reap(&mut self, leader: i32) {
        loop {
            match reap_any() {
                Reaped::Child { pid, exit, usage } => {
                    if pid == leader && self.exit.is_none() {
                        self.exit = Some(exit);
                    }
                    let sum = &mut self.usage;
                    sum.max_rss_bytes = sum.max_rss_bytes.max(usage.max_rss_bytes);
                    sum.cpu_user += usage.cpu_user;
                    sum.cpu_system += usage.cpu_system;
                }
                Reaped::AllAlive => {
                    self.nothing_left = false;
                    return;
                }
                Reaped::NoChildren => {
                    self.nothing_left = true;
                    return;
                }
            }
        }
    }
}

/// Processes that outlived the command.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// Some of them, by name.
    pub(super) named: Vec<Leftover>,
    /// All of them.
    pub(super) count: u32,
}

impl Leftovers {
    /// Whether some are still there.
    pub(super) fn any_alive(&self) -> bool {
        self.named
            .iter()
            .any(|leftover| leftover.fate != LeftoverFate::Killed)
    }

    /// Adds those of another step.
    pub(super) fn extend(&mut self, other: Self) {
        self.count += other.count;
        self.named.extend(other.named);
        // Those that are still there matter most.
        self.named
            .sort_by_key(|leftover| leftover.fate == LeftoverFate::Killed);
        self.named.truncate(MAX_LEFTOVERS);
    }

    fn of(found: BTreeMap<(i32, u64), Entry>, fate: impl Fn(&Entry) -> LeftoverFate) -> Self {
        let mut all = Self {
            count: u32::try_from(found.len()).unwrap_or(u32::MAX),
            named: found
                .into_values()
                .map(|entry| Leftover {
                    process: entry.process,
                    fate: fate(&entry),
                    name: entry.name,
                })
                .collect(),
        };
        all.extend(Self::default());
        all
    }
}

/// Sends a signal to the command's group, and a continue after it: a stopped process cannot act on it.
///
/// Only while the command was not reaped: until then no other group can have its number.
pub(super) fn signal_group(leader: ProcessIdentity, signal: Signal) {
    let (Some(group), Some(raw)) = (
        rustix::process::Pid::from_raw(leader.pid),
        rustix::process::Signal::from_named_raw(signal.number()),
    ) else {
        return;
    };
    // Nobody there is no error: the command has just died and is about to be reaped.
    let _gone = rustix::process::kill_process_group(group, raw);
    let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::CONT);
}

/// Kills every living descendant once, and everybody else in the control group.
pub(super) fn kill_all(group: Option<&Group>) -> Vec<Entry> {
    let alive = family(group);
    for entry in &alive {
        // It may be gone by now, or of another user: then it is found again.
        let _gone = identity::signal(entry.process, Signal::KILL);
    }
    alive
}

/// Names everybody who is left and leaves them alone.
pub(super) fn name_all(group: Option<&Group>) -> Leftovers {
    let found = family(group)
        .into_iter()
        .map(|entry| ((entry.process.pid, entry.process.start), entry))
        .collect();
    Leftovers::of(found, |_| LeftoverFate::Allowed)
}

/// Kills until nothing is left, or nothing dies any more.
pub(super) fn kill_until_nothing_is_left(
    leader: i32,
    collected: &mut Collected,
    group: Option<&Group>,
) -> Leftovers {
    let deadline = monotonic() + KILL_PATIENCE;
    let mut found = BTreeMap::new();
    loop {
        collected.reap(leader);
        let is_clear = collected.nothing_left && is_empty(group);
        if is_clear || monotonic() >= deadline {
            break;
        }
        for entry in kill_all(group) {
            found.insert((entry.process.pid, entry.process.start), entry);
        }
        std::thread::sleep(PAUSE);
    }
    let survivors: BTreeSet<(i32, u64)> = if collected.nothing_left && is_empty(group) {
        BTreeSet::new()
    } else {
        family(group)
            .into_iter()
            .map(|entry| (entry.process.pid, entry.process.start))
            .collect()
    };
    Leftovers::of(found, |entry| {
        if survivors.contains(&(entry.process.pid, entry.process.start)) {
            LeftoverFate::Unkillable
        } else {
            LeftoverFate::Killed
        }
    })
}

/// Whether nobody but us is in the control group, if there is one.
pub(super) fn is_empty(group: Option<&Group>) -> bool {
    group.is_none_or(|group| group.others().is_empty())
}

/// All living descendants, and everybody else in the control group.
pub(super) fn family(group: Option<&Group>) -> Vec<Entry> {
    let mut all = descendants();
    for entry in group.map(Group::others).unwrap_or_default() {
        if all.iter().all(|known| known.process != entry.process) {
            all.push(entry);
        }
    }
    all
}

/// All living descendants: our children, and theirs.
fn descendants() -> Vec<Entry> {
    let children = table::own_children();
    if children.is_empty() {
        return Vec::new();
    }
    let all: Vec<Entry> = table::pids()
        .unwrap_or_default()
        .into_iter()
        .filter_map(table::entry)
        .collect();
    let mut family: BTreeSet<i32> = children.iter().map(|entry| entry.process.pid).collect();
    loop {
        let before = family.len();
        for entry in &all {
            if family.contains(&entry.parent) {
                family.insert(entry.process.pid);
            }
        }
        if family.len() == before {
            break;
        }
    }
    let own = rustix::process::getpid().as_raw_nonzero().get();
    all.into_iter()
        .filter(|entry| {
            entry.is_alive() && entry.process.pid != own && family.contains(&entry.process.pid)
        })
        .collect()
}
