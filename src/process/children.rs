//! The children of this process: those that it started itself, and orphans that it inherits.
//!
//! A run inherits the orphans of its dead supervisors, because it is a subreaper as they are. So it
//! finds what nothing else would lead to: a process with a session of its own and an emptied
//! environment, outside of any control group. With them come strangers: what a helper program left
//! running, and what a task was allowed to leave. Here they are told apart.
//!
//! INVARIANT: whoever this process starts is noted before anybody can take it for a stray. Only dead
//! strays are collected here, each by its number, so that nobody waits in vain for a child of their
//! own.

use std::fs;
use std::io;
use std::process::Child;
use std::process::Command;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use rustix::process::Pid;
use rustix::process::WaitId;
use rustix::process::WaitIdOptions;

use crate::model::ids::ProcessIdentity;
use crate::process::identity;
use crate::process::table;
use crate::process::table::Entry;

/// In the environment of a helper program, and of what it leaves running.
pub(in crate::process) const HELPER_VARIABLE: &str = "__AUTOEXEC_HELPER";
/// So many are noted before those that are gone are forgotten.
const MANY: usize = 256;

static KNOWN: Mutex<Known> = Mutex::new(Known {
    inherits: false,
    started: Vec::new(),
    spared: Vec::new(),
});

#[derive(Debug)]
struct Known {
    /// Whether orphans come to this process at all.
    inherits: bool,
    /// Started here: whoever did it waits for them.
    started: Vec<ProcessIdentity>,
    /// Strays that may go on.
    spared: Vec<ProcessIdentity>,
}

/// From now on orphans among the descendants of this process become its children.
///
/// # Errors
/// When the kernel refuses.
pub fn inherit_orphans() -> io::Result<()> {
    let mut known = known();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    if !known.inherits {
        // Whoever is there already was started here, or before this program in the same process.
        known.started = own_children().iter().map(|child| child.process).collect();
        known.inherits = true;
    }
    Ok(())
}

/// Starts a child that this process itself waits for.
pub(in crate::process) fn start(command: &mut Command) -> io::Result<Child> {
    // Held while it starts: until it is noted nobody looks for strays.
    let mut known = known();
    let child = command.spawn()?;
    if known.inherits {
        known.forget_the_gone();
        let pid = i32::try_from(child.id()).ok();
        known.started.extend(pid.and_then(identity::identity));
    }
    Ok(child)
}

/// What was left so far may go on: the supervisor that left it has ended in good order.
pub fn spare_strays() {
    let mut known = known();
    if !known.inherits {
        return;
    }
    let strays: Vec<ProcessIdentity> = own_children()
        .into_iter()
        .map(|child| child.process)
        .filter(|process| !known.started.contains(process))
        .collect();
    known.spared = strays;
}

/// Collects inherited children that are dead.
pub fn collect_dead_strays() {
    let known = known();
    if !known.inherits {
        return;
    }
    for child in own_children() {
        if child.is_alive() || known.started.contains(&child.process) {
            continue;
        }
        if let Some(pid) = Pid::from_raw(child.process.pid) {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            let _how_it_ended_is_nobodys_business =
                rustix::process::waitid(WaitId::Pid(pid), options);
        }
    }
}

/// What a look for strays needs to know, taken once.
#[derive(Debug)]
pub(in crate::process) struct Strays {
    own: i32,
    session: i32,
    user: u32,
    /// The supervisors that are dead.
    dead: Vec<ProcessIdentity>,
}

impl Strays {
    /// Strays of these dead supervisors; `None` where orphans do not come to this process.
    pub(in crate::process) fn of(dead: &[ProcessIdentity]) -> Option<Self> {
        let known = known();
        if !known.inherits || dead.is_empty() {
            return None;
        }
        let own = rustix::process::getpid().as_raw_nonzero().get();
        Some(Self {
            own,
            // By the table as every other one: in a container the session may be led from outside, and
            // then it is 0 there, which a call for the number of a process cannot answer.
            session: table::entry(own)?.session,
            user: rustix::process::getuid().as_raw(),
            dead: dead.to_vec(),
        })
    }

    /// Whether a process is one of them, as far as that can be told without its environment.
    pub(in crate::process) fn may_hold(&self, entry: &Entry) -> bool {
        let process = entry.process;
        // A helper's own children stay in our session unless they leave it.
        if entry.parent != self.own
            || entry.session == self.session
            || self.dead.iter().all(|dead| process.start < dead.start)
        {
            return false;
        }
        let leads = |known: &ProcessIdentity| known.pid == entry.session;
        // INVARIANT: asked anew for every process. One that was just started is noted by the time the
        // lock is free, so it is never taken for a stray.
        let known = known();
        // Another supervisor may have left it on purpose.
        let is_of_another = known.started.iter().any(leads) && !self.dead.iter().any(leads);
        !is_of_another
            && !known.started.contains(&process)
            && !known.spared.contains(&process)
            && table::user(process.pid) == Some(self.user)
    }
}

impl Known {
    fn forget_the_gone(&mut self) {
        if self.started.len() < MANY {
            return;
        }
        self.started
            .retain(|process| identity::identity(process.pid) == Some(*process));
    }
}

fn known() -> MutexGuard<'static, Known> {
    // Whoever panicked while holding it had changed nothing by halves.
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All children of this process, those of all its threads.
fn own_children() -> Vec<Entry> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let pids = listed().unwrap_or_else(|| table::pids().unwrap_or_default());
    pids.into_iter()
        .filter_map(table::entry)
        .filter(|child| child.parent == own)
        .collect()
}

/// The children by thread, as the kernel lists them; `None` where it does not.
fn listed() -> Option<Vec<i32>> {
    let mut pids = Vec::new();
    for thread in fs::read_dir("/proc/self/task").ok()?.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(list) => {
                let listed = list.split_ascii_whitespace();
                pids.extend(listed.filter_map(|pid| pid.parse::<i32>().ok()));
            }
            // A thread that has ended gave its children to another one, which may have been read.
            Err(_) => return None,
        }
    }
    Some(pids)
}
