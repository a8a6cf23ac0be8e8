//! A control group (version 2) per slot, where the system has handed a part of its tree to us.
//!
//! The supervisor sits in its group, so whatever it starts is born there and leaves only by moving itself
//! to another group on purpose, as container programs do. Where nothing was delegated, [`Base::find`] says so after one
//! short file was read, and everything stays as it is without groups.
//!
//! Not here: what is done to those that are found (`supervisor`, [`crate::process::sweep`]).
//!
//! # What is ours
//!
//! systemd allows one writer per group. A group belongs to us when it is owned by our user and is not
//! the root of the tree. Root owns all of them, so for root only the mark counts that systemd leaves on
//! a delegated group. Under a delegated group with a subgroup (`DelegateSubgroup=`) we are in the
//! subgroup and take the group above it: only a group without processes of its own can pass on the
//! controllers of memory and of processes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::Access;

use crate::model::ids::QueueId;
use crate::model::spec::Limits;
use crate::process::table;
use crate::process::table::Entry;

/// A smaller limit is not set on the group: the supervisor is in it too, and the kernel might choose it.
const SMALLEST_MEMORY: u64 = 64 * 1024 * 1024;
/// Takes a limit away.
const UNLIMITED: &str = "max";

/// Where groups may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The group below which ours are made.
    parent: PathBuf,
    /// The group that we come from and go back to.
    origin: PathBuf,
}

/// What decides whether a group is ours.
#[derive(Debug, Clone, Copy)]
struct Facts<'a> {
    /// The group's path in the tree.
    path: &'a Path,
    /// Who we are.
    user: u32,
    /// Who owns the group's directory.
    owner: u32,
    /// Whether systemd has marked it as delegated.
    marked: bool,
    /// Whether we may make groups in it and move processes.
    writable: bool,
}

impl Facts<'_> {
    fn are_of_ours(&self) -> bool {
        let is_root = self.path.parent().is_none();
        let is_inside = self.path.is_absolute() && !is_outside(self.path);
        let by_owner = self.user != 0 && self.owner == self.user;
        is_inside && !is_root && self.writable && (self.marked || by_owner)
    }
}

impl Base {
    /// The place for groups of ours, if there is one.
    pub fn find() -> Option<Self> {
        let text = fs::read_to_string("/proc/self/cgroup").ok()?;
        let path = own_path(&text)?;
        // Nothing more is looked at on a host without groups, or in the root of the tree.
        path.parent()?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let origin = directory(&mounts, path)?;
        if let Some(above) = path.parent()
            && let Some(parent) = directory(&mounts, above)
            && is_marked(&parent)
            && !is_of_a_user_manager(above)
            && is_ours(above, &parent)
            && pids_in(&parent).is_empty()
        {
            return Some(Self { parent, origin });
        }
        is_ours(path, &origin).then(|| Self::at(&origin))
    }

    /// A base that somebody vouches for.
    pub fn at(dir: &Path) -> Self {
        Self {
            parent: dir.to_owned(),
            origin: dir.to_owned(),
        }
    }

    /// Removes a group that nobody is in any more; leaves it alone if somebody is.
    pub fn remove(&self, name: &str) {
        remove(&self.parent.join(name));
    }

    /// Hands the controllers down to the groups to be made, where that disturbs nobody.
    fn hand_down(&self) {
        // With processes in it the kernel would refuse, or turn the group into a threaded one.
        if pids_in(&self.parent).is_empty() {
            for controller in ["+memory", "+pids"] {
                // Not there, or not ours to give: then limits are set on processes.
                let _without = fs::write(self.parent.join("cgroup.subtree_control"), controller);
            }
        }
    }
}

/// The group of one slot.
#[derive(Debug)]
pub struct Group {
    dir: PathBuf,
    origin: PathBuf,
}

impl Group {
    /// Makes the group, with nobody in it.
    ///
    /// # Errors
    /// When the kernel refuses or there is one of that name.
    pub fn create(base: &Base, name: &str) -> io::Result<Self> {
        base.hand_down();
        let dir = base.parent.join(name);
        fs::create_dir(&dir)?;
        Ok(Self {
            dir,
            origin: base.origin.clone(),
        })
    }

    /// Makes the group and moves the calling process in.
    ///
    /// # Errors
    /// When the kernel refuses; then nothing has changed.
    pub fn enter(base: &Base, name: &str) -> io::Result<Self> {
        let group = Self::create(base, name)?;
        // CRASH: an empty group is left, which goes when its slot file is looked at.
        if let Err(error) = group.adopt(own()) {
            remove(&group.dir);
            return Err(error);
        }
        Ok(group)
    }

    /// Moves a process in.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn adopt(&self, pid: i32) -> io::Result<()> {
        fs::write(self.dir.join("cgroup.procs"), pid.to_string())
    }

    /// Moves the calling process back and removes the group, unless somebody stays in it.
    pub fn leave(self) {
        // The group that we came from may be gone; then ours goes together with what is above it.
        let _stays = fs::write(self.origin.join("cgroup.procs"), own().to_string());
        remove(&self.dir);
    }

    /// The living processes in the group and in the groups below it, but for the calling one.
    pub fn others(&self) -> Vec<Entry> {
        let own = own();
        let mut entries: Vec<Entry> = members(&self.dir)
            .into_iter()
            .filter(|pid| *pid != own)
            .filter_map(table::entry)
            .filter(Entry::is_alive)
            .collect();
        if !entries.is_empty() {
            // INVARIANT: a pid is in the group after its start time was read. A signal goes to pid and
            // start time, so it cannot reach a process that got the pid of a member that has died.
            let still: BTreeSet<i32> = members(&self.dir).into_iter().collect();
            entries.retain(|entry| still.contains(&entry.process.pid));
        }
        entries
    }

    /// Sets the limits that the group can keep, and gives those that it cannot.
    pub fn hold(&self, limits: &Limits) -> Limits {
        let mut rest = limits.clone();
        if let Some(bytes) = limits.memory
            && bytes >= SMALLEST_MEMORY
            && self.set("memory.max", &bytes.to_string())
        {
            rest.memory = None;
        }
        if let Some(most) = limits.processes
            // The supervisor is counted too.
            && self.set("pids.max", &most.saturating_add(1).to_string())
        {
            rest.processes = None;
        }
        rest
    }

    /// Takes all limits away again.
    pub fn release(&self) {
        self.set("memory.max", UNLIMITED);
        self.set("pids.max", UNLIMITED);
    }

    /// How many processes of the group the kernel has killed for want of memory; `None` where it does
    /// not count them.
    pub fn memory_kills(&self) -> Option<u64> {
        memory_kills(&fs::read_to_string(self.dir.join("memory.events")).ok()?)
    }

    /// Whether the group took a setting. A file that is not there is not made.
    fn set(&self, file: &str, value: &str) -> bool {
        let opened = fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(self.dir.join(file));
        opened.is_ok_and(|mut file| io::Write::write_all(&mut file, value.as_bytes()).is_ok())
    }
}

/// The name of a slot's group, from the queue and the slot's file; never given twice.
pub fn name(queue: QueueId, slot_file: &Path) -> Option<String> {
    let slot = slot_file.file_name()?.to_str()?;
    Some(format!("autoexec-{queue}-{slot}"))
}

/// Whether a process is in the group of that name, or in one below it.
pub fn holds(name: &str, pid: i32) -> bool {
    is_in(pid, |part| part == name)
}

/// Whether a process is in a group that is wanted, or in one below it.
pub(crate) fn is_in(pid: i32, is_wanted: impl Fn(&OsStr) -> bool) -> bool {
    fs::read_to_string(format!("/proc/{pid}/cgroup"))
        .is_ok_and(|text| own_path(&text).is_some_and(|path| path.iter().any(is_wanted)))
}

fn is_below(path: &Path, name: &str) -> bool {
    path.iter().any(|part| part == name)
}

/// The path of a process in the tree of version 2, from its `/proc/<pid>/cgroup`.
fn own_path(text: &str) -> Option<&Path> {
    text.lines()
        .find_map(|line| line.strip_prefix("0::"))
        .filter(|path| path.starts_with('/'))
        .map(Path::new)
}

/// The directory of a group, by the mounts of `/proc/self/mountinfo`: the tree of version 2 is mounted
/// alone, or beside the older ones, and perhaps only a part of it.
fn directory(mounts: &str, path: &Path) -> Option<PathBuf> {
    if is_outside(path) {
        return None;
    }
    mounts.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        if kind.split(' ').next() != Some("cgroup2") {
            return None;
        }
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        // Odd characters are written with a backslash. Nobody mounts control groups at such a place.
        if root.contains('\\') || point.contains('\\') {
            return None;
        }
        Some(Path::new(point).join(path.strip_prefix(root).ok()?))
    })
}

/// Whether a path leads out of what our namespace shows.
fn is_outside(path: &Path) -> bool {
    is_below(path, "..")
}

/// A user's service manager writes to the group that was delegated to it; we do not.
fn is_of_a_user_manager(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("user@"))
}

fn is_ours(path: &Path, dir: &Path) -> bool {
    let Ok(metadata) = fs::metadata(dir) else {
        return false;
    };
    let may = |path: &Path, access| {
        let flags = rustix::fs::AtFlags::EACCESS;
        rustix::fs::accessat(rustix::fs::CWD, path, access, flags).is_ok()
    };
    Facts {
        path,
        user: rustix::process::geteuid().as_raw(),
        owner: metadata.uid(),
        marked: is_marked(dir),
        writable: may(dir, Access::WRITE_OK | Access::EXEC_OK)
            && may(&dir.join("cgroup.procs"), Access::WRITE_OK),
    }
    .are_of_ours()
}

/// Whether systemd has marked a group as delegated.
fn is_marked(dir: &Path) -> bool {
    ["trusted.delegate", "user.delegate"].iter().any(|name| {
        let mut value = [0_u8; 8];
        let read = rustix::fs::getxattr(dir, *name, &mut value);
        read.is_ok_and(|length| value.get(..length) == Some(b"1"))
    })
}

fn memory_kills(events: &str) -> Option<u64> {
    let count = events
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?;
    count.trim().parse().ok()
}

/// The processes in a group itself. Those of another pid namespace have the number 0 and cannot be told
/// apart.
fn pids_in(dir: &Path) -> Vec<i32> {
    fs::read_to_string(dir.join("cgroup.procs"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.parse().ok())
        .filter(|pid| *pid > 0)
        .collect()
}

/// The processes in a group and in all groups below it: a task may make some of its own.
fn members(dir: &Path) -> Vec<i32> {
    let mut pids = pids_in(dir);
    for below in groups_in(dir) {
        pids.extend(members(&below));
    }
    pids
}

/// The groups right below a group.
fn groups_in(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// Removes a group and those below it, as far as nobody is in them.
fn remove(dir: &Path) {
    for below in groups_in(dir) {
        remove(&below);
    }
    // Busy, or never there: both are as good as it gets.
    let _stays = fs::remove_dir(dir);
}

fn own() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

#[cfg(test)]
#[path = "cgroup_tests.rs"]
mod tests;
